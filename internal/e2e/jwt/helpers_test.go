// Package jwt_test runs package token/jwt against the tokens and the published
// keys of real servers.
package jwt_test

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// A wire counts the requests for a path that go over it: the one that fetching
// keys begins with.
type wire struct {
	http.RoundTripper
	path    string
	fetches atomic.Int64
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == w.path {
		w.fetches.Add(1)
	}
	return w.RoundTripper.RoundTrip(r)
}

// discovery is where the search for an issuer's keys begins.
const discovery = "/.well-known/openid-configuration"

// accepts fails the test unless v accepts tok.
func accepts(t *testing.T, v token.Verifier, tok token.Token) token.Claims {
	t.Helper()
	claims, err := v.Verify(t.Context(), tok.Value)
	if err != nil {
		t.Errorf("refused: %v", err)
	}
	return claims
}

// refuses fails the test unless v refuses tok for the reason kind, and no other.
func refuses(t *testing.T, v token.Verifier, tok token.Token, kind error) error {
	t.Helper()
	_, err := v.Verify(t.Context(), tok.Value)
	if !errors.Is(err, kind) {
		t.Errorf("got %v, want %v", err, kind)
	}
	return err
}

// cannotTell fails the test unless v has no verdict on tok, which is no fault of
// the token's.
func cannotTell(t *testing.T, v token.Verifier, tok token.Token) error {
	t.Helper()
	_, err := v.Verify(t.Context(), tok.Value)
	if err == nil || errors.Is(err, token.ErrInvalid) {
		t.Errorf("got %v, want an error that does not blame the token", err)
	}
	if err != nil && strings.Contains(err.Error(), tok.Value.Reveal()) {
		t.Error("the token is in the error")
	}
	return err
}

// eventuallyAccepts returns how long it took v to accept tok, which it may put
// off meanwhile, but must not refuse.
func eventuallyAccepts(t *testing.T, v token.Verifier, tok token.Token) time.Duration {
	t.Helper()
	began := time.Now()
	for {
		_, err := v.Verify(t.Context(), tok.Value)
		if err == nil {
			return time.Since(began)
		}
		if errors.Is(err, token.ErrInvalid) || time.Since(began) > time.Minute {
			t.Fatalf("after %v: %v", time.Since(began), err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// usable is the longest that a new key may take to be of use: a second, before which
// no more keys are fetched, and the fetch. A machine may be too busy for that, and so it
// has as many tries to show it.
const (
	usable = 2 * time.Second
	tries  = 5
)

// at returns a clock that is ahead of this machine's.
func at(offset time.Duration) func() time.Time {
	return func() time.Time { return time.Now().Add(offset) }
}
