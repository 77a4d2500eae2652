package jwt_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/tokenlife/tokenlife/token"
)

// An opener is a Decrypter that finds the same text in every token.
type opener struct {
	plaintext string
	err       error
	asked     *int
}

func (o opener) Decrypt(_ context.Context, sealed token.Secret) ([]byte, error) {
	if o.asked != nil {
		*o.asked++
	}
	return []byte(o.plaintext), o.err
}

// sealed returns what looks like a token encrypted under header.
func sealed(t *testing.T, header set) string {
	return b64(set{"alg": "dir", "enc": "A256GCM", "cty": "JWT"}.with(header).json(t)) + ".." + b64("iv") + "." + b64("ciphertext") + "." + b64("tag")
}

func TestNested(t *testing.T) {
	t.Parallel()
	m := makerOf(t, "HS256")
	p := policy(m.named("1"))
	p.Type = "at+jwt" // of the token inside
	inside := set{"kid": "1", "typ": "at+jwt"}
	for _, cty := range []string{"JWT", "jwt", "application/JWT"} {
		p.Decrypt = opener{plaintext: m.token(t, inside, nil)}
		claims, err := verify(t, p, sealed(t, set{"cty": cty}))
		if err != nil || claims.Subject != "alice" {
			t.Errorf("cty %s: %v", cty, err)
		}
	}

	for _, test := range []struct {
		name, inside string
		kind         error
		why          string
	}{
		{"claims", good.json(t), token.ErrSignature, "it is encrypted, but what is in it is not signed"},
		{"claims with two dots", `{"iss":"a.b.c"}`, token.ErrSignature, "it is encrypted, but what is in it is not signed"},
		{"text", "hello", token.ErrSignature, "it is encrypted, but what is in it is not signed"},
		{"nothing", "", token.ErrSignature, "it is encrypted, but what is in it is not signed"},
		{"encrypted again", sealed(t, nil), token.ErrSignature, "it is encrypted, but what is in it is not signed"},
		{"unsigned", b64(`{"alg":"none","typ":"at+jwt"}`) + "." + b64(good.json(t)) + ".", token.ErrSignature, "alg: none"},
		{"badly signed", flip(m.token(t, inside, nil)), token.ErrMalformed, "segment 1 (header)"},
		{"for others", m.token(t, inside, set{"aud": "x"}), token.ErrAudience, ""},
		{"expired", m.token(t, inside, set{"exp": at(-50e9)}), token.ErrExpired, ""},
		{"of another type", m.token(t, set{"typ": "JWT"}, nil), token.ErrMalformed, "typ"},
		{"line break", m.token(t, inside, nil) + "\n", token.ErrMalformed, "white space"},
		{"too long", strings.Repeat("A", token.MaxSize) + "..", token.ErrMalformed, "plaintext: 1048578 bytes"},
	} {
		p.Decrypt = opener{plaintext: test.inside}
		claims, err := verify(t, p, sealed(t, nil))
		refused(t, claims, err, test.kind, test.why)
	}

	// What the Decrypter says, stands: it knows whose fault it is.
	for _, want := range []error{token.ErrSignature, errors.New("jwe: no keys")} {
		p.Decrypt = opener{err: want, plaintext: m.token(t, inside, nil)}
		if _, err := verify(t, p, sealed(t, nil)); err != want {
			t.Errorf("%v, want %v", err, want)
		}
	}
}

// What can be said without a key is said before the Decrypter is asked.
func TestSealedForm(t *testing.T) {
	t.Parallel()
	asked := 0
	p := policy(makerOf(t, "HS256").public)
	p.Decrypt = opener{plaintext: makerOf(t, "HS256").token(t, nil, nil), asked: &asked}
	text := sealed(t, nil)
	for _, test := range []struct{ name, text, why string }{
		{"no cty", sealed(t, set{"cty": nil}), "segment 1 (header): cty: not JWT"},
		{"another cty", sealed(t, set{"cty": "json"}), "segment 1 (header): cty: not JWT"},
		{"zip", sealed(t, set{"zip": "DEF"}), "segment 1 (header): zip"},
		{"crit", sealed(t, set{"crit": []string{"exp"}}), "segment 1 (header): crit"},
		{"no enc", sealed(t, set{"enc": nil}), "segment 1 (header): enc: missing"},
		{"no alg", sealed(t, set{"alg": nil}), "segment 1 (header): alg: missing"},
		{"line break", text + "\n", "segment 5: white space"},
		{"line break in iv", strings.Replace(text, b64("iv"), "\n"+b64("iv"), 1), "segment 3: white space"},
		{"key", strings.Replace(text, "..", ".=.", 1), "segment 2: padded"},
		{"ciphertext", strings.Replace(text, b64("ciphertext"), "A", 1), "segment 4: not base64url"},
	} {
		claims, err := verify(t, p, test.text)
		refused(t, claims, err, token.ErrMalformed, test.why)
	}
	if asked > 0 {
		t.Error("the Decrypter was asked")
	}

	p.Decrypt = nil
	claims, err := verify(t, p, text)
	refused(t, claims, err, token.ErrMalformed, "this Policy has no Decrypt")
}
