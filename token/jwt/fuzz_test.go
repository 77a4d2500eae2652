package jwt_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// FuzzPolicy verifies any text, and any header and claims that the issuer
// signed, also within a token that is encrypted.
func FuzzPolicy(f *testing.F) {
	m := makerOf(f, "HS256")
	f.Add(m.token(f, nil, nil), set{"alg": "HS256", "kid": "1", "typ": "JWT"}.json(f), good.json(f))
	f.Add("a.b.c", `{"alg":"none"}`, good.with(set{"exp": nil}).json(f))
	f.Add(b64(`{"alg":"dir","enc":"A256GCM","cty":"JWT"}`)+"....", `{"alg":"HS256","crit":[]}`, `{"exp":1e10,"nbf":0,"iat":0.5,"aud":["x"]}`)
	f.Fuzz(func(t *testing.T, text, header, claims string) {
		p := policy(m.named("1"), makerOf(t, "ES256").named("2"))
		signed := m.sign(t, header, claims)
		for _, presented := range []string{text, signed} {
			p.Decrypt = opener{plaintext: signed}
			got, err := verify(t, p, presented)
			if err != nil {
				kinds := 0
				for _, kind := range kindsOfInvalid {
					if errors.Is(err, kind) {
						kinds++
					}
				}
				if kinds != 1 || !errors.Is(err, token.ErrInvalid) {
					t.Fatalf("%d kinds: %v", kinds, err)
				}
				continue
			}
			if got.Issuer != issuer || got.Expiry.IsZero() || noon.After(got.Expiry.Add(30e9)) {
				t.Fatalf("accepted: %+v", got)
			}
			if presented != signed {
				continue
			}
			var all struct {
				Alg  string
				Crit any
			}
			if err := json.Unmarshal([]byte(header), &all); err != nil || all.Alg != "HS256" || all.Crit != nil {
				t.Fatalf("accepted under the header %s", header)
			}
			if strings.ContainsAny(presented, "\r\n ") {
				t.Fatal("accepted with white space in it")
			}
		}
	})
}

func FuzzParseKeys(f *testing.F) {
	for _, alg := range []string{"HS256", "RS256", "ES256", "EdDSA"} {
		m := makerOf(f, alg)
		f.Add([]byte(jwkOf(f, m.key, set{"kid": "1", "use": "sig"}).json(f)))
		if m.public.Public != nil {
			f.Add([]byte(jwkSet(f, jwkOf(f, m.public.Public, set{"key_ops": []string{"verify"}}), jwkOf(f, m.public.Public, set{"alg": alg}))))
		}
	}
	f.Add([]byte(block("PUBLIC KEY", []byte("0"))))
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"","e":"AQAB","d":""},{"kty":"OKP","crv":"Ed25519","x":"","d":""}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := jwt.ParseKeys(data)
		if (err == nil) == (len(keys) == 0) || errors.Is(err, token.ErrInvalid) {
			t.Fatalf("%v, %v", keys, err)
		}
		for _, k := range keys {
			if k.Public == nil && k.Private == nil && k.Shared.IsZero() {
				t.Fatal("a key without a key")
			}
			_ = k.String()
		}
		if len(keys) == 0 {
			return
		}
		// None of them verifies what is not signed, and none panics.
		for _, alg := range algorithmNames {
			p := policy(keys...)
			p.Algorithms = algorithmNames
			text := b64(`{"alg":"`+alg+`"}`) + "." + b64(good.json(t)) + "." + b64(strings.Repeat("s", 64))
			if _, err := verify(t, p, text); !errors.Is(err, token.ErrSignature) {
				t.Fatalf("%s: %v", alg, err)
			}
		}
	})
}
