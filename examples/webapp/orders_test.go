package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/session"
	"github.com/tokenlife/tokenlife/token"
)

// However many tabs and replicas ask, one exchange is made.
func TestOneExchange(t *testing.T) {
	t.Parallel()
	store := openTestStore(t)
	one, two := newReplica(t, store), newReplica(t, store)
	b := newBrowser(t, one)
	b.login("alice")
	b.expireAccess()
	var wg sync.WaitGroup
	for _, tab := range []*browser{b, b, b.copyOf(two), b.copyOf(two)} {
		wg.Go(func() {
			if a := tab.open("/orders"); a.status != http.StatusOK {
				t.Errorf("the orders: %d", a.status)
			}
		})
	}
	wg.Wait()
	if n := one.upstream.exchanges.Load() + two.upstream.exchanges.Load(); n != 1 {
		t.Errorf("%d exchanges, want 1", n)
	}
}

// When the login upstream is over, that here is over too.
func TestUpstreamOver(t *testing.T) {
	t.Parallel()
	b := newBrowser(t, newReplica(t, openTestStore(t)))
	b.login("alice")
	if err := b.at.upstream.issuer.Revoke(t.Context(), refresh.Request{Refresh: b.expireAccess(), Client: upstreamClient}); err != nil {
		t.Fatal(err)
	}
	if a := b.open("/orders"); !strings.HasPrefix(a.location, "/login?") || !strings.Contains(a.location, "why=ended") || !strings.Contains(a.location, "back=") {
		t.Errorf("the orders: %d to %q", a.status, a.location)
	}
	b.isOut("")
}

// A logout revokes the refresh token upstream.
func TestLogoutRevokes(t *testing.T) {
	t.Parallel()
	b := newBrowser(t, newReplica(t, openTestStore(t)))
	b.login("alice")
	spent := b.expireAccess()
	b.post("/logout", nil)
	if _, err := b.at.upstream.issuer.Exchange(t.Context(), refresh.Request{Refresh: spent, Client: upstreamClient}); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("the refresh token after logout: %v", err)
	}
}

// Whoever has no pair is not logged in.
func TestPairNotKept(t *testing.T) {
	t.Parallel()
	store := &faulty{Store: openTestStore(t)}
	store.noPairs.Store(true)
	b := newBrowser(t, newReplica(t, store))
	if a := b.post("/login", url.Values{"username": {"alice"}, "password": {"wonderland"}}); a.status != http.StatusServiceUnavailable {
		t.Errorf("login: %d, want 503", a.status)
	}
	b.isOut("")
}

func TestAccessTokens(t *testing.T) {
	t.Parallel()
	p := newReplica(t, openTestStore(t))
	good, err := p.upstream.mint(t.Context(), refresh.Grant{Subject: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	if claims, err := p.upstream.verify(t.Context(), good.Value); err != nil || claims.Subject != "alice" {
		t.Errorf("a good one: %v, %v", claims, err)
	}
	p.upstream.access = -time.Second
	expired, _ := p.upstream.mint(t.Context(), refresh.Grant{Subject: "alice"})
	if _, err := p.upstream.verify(t.Context(), expired.Value); !errors.Is(err, token.ErrExpired) {
		t.Errorf("an expired one: %v", err)
	}
	if _, err := p.upstream.verify(t.Context(), token.NewSecret("x")); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("none: %v", err)
	}
}

// session returns that of b.
func (b *browser) session() *session.Session[user] {
	b.t.Helper()
	r := httptest.NewRequest("GET", b.at.url, nil)
	for _, c := range b.jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	s, err := b.at.sessions.Load(r)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// expireAccess gives b's session a pair whose access token is gone, and returns
// its refresh token.
func (b *browser) expireAccess() token.Secret {
	b.t.Helper()
	s := b.session()
	pair, err := b.at.upstream.login(b.t.Context(), s.Subject)
	if err != nil {
		b.t.Fatal(err)
	}
	pair.Access = token.Token{}
	if err := b.at.sessions.SetPair(b.t.Context(), s, pair); err != nil {
		b.t.Fatal(err)
	}
	return pair.Refresh.Value
}
