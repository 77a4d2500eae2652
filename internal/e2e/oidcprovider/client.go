package oidcprovider

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// The resources (RFC 8707) that tokens can be had for. A token's aud is its
// resource, and it lives ten minutes.
const (
	JWT      = "https://jwt.example"    // its tokens are JWTs (RFC 9068)
	OtherJWT = "https://other.example"  // so are its
	Opaque   = "https://opaque.example" // its tokens mean something to the server alone
)

// A Client is an OAuth 2.0 client that the server knows.
type Client struct {
	ID     string
	Secret token.Secret

	method string // how it authenticates
}

// public is the method of a client that does not.
const public = "none"

func newClient(id, method string) Client {
	// Each of these means something else in a form or beside a user name.
	return Client{ID: id, Secret: token.NewSecret("a+b:c%41/" + rand.Text()), method: method}
}

// metadata is what the server is told of the client (RFC 7591, section 2).
func (c Client) metadata() map[string]any {
	grants := []string{
		"authorization_code", "urn:ietf:params:oauth:grant-type:device_code", "refresh_token", "urn:test:login",
	}
	metadata := map[string]any{
		"client_id":                  c.ID,
		"token_endpoint_auth_method": c.method,
		"scope":                      "read write openid offline_access",
		// To a native application's loopback redirect any port will do (RFC 8252,
		// section 7.3).
		"application_type": "native",
		"redirect_uris":    []string{"http://127.0.0.1/", "http://127.0.0.1/callback"},
		"response_types":   []string{"code"},
	}
	if c.method != public {
		metadata["client_secret"] = c.Secret.Reveal()
		grants = append(grants, "client_credentials")
	}
	metadata["grant_types"] = grants
	return metadata
}

// Token has the server issue a token for resource to client c, with scope read,
// by the client credentials grant (RFC 6749, section 4.4).
func (s *Server) Token(tb testing.TB, c Client, resource string) token.Token {
	tb.Helper()
	access, _ := s.ask(tb, c, url.Values{"grant_type": {"client_credentials"}, "resource": {resource}, "scope": {"read"}})
	return access
}

// Login has the server issue the first pair of a login to client c, as if a user
// had allowed it: an opaque access token and a refresh token, which is good for
// 14 days and for one exchange.
func (s *Server) Login(tb testing.TB, c Client) refresh.Pair {
	tb.Helper()
	access, first := s.ask(tb, c, url.Values{"grant_type": {"urn:test:login"}})
	if first.IsZero() {
		tb.Fatal("node-oidc-provider gave no refresh token")
	}
	return refresh.Pair{Access: access, Refresh: token.Token{Value: first}}
}

// Live reports whether claims are those of a token that lives for as long as the answer
// that it came in says. For the end of one that is no ID token the server reads its clock
// a moment before it does for the beginning: where a second ends in between, the two are
// a second less apart.
func Live(claims token.Claims, expiresIn time.Duration) bool {
	life := claims.Expiry.Sub(claims.IssuedAt)
	return life == expiresIn || life == expiresIn-time.Second
}

// ask has the server issue to client c what form asks for.
func (s *Server) ask(tb testing.TB, c Client, form url.Values) (access token.Token, refreshToken token.Secret) {
	tb.Helper()
	switch c.method {
	case "client_secret_post":
		form.Set("client_secret", c.Secret.Reveal())
		fallthrough
	case public:
		form.Set("client_id", c.ID)
	}
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, s.URL+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if c.method == "client_secret_basic" {
		req.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.Secret.Reveal()))
	}
	resp, err := s.HTTPClient().Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		tb.Fatal(err)
	}
	var answer struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
		ExpiresIn    int64  `json:"expires_in"`
		Error        string `json:"error"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || resp.StatusCode != http.StatusOK || answer.AccessToken == "" {
		tb.Fatalf("asking node-oidc-provider for a token by %s: %s, error %q (%v)", form.Get("grant_type"), resp.Status, answer.Error, err)
	}
	access = token.Token{Value: token.NewSecret(answer.AccessToken), ExpiresIn: time.Duration(answer.ExpiresIn) * time.Second}
	return access, token.NewSecret(answer.RefreshToken)
}
