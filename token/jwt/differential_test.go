package jwt_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	gojwt "github.com/golang-jwt/jwt/v5"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// What three libraries read in one token.
type reading struct {
	issuer, subject, id         string
	audience                    []string
	issuedAt, notBefore, expiry int64 // -1 if there is none
}

// The key is a byte slice for HS256 or an ed25519.PublicKey for EdDSA.

func readOurs(text string, key any) (reading, error) {
	k := jwt.Key{}
	switch key := key.(type) {
	case []byte:
		k.Shared = token.NewSecret(string(key))
	case ed25519.PublicKey:
		k.Public = key
	}
	p := &jwt.Policy{Keys: jwt.Keys{k}, AnyIssuer: true, AnyAudience: true, Now: func() time.Time { return forgeNow }}
	c, err := p.Verify(context.Background(), token.NewSecret(text))
	if err != nil {
		return reading{}, err
	}
	seconds := func(t time.Time) int64 {
		if t.IsZero() {
			return -1
		}
		return t.Unix()
	}
	return reading{c.Issuer, c.Subject, c.ID, c.Audience, seconds(c.IssuedAt), seconds(c.NotBefore), seconds(c.Expiry)}, nil
}

// theirOptions are golang-jwt's defaults but for the algorithm, the time and a
// leeway as large as ours.
var theirOptions = []gojwt.ParserOption{
	gojwt.WithValidMethods([]string{"HS256", "EdDSA"}), gojwt.WithTimeFunc(func() time.Time { return forgeNow }), gojwt.WithLeeway(30 * time.Second),
}

func readRegistered(text string, key any) (reading, error) {
	var c gojwt.RegisteredClaims
	if _, err := gojwt.ParseWithClaims(text, &c, func(*gojwt.Token) (any, error) { return key, nil }, theirOptions...); err != nil {
		return reading{}, err
	}
	seconds := func(d *gojwt.NumericDate) int64 {
		if d == nil {
			return -1
		}
		return d.Unix()
	}
	return reading{c.Issuer, c.Subject, c.ID, c.Audience, seconds(c.IssuedAt), seconds(c.NotBefore), seconds(c.ExpiresAt)}, nil
}

func readMap(text string, key any) error {
	_, err := gojwt.Parse(text, func(*gojwt.Token) (any, error) { return key, nil }, append([]gojwt.ParserOption{gojwt.WithJSONNumber()}, theirOptions...)...)
	return err
}

func readGoJOSE(text string, key any) (reading, error) {
	parsed, err := josejwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.HS256, jose.EdDSA})
	if err != nil {
		return reading{}, err
	}
	var c josejwt.Claims
	if err := parsed.Claims(key, &c); err != nil {
		return reading{}, err
	}
	if err := c.ValidateWithLeeway(josejwt.Expected{Time: forgeNow}, 30*time.Second); err != nil {
		return reading{}, err
	}
	seconds := func(d *josejwt.NumericDate) int64 {
		if d == nil {
			return -1
		}
		return int64(*d)
	}
	return reading{c.Issuer, c.Subject, c.ID, c.Audience, seconds(c.IssuedAt), seconds(c.NotBefore), seconds(c.Expiry)}, nil
}

// compare says how theirs differs from ours. They read dates by way of a
// float64, which may round a fraction up to the next second.
func (ours reading) compare(theirs reading) error {
	date := func(ours, theirs int64) bool { return theirs == ours || ours >= 0 && theirs == ours+1 }
	if ours.issuer != theirs.issuer || ours.subject != theirs.subject || ours.id != theirs.id ||
		!slices.Equal(ours.audience, theirs.audience) ||
		!date(ours.issuedAt, theirs.issuedAt) || !date(ours.notBefore, theirs.notBefore) || !date(ours.expiry, theirs.expiry) {
		return fmt.Errorf("they read\n%#v, we\n%#v", theirs, ours)
	}
	return nil
}

// FuzzDifferential holds what the package comment promises: what a Policy
// accepts, golang-jwt and go-jose accept too, with the same claims. Any header
// and payload are signed here, and the text is changed after that.
func FuzzDifferential(f *testing.F) {
	secret := []byte("0123456789abcdef0123456789abcdef")
	private := ed25519.NewKeyFromSeed(secret)
	forger := new(forger)

	const good = `{"iss":"i","sub":"s","aud":["a","b"],"exp":1800000600,"nbf":1799999990,"iat":1799999990,"jti":"j"}`
	for _, header := range []string{
		`{"alg":"HS256"}`, `{"alg":"EdDSA"}`, `{"alg":"HS256","typ":"JWT","kid":"k"}`, `{"\u0061lg":"HS256","x":{"y":[1,2.5,null,true,"\ud83d\ude00"]}}`,
		`{"alg":"HS256","cty":"JWT"}`, `{"alg":"HS256","crit":["x"],"x":1}`, `{"alg":"HS256","b64":false}`, `{"alg":"none","alg":"HS256"}`,
		`{"alg":"HS256","kid":1}`, `{"alg":"HS256","KID":"x"}`, `{"alg":"HS256","zip":"DEF"}`, `{"alg":"HS256","enc":"A256GCM"}`,
		`{"alg":"HS256","jku":"https://x/","x5u":"https://x/","x5t":"AAAA"}`, `{"alg":"HS256","nonce":"n"}`, `{"alg":"HS256","":""}`,
	} {
		f.Add(header, good, uint16(0), "", false)
		f.Add(header, good, uint16(0), "", true)
	}
	for _, payload := range []string{
		`{"exp":1800000600}`, `{"exp":18000006e2,"iat":1799999990.5}`, `{"exp":1800000600.9999999999,"aud":"a"}`, `{"exp":1800000600,"aud":[]}`,
		`{"exp":1800000600,"nbf":0,"iat":0}`, `{"exp":1799999971}`, `{"exp":1800000600,"nbf":1800000029}`, `{"exp":253402300799}`,
		`{"exp":1800000600,"EXP":1}`, `{"exp":1800000600,"SUB":"x"}`, `{"exp":1800000600,"\u017fub":"x"}`, `{"exp":1,"exp":1800000600}`,
		`{"exp":"1800000600"}`, `{"exp":null}`, `null`, `[]`, `{}`, `{"exp":1800000600} {}`, "\ufeff{}", "{\"exp\":1800000600,\"x\":\"\xff\"}",
		`{"exp":1800000600,"x":1e400}`, `{"exp":1800000600,"x":"\ud800"}`, `{"exp":1800000600,"x":{"a":1,"A":2}}`, `{"exp":1800000600,"sub":null}`,
		`{"exp":1800000600,"iss":"\u0000\u00e9\ud83d\ude00"}`, ` { "exp" : 1800000600 , "sub" : "" } `,
	} {
		f.Add(`{"alg":"HS256"}`, payload, uint16(0), "", false)
		f.Add(`{"alg":"EdDSA"}`, payload, uint16(0), "", true)
	}
	for _, insert := range []string{"\n", "\r\n", " ", "=", ".", "A", "\x00", "+", "%0a"} {
		for _, at := range []uint16{0, 1, 19, 20, 21, 60, 150, 1 << 15} {
			f.Add(`{"alg":"HS256"}`, good, at, insert, false)
		}
	}

	f.Fuzz(func(t *testing.T, header, payload string, at uint16, insert string, ed bool) {
		var key any = secret
		sign := forger.hmac(crypto.SHA256, secret)
		if ed {
			key, sign = private.Public(), forger.eddsa(private)
		}
		text := forger.token(header, payload, sign)
		i := min(int(at), len(text))
		text = text[:i] + insert + text[i:]

		switch accepted, err := differs(header, text, key); {
		case err != nil:
			t.Error(err)
		case accepted && insert != "":
			t.Errorf("accepted with %q in it", insert)
		}
	})
}

// differs reports whether this package accepts text, and what is wrong with
// that: a difference to the others.
func differs(header, text string, key any) (accepted bool, err error) {
	ours, err := readOurs(text, key)
	if err != nil {
		if !errors.Is(err, token.ErrInvalid) {
			return false, fmt.Errorf("no answer: %w", err)
		}
		return false, nil
	}
	if theirs, err := readRegistered(text, key); err != nil {
		return true, fmt.Errorf("golang-jwt: %w", err)
	} else if err := ours.compare(theirs); err != nil {
		return true, fmt.Errorf("golang-jwt: %w", err)
	}
	if err := readMap(text, key); err != nil {
		return true, fmt.Errorf("golang-jwt, as a map: %w", err)
	}
	// go-jose reads parameters that nobody should use, and minds what is in
	// them: a key and certificates chosen by the presenter, and ACME's nonce.
	unread := strings.Contains(header, `"jwk"`) || strings.Contains(header, `"x5c"`) || strings.Contains(header, `"nonce"`) || strings.Contains(header, `\u`)
	if theirs, err := readGoJOSE(text, key); err != nil {
		if !unread {
			return true, fmt.Errorf("go-jose: %w", err)
		}
	} else if err := ours.compare(theirs); err != nil {
		return true, fmt.Errorf("go-jose: %w", err)
	}
	return true, nil
}

// TestDifferentialMembers puts each of many values into each of many members,
// which a fuzzer seldom hits upon.
func TestDifferentialMembers(t *testing.T) {
	t.Parallel()
	secret := []byte("0123456789abcdef0123456789abcdef")
	f := forge()
	names := []string{
		"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "alg", "typ", "cty", "kid", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "crit", "b64",
		"zip", "enc", "epk", "apu", "apv", "iv", "tag", "p2s", "p2c", "nonce", "url", "scope", "cnf", "azp", "client_id", "kubernetes.io", "", "x",
	}
	for _, name := range names[:19] {
		names = append(names, strings.ToUpper(name), strings.ToUpper(name[:1])+name[1:], name[:len(name)-1]+strings.ToUpper(name[len(name)-1:]),
			" "+name, name+" ", name+`\u0000`, fmt.Sprintf(`\u%04x`, name[0])+name[1:], strings.Replace(name, "s", `\u017f`, 1), strings.Replace(name, "k", `\u212a`, 1))
	}
	values := []string{
		`null`, `true`, `false`, `0`, `-0`, `1`, `-1`, `1.5`, `1e2`, `1E+2`, `1e-2`, `1e400`, `-1e400`, `1e-400`, `12345678901234567890123`, `9007199254740993`,
		`1800000600`, `1800000600.5`, `1800000600.9999999999999`, `18000006e2`, `1799999980`, `1800000010`, `1800000025`, `1700000000`, `253402300799`, `253402300800`,
		`""`, `"i"`, `"HS256"`, `"none"`, `"1800000600"`, `"\u0000"`, `"\ud83d\ude00"`, `"\ud800"`, `"\/"`, "\"\u00e9\"", "\"\x7f\"", "\"\xff\"", "\"\n\"", "\"\u2028\"",
		`[]`, `[""]`, `["a","b"]`, `["a",null]`, `["a",1]`, `[["a"]]`, `["exp"]`, `{}`, `{"a":1}`, `{"a":1,"a":2}`, `{"a":1,"A":2}`, `{"":0}`, `[{"a":[{}]}]`,
	}
	tried, good, bad := 0, 0, 0
	try := func(header, payload string) {
		tried++
		accepted, err := differs(header, f.token(header, payload, f.hmac(crypto.SHA256, secret)), secret)
		if err != nil {
			if bad++; bad <= 20 {
				t.Errorf("%s %s: %v", header, payload, err)
			}
		}
		if accepted {
			good++
		}
	}
	for _, name := range names {
		for _, value := range values {
			member := `"` + name + `":` + value
			try(`{"alg":"HS256",`+member+`}`, `{"exp":1800000600}`)
			try(`{`+member+`,"alg":"HS256"}`, `{"exp":1800000600}`)
			try(`{"alg":"HS256"}`, `{"exp":1800000600,`+member+`}`)
			try(`{"alg":"HS256"}`, `{`+member+`}`)
		}
	}
	if bad > 0 {
		t.Errorf("%d of %d differ", bad, tried)
	}
	if good < tried/4 {
		t.Errorf("only %d of %d are accepted: what is tried is too odd", good, tried)
	}
}

// TestDifferential has odd tokens, all of them signed with the right key, and
// the verdict of this package beside those of the others. A change in theirs is
// worth a look, no more; ours must stay.
func TestDifferential(t *testing.T) {
	t.Parallel()
	secret := []byte("0123456789abcdef0123456789abcdef")
	f := forge()
	const hs256, good = `{"alg":"HS256"}`, `{"exp":1800000600}`
	signed := f.token(hs256, good, f.hmac(crypto.SHA256, secret))

	const yes, no = true, false
	for _, c := range []struct {
		name, header, payload string
		text                  func(string) string // what becomes of the token
		ours                  error               // nil: accepted

		registered, asMap, goJOSE bool // golang-jwt's two ways, and go-jose: accepted
	}{
		{"a plain one", hs256, good, nil, nil, yes, yes, yes},

		// Spellings of one token.
		{"LF inside the signature", hs256, good, func(s string) string { return s[:len(s)-5] + "\n" + s[len(s)-5:] }, token.ErrMalformed, yes, yes, yes},
		{"CRLF at the end", hs256, good, func(s string) string { return s + "\r\n" }, token.ErrMalformed, yes, yes, yes},
		{"a space at the end", hs256, good, func(s string) string { return s + " " }, token.ErrMalformed, no, no, no},
		{"padded", hs256, good, func(s string) string { return s + "=" }, token.ErrMalformed, no, no, no},
		{"stray bits", hs256, good, strayBits, token.ErrMalformed, yes, yes, yes},
		{"flattened JSON", hs256, good, flattened, token.ErrMalformed, no, no, no},

		// Members that are there twice, or once in another case.
		{"exp past, EXP to come", hs256, `{"exp":1700000000,"EXP":1800000600}`, nil, token.ErrMalformed, yes, no, no},
		{"EXP past, exp to come", hs256, `{"EXP":1700000000,"exp":1800000600}`, nil, token.ErrMalformed, yes, yes, yes},
		{"exp twice: past, to come", hs256, `{"exp":1700000000,"exp":1800000600}`, nil, token.ErrMalformed, yes, yes, no},
		{"exp twice: to come, past", hs256, `{"exp":1800000600,"exp":1700000000}`, nil, token.ErrMalformed, no, no, no},
		{"exp escaped", hs256, `{"exp":1700000000,"\u0065xp":1800000600}`, nil, token.ErrMalformed, yes, yes, no},
		{"SUB, and no sub", hs256, `{"exp":1800000600,"SUB":"root"}`, nil, token.ErrMalformed, yes, yes, yes},
		{"NBF to come, and no nbf", hs256, `{"exp":1800000600,"NBF":1800000500}`, nil, token.ErrMalformed, no, yes, yes},
		{"alg twice: none, HS256", `{"alg":"none","alg":"HS256"}`, good, nil, token.ErrMalformed, yes, yes, no},
		{"alg twice: HS256, none", `{"alg":"HS256","alg":"none"}`, good, nil, token.ErrMalformed, no, no, no},
		{"ALG none beside it", `{"alg":"HS256","ALG":"none"}`, good, nil, token.ErrMalformed, yes, yes, yes},

		// What changes the meaning of the rest.
		{"crit, unknown", `{"alg":"HS256","crit":["x"],"x":1}`, good, nil, token.ErrMalformed, yes, yes, no},
		{"crit, empty", `{"alg":"HS256","crit":[]}`, good, nil, token.ErrMalformed, yes, yes, yes},
		{"b64 false, in crit", `{"alg":"HS256","b64":false,"crit":["b64"]}`, good, nil, token.ErrMalformed, yes, yes, no},
		{"b64 false, not in crit", `{"alg":"HS256","b64":false}`, good, nil, token.ErrMalformed, yes, yes, no},
		{"enc, as in a JWE", `{"alg":"HS256","enc":"A256GCM"}`, good, nil, token.ErrMalformed, yes, yes, yes},
		{"zip", `{"alg":"HS256","zip":"DEF"}`, good, nil, token.ErrMalformed, yes, yes, yes},
		{"a number that no float64 holds", `{"alg":"HS256","x":1e400}`, good, nil, token.ErrMalformed, no, no, no},

		// Dates.
		{"no exp", hs256, `{}`, nil, token.ErrMalformed, yes, yes, yes},
		{"exp in milliseconds", hs256, `{"exp":1800000600000}`, nil, token.ErrMalformed, yes, yes, yes},
		{"exp 99999999999999", hs256, `{"exp":99999999999999}`, nil, token.ErrMalformed, yes, yes, yes},
		{"exp null", hs256, `{"exp":null}`, nil, token.ErrMalformed, yes, no, yes},
		{"exp a string", hs256, `{"exp":"1800000600"}`, nil, token.ErrMalformed, yes, no, no},
		{"exp negative", hs256, `{"exp":-1}`, nil, token.ErrMalformed, no, no, no},
		{"exp 1e400", hs256, `{"exp":1e400}`, nil, token.ErrMalformed, no, no, no},
		{"exp with a fraction", hs256, `{"exp":1800000600.75}`, nil, nil, yes, yes, yes},
		{"exp within the leeway", hs256, `{"exp":1799999971}`, nil, nil, yes, yes, yes},
		{"exp before nbf, both within the leeway", hs256, `{"exp":1799999990,"nbf":1800000010}`, nil, token.ErrMalformed, yes, yes, yes},
		{"iat to come", hs256, `{"exp":1800000600,"iat":1800000300}`, nil, token.ErrNotYetValid, yes, yes, no},
		{"nbf to come", hs256, `{"exp":1800000600,"nbf":1800000300}`, nil, token.ErrNotYetValid, no, no, no},

		// Not quite claims.
		{"payload null", hs256, `null`, nil, token.ErrMalformed, yes, yes, yes},
		{"payload an array", hs256, `[]`, nil, token.ErrMalformed, no, no, no},
		{"two objects", hs256, good + ` ` + good, nil, token.ErrMalformed, no, yes, no}, // WithJSONNumber does it
		{"invalid UTF-8", hs256, "{\"exp\":1800000600,\"sub\":\"\xff\"}", nil, token.ErrMalformed, yes, yes, yes},
		{"half a surrogate pair", hs256, `{"exp":1800000600,"sub":"\ud800"}`, nil, token.ErrMalformed, yes, yes, yes},
		{"a byte order mark", hs256, "\ufeff" + good, nil, token.ErrMalformed, no, no, no},
		{"sub a number", hs256, `{"exp":1800000600,"sub":1}`, nil, token.ErrMalformed, no, yes, no},
		{"sub null", hs256, `{"exp":1800000600,"sub":null}`, nil, token.ErrMalformed, yes, yes, yes},
		{"aud with null in it", hs256, `{"exp":1800000600,"aud":["a",null]}`, nil, token.ErrMalformed, no, yes, no},
		{"a jwk that is none", `{"alg":"HS256","jwk":"x"}`, good, nil, nil, yes, yes, no}, // nobody here reads it
		{"typ of another kind of token", `{"alg":"HS256","typ":"logout+jwt"}`, good, nil, nil, yes, yes, yes},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := f.token(c.header, c.payload, f.hmac(crypto.SHA256, secret))
			if c.text != nil {
				if text = c.text(text); text == signed {
					t.Fatal("not changed")
				}
			}
			_, err := readOurs(text, secret)
			if c.ours == nil && err != nil || c.ours != nil && !errors.Is(err, c.ours) {
				t.Errorf("this package: %v, want %v", err, c.ours)
			}
			_, err = readRegistered(text, secret)
			if (err == nil) != c.registered {
				t.Errorf("golang-jwt with RegisteredClaims: %v, want it to accept: %v", err, c.registered)
			}
			if err := readMap(text, secret); (err == nil) != c.asMap {
				t.Errorf("golang-jwt with MapClaims: %v, want it to accept: %v", err, c.asMap)
			}
			_, err = readGoJOSE(text, secret)
			if (err == nil) != c.goJOSE {
				t.Errorf("go-jose: %v, want it to accept: %v", err, c.goJOSE)
			}
		})
	}
}

// strayBits sets a bit of the last letter that no byte has.
func strayBits(text string) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := len(text) - 1
	return text[:last] + string(letters[strings.IndexByte(letters, text[last])|1])
}

func flattened(text string) string {
	parts := strings.Split(text, ".")
	return `{"protected":"` + parts[0] + `","payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`
}
