package rancher

import (
	"net/http"

	"github.com/tokenlife/tokenlife/token"
)

// A server that takes whoever asks for a browser sets the cookie CSRF, and wants
// it back in the header X-API-CSRF too. It takes those for one whose User-Agent
// has "Mozilla" in it, which a proxy may see to.

// longestCSRF is more than any server sets: 1.6 has 10 digits, 2.x has 32.
const longestCSRF = 64

// learn keeps the cookie CSRF that the server has set, and forgets the one that
// it has ended.
func (s *Server) learn(h http.Header) {
	for _, c := range (&http.Response{Header: h}).Cookies() {
		if c.Name != "CSRF" || len(c.Value) > longestCSRF {
			continue
		}
		if c.MaxAge < 0 {
			c.Value = ""
		}
		s.mu.Lock()
		s.csrf = token.NewSecret(c.Value)
		s.mu.Unlock()
	}
}

// cookie returns the cookie CSRF that the server has set; empty if it has not.
func (s *Server) cookie() token.Secret {
	if s == nil {
		return token.Secret{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.csrf
}

// echoCSRF repeats the cookie CSRF in the header X-API-CSRF. The header goes
// where the cookie goes.
func echoCSRF(r *http.Request) {
	if r.Method == http.MethodGet || r.Method == "" {
		return
	}
	if c, err := r.Cookie("CSRF"); err == nil && c.Value != "" {
		r.Header.Set("X-Api-Csrf", c.Value)
	}
}
