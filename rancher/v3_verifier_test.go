package rancher_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/token"
)

// What a V3Verifier says of a token, and what token.Require then answers.
func TestV3Verifier(t *testing.T) {
	t.Parallel()
	const cluster = "c-abcde"
	for _, test := range []struct {
		name   string
		do     func(c *chainTest)
		token  func(c *chainTest) string
		want   error // nil is a good token, or no verdict
		status int
		asked  bool
	}{
		{"good", nil, nil, nil, 200, true},
		{"empty", nil, func(*chainTest) string { return "" }, token.ErrMalformed, 401, false},
		{"no colon", nil, func(*chainTest) string { return "token-abcde" }, token.ErrMalformed, 401, false},
		{"two colons", nil, func(c *chainTest) string { return c.key.Value.Reveal() + ":x" }, token.ErrMalformed, 401, false},
		{"too long", nil, func(c *chainTest) string { return c.key.Value.Reveal() + strings.Repeat("b", 1000) }, token.ErrMalformed, 401, false},
		{"wrong secret", nil, func(c *chainTest) string { return c.key.Value.Reveal() + "b" }, token.ErrRevoked, 401, true},
		{"unknown", nil, func(c *chainTest) string { return "token-aaaaa:bbbbbbbb" }, token.ErrRevoked, 401, true},
		{"expired", func(*chainTest) { time.Sleep(81 * 24 * time.Hour) }, nil, token.ErrRevoked, 401, true},
		{"disabled", func(c *chainTest) { c.fake.DisableToken(c.keyName()) }, nil, token.ErrRevoked, 401, true},
		{"deleted", func(c *chainTest) { c.fake.DeleteToken(c.keyName()) }, nil, token.ErrRevoked, 401, true},
		{"user disabled", func(c *chainTest) { c.fake.DisableUser("mira", true) }, nil, token.ErrRevoked, 401, true},
		{"server away", func(c *chainTest) { c.fake.SetFault(ranchertest.Drop) }, nil, nil, 503, true},
		{"server busy", func(c *chainTest) { c.fake.SetFault(ranchertest.Status(503)) }, nil, nil, 503, true},
		{"401 of a proxy", func(c *chainTest) { c.fake.SetFault(ranchertest.Status(401)) }, nil, nil, 503, true},
		{"page", func(c *chainTest) { c.fake.SetFault(ranchertest.Page) }, nil, nil, 503, true},
		{"redirect", func(c *chainTest) { c.fake.SetFault(ranchertest.Redirect("https://elsewhere.example/")) }, nil, nil, 503, true},
		{"truncated", func(c *chainTest) { c.fake.SetFault(ranchertest.Truncate) }, nil, nil, 503, true},
		{"endless", func(c *chainTest) { c.fake.SetFault(ranchertest.Endless) }, nil, nil, 503, true},
		{"403, and may not say", func(c *chainTest) {
			c.fake.SetFault(func(http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("X-Api-Cattle-Auth", "true")
					ranchertest.Answer(403, `{"type":"error","status":403,"code":"Forbidden"}`)(nil).ServeHTTP(w, r)
				})
			})
		}, nil, nil, 503, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newChainTest(t, "v2.13.1")
				c.fake.AddCluster(cluster)
				presented := c.key.Value
				if test.token != nil {
					presented = token.NewSecret(test.token(c))
				}
				if test.do != nil {
					test.do(c)
				}
				before := len(c.fake.Requests())
				v := &rancher.V3Verifier{Client: c.client}
				claims, err := v.Verify(t.Context(), presented)
				switch {
				case test.want != nil && !errors.Is(err, test.want):
					t.Errorf("got %v, want %v", err, test.want)
				case test.want == nil && errors.Is(err, token.ErrInvalid), test.status == 503 && err == nil, test.status == 200 && err != nil:
					t.Errorf("got %v", err)
				case errors.Is(err, token.ErrRefused):
					t.Errorf("%v blames a credential of our own", err)
				}
				if asked := len(c.fake.Requests()) > before; asked != test.asked {
					t.Errorf("the server was asked: %t", asked)
				}
				if err != nil && strings.Contains(err.Error(), secretOf(c.key)) {
					t.Errorf("the secret is in %q", err)
				}
				if test.status == 200 {
					if len(claims.Audience) > 0 { // so that whoever wants one accepts none
						t.Errorf("it is for %q", claims.Audience)
					}
					if claims.Subject == "" || claims.ID != c.keyName() || claims.Issuer != c.fake.URL {
						t.Errorf("claims %+v", claims)
					}
				} else if diff := cmp.Diff(token.Claims{}, claims, cmpopts.IgnoreUnexported(token.Claims{})); diff != "" {
					t.Errorf("claims with an error: %s", diff)
				}

				cached := &token.VerifierCache{Verifier: v}
				for range 2 {
					w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
					if !presented.IsZero() {
						r.Header.Set("Authorization", "Bearer "+presented.Reveal())
					}
					token.Require(cached, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if got, ok := token.FromContext(r.Context()); !ok || got.Subject != claims.Subject {
							t.Errorf("claims %v, %t", got, ok)
						}
					})).ServeHTTP(w, r)
					if w.Code != test.status {
						t.Errorf("status %d, want %d", w.Code, test.status)
					}
				}
			})
		})
	}
}

// A token confined to a cluster does not say who its user is.
func TestV3VerifierConfined(t *testing.T) {
	t.Parallel()
	c := newChainTest(t, "v2.13.1")
	c.fake.AddCluster("c-abcde")
	with := &rancher.V3{Server: c.client.Server, Source: token.Static(token.Token{Value: c.key.Value})}
	confined, _, err := with.Create(t.Context(), rancher.V3Request{Cluster: "c-abcde"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (&rancher.V3Verifier{Client: c.client}).Verify(t.Context(), confined.Value); !errors.Is(err, token.ErrRevoked) {
		t.Errorf("got %v", err)
	}
}

// The errors of a V3Verifier that is not set up, and of a caller who leaves, are no
// verdicts.
func TestV3VerifierNoVerdict(t *testing.T) {
	t.Parallel()
	c := newChainTest(t, "v2.13.1")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := (&rancher.V3Verifier{Client: c.client}).Verify(gone, c.key.Value)
	if !errors.Is(err, context.Canceled) || errors.Is(err, token.ErrInvalid) {
		t.Errorf("got %v", err)
	}
	for _, v := range []*rancher.V3Verifier{nil, {}, {Client: &rancher.V3{}}} {
		if _, err := v.Verify(t.Context(), c.key.Value); err == nil || errors.Is(err, token.ErrInvalid) {
			t.Errorf("got %v", err)
		}
	}
}
