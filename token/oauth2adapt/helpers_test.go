package oauth2adapt_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/oauth2"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/oauth2adapt"
)

// What no error may repeat. Each is longer than a word may be only where that is
// the point.
const (
	presented    = "oLd5Rq8Xw2Lm7"
	clientSecret = "cS3cret:+/&= x"
	newAccess    = "nEw4ccess9Zt6Ub"
	newRefresh   = "nEw7efresh3Kd8Pf"
)

var old = token.NewSecret(presented)

// An issuer is a token endpoint of the test's, which counts the POSTs.
type issuer struct {
	*httptest.Server
	posts atomic.Int64
}

func newIssuer(t *testing.T, handler http.HandlerFunc) *issuer {
	i := &issuer{}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.posts.Add(1)
		handler(w, r)
	}))
	t.Cleanup(i.Close)
	return i
}

// exchanger returns an Exchanger of i.
func (i *issuer) exchanger() *oauth2adapt.Exchanger {
	return &oauth2adapt.Exchanger{Config: &oauth2.Config{
		ClientID: "cli", ClientSecret: clientSecret,
		Endpoint: oauth2.Endpoint{TokenURL: i.URL + "/token?key=hush"},
	}}
}

// says returns a handler with one answer.
func says(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // or the connection is reset when it is closed
		for h := header; len(h) > 0; h = h[2:] {
			w.Header().Set(h[0], h[1])
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// exchanged is the error of an exchange, which must be an ExchangeError that
// keeps secrets.
func exchanged(t *testing.T, p refresh.Pair, err error) *refresh.ExchangeError {
	t.Helper()
	e, ok := errors.AsType[*refresh.ExchangeError](err)
	if !ok {
		t.Fatalf("got %v, want an ExchangeError", err)
	}
	if !p.Access.IsZero() || !p.Refresh.IsZero() {
		t.Errorf("there is a pair beside %v", err)
	}
	if errors.Is(err, token.ErrInvalid) {
		t.Errorf("it blames a caller's token: %v", err)
	}
	if errors.Is(err, token.ErrRefused) != (e.Outcome == refresh.Terminal) {
		t.Errorf("ErrRefused %t, outcome %v: %v", errors.Is(err, token.ErrRefused), e.Outcome, err)
	}
	if !strings.HasPrefix(err.Error(), "oauth2adapt: ") {
		t.Errorf("it does not say whose it is: %v", err)
	}
	keepsSecrets(t, err)
	return e
}

func keepsSecrets(t *testing.T, err error) {
	t.Helper()
	for _, verb := range []string{"%v", "%+v", "%#v", "%q"} {
		text := fmt.Sprintf(verb, err)
		for _, secret := range []string{presented, clientSecret, "cS3cret", newAccess, newRefresh, "hush"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s has %q in it: %s", verb, secret, text)
			}
		}
		if len(text) > 1500 {
			t.Errorf("%s is %d bytes long", verb, len(text))
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
