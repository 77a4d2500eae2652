package ranchertest

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/tokenlife/tokenlife/internal/pipe"
)

// A V2Beta is a Rancher 1.6 server, of version v1.6.30. Access control is on,
// with the local provider: "api.security.enabled" and
// "api.auth.provider.configured" are settings like others.
//
// The fields must be set before first use. It is then safe for concurrent use.
type V2Beta struct {
	// URL is where Client finds it. NewV2Beta sets one, which any other https
	// URL may replace.
	URL string

	// Now is its clock, which may be wrong; nil means [time.Now].
	Now func() time.Time

	traffic traffic

	mu       sync.Mutex
	users    []*v2betaUser
	tokens   map[string]v2betaToken // by what is sent
	keys     map[string]v2betaKey   // by access key
	codes    map[string]string      // whom an OAuth code is for
	db, env  map[string]string      // settings
	provider int                    // what the provider answers; 0 if it works
	refused  []string               // requests with a token that was dead
}

// NewV2Beta returns a Rancher 1.6 without users: until there is one, local
// access control is not configured.
func NewV2Beta() *V2Beta { return &V2Beta{URL: "https://rancher.example"} }

// Client returns a client for which the server is all there is.
func (s *V2Beta) Client() *http.Client {
	return pipe.Client("ranchertest", func() string { return s.URL }, s)
}

// Set gives a setting another value, such as "api.auth.jwt.token.expiry", and
// SetEnv does so by the server's environment, which wins.
func (s *V2Beta) Set(setting, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	put(&s.db, setting, value)
}

// SetEnv gives a setting a value by the server's environment; see Set.
func (s *V2Beta) SetEnv(setting, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	put(&s.env, setting, value)
}

// SetFault has a fault spoil the answers from now on; nil ends that.
func (s *V2Beta) SetFault(f Fault) { s.traffic.setFault(f) }

// Requests returns what has been asked so far, such as "POST /v2-beta/token",
// also where a fault has answered.
func (s *V2Beta) Requests() []string { return s.traffic.all() }

// AtOnce returns how many requests such as "POST /v2-beta/token" there were at
// most at the same time.
func (s *V2Beta) AtOnce(request string) int { return s.traffic.atOnce(request) }

// Refused returns, for each request that came with a token that is no good, what
// it was and why, such as "GET /v2-beta/projects: expired", also where a fault
// has answered. Those for the token itself, such as a logout, are not among them.
func (s *V2Beta) Refused() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.refused)
}

// Live returns how many tokens of a user are good.
func (s *V2Beta) Live(login string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, t := range s.tokens {
		if t.user.login == login && t.expires.After(s.now()) {
			n++
		}
	}
	return n
}

func (s *V2Beta) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// put is an assignment to a map that may not be there yet.
func put[V any](m *map[string]V, key string, value V) {
	if *m == nil {
		*m = map[string]V{}
	}
	(*m)[key] = value
}
