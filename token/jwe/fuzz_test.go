package jwe_test

import (
	"encoding/json"
	"errors"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwe"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// fuzzed are keys that are the same in each run. Those of RSA are left out: they
// are too slow, and what a fuzzer changes does not get by them.
var fuzzed = jwt.Keys{
	{Shared: secret(16, 'k')}, {Shared: secret(24, 'k')}, {Shared: secret(32, 'k')},
	{Shared: secret(32, 'k'), Algorithm: "A256KW"}, {Shared: secret(32, 'k'), Algorithm: "A128CBC-HS256"},
}

// verdict checks that an error is one of those that a token is refused with.
func verdict(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, token.ErrInvalid) || len(err.Error()) > 400 {
		t.Errorf("%v", err)
	}
}

// Whatever a Policy accepts, go-jose decrypts too, to the same claims.
func FuzzPolicy(f *testing.F) {
	for _, a := range attacks(f) {
		if len(a.text) < 10_000 {
			f.Add(a.text)
		}
	}
	for _, k := range fuzzed {
		f.Add(encrypt(f, k, claims, jwe.Header{Type: "JWT"}))
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := policy(fuzzed...).Verify(t.Context(), token.NewSecret(text))
		if err != nil {
			verdict(t, err)
			return
		}
		j, err := gojose.ParseEncryptedCompact(text,
			[]gojose.KeyAlgorithm{gojose.DIRECT, gojose.A256KW},
			[]gojose.ContentEncryption{gojose.A128GCM, gojose.A192GCM, gojose.A256GCM, gojose.A128CBC_HS256, gojose.A192CBC_HS384, gojose.A256CBC_HS512})
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range fuzzed {
			if plaintext, err := j.Decrypt([]byte(k.Shared.Reveal())); err == nil {
				if c, err := token.ParseClaims(plaintext); err != nil || c.Subject != got.Subject || !c.Expiry.Equal(got.Expiry) {
					t.Errorf("%+v, go-jose: %+v, %v", got, c, err)
				}
				return
			}
		}
		t.Error("go-jose does not decrypt it")
	})
}

// Whatever a Decrypter is given, it neither panics nor says more than that it is
// refused. The keys are those of the RFCs' examples.
func FuzzDecrypter(f *testing.F) {
	var keys jwt.Keys
	for _, e := range examples(f) {
		f.Add(e.Token)
		if e.Refused == "" {
			keys = append(keys, parseKeys(f, string(e.Key))...)
		}
	}
	for _, v := range vectors(f) {
		f.Add(v.Token)
	}
	d := &jwe.Decrypter{Keys: keys, Algorithms: everything}
	f.Fuzz(func(t *testing.T, text string) {
		if plaintext, err := d.Decrypt(t.Context(), token.NewSecret(text)); err != nil {
			verdict(t, err)
			if plaintext != nil {
				t.Errorf("%q beside %v", plaintext, err)
			}
		}
	})
}

// Whatever a Dashboard is given, it opens nothing but the tokens that a
// Dashboard made, in any spelling of their JSON.
func FuzzDashboard(f *testing.F) {
	made := make(map[string]bool)
	for _, v := range vectors(f) {
		f.Add(v.Token)
		made[tagOf(v.Token)] = true
	}
	v := vectors(f)[0]
	for _, more := range []string{`"unprotected":{},`, `"recipients":[{"encrypted_key":""}],`, `"tag":"",`, `"x":[{}],`, `"header":{"alg":"dir"},`} {
		f.Add("{" + more + v.Token[1:])
	}
	d := &jwe.Dashboard{Keys: parseKeys(f, v.PrivateKeyPEM), TTL: -1, Now: at(v.Generated)}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := d.Open(t.Context(), token.NewSecret(text))
		switch {
		case err != nil:
			verdict(t, err)
		case !made[tagOf(text)] || s.Credential.Reveal() != v.Plaintext || s.IssuedAt.IsZero():
			t.Errorf("%+v of %s", s, text)
		}
	})
}

func tagOf(text string) string {
	var j struct{ Tag string }
	json.Unmarshal([]byte(text), &j)
	return j.Tag
}
