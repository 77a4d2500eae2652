package jwttest

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/internal/pipe"
)

// An Issuer signs tokens and publishes its keys, beneath its URL, with an
// OpenID Connect discovery document.
//
// The fields must be set before first use. An Issuer is then safe for
// concurrent use.
type Issuer struct {
	// URL is the iss of its tokens. NewIssuer sets a made-up one, which any
	// other https URL may replace.
	URL string

	// Algorithm is what keys are made for, such as "RS256"; empty means
	// "ES256". All that golang-jwt has work. Of a symmetric one, such as
	// "HS256", nothing is published: see [Issuer.Keys]. Another one that is set
	// later is for the next Rotate or AddKey.
	Algorithm string

	// Type is the typ of its tokens, such as "at+jwt" (RFC 9068); empty means
	// "JWT".
	Type string

	// Now is its clock, which may be wrong; nil means [time.Now].
	Now func() time.Time

	tb     testing.TB
	client *http.Client

	mu      sync.Mutex
	kept    []*key // the newest is the last, and signs
	made    int
	enemies map[string]*key           // by algorithm
	down    func(http.ResponseWriter) // nil while it is up

	discovery, keys int // requests
}

// NewIssuer returns an Issuer that is reached by its [Issuer.Client] alone.
// Nothing of it runs between requests.
func NewIssuer(tb testing.TB) *Issuer {
	i := &Issuer{URL: "https://issuer.example", tb: tb, enemies: make(map[string]*key)}
	i.client = pipe.Client("jwttest", func() string { return i.URL }, http.HandlerFunc(i.serve))
	return i
}

// NewServer returns an Issuer that also listens on a loopback address, until
// the test ends. Its URL is there and must not be changed. In a synctest bubble
// time stands still while a port is open: use NewIssuer there.
func NewServer(tb testing.TB) *Issuer {
	i := NewIssuer(tb)
	server := httptest.NewServer(http.HandlerFunc(i.serve))
	tb.Cleanup(server.Close)
	i.URL = server.URL
	return i
}

// Client returns a client for which the Issuer is all there is: requests for
// other hosts than that of its URL fail.
func (i *Issuer) Client() *http.Client { return i.client }

// now is what the Issuer believes is the time.
func (i *Issuer) now() time.Time {
	if i.Now != nil {
		return i.Now()
	}
	return time.Now()
}
