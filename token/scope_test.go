package token_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tokenlife/tokenlife/token"
)

func parseClaims(t *testing.T, raw string) token.Claims {
	t.Helper()
	c, err := token.ParseClaims([]byte(raw))
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return c
}

func TestScopes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		raw  string
		want []string
	}{
		{`{}`, nil},
		{`{"scope":"read"}`, []string{"read"}},
		{`{"scope":"read write https://api.example/x"}`, []string{"read", "write", "https://api.example/x"}},
		{`{"scope":"  read   write "}`, []string{"read", "write"}},
		{`{"scope":""}`, nil},
		{`{"scope":["read","write"]}`, []string{"read", "write"}},
		{`{"scope":[]}`, nil},
		{`{"scp":"User.Read Mail.Send"}`, []string{"User.Read", "Mail.Send"}}, // Microsoft
		{`{"scp":["openid","email"]}`, []string{"openid", "email"}},           // Okta
		{`{"scope":"read","scp":"write"}`, []string{"read"}},
		{`{"scp":["write"],"scope":"read"}`, []string{"read"}},
		{`{"scp":["write"],"scope":""}`, nil},
		{`{"scope":"read\twrite\u00a0more"}`, []string{"read\twrite\u00a0more"}}, // one, if an odd one

		{`{"scope":null}`, nil},
		{`{"scope":1}`, nil},
		{`{"scope":{"read":true}}`, nil},
		{`{"scope":["read",1]}`, nil},
		{`{"scope":["read",["write"]]}`, nil},
		{`{"scope":"read","scp":5}`, nil},
		{`{"scope":5,"scp":"read"}`, nil},
		{`{"a":{"scope":"read"}}`, nil},
		{`{"Scope":"read"}`, nil},
	} {
		got := parseClaims(t, test.raw).Scopes()
		if diff := cmp.Diff(test.want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.raw, diff)
		}
	}
	if got := (token.Claims{Subject: "read"}).Scopes(); got != nil {
		t.Errorf("claims that no JSON said have scopes %q", got)
	}
}

func TestHasScope(t *testing.T) {
	t.Parallel()
	c := parseClaims(t, `{"scope":["orders:read","orders:write","a b"]}`)
	for scope, want := range map[string]bool{
		"orders:read":                true,
		"orders:write orders:read":   true,
		" orders:read ":              true,
		"orders:read orders:delete":  false,
		"orders":                     false,
		"ORDERS:READ":                false,
		"a b":                        false, // which would be two
		"":                           false,
		" ":                          false,
		"orders:read orders:read":    true,
		"orders:read\torders:write":  false,
		"orders:read orders:write x": false,
	} {
		if got := c.HasScope(scope); got != want {
			t.Errorf("HasScope(%q) = %t", scope, got)
		}
	}
	if (token.Claims{}).HasScope("") || parseClaims(t, `{"scope":""}`).HasScope("") {
		t.Error("no scope is a scope")
	}
}

func TestRequireScope(t *testing.T) {
	t.Parallel()
	const challenge = `Bearer error="insufficient_scope", scope="orders:read orders:write"`
	for _, test := range []struct {
		name      string
		claims    string // none if empty
		status    int
		challenge string
	}{
		{"both", `{"scope":"a orders:write orders:read"}`, 204, ""},
		{"one", `{"scope":"orders:read"}`, 403, challenge},
		{"none", `{}`, 403, challenge},
		{"no claims", ``, 500, ""},
	} {
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST"} {
			reached := false
			handler := token.RequireScope(" orders:read  orders:write ", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				reached = true
				w.WriteHeader(204)
			}))
			r := httptest.NewRequest(method, "/", nil)
			if test.claims != "" {
				r = r.WithContext(token.NewContext(r.Context(), parseClaims(t, test.claims)))
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code != test.status || reached != (test.status == 204) {
				t.Errorf("%s %s: status %d, reached %t", method, test.name, w.Code, reached)
			}
			if got := w.Header().Get("WWW-Authenticate"); got != test.challenge {
				t.Errorf("%s %s: WWW-Authenticate: %s", method, test.name, got)
			}
			if got := w.Header().Get("Cache-Control"); (got == "no-store") != (test.status != 204) {
				t.Errorf("%s %s: Cache-Control: %q", method, test.name, got)
			}
		}
	}
}

func TestRequireScopePanics(t *testing.T) {
	t.Parallel()
	next := http.NotFoundHandler()
	for _, test := range []struct {
		scope string
		next  http.Handler
	}{
		{"read", nil}, {"", next}, {"  ", next}, {`re"ad`, next}, {`re\ad`, next}, {"read\twrite", next}, {"read\r\nX: y", next}, {"réad", next}, {"read\x7f", next},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q: no panic", test.scope)
				}
			}()
			token.RequireScope(test.scope, test.next)
		}()
	}
}

// The claims that a test puts into a context are those that a handler gets.
func TestNewContext(t *testing.T) {
	t.Parallel()
	want := parseClaims(t, `{"sub":"alice","scope":"read"}`)
	got, ok := token.FromContext(token.NewContext(t.Context(), want))
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(token.Claims{})); !ok || diff != "" {
		t.Errorf("%t (-want +got):\n%s", ok, diff)
	}
}

func ExampleRequireScope() {
	handler := token.Require(users, token.RequireScope("orders:read orders:write", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "ordered")
	})))
	for _, user := range []string{"alice", "bob"} {
		r := httptest.NewRequest("POST", "/orders", nil)
		r.Header.Set("Authorization", "Bearer token-of-"+user)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		show(w.Result(), nil)
	}
	// Output:
	// 200 OK
	// ordered
	//
	// 403 Forbidden
	// Bearer error="insufficient_scope", scope="orders:read orders:write"
	// the token does not have the scope that this needs
}

func ExampleClaims_HasScope() {
	claims, err := token.ParseClaims([]byte(`{"sub":"bob","scope":"orders:read stock:read"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(claims.HasScope("orders:read"), claims.HasScope("orders:write"))
	// Output: true false
}

// A handler that runs inside Require, tested by itself.
func ExampleNewContext() {
	greet := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := token.FromContext(r.Context())
		fmt.Fprintln(w, "hello,", claims.Subject)
	})

	ctx := token.NewContext(context.Background(), token.Claims{Subject: "alice"})
	w := httptest.NewRecorder()
	greet.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/", nil))
	fmt.Print(w.Body)
	// Output: hello, alice
}
