package token_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
)

func TestFromRequest(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", token.MaxSize)
	tests := []struct {
		name    string
		headers []string
		want    string
		err     error
	}{
		{"none", nil, "", token.ErrNoToken},
		{"bearer", []string{"Bearer abc"}, "abc", nil},
		{"any case", []string{"bEARER abc"}, "abc", nil},
		{"several spaces", []string{"Bearer   abc"}, "abc", nil},
		{"RFC 6750", []string{"Bearer AZaz09-._~+/=="}, "AZaz09-._~+/==", nil},
		{"Rancher", []string{"Bearer token-x7k2p:c4ln5fj8"}, "token-x7k2p:c4ln5fj8", nil},
		{"Rancher ext", []string{"Bearer ext/token-x7k2p:c4ln5fj8"}, "ext/token-x7k2p:c4ln5fj8", nil},
		{"opaque", []string{"Bearer 1|a!b%2Fc=d"}, "1|a!b%2Fc=d", nil},
		{"longest", []string{"Bearer " + long}, long, nil},

		{"another scheme", []string{"Basic eDp5"}, "", token.ErrNoToken},
		{"another scheme beginning alike", []string{"Bearerabc"}, "", token.ErrNoToken},
		{"another scheme without more", []string{"Negotiate"}, "", token.ErrNoToken},
		{"Unicode that folds to bearer", []string{"Bea\u017Fer abc"}, "", token.ErrMalformed},

		{"two", []string{"Bearer a", "Bearer b"}, "", token.ErrMalformed},
		{"two of which one is bearer", []string{"Basic eDp5", "Bearer a"}, "", token.ErrMalformed},
		{"two the same", []string{"Bearer a", "Bearer a"}, "", token.ErrMalformed},
		{"two joined", []string{"Bearer a,Bearer b"}, "", token.ErrMalformed},
		{"joined without spaces", []string{"Bearer abc,def"}, "", token.ErrMalformed},
		{"empty", []string{""}, "", token.ErrMalformed},
		{"no scheme", []string{" abc"}, "", token.ErrMalformed},
		{"no token", []string{"Bearer"}, "", token.ErrMalformed},
		{"only spaces", []string{"Bearer   "}, "", token.ErrMalformed},
		{"tab", []string{"Bearer\tabc"}, "", token.ErrMalformed},
		{"tab after the space", []string{"Bearer \tabc"}, "", token.ErrMalformed},
		{"space at the end", []string{"Bearer abc "}, "", token.ErrMalformed},
		{"two words", []string{"Bearer Bearer abc"}, "", token.ErrMalformed},
		{"quoted", []string{`Bearer "abc"`}, "", token.ErrMalformed},
		{"backslash", []string{`Bearer a\bc`}, "", token.ErrMalformed},
		{"line break", []string{"Bearer abc\r\nX: y"}, "", token.ErrMalformed},
		{"NUL", []string{"Bearer abc\x00"}, "", token.ErrMalformed},
		{"DEL", []string{"Bearer abc\x7f"}, "", token.ErrMalformed},
		{"not ASCII", []string{"Bearer äbc"}, "", token.ErrMalformed},
		{"too long", []string{"Bearer " + long + "x"}, "", token.ErrMalformed},
	}
	for _, test := range tests {
		r := &http.Request{Header: http.Header{}}
		if test.headers != nil {
			r.Header["Authorization"] = test.headers
		}
		got, err := token.FromRequest(r)
		if got.Reveal() != test.want || !errors.Is(err, test.err) {
			t.Errorf("%s: %.20q, %v; want %.20q, %v", test.name, got.Reveal(), err, test.want, test.err)
		}
		if err != nil && strings.Contains(err.Error(), "abc") {
			t.Errorf("%s: the error quotes the header: %v", test.name, err)
		}
		if test.err != token.ErrMalformed {
			continue
		}
		// What is wrong is told to the client, where it must fit between quotes.
		w := httptest.NewRecorder()
		token.Require(users, http.NotFoundHandler()).ServeHTTP(w, r)
		reason := strings.TrimPrefix(fmt.Sprint(err), "token: invalid: malformed: ")
		if w.Code != 400 || w.Body.String() != reason+"\n" || strings.ContainsFunc(reason, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' }) {
			t.Errorf("%s: status %d, %q", test.name, w.Code, w.Body)
		}
		if got, want := w.Header().Get("WWW-Authenticate"), `Bearer error="invalid_request", error_description="`+reason+`"`; got != want {
			t.Errorf("%s: WWW-Authenticate: %s\nwant: %s", test.name, got, want)
		}
	}
}

// busy is an error that says when to come back.
type busy time.Duration

func (busy) Error() string               { return "busy" }
func (b busy) RetryAfter() time.Duration { return time.Duration(b) }

func TestRequire(t *testing.T) {
	t.Parallel()
	free := func(kind error) error { return fmt.Errorf("%w: sub=alice from db-7.internal", kind) }
	invalid := func(description string) string {
		return `Bearer error="invalid_token", error_description="` + description + `"`
	}
	const later = "the token could not be checked: try again later\n"
	tests := []struct {
		name      string
		header    string
		err       error
		gone      bool // the caller
		status    int
		challenge string
		retry     string
		body      string
	}{
		{name: "good", header: "Bearer abc", status: 200, body: "alice"},
		{name: "no token", status: 401, challenge: `Bearer realm="api"`, body: "a bearer token is needed\n"},
		{name: "another scheme", header: "Basic eDp5", status: 401, challenge: `Bearer realm="api"`, body: "a bearer token is needed\n"},
		{name: "malformed header", header: "Bearer a b", status: 400,
			challenge: `Bearer error="invalid_request", error_description="a space in the token: is its scheme there twice?"`,
			body:      "a space in the token: is its scheme there twice?\n"},

		{name: "malformed", header: "Bearer abc", err: free(token.ErrMalformed), status: 401, challenge: invalid("the token is malformed")},
		{name: "signature", header: "Bearer abc", err: free(token.ErrSignature), status: 401, challenge: invalid("the token's signature does not verify")},
		{name: "expired", header: "Bearer abc", err: &token.TimeError{Claim: "exp"}, status: 401, challenge: invalid("the token has expired")},
		{name: "too early", header: "Bearer abc", err: &token.TimeError{Claim: "nbf", Limit: time.Unix(1, 0)}, status: 401, challenge: invalid("the token is not yet valid")},
		{name: "issuer", header: "Bearer abc", err: free(token.ErrIssuer), status: 401, challenge: invalid("the token comes from another issuer")},
		{name: "audience", header: "Bearer abc", err: free(token.ErrAudience), status: 401, challenge: invalid("the token is meant for another audience")},
		{name: "revoked", header: "Bearer abc", err: free(token.ErrRevoked), status: 401, challenge: invalid("the token was revoked or is unknown")},
		{name: "invalid", header: "Bearer abc", err: free(token.ErrInvalid), status: 401, challenge: invalid("the token is not valid")},

		{name: "away", header: "Bearer abc", err: errDeck, status: 503, body: later},
		{name: "busy", header: "Bearer abc", err: fmt.Errorf("asking: %w", busy(1500*time.Millisecond)), status: 503, retry: "2", body: later},
		{name: "busy for whole seconds", header: "Bearer abc", err: busy(2 * time.Second), status: 503, retry: "2", body: later},
		{name: "busy until now", header: "Bearer abc", err: busy(0), status: 503, body: later},
		{name: "our own credential", header: "Bearer abc", err: token.Refused(free(token.ErrExpired)), status: 503, body: later},
		{name: "timeout", header: "Bearer abc", err: context.DeadlineExceeded, status: 503, body: later},
		{name: "caller gone", header: "Bearer abc", err: context.Canceled, gone: true, status: 503, body: later},
		{name: "caller gone, and blamed", header: "Bearer abc", err: free(token.ErrInvalid), gone: true, status: 503, body: later},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			verifier := token.VerifierFunc(func(_ context.Context, presented token.Secret) (token.Claims, error) {
				if presented.Reveal() != "abc" {
					t.Errorf("Verify got %q", presented.Reveal())
				}
				return token.Claims{Subject: "alice"}, test.err
			})
			handler := token.Require(verifier, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				claims, ok := token.FromContext(r.Context())
				if !ok {
					t.Error("no claims")
				}
				fmt.Fprint(w, claims.Subject)
			}))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if test.gone {
				cancel()
			}
			r := httptest.NewRequestWithContext(ctx, "GET", "/", nil)
			if test.header != "" {
				r.Header.Set("Authorization", test.header)
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)

			if w.Code != test.status {
				t.Errorf("status %d; want %d", w.Code, test.status)
			}
			if got := w.Header().Get("WWW-Authenticate"); got != test.challenge {
				t.Errorf("WWW-Authenticate: %s\nwant: %s", got, test.challenge)
			}
			if got := w.Header().Get("Retry-After"); got != test.retry {
				t.Errorf("Retry-After: %q; want %q", got, test.retry)
			}
			if got := w.Header().Get("Cache-Control"); (got == "no-store") != (test.status != 200) {
				t.Errorf("Cache-Control: %q", got)
			}
			if test.body != "" {
				if diff := cmp.Diff(test.body, w.Body.String()); diff != "" {
					t.Errorf("body (-want +got):\n%s", diff)
				}
			}
			if whole := fmt.Sprint(w.Header(), w.Body); test.status != 200 &&
				(strings.Contains(whole, "alice") || strings.Contains(whole, "internal") || strings.Contains(whole, "abc")) {
				t.Errorf("the refusal tells too much: %s", whole)
			}
		})
	}
}

// No method is let in without a token, nor kept out with one.
func TestRequireMethods(t *testing.T) {
	t.Parallel()
	handler := token.Require(users, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) }))
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST", "TRACE", "BREW"} {
		for header, want := range map[string]int{"": 401, "Bearer nobodys": 401, "Bearer token-of-alice": 204} {
			r := httptest.NewRequest(method, "/", nil)
			if header != "" {
				r.Header.Set("Authorization", header)
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code != want {
				t.Errorf("%s with %q: status %d, want %d", method, header, w.Code, want)
			}
		}
	}
}

func TestRequireNil(t *testing.T) {
	t.Parallel()
	verifier := token.VerifierFunc(func(context.Context, token.Secret) (token.Claims, error) { return token.Claims{}, nil })
	for _, make := range []func(){
		func() { token.Require(nil, http.NotFoundHandler()) },
		func() { (&token.Guard{OnRefusal: func(*http.Request, error) {}}).Require(http.NotFoundHandler()) },
		func() { (*token.Guard)(nil).Require(http.NotFoundHandler()) },
		func() { (&token.Guard{Verifier: verifier}).Require(nil) },
		func() { token.Require(verifier, nil) },
	} {
		func() {
			defer func() {
				if text, _ := recover().(string); !strings.HasPrefix(text, "token: Require needs") {
					t.Errorf("no panic of Require's: %q", text)
				}
			}()
			make()
		}()
	}
}

func TestFromContextWithout(t *testing.T) {
	t.Parallel()
	if claims, ok := token.FromContext(t.Context()); ok {
		t.Errorf("claims from nowhere: %v", claims)
	}
}
