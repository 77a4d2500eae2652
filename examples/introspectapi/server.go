package main

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// A server issues tokens, and knows all about them, as the authorization server
// of OAuth 2.0 does. It can be down.
type server struct {
	api, app token.Secret // of its two clients

	mu     sync.Mutex
	grants map[string]grant // by token
	asked  int              // how often, about a token
	down   bool
}

// A grant is what a token stands for.
type grant struct {
	subject, audience, scope string
	expiry                   time.Time
}

// issue returns a token for alice.
func (s *server) issue(audience, scope string, life time.Duration) token.Secret {
	text := rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.grants == nil {
		s.grants = make(map[string]grant)
	}
	s.grants[text] = grant{"alice", audience, scope, time.Now().Add(life)}
	return token.NewSecret(text)
}

// setDown has the server fail, or answer again.
func (s *server) setDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// count returns how often the API has asked about a token.
func (s *server) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// ServeHTTP answers what its clients ask: the API whether a token is active
// (RFC 7662), and the app, to which tokens are issued, that one be revoked (RFC
// 7009).
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	switch {
	case s.down:
		w.Header().Set("Retry-After", "1")
		http.Error(w, `{"error":"temporarily_unavailable"}`, http.StatusServiceUnavailable)
	case r.Method == http.MethodPost && r.URL.Path == "/introspect":
		if isClient(w, r, "api", s.api) {
			s.asked++
			json.NewEncoder(w).Encode(s.about(r.PostFormValue("token")))
		}
	case r.Method == http.MethodPost && r.URL.Path == "/revoke":
		if isClient(w, r, "app", s.app) {
			delete(s.grants, r.PostFormValue("token"))
		}
	default:
		http.NotFound(w, r)
	}
}

// about returns what the server says of a token. The caller holds mu.
func (s *server) about(text string) map[string]any {
	g, known := s.grants[text]
	if !known || !time.Now().Before(g.expiry) {
		return map[string]any{"active": false}
	}
	return map[string]any{
		"active": true, "sub": g.subject, "aud": g.audience, "scope": g.scope, "exp": g.expiry.Unix(),
	}
}

// isClient reports whether r is from the client with the secret, and answers if
// it is not.
func isClient(w http.ResponseWriter, r *http.Request, id string, secret token.Secret) bool {
	gotID, got, _ := r.BasicAuth()
	if gotID == id && secret.Equal(token.NewSecret(got)) {
		return true
	}
	w.Header().Set("WWW-Authenticate", "Basic")
	http.Error(w, `{"error":"invalid_client"}`, http.StatusUnauthorized)
	return false
}
