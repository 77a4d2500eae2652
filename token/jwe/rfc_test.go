package jwe_test

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwe"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// An example is one of RFC 7516, appendix A, or of RFC 7520, section 5.
type example struct {
	Name             string
	Key              json.RawMessage // a JWK
	Token, Plaintext string
	Refused, Because string
}

func examples(t testing.TB) (all []example) {
	t.Helper()
	text, err := os.ReadFile("testdata/rfc.json")
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil || len(all) != 18 {
		t.Fatal(len(all), err)
	}
	return all
}

var everything = []string{
	"dir", "A128KW", "A192KW", "A256KW", "RSA-OAEP-256", "RSA-OAEP",
	"ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW",
}

// What is accepted at all is decrypted, and the rest refused for what it is. A
// Policy, which asks for claims, takes none of them.
func TestRFCExamples(t *testing.T) {
	t.Parallel()
	kinds := map[string]error{"signature": token.ErrSignature, "malformed": token.ErrMalformed}
	for _, e := range examples(t) {
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			if got := byGoJose(t, e); got != e.Plaintext {
				t.Fatalf("the example is not what it says: %q", got)
			}
			keys, err := jwt.ParseKeys(e.Key)
			if err != nil {
				// A key for nothing that is known here.
				var k gojose.JSONWebKey
				if err := json.Unmarshal(e.Key, &k); err != nil {
					t.Fatal(err)
				}
				secret, _ := k.Key.([]byte)
				keys = jwt.Keys{{ID: k.KeyID, Shared: token.NewSecret(string(secret))}}
			}
			d := &jwe.Decrypter{Keys: keys, Algorithms: everything}
			got, err := d.Decrypt(t.Context(), token.NewSecret(e.Token))
			if want := kinds[e.Refused]; !errors.Is(err, want) {
				t.Fatalf("%v, want %v: %s", err, want, e.Because)
			}
			if e.Refused == "" {
				if diff := cmp.Diff(e.Plaintext, string(got)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}

			p := &jwe.Policy{Keys: keys, AnyIssuer: true, AnyAudience: true}
			if claims, err := p.Verify(t.Context(), token.NewSecret(e.Token)); !errors.Is(err, token.ErrInvalid) {
				t.Errorf("Policy: %+v, %v", claims, err)
			}
		})
	}
}

// byGoJose decrypts e with everything on.
func byGoJose(t *testing.T, e example) string {
	t.Helper()
	algs := []gojose.KeyAlgorithm{
		gojose.RSA1_5, gojose.RSA_OAEP, gojose.RSA_OAEP_256, gojose.DIRECT, gojose.A128KW, gojose.A256GCMKW,
		gojose.ECDH_ES, gojose.ECDH_ES_A128KW, gojose.ECDH_ES_A256KW, gojose.PBES2_HS512_A256KW,
	}
	encs := []gojose.ContentEncryption{gojose.A128GCM, gojose.A256GCM, gojose.A128CBC_HS256}
	parse := gojose.ParseEncryptedCompact
	if strings.HasPrefix(e.Token, "{") {
		parse = gojose.ParseEncryptedJSON
	}
	j, err := parse(e.Token, algs, encs)
	if err != nil {
		t.Fatal(err)
	}
	var k gojose.JSONWebKey
	if err := json.Unmarshal(e.Key, &k); err != nil {
		t.Fatal(err)
	}
	_, _, got, err := j.DecryptMulti(k.Key)
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

// The examples without alg in their keys are decrypted by default if what they
// use is usual, and otherwise only if it is listed.
func TestRFCExamplesByDefault(t *testing.T) {
	t.Parallel()
	want := map[string]bool{
		"RFC 7516 A.1: RSA-OAEP, A256GCM":       false, // SHA-1
		"RFC 7516 A.3: A128KW, A128CBC-HS256":   false, // the key might be for dir
		"RFC 7520 5.2: RSA-OAEP, A256GCM":       true,  // it is the key's alg
		"RFC 7520 5.4: ECDH-ES+A128KW, A128GCM": true,
		"RFC 7520 5.5: ECDH-ES, A128CBC-HS256":  true,
		"RFC 7520 5.6: dir, A128GCM":            true,
		"RFC 7520 5.8: A128KW, A128GCM":         true, // it is the key's alg
	}
	for _, e := range examples(t) {
		if e.Refused != "" {
			continue
		}
		d := &jwe.Decrypter{Keys: parseKeys(t, string(e.Key))}
		_, err := d.Decrypt(t.Context(), token.NewSecret(e.Token))
		if ok, listed := want[e.Name]; !listed || ok != (err == nil) || !ok && !errors.Is(err, token.ErrSignature) {
			t.Errorf("%s: %v", e.Name, err)
		}
	}
}
