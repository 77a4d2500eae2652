package rancher_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/token"
)

// v2betaGuards puts the rule of 1.6 about CSRF before an answer.
func v2betaGuards(answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(strings.ToLower(r.UserAgent()), "mozilla") {
			answer(w, r)
			return
		}
		cookie, err := r.Cookie("CSRF")
		switch {
		case err != nil:
			w.Header().Add("Set-Cookie", "CSRF=0A1B2C3D4E;Path=/")
		case r.Method != "GET" && r.Header.Get("X-API-CSRF") != cookie.Value:
			v2betaFails(403, "InvalidCSRFToken", "CSRF header and cookie do not match")(w, r)
			return
		default:
			w.Header().Add("Set-Cookie", "CSRF="+cookie.Value+";Path=/")
		}
		answer(w, r)
	}
}

// A browserlike transport is a proxy that puts its own User-Agent on.
func browserlike(c *rancher.V2Beta) *rancher.V2Beta {
	base := c.Server.HTTP.Transport
	c.Server.HTTP = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		r.Header.Set("User-Agent", "Mozilla/5.0")
		return base.RoundTrip(r)
	})}
	return c
}

// Each row of the CSRF rule.
func TestV2BetaCSRF(t *testing.T) {
	t.Parallel()
	jwt := token.NewSecret(v2betaJWT)
	deletes := func(t *testing.T) *v2betaServer {
		return &v2betaServer{answer: v2betaGuards(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) })}
	}
	t.Run("A.10 only for a User-Agent with mozilla", func(t *testing.T) {
		t.Parallel()
		s := deletes(t)
		if err := s.client().Logout(t.Context(), jwt); err != nil {
			t.Fatal(err)
		}
		if h := s.asked[0].Header; strings.Contains(strings.ToLower(h.Get("User-Agent")), "mozilla") || h.Get("X-API-CSRF") != "" {
			t.Errorf("%v", h)
		}
	})
	t.Run("A.10 no cookie: one is issued, and the request is let through", func(t *testing.T) {
		t.Parallel()
		s := deletes(t)
		if err := browserlike(s.client()).Logout(t.Context(), jwt); err != nil || len(s.asked) != 1 {
			t.Fatalf("%v, %v", err, s.calls())
		}
	})
	t.Run("A.10 the cookie is echoed from then on", func(t *testing.T) {
		t.Parallel()
		s := deletes(t)
		c := browserlike(s.client())
		for range 3 {
			if err := c.Logout(t.Context(), jwt); err != nil {
				t.Fatal(err)
			}
		}
		if len(s.asked) != 3 {
			t.Errorf("%v", s.calls())
		}
		for _, r := range s.asked[1:] {
			if cookie, err := r.Cookie("CSRF"); err != nil || cookie.Value != "0A1B2C3D4E" || r.Header.Get("X-API-CSRF") != "0A1B2C3D4E" {
				t.Errorf("%v", r.Header)
			}
			if cookie, err := r.Cookie("token"); err != nil || cookie.Value != v2betaJWT {
				t.Errorf("%v", r.Header)
			}
		}
	})
	t.Run("A.10 not for a GET", func(t *testing.T) {
		t.Parallel()
		s := &v2betaServer{answer: v2betaGuards(v2betaSays(200, v2betaCollection(v2betaDead)))}
		c := browserlike(s.client())
		for range 2 {
			if _, err := c.Probe(t.Context(), jwt); err != nil {
				t.Fatal(err)
			}
		}
		if h := s.asked[1].Header; h.Get("X-API-CSRF") != "" {
			t.Errorf("%v", h)
		}
	})
	t.Run("A.10 a 401 comes before it", func(t *testing.T) {
		t.Parallel()
		s := &v2betaServer{answer: v2betaFails(401, "Unauthorized", "Unauthorized")}
		if _, err := browserlike(s.client()).Login(t.Context(), v2betaAdmin()); !errors.Is(err, rancher.ErrCredentials) {
			t.Errorf("%v", err)
		}
	})
	t.Run("A.10 cookie and header do not match", func(t *testing.T) {
		t.Parallel()
		s := &v2betaServer{answer: v2betaFails(403, "InvalidCSRFToken", "CSRF header and cookie do not match")}
		err := s.client().Logout(t.Context(), jwt)
		checkV2BetaError(t, err, v2betaJWT)
		if !errors.Is(err, rancher.ErrCSRF) || errors.Is(err, token.ErrRefused) || len(s.asked) != 1 {
			t.Errorf("%v, %v", err, s.calls())
		}
	})
	t.Run("A.10 a login too", func(t *testing.T) {
		t.Parallel()
		response := v2betaGolden(t, "response")
		s := &v2betaServer{answer: v2betaGuards(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "POST" {
				v2betaSays(201, response)(w, r)
				return
			}
			v2betaFails(404, "NotFound", "")(w, r)
		})}
		c := browserlike(s.client())
		for range 2 {
			if _, err := c.Login(t.Context(), v2betaAdmin()); err != nil {
				t.Fatal(err)
			}
		}
		r := s.asked[2]
		if r.Method != "POST" || r.Header.Get("X-API-CSRF") != "0A1B2C3D4E" || r.Header.Get("Cookie") != "CSRF=0A1B2C3D4E" {
			t.Errorf("%s %v", r.Method, r.Header)
		}
	})
}
