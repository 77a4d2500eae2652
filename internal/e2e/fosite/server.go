package fosite

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/handler/oauth2"
	"github.com/ory/fosite/storage"
	xoauth2 "golang.org/x/oauth2"
)

// A Server is an OAuth 2.0 server, for one test.
type Server struct {
	// Config is that of its one client, which has a secret and proves it in the
	// Authorization header.
	Config xoauth2.Config

	provider fosite.OAuth2Provider
	strategy *oauth2.HMACSHAStrategy
	store    *store

	mu        sync.Mutex
	presented map[string]int
	exchanged int
}

// A Count is the server's own record of refresh tokens, from its start.
type Count struct {
	Presented int // requests that presented one
	Different int // tokens presented, however often each
	Exchanged int // requests that were granted
	Revoked   int // logins ended, because a token came again
}

// Start starts a server and stops it when the test ends.
func Start(tb testing.TB) *Server {
	tb.Helper()
	secret := rand.Text()
	config := &fosite.Config{
		GlobalSecret:         []byte(rand.Text() + rand.Text()),
		HashCost:             4, // of the client's secret, which is checked at each request
		AccessTokenLifespan:  time.Hour,
		RefreshTokenLifespan: 24 * time.Hour,
	}
	hashed, err := (&fosite.BCrypt{Config: config}).Hash(tb.Context(), []byte(secret))
	if err != nil {
		tb.Fatal(err)
	}
	s := &Server{
		strategy:  compose.NewOAuth2HMACStrategy(config),
		store:     &store{MemoryStore: storage.NewMemoryStore()},
		presented: make(map[string]int),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /authorize", s.authorize)
	mux.HandleFunc("POST /token", s.token)
	listening := httptest.NewServer(mux)
	tb.Cleanup(listening.Close)
	s.Config = xoauth2.Config{
		ClientID: "cli", ClientSecret: secret,
		Endpoint: xoauth2.Endpoint{
			AuthURL: listening.URL + "/authorize", TokenURL: listening.URL + "/token",
			AuthStyle: xoauth2.AuthStyleInHeader,
		},
		RedirectURL: "http://127.0.0.1/callback",
		Scopes:      []string{"read", "offline"},
	}
	s.store.Clients["cli"] = &fosite.DefaultClient{
		ID: "cli", Secret: hashed,
		RedirectURIs:  []string{s.Config.RedirectURL},
		GrantTypes:    fosite.Arguments{"authorization_code", "refresh_token"},
		ResponseTypes: fosite.Arguments{"code"},
		Scopes:        s.Config.Scopes,
	}
	s.provider = compose.Compose(config, s.store, s.strategy,
		compose.OAuth2AuthorizeExplicitFactory, compose.OAuth2PKCEFactory, compose.OAuth2RefreshTokenGrantFactory)
	return s
}

// Count returns the server's record.
func (s *Server) Count() Count {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := Count{Different: len(s.presented), Exchanged: s.exchanged, Revoked: s.store.reuses()}
	for _, n := range s.presented {
		c.Presented += n
	}
	return c
}

// Expire makes a refresh token one that has been left unused for too long.
func (s *Server) Expire(tb testing.TB, refresh string) {
	tb.Helper()
	request, err := s.store.GetRefreshTokenSession(tb.Context(), s.strategy.RefreshTokenSignature(tb.Context(), refresh), nil)
	if err != nil {
		tb.Fatal(err)
	}
	request.GetSession().SetExpiresAt(fosite.RefreshToken, time.Now().Add(-time.Hour))
}

// Collide makes the next two exchanges run at once: neither goes on until the
// other has found its token to be good. Of one token, one of them loses.
func (s *Server) Collide() { s.store.collide(2) }

// authorize is the authorization endpoint: whoever asks is alice, and allows
// everything.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	request, err := s.provider.NewAuthorizeRequest(ctx, r)
	if err != nil {
		s.provider.WriteAuthorizeError(ctx, w, request, err)
		return
	}
	for _, scope := range request.GetRequestedScopes() {
		request.GrantScope(scope)
	}
	response, err := s.provider.NewAuthorizeResponse(ctx, request, &fosite.DefaultSession{Subject: "alice"})
	if err != nil {
		s.provider.WriteAuthorizeError(ctx, w, request, err)
		return
	}
	s.provider.WriteAuthorizeResponse(ctx, w, request, response)
}

// token is the token endpoint.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	// A client that gives up has still sent its token.
	ctx := context.WithoutCancel(r.Context())
	refresh := ""
	if r.PostFormValue("grant_type") == "refresh_token" {
		refresh = r.PostFormValue("refresh_token")
		s.mu.Lock()
		s.presented[refresh]++
		s.mu.Unlock()
	}
	request, err := s.provider.NewAccessRequest(ctx, r, &fosite.DefaultSession{})
	var response fosite.AccessResponder
	if err == nil {
		response, err = s.provider.NewAccessResponse(ctx, request)
	}
	if err != nil {
		s.provider.WriteAccessError(ctx, w, request, err)
		return
	}
	if refresh != "" {
		s.mu.Lock()
		s.exchanged++
		s.mu.Unlock()
	}
	s.provider.WriteAccessResponse(ctx, w, request, response)
}
