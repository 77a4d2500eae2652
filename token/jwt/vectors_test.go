package jwt

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/internal/jose"
	"github.com/tokenlife/tokenlife/token"
)

// readVectors reads a file of published examples.
func readVectors(t *testing.T, file string, v any) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}

// vectorPolicy returns a Policy for keys, whoever uses them for what.
func vectorPolicy(t *testing.T, jwk json.RawMessage, at time.Time) *Policy {
	t.Helper()
	keys, err := ParseKeys(jwk)
	if err != nil {
		t.Fatal(err)
	}
	return &Policy{
		Keys: keys, AnyIssuer: true, AnyAudience: true,
		Algorithms: []string{"HS256", "RS256", "PS384", "ES256", "ES512", "EdDSA"},
		Now:        func() time.Time { return at },
	}
}

// checkSignature is what Verify does of a compact JWS but for its payload,
// which in these examples is prose.
func checkSignature(t *testing.T, p *Policy, text string) error {
	segments := strings.Split(text, ".")
	if len(segments) != 3 {
		return token.ErrMalformed
	}
	header, err := decodeHeader(segments[0])
	if err != nil {
		return err
	}
	if err := jose.Check(segments[1]); err != nil {
		return err
	}
	signature, err := jose.Decode(nil, segments[2])
	if err != nil {
		return err
	}
	return p.verifySignature(t.Context(), &header, segments[0]+"."+segments[1], signature)
}

// TestVectorsJWS has the examples of RFC 7515, RFC 7519, RFC 7520, RFC 7797 and
// RFC 8037. Where the header is signed, in whatever form, the signature is good
// here too. The claims in them ended in 2011, and prose has none.
func TestVectorsJWS(t *testing.T) {
	t.Parallel()
	var vectors []struct {
		Name      string
		Key       json.RawMessage
		Presented string // as it is in the RFC
		Policy    string // what it says to that: malformed, signature, or of 2011

		// What is signed and how, in compact form, if anything.
		Signed, Signature string
	}
	readVectors(t, "jws.json", &vectors)
	if len(vectors) < 25 {
		t.Fatalf("%d vectors", len(vectors))
	}
	end := time.Unix(1300819380, 0)
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			p := vectorPolicy(t, v.Key, end.Add(-time.Minute))
			if v.Signed != "" {
				if err := checkSignature(t, p, v.Signed+"."+v.Signature); err != nil {
					t.Errorf("signature: %v", err)
				}
				// And it is that of this text, and of no other.
				for _, other := range []string{v.Signed + "A", v.Signed[:len(v.Signed)-4], strings.Replace(v.Signed, ".", ".AAAA", 1)} {
					if err := checkSignature(t, p, other+"."+v.Signature); err == nil {
						t.Error("the signature is good for another payload too")
					}
				}
			}
			claims, err := p.Verify(t.Context(), token.NewSecret(v.Presented))
			switch v.Policy {
			case "of 2011":
				if err != nil || claims.Issuer != "joe" || !claims.Expiry.Equal(end) {
					t.Errorf("in 2011: %q, %v, %v", claims.Issuer, claims.Expiry, err)
				}
				now := vectorPolicy(t, v.Key, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
				if _, err := now.Verify(t.Context(), token.NewSecret(v.Presented)); !errors.Is(err, token.ErrExpired) {
					t.Errorf("in 2026: %v", err)
				}
			case "signature":
				if !errors.Is(err, token.ErrSignature) {
					t.Error(err)
				}
			case "malformed":
				if !errors.Is(err, token.ErrMalformed) {
					t.Error(err)
				}
			default:
				t.Errorf("%q is no verdict", v.Policy)
			}
		})
	}
}

// TestVectorsWycheproof has a part of C2SP/wycheproof's
// json_web_signature_test.json: what is wrong with the text and the header. Of
// modified paddings there are more in TestAttackPKCS1.
func TestVectorsWycheproof(t *testing.T) {
	t.Parallel()
	var groups []struct {
		Key   json.RawMessage
		Tests []struct {
			Comment, JWS string
			Valid        bool
		}
	}
	readVectors(t, "wycheproof.json", &groups)
	for _, g := range groups {
		p := vectorPolicy(t, g.Key, time.Now())
		for _, v := range g.Tests {
			err := checkSignature(t, p, v.JWS)
			if (err == nil) != v.Valid {
				t.Errorf("%s, %s...: %v, valid: %v", v.Comment, v.JWS[:min(len(v.JWS), 40)], err, v.Valid)
			}
			_, err = p.Verify(t.Context(), token.NewSecret(v.JWS)) // "foo" is no claims
			if !errors.Is(err, token.ErrMalformed) {
				t.Errorf("%s: %v", v.Comment, err)
			}
		}
	}
}

// TestVectorsJWK has the keys of RFC 7517, appendix A.1 to A.3 and B.
func TestVectorsJWK(t *testing.T) {
	t.Parallel()
	var sets map[string]json.RawMessage
	readVectors(t, "jwk.json", &sets)
	type want struct {
		id, algorithm, use      string
		public, private, shared bool
	}
	for name, wants := range map[string][]want{
		// A public key for encryption does nothing for those who read tokens.
		"RFC 7517, A.1": {{id: "2011-04-29", algorithm: "RS256", public: true}},
		// And a private one that only signs is kept for what its public half
		// verifies.
		"RFC 7517, A.2": {{id: "1", use: "enc", public: true, private: true}, {id: "2011-04-29", algorithm: "RS256", public: true}},
		"RFC 7517, A.3": {{algorithm: "A128KW", shared: true}, {id: "HMAC key used in JWS spec Appendix A.1 example", shared: true}},
		"RFC 7517, B":   {{id: "1b94c", use: "sig", public: true}},
	} {
		t.Run(name, func(t *testing.T) {
			keys, err := ParseKeys(sets[name])
			if err != nil {
				t.Fatal(err)
			}
			if len(keys) != len(wants) {
				t.Fatalf("%d keys, want %d", len(keys), len(wants))
			}
			for i, k := range keys {
				got := want{k.ID, k.Algorithm, k.Use, k.Public != nil, k.Private != nil, !k.Shared.IsZero()}
				if got != wants[i] {
					t.Errorf("key %d: %+v, want %+v", i, got, wants[i])
				}
			}
		})
	}
}
