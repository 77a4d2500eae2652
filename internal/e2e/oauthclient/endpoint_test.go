package oauthclient

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// The apps that the server knows. Each secret means something else in a form or
// beside a user name.
var (
	public = App{ID: "cli", Auth: None}
	basic  = App{ID: "web:1", Secret: token.NewSecret("a+b:c%41/" + rand.Text()), Auth: Basic}
	post   = App{ID: "batch", Secret: token.NewSecret("a+b:c%41/" + rand.Text()), Auth: Post}
)

// A server is our Issuer behind our Endpoint.
type server struct {
	Server
	issuer *refresh.Issuer
	away   atomic.Bool // whether its store is
}

func newServer(t *testing.T, app App) *server {
	s := new(server)
	s.issuer = &refresh.Issuer{
		Mint: func(context.Context, refresh.Grant) (token.Token, error) {
			return token.Token{Value: token.NewSecret(rand.Text()), ExpiresIn: 10 * time.Minute}, nil
		},
		Keys:  &seal.Keyring{Keys: []token.Secret{token.NewSecret(rand.Text() + rand.Text())}},
		Store: &store{Store: new(refresh.Memory), away: &s.away},
		Grace: 5 * time.Minute, // more than a busy machine takes between two requests
	}
	endpoint := &refresh.Endpoint{Issuer: s.issuer}
	if app.Auth != None {
		endpoint.Client = authenticate
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", endpoint.Token)
	mux.HandleFunc("POST /revoke", endpoint.Revoke)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	s.Server = Server{Issuer: srv.URL, Token: srv.URL + "/token", Revoke: srv.URL + "/revoke"}
	return s
}

// authenticate authenticates basic and post, each in its way.
func authenticate(r *http.Request) (id, confirm string, err error) {
	id, secret, ok := r.BasicAuth()
	if ok {
		// RFC 6749, section 2.3.1: both are form-encoded.
		var errID, errSecret error
		id, errID = url.QueryUnescape(id)
		secret, errSecret = url.QueryUnescape(secret)
		ok = errID == nil && errSecret == nil && id == basic.ID && basic.Secret.Equal(token.NewSecret(secret))
	} else {
		id = r.PostFormValue("client_id")
		ok = id == post.ID && post.Secret.Equal(token.NewSecret(r.PostFormValue("client_secret")))
	}
	if !ok {
		return "", "", errors.New("unknown client or wrong secret")
	}
	return id, "", nil
}

// store is a Store that can be away.
type store struct {
	refresh.Store
	away *atomic.Bool
}

func (s *store) Get(ctx context.Context, key string) ([]byte, error) {
	if s.away.Load() {
		return nil, errors.New("the store is away")
	}
	return s.Store.Get(ctx, key)
}

func (s *store) Swap(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
	if s.away.Load() {
		return false, errors.New("the store is away")
	}
	return s.Store.Swap(ctx, key, old, new, expires)
}

// begin logs in and returns the first refresh token.
func (s *server) begin(t *testing.T, app App) token.Secret {
	t.Helper()
	p, err := s.issuer.Begin(t.Context(), refresh.Grant{Subject: "ann", Client: app.ID, Scope: "read write"})
	if err != nil {
		t.Fatal(err)
	}
	return p.Refresh.Value
}

// TestEndpoint has clients that others wrote judge our Endpoint.
func TestEndpoint(t *testing.T) {
	t.Parallel()
	for _, client := range Start(t) {
		for _, app := range []App{public, basic, post} {
			s := newServer(t, app)
			t.Run(fmt.Sprintf("%v/%s", client, app.Auth), func(t *testing.T) {
				t.Run("Refresh", func(t *testing.T) { testRefresh(t, client, s, app) })
				t.Run("Reuse", func(t *testing.T) { testReuse(t, client, s, app) })
				t.Run("Revoke", func(t *testing.T) { testRevoke(t, client, s, app) })
				t.Run("Away", func(t *testing.T) { testAway(t, client, s, app) })
				t.Run("Stranger", func(t *testing.T) { testStranger(t, client, s, app) })
			})
		}
	}
}

// testRefresh refreshes twice, and once more as a client does that lost the
// answer.
func testRefresh(t *testing.T, client Client, s *server, app App) {
	first := s.begin(t, app)
	second := refreshed(t, client, s, app, first)
	third := refreshed(t, client, s, app, second.Refresh)
	for _, pair := range [][2]token.Secret{
		{first, second.Refresh}, {second.Refresh, third.Refresh}, {first, third.Refresh}, {second.Access, third.Access},
	} {
		if pair[0].Equal(pair[1]) {
			t.Error("a token came twice")
		}
	}
	if again := refreshed(t, client, s, app, second.Refresh); !again.Refresh.Equal(third.Refresh) {
		t.Error("the token just spent brought another successor")
	}
}

// testReuse presents a token that was spent two generations ago.
func testReuse(t *testing.T, client Client, s *server, app App) {
	first := s.begin(t, app)
	last := refreshed(t, client, s, app, refreshed(t, client, s, app, first).Refresh)
	refused(t, client.Refresh(t, s.Server, app, first), "the refresh token was used before")
	refused(t, client.Refresh(t, s.Server, app, last.Refresh), "")
}

func testRevoke(t *testing.T, client Client, s *server, app App) {
	last := refreshed(t, client, s, app, s.begin(t, app))
	for range 2 { // ended already is no error
		if f := client.Revoke(t, s.Server, app, last.Refresh).Failed; f != nil {
			t.Fatalf("revocation failed: %+v", *f)
		}
	}
	refused(t, client.Refresh(t, s.Server, app, last.Refresh), "")
	if f := client.Revoke(t, s.Server, app, token.NewSecret("no token of ours")).Failed; f != nil {
		t.Errorf("revocation of an unknown token failed: %+v", *f)
	}
}

// testAway shows that a server that cannot tell says when to come back, and
// that nothing is lost.
func testAway(t *testing.T, client Client, s *server, app App) {
	first := s.begin(t, app)
	s.away.Store(true)
	defer s.away.Store(false)
	for what, answer := range map[string]Answer{
		"refresh":    client.Refresh(t, s.Server, app, first),
		"revocation": client.Revoke(t, s.Server, app, first),
	} {
		f := answer.Failed
		if f == nil || f.Status != http.StatusServiceUnavailable || f.RetryAfter == "" {
			t.Errorf("%s: got %+v, want 503 with a Retry-After", what, f)
		}
	}
	s.away.Store(false)
	refreshed(t, client, s, app, first)
}

// testStranger shows that a token is of no use to another client, does no harm
// there, and that a wrong secret is the client's fault.
func testStranger(t *testing.T, client Client, s *server, app App) {
	mine := s.begin(t, app)
	refused(t, client.Refresh(t, s.Server, app, s.begin(t, App{ID: "somebody else"})), "")
	if app.Auth != None {
		wrong := app
		wrong.Secret = token.NewSecret("wrong")
		f := client.Refresh(t, s.Server, wrong, mine).Failed
		if f == nil || f.Status != http.StatusUnauthorized || f.Error != "invalid_client" && f.Name != "WWWAuthenticateChallengeError" {
			t.Errorf("a wrong secret: got %+v, want 401 invalid_client", f)
		}
	}
	refreshed(t, client, s, app, mine)
}

// refreshed refreshes, and checks the whole answer.
func refreshed(t *testing.T, client Client, s *server, app App, old token.Secret) Tokens {
	t.Helper()
	answer := client.Refresh(t, s.Server, app, old)
	if answer.Failed != nil {
		t.Fatalf("refresh failed: %+v", *answer.Failed)
	}
	got := answer.Tokens
	if got.Access.Reveal() == "" || got.Refresh.Reveal() == "" || got.Scope != "read write" || got.ExpiresIn != 600 {
		t.Errorf("got %+v, want two tokens, scope %q and 600 seconds", got, "read write")
	}
	if got.Type != "Bearer" && got.Type != "bearer" {
		t.Errorf("token_type is %q", got.Type)
	}
	return got
}

// refused fails the test unless the answer is invalid_grant, and says what it is
// to say.
func refused(t *testing.T, answer Answer, description string) {
	t.Helper()
	f := answer.Failed
	if f == nil || f.Status != http.StatusBadRequest || f.Error != "invalid_grant" {
		t.Errorf("got %+v, want 400 invalid_grant", f)
	} else if description != "" && f.Description != description {
		t.Errorf("the description is %q, want %q", f.Description, description)
	}
}
