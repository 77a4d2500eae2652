package sessions

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/tokenlife/tokenlife/internal/e2e/tries"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/introspect"
	"github.com/tokenlife/tokenlife/token/oauth2adapt"
	"github.com/tokenlife/tokenlife/token/seal"
)

// An upstream is an authorization server, whose refresh tokens are good once, over
// HTTP.
type upstream struct {
	issuer             *refresh.Issuer
	url                string
	exchanges, revoked atomic.Int64
	reused             atomic.Int64
}

func newUpstream(t *testing.T) *upstream {
	u := new(upstream)
	minted := new(atomic.Int64)
	u.issuer = &refresh.Issuer{
		Keys:  &seal.Keyring{Keys: []token.Secret{key("i")}},
		Store: new(refresh.Memory),
		Grace: -1, // a refresh token that comes twice ends the login
		Mint: func(context.Context, refresh.Grant) (token.Token, error) {
			return token.Token{Value: token.NewSecret(fmt.Sprint("access-", minted.Add(1))), ExpiresIn: time.Hour}, nil
		},
		OnAudit: func(_ context.Context, a refresh.Audit) {
			if a.Kind == refresh.AuditReuse {
				u.reused.Add(1)
			}
		},
	}
	e := &refresh.Endpoint{Issuer: u.issuer}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) { u.exchanges.Add(1); e.Token(w, r) })
	mux.HandleFunc("POST /revoke", func(w http.ResponseWriter, r *http.Request) { u.revoked.Add(1); e.Revoke(w, r) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	u.url = server.URL
	return u
}

// pairs gives a replica the means to have pairs of u, on a mux of its own.
func (u *upstream) pairs(s *site) *site {
	s.Exchanger = &oauth2adapt.Exchanger{Config: &oauth2.Config{ClientID: "web", Endpoint: oauth2.Endpoint{TokenURL: u.url + "/token"}}}
	revoker := &introspect.Revoker{URL: u.url + "/revoke", Auth: introspect.ClientID("web")}
	s.Revoke = func(ctx context.Context, tok token.Secret) error { return revoker.Revoke(ctx, tok, "refresh_token") }
	return s
}

// However many callers on two replicas find the access token expired, there is one
// exchange, and all of them get what it brought. The logout on one replica revokes
// the pair, and ends it on the other.
func TestPairs(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend) {
		u := newUpstream(t)
		one := u.pairs(newSite(b.open(t, b.addr), key("a"), key("b"))).serve(t)
		other := u.pairs(newSite(b.open(t, b.addr), key("b"), key("a"))).serve(t)
		for round := range 10 {
			one, other = other, one
			tries.Run(t, func(t *tries.Try) {
				// An exchange that waits longer for the Store is not one of which it can
				// be said what comes of it.
				t.Counts(storeTime)
				u.round(t, round, one, other)
			})
		}
	})
}

func (u *upstream) round(t testing.TB, round int, one, other *site) {
	exchanged, revoked, reused := u.exchanges.Load(), u.revoked.Load(), u.reused.Load()
	mira := login(t, one, "mira")
	r := httptest.NewRequest("GET", "https://www.example/", nil)
	r.Header.Set("Cookie", string(mira))
	s, err := one.Load(r)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := u.issuer.Begin(t.Context(), refresh.Grant{Subject: "mira", Client: "web"})
	if err != nil {
		t.Fatal(err)
	}
	first := pair.Access.Value.Fingerprint()
	pair.Access.ExpiresIn = time.Nanosecond
	if err := one.SetPair(t.Context(), s, pair); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	got := make(map[string]int)
	for range 8 {
		for _, at := range []*site{one, other} {
			wg.Go(func() {
				status, body := mira.ask(t, at, "GET", "/api")
				if status != http.StatusOK {
					t.Errorf("round %d: %d %s", round, status, body)
				}
				mu.Lock()
				defer mu.Unlock()
				got[body]++
			})
		}
	}
	wg.Wait()
	if n := u.exchanges.Load() - exchanged; n != 1 || len(got) != 1 || got[first] != 0 {
		t.Fatalf("round %d: %d exchanges, and tokens %v; want 1, and the same new one for all", round, n, got)
	}
	at, err := other.Load(r)
	if err != nil {
		t.Fatal(err)
	}
	src := other.Source(at) // of a request that goes on
	if tok, err := src.Token(t.Context()); err != nil || got[tok.Value.Fingerprint()] != 16 {
		t.Errorf("Token = %v, %v", tok, err)
	}
	mira.must(t, one, "POST", "/logout", http.StatusOK, "")
	if n := u.revoked.Load() - revoked; n != 1 {
		t.Errorf("%d requests to revoke a token, want 1", n)
	}
	refused(t, src)
	mira.must(t, other, "GET", "/api", http.StatusUnauthorized, "session_ended")
	if n := u.reused.Load() - reused; n != 0 {
		t.Errorf("%d refresh tokens were presented twice", n)
	}
}

// refused fails the test unless src says that the login is over.
func refused(t testing.TB, src token.Source) {
	t.Helper()
	if _, err := src.Token(t.Context()); !errors.Is(err, token.ErrRefused) || errors.Is(err, token.ErrInvalid) {
		t.Errorf("after the logout: %v", err)
	}
}
