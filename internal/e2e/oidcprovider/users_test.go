package oidcprovider

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// TestUsers logs a user in with a public client, over TLS.
func TestUsers(t *testing.T) {
	t.Parallel()
	s := StartTLS(t)
	s.SetIDTokenLife(t, 8*time.Second)

	t.Run("Code", func(t *testing.T) {
		answer, got := authorize(t, s)
		if answer.Get("state") != "s" || answer.Get("iss") != s.URL {
			t.Errorf("the redirect has %v", answer)
		}
		if got.Error != "" || got.Refresh == "" {
			t.Fatalf("error %q, refresh token: %v", got.Error, got.Refresh != "")
		}
		checkID(t, s, got.ID)

		next := s.form(t, "/token", url.Values{
			"client_id": {s.Public.ID}, "grant_type": {"refresh_token"}, "refresh_token": {got.Refresh},
		})
		if next.Error != "" || next.Refresh == "" || next.Refresh == got.Refresh {
			t.Errorf("a refresh gets error %q, a new refresh token: %v", next.Error, next.Refresh != got.Refresh)
		}
		checkID(t, s, next.ID)
	})

	t.Run("Device", func(t *testing.T) {
		asked := s.form(t, "/device/auth", url.Values{
			"client_id": {s.Public.ID}, "scope": {"openid offline_access"}, "prompt": {"consent"},
		})
		redeem := url.Values{
			"client_id": {s.Public.ID}, "grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {asked.Device},
		}
		if early := s.form(t, "/token", redeem); early.Error != "authorization_pending" {
			t.Errorf("before the user agrees: %q", early.Error)
		}
		if text, err := Visit(t.Context(), s.HTTPClient(), asked.Page); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		got := s.form(t, "/token", redeem)
		if got.Error != "" || got.Refresh == "" {
			t.Fatalf("error %q, refresh token: %v", got.Error, got.Refresh != "")
		}
		checkID(t, s, got.ID)
	})

	t.Run("Grace", func(t *testing.T) {
		s.SetGrace(t, time.Hour)
		defer s.SetGrace(t, 0)
		before := s.Count(t)
		first := s.Login(t, s.Public).Refresh.Value.Reveal()
		for range 3 {
			got := s.form(t, "/token", url.Values{
				"client_id": {s.Public.ID}, "grant_type": {"refresh_token"}, "refresh_token": {first},
			})
			if got.Error != "" || got.Refresh == first {
				t.Errorf("error %q", got.Error)
			}
		}
		after := s.Count(t)
		if after.Exchanged != before.Exchanged+3 || after.Revoked != before.Revoked {
			t.Errorf("the server counts %+v after %+v", after, before)
		}
		s.SetGrace(t, 0)
		got := s.form(t, "/token", url.Values{
			"client_id": {s.Public.ID}, "grant_type": {"refresh_token"}, "refresh_token": {first},
		})
		if after := s.Count(t); got.Error != "invalid_grant" || after.Revoked != before.Revoked+1 {
			t.Errorf("without grace: error %q, %d grants revoked", got.Error, after.Revoked-before.Revoked)
		}
	})

	t.Run("Away", func(t *testing.T) {
		first := s.Login(t, s.Public).Refresh.Value.Reveal()
		for range 2 {
			s.SetAway(t, true)
			s.SetAway(t, true) // still
			if resp, err := s.HTTPClient().Get(s.URL + "/jwks"); err == nil {
				resp.Body.Close()
				t.Error("a server that is away answers")
			}
			s.SetAway(t, false)
		}
		got := s.form(t, "/token", url.Values{
			"client_id": {s.Public.ID}, "grant_type": {"refresh_token"}, "refresh_token": {first},
		})
		if got.Error != "" {
			t.Errorf("back again, it refuses a refresh token it knew: %q", got.Error)
		}
	})

	t.Run("Refuse", func(t *testing.T) {
		s.Refuse(t, true)
		defer s.Refuse(t, false)
		if answer, _ := authorize(t, s); answer.Get("error") != "access_denied" || answer.Get("state") != "s" {
			t.Errorf("the redirect has %v", answer)
		}
	})
}

// An answer is what a server says to a client.
type answer struct {
	ID      string `json:"id_token"`
	Refresh string `json:"refresh_token"`
	Device  string `json:"device_code"`
	Page    string `json:"verification_uri_complete"`
	Error   string `json:"error"`
}

// form posts form to path.
func (s *Server) form(t *testing.T, path string, form url.Values) (a answer) {
	t.Helper()
	resp, err := s.HTTPClient().PostForm(s.URL+path, form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&a); err != nil {
		t.Fatal(err)
	}
	return a
}

// authorize goes through the authorization code grant with PKCE, and returns what
// came with the redirect and what the code was exchanged for, if there was one.
func authorize(t *testing.T, s *Server) (redirect url.Values, got answer) {
	t.Helper()
	client := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { redirect = r.URL.Query() }))
	defer client.Close()
	verifier := strings.Repeat("v", 43)
	challenge := sha256.Sum256([]byte(verifier))
	ask := url.Values{
		"client_id": {s.Public.ID}, "response_type": {"code"}, "redirect_uri": {client.URL + "/callback"},
		"scope": {"openid offline_access"}, "prompt": {"consent"}, "state": {"s"}, "nonce": {"n"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}
	if text, err := Visit(t.Context(), s.HTTPClient(), s.URL+"/auth?"+ask.Encode()); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if redirect.Get("code") == "" {
		return redirect, got
	}
	return redirect, s.form(t, "/token", url.Values{
		"client_id": {s.Public.ID}, "grant_type": {"authorization_code"}, "code": {redirect.Get("code")},
		"redirect_uri": {client.URL + "/callback"}, "code_verifier": {verifier},
	})
}

// checkID fails the test unless id is an ID token for the public client that
// lives for eight seconds.
func checkID(t *testing.T, s *Server, id string) {
	t.Helper()
	info, err := token.Inspect(token.NewSecret(id))
	if err != nil {
		t.Errorf("the ID token: %v", err)
		return
	}
	c := info.Claims
	if c.Issuer != s.URL || c.Audience[0] != s.Public.ID || c.Subject != "alice" {
		t.Errorf("the ID token says %+v", c)
	}
	if life := c.Expiry.Sub(c.IssuedAt); life != 8*time.Second {
		t.Errorf("it lives for %v", life)
	}
}
