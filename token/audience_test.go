package token_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
)

func TestForAudience(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		aud  []string
		err  error // the inner Verifier's
		want error
	}{
		{"the first", []string{"orders"}, nil, nil},
		{"the second", []string{"x", "stock"}, nil, nil},
		{"another", []string{"x"}, nil, token.ErrAudience},
		{"another case", []string{"Orders"}, nil, token.ErrAudience},
		{"part of it", []string{"order", "orders/"}, nil, token.ErrAudience},
		{"a long one", []string{strings.Repeat("y", 200)}, nil, token.ErrAudience},
		{"many others", []string{"a", "b", "c", "d"}, nil, token.ErrAudience},
		{"none", nil, nil, token.ErrAudience},
		{"refused", []string{"orders"}, token.ErrExpired, token.ErrExpired},
		{"no answer", []string{"x"}, errDeck, errDeck},
	} {
		inner := token.VerifierFunc(func(_ context.Context, presented token.Secret) (token.Claims, error) {
			if presented.Reveal() != "abc" {
				t.Errorf("%s: Verify got %q", test.name, presented.Reveal())
			}
			return token.Claims{Subject: "alice", Audience: test.aud}, test.err
		})
		audience := []string{"orders", "stock"}
		v := token.ForAudience(inner, audience...)
		audience[0] = "x" // which must not matter any more
		claims, err := verify(t, v, "abc")
		if !errors.Is(err, test.want) || (claims.Subject != "") != (test.want == nil) {
			t.Errorf("%s: %v, %v; want %v", test.name, claims, err, test.want)
		}
		if want := fmt.Sprintf(`token: invalid: wrong audience: the token's aud is %.100q, none of ["orders" "stock"]: ask its issuer for one that is`, test.aud[:min(3, len(test.aud))]); test.want == token.ErrAudience && err.Error() != want {
			t.Errorf("%s: %v", test.name, err)
		}
		if diff := cmp.Diff(test.aud, claims.Audience); test.want == nil && diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestForAudiencePanics(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		v        token.Verifier
		audience []string
	}{{nil, []string{"a"}}, {users, nil}, {users, []string{"a", ""}}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q: no panic", test.audience)
				}
			}()
			token.ForAudience(test.v, test.audience...)
		}()
	}
}

func TestHasAudience(t *testing.T) {
	t.Parallel()
	c := token.Claims{Audience: []string{"a", "b"}}
	for audience, want := range map[string]bool{"a": true, "b": true, "A": false, "": false, "ab": false} {
		if got := c.HasAudience(audience); got != want {
			t.Errorf("HasAudience(%q) = %t", audience, got)
		}
	}
}

// users is what stands for a jwt.Policy or an introspect.Verifier in examples.
var users = token.VerifierFunc(func(_ context.Context, presented token.Secret) (token.Claims, error) {
	switch presented.Reveal() {
	case "token-of-alice":
		return token.ParseClaims([]byte(`{"sub":"alice","aud":["orders","stock"],"scope":"orders:read orders:write"}`))
	case "token-of-bob":
		return token.ParseClaims([]byte(`{"sub":"bob","aud":"stock","scope":"orders:read"}`))
	}
	return token.Claims{}, fmt.Errorf("%w: not in the list", token.ErrRevoked)
})

// Two routes with different audiences behind one cache.
func ExampleForAudience() {
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := token.FromContext(r.Context())
		fmt.Fprintln(w, "hello,", claims.Subject)
	})
	v := &token.VerifierCache{Verifier: users}
	mux := http.NewServeMux()
	mux.Handle("/orders", token.Require(token.ForAudience(v, "orders"), hello))
	mux.Handle("/stock", token.Require(token.ForAudience(v, "stock"), hello))

	for _, path := range []string{"/stock", "/orders"} {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Authorization", "Bearer token-of-bob")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		show(w.Result(), nil)
	}
	// Output:
	// 200 OK
	// hello, bob
	//
	// 401 Unauthorized
	// Bearer error="invalid_token", error_description="the token is meant for another audience"
	// the token is meant for another audience
}

func ExampleVerifierCache() {
	asked := 0
	slow := token.VerifierFunc(func(ctx context.Context, presented token.Secret) (token.Claims, error) {
		asked++ // in earnest a server
		return users(ctx, presented)
	})
	v := &token.VerifierCache{Verifier: slow}
	for range 3 {
		claims, err := v.Verify(context.Background(), token.NewSecret("token-of-alice"))
		fmt.Println(claims.Subject, err)
	}
	fmt.Println("asked:", asked)
	// Output:
	// alice <nil>
	// alice <nil>
	// alice <nil>
	// asked: 1
}
