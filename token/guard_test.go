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

// Each request that is not let in is told of once, before it is answered, and
// the answer is Require's.
func TestGuard(t *testing.T) {
	t.Parallel()
	orders := token.RequireScope(" orders:read  orders:write", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) }))
	for _, test := range []struct {
		name    string
		headers []string
		err     error // of the Verifier; nil: users decides
		status  int
		want    error
		told    string
	}{
		{name: "let in", headers: []string{"Bearer token-of-alice"}, status: 204},
		{name: "no token", status: 401, want: token.ErrNoToken, told: "token: none presented"},
		{name: "another scheme", headers: []string{"Basic eDp5"}, status: 401, want: token.ErrNoToken, told: "token: none presented"},
		{name: "malformed header", headers: []string{"Bearer a", "Bearer b"}, status: 400, want: token.ErrMalformed,
			told: "token: invalid: malformed: 2 Authorization headers where one is allowed"},
		{name: "refused", headers: []string{"Bearer nobodys"}, status: 401, want: token.ErrRevoked,
			told: "token: invalid: revoked or unknown to its issuer: not in the list"},
		{name: "nobody can tell", headers: []string{"Bearer token-of-alice"}, err: errDeck, status: 503, want: errDeck, told: errDeck.Error()},
		{name: "a Verifier without a token", headers: []string{"Bearer token-of-alice"}, err: token.ErrNoToken, status: 503, want: token.ErrNoToken, told: "token: none presented"},
		{name: "scope", headers: []string{"Bearer token-of-bob"}, status: 403, want: token.ErrScope,
			told: `token: insufficient scope: the token must have "orders:read orders:write"`},
	} {
		verifier := token.VerifierFunc(func(ctx context.Context, presented token.Secret) (token.Claims, error) {
			if test.err != nil {
				return token.Claims{}, test.err
			}
			return users.Verify(ctx, presented)
		})
		request := func() *http.Request {
			r := httptest.NewRequest("POST", "/orders", nil)
			if test.headers != nil {
				r.Header["Authorization"] = test.headers
			}
			return r
		}
		var told []string
		w := httptest.NewRecorder()
		g := &token.Guard{Verifier: verifier, OnRefusal: func(r *http.Request, err error) {
			told = append(told, err.Error())
			if !errors.Is(err, test.want) || test.want == token.ErrScope && errors.Is(err, token.ErrInvalid) {
				t.Errorf("%s: told of %v", test.name, err)
			}
			if r.Method != "POST" || r.URL.Path != "/orders" || len(r.Header["Authorization"]) != len(test.headers) {
				t.Errorf("%s: told of the request %v", test.name, r)
			}
			if len(w.Header()) > 0 || w.Body.Len() > 0 {
				t.Errorf("%s: told of when it had been answered", test.name)
			}
		}}
		g.Require(orders).ServeHTTP(w, request())
		if w.Code != test.status {
			t.Errorf("%s: status %d, want %d", test.name, w.Code, test.status)
		}
		var want []string
		if test.told != "" {
			want = []string{test.told}
		}
		if diff := cmp.Diff(want, told); diff != "" {
			t.Errorf("%s: told (-want +got):\n%s", test.name, diff)
		}
		if strings.Contains(fmt.Sprint(told), "nobodys") {
			t.Errorf("%s: the token was told", test.name)
		}

		silent := httptest.NewRecorder()
		token.Require(verifier, orders).ServeHTTP(silent, request())
		if diff := cmp.Diff(silent.Result().Header, w.Result().Header); diff != "" || silent.Code != w.Code || silent.Body.String() != w.Body.String() {
			t.Errorf("%s: Require answers otherwise: %d, %s %s", test.name, silent.Code, silent.Body, diff)
		}
	}
}

// A panic in OnRefusal goes up, and lets nobody in.
func TestGuardPanic(t *testing.T) {
	t.Parallel()
	g := &token.Guard{Verifier: users, OnRefusal: func(*http.Request, error) { panic("out of paper") }}
	handler := g.Require(token.RequireScope("orders:write", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("let in")
	})))
	for _, header := range []string{"", "Bearer a b", "Bearer nobodys", "Bearer token-of-bob"} {
		func() {
			defer func() {
				if got := recover(); got != "out of paper" {
					t.Errorf("%q: the panic is %v", header, got)
				}
			}()
			r := httptest.NewRequest("POST", "/orders", nil)
			if header != "" {
				r.Header.Set("Authorization", header)
			}
			handler.ServeHTTP(httptest.NewRecorder(), r)
		}()
	}
}

// Of two Guards the inner one, which knows more of the route, is told of a scope
// that is lacking, and one that tells nobody does not keep it from the outer.
func TestGuardInGuard(t *testing.T) {
	t.Parallel()
	for want, inner := range map[string]func(*token.Guard, http.Handler) http.Handler{
		"inner": func(g *token.Guard, next http.Handler) http.Handler { return g.Require(next) },
		"outer": func(g *token.Guard, next http.Handler) http.Handler { return token.Require(g.Verifier, next) },
	} {
		var told []string
		guard := func(name string) *token.Guard {
			return &token.Guard{Verifier: users, OnRefusal: func(_ *http.Request, err error) { told = append(told, name) }}
		}
		r := httptest.NewRequest("POST", "/orders", nil)
		r.Header.Set("Authorization", "Bearer token-of-bob")
		w := httptest.NewRecorder()
		guard("outer").Require(inner(guard("inner"), token.RequireScope("orders:write", http.NotFoundHandler()))).ServeHTTP(w, r)
		if diff := cmp.Diff([]string{want}, told); diff != "" || w.Code != 403 {
			t.Errorf("status %d, told (-want +got):\n%s", w.Code, diff)
		}
	}
}
