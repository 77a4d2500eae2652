package fosite

import (
	"crypto/rand"
	"net/http"
	"testing"

	xoauth2 "golang.org/x/oauth2"
)

// Login is a login by authorization code with PKCE (RFC 6749, section 4.1; RFC
// 7636), with a browser of three lines. It returns what oauth2 makes of it.
func (s *Server) Login(tb testing.TB) *xoauth2.Token {
	tb.Helper()
	verifier, state := xoauth2.GenerateVerifier(), rand.Text()
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := browser.Get(s.Config.AuthCodeURL(state, xoauth2.S256ChallengeOption(verifier)))
	if err != nil {
		tb.Fatal(err)
	}
	resp.Body.Close()
	back, err := resp.Location()
	if err != nil || back.Query().Get("state") != state || back.Query().Get("code") == "" {
		tb.Fatalf("the login at fosite: %s, error %q (%v)", resp.Status, back.Query().Get("error"), err)
	}
	tok, err := s.Config.Exchange(tb.Context(), back.Query().Get("code"), xoauth2.VerifierOption(verifier))
	if err != nil {
		tb.Fatal(err)
	}
	return tok
}
