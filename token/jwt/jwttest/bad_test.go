package jwttest_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
	"github.com/tokenlife/tokenlife/token/jwt/jwttest"
)

// kinds are all the ways in which a token can be invalid.
var kinds = []error{
	token.ErrMalformed, token.ErrSignature, token.ErrExpired, token.ErrNotYetValid,
	token.ErrIssuer, token.ErrAudience, token.ErrRevoked,
}

// A Policy refuses each bad token for the fault that it has and no other, and
// accepts the good one they are made from. So does a handler behind Require,
// with 401.
func TestBad(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		alg, typ string
		audience string
		want     int
	}{
		{"ES256", "", "https://api.example", 34},
		{"ES256", "at+jwt", "https://api.example", 35},
		{"ES384", "", "", 31}, // its signatures have no bits to spare
		{"RS256", "", "https://api.example", 34},
		{"PS256", "", "https://api.example", 34},
		{"EdDSA", "", "https://api.example", 33}, // nothing is encrypted with its keys
		{"HS256", "", "https://api.example", 32}, // nor is there a public key
	} {
		t.Run(tt.alg+" "+tt.typ, func(t *testing.T) {
			t.Parallel()
			issuer := jwttest.NewIssuer(t)
			issuer.Algorithm, issuer.Type = tt.alg, tt.typ
			claims := map[string]any{"sub": "alice", "nbf": time.Now()}
			policy := &jwt.Policy{Keys: issuer, Issuer: issuer.URL, Type: tt.typ}
			if tt.audience != "" {
				claims["aud"], policy.Audience = tt.audience, []string{tt.audience}
			} else {
				policy.AnyAudience = true
			}
			if _, err := policy.Verify(t.Context(), issuer.Mint(claims).Value); err != nil {
				t.Fatalf("a good token: %v", err)
			}
			handler := token.Require(policy, http.NotFoundHandler())
			bad := issuer.Bad(claims)
			for _, bad := range bad {
				_, err := policy.Verify(t.Context(), bad.Token.Value)
				for _, kind := range kinds {
					if errors.Is(err, kind) != (kind == bad.Want) {
						t.Errorf("%s: %v, want %v", bad.Name, err, bad.Want)
					}
				}
				r := httptest.NewRequest("GET", "/", nil)
				bad.Token.SetHeader(r)
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, r)
				if w.Code != 401 {
					t.Errorf("%s: %d, want 401", bad.Name, w.Code)
				}
			}
			if len(bad) != tt.want {
				t.Errorf("%d bad tokens, want %d", len(bad), tt.want)
			}
		})
	}
}

// No two bad tokens have one name, or a test could not tell which was accepted.
func TestBadNames(t *testing.T) {
	t.Parallel()
	issuer := jwttest.NewIssuer(t)
	issuer.Type = "at+jwt"
	seen := map[string]int{}
	for _, bad := range issuer.Bad(map[string]any{"aud": "x"}) {
		seen[bad.Name]++
		seen[bad.Token.Value.Reveal()]++
	}
	for name, n := range seen {
		if n > 1 {
			t.Errorf("%d bad tokens are the same, or named the same: %.60q", n, name)
		}
	}
}

// The faults are by the issuer's clock: whoever has the same clock sees them.
func TestBadClock(t *testing.T) {
	t.Parallel()
	issuer := jwttest.NewIssuer(t)
	issuer.Now = func() time.Time { return time.Now().Add(-48 * time.Hour) }
	policy := &jwt.Policy{Keys: issuer, Issuer: issuer.URL, AnyAudience: true, Now: issuer.Now}
	want := map[string]error{
		"expired": token.ErrExpired, "not yet valid": token.ErrNotYetValid, "issued in the future": token.ErrNotYetValid,
	}
	got := map[string]error{}
	for _, bad := range issuer.Bad(nil) {
		if want[bad.Name] == nil {
			continue
		}
		_, err := policy.Verify(t.Context(), bad.Token.Value)
		var off *token.TimeError
		if errors.As(err, &off) {
			got[bad.Name] = off.Unwrap()
		}
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b error) bool { return a == b })); diff != "" {
		t.Errorf("refusals (-want +got):\n%s", diff)
	}
}

// The same over the way that an API in earnest has: discovery and key set, which
// tokens with made-up keys do not make it ask for again and again.
func TestBadRemote(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		issuer := jwttest.NewIssuer(t)
		policy := &jwt.Policy{
			Issuer:      issuer.URL,
			AnyAudience: true,
			Keys:        &jwt.Remote{Issuer: issuer.URL, Client: issuer.Client()},
		}
		if _, err := policy.Verify(t.Context(), issuer.Mint(nil).Value); err != nil {
			t.Fatal(err)
		}
		for _, bad := range issuer.Bad(nil) {
			if _, err := policy.Verify(t.Context(), bad.Token.Value); !errors.Is(err, bad.Want) {
				t.Errorf("%s: %v, want %v", bad.Name, err, bad.Want)
			}
		}
		if _, keys := issuer.Requests(); keys > 2 {
			t.Errorf("the keys were fetched %d times", keys)
		}

		// The issuer's own tokens do not depend on it, once its keys are known.
		issuer.Down(503)
		if _, err := policy.Verify(t.Context(), issuer.Mint(nil).Value); err != nil {
			t.Errorf("the issuer is down: %v", err)
		}
		issuer.AddKey()
		_, err := policy.Verify(t.Context(), issuer.Mint(nil).Value)
		if err == nil || errors.Is(err, token.ErrInvalid) {
			t.Errorf("the issuer is down and has a new key: %v, want an error that does not blame the token", err)
		}
		issuer.Up()
		time.Sleep(time.Minute)
		if _, err := policy.Verify(t.Context(), issuer.Mint(nil).Value); err != nil {
			t.Errorf("the issuer is up again: %v", err)
		}
	})
}
