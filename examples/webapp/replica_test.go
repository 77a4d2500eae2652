package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// testStore has the URL of a store to test with instead of a file of SQLite.
const testStore = "WEBAPP_TEST_STORE"

const (
	idle     = 10 * time.Minute
	lifetime = time.Hour
)

var (
	oldKey = token.NewSecret(strings.Repeat("o", 32))
	newKey = token.NewSecret(strings.Repeat("n", 32))
)

// A replica is one process of the site, with its upstream.
type replica struct {
	*service
	url     string
	elapsed *atomic.Int64 // by which its clock is ahead
	client  *http.Client  // trusts its certificate
}

// openTestStore returns the store that is to be tested with.
func openTestStore(t *testing.T) refresh.Store {
	t.Helper()
	name := os.Getenv(testStore)
	if name == "" {
		name = filepath.Join(t.TempDir(), "webapp.db")
	}
	store, closeStore, err := openStore(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeStore() })
	return prefixed{store, t.Name() + "/"}
}

// A prefixed store is a part of another, since all tests have the same users.
type prefixed struct {
	refresh.Store
	prefix string
}

func (p prefixed) Get(ctx context.Context, key string) ([]byte, error) {
	return p.Store.Get(ctx, p.prefix+key)
}

func (p prefixed) Swap(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
	return p.Store.Swap(ctx, p.prefix+key, old, new, expires)
}

// newReplica starts a replica, over https since a jar keeps Secure cookies for
// nothing else.
func newReplica(t *testing.T, store refresh.Store, keys ...token.Secret) *replica {
	t.Helper()
	if keys == nil {
		keys = []token.Secret{oldKey}
	}
	ring := &seal.Keyring{Keys: keys}
	u := newUpstream("", store, ring, time.Minute)
	us := httptest.NewServer(u.handler())
	t.Cleanup(us.Close)
	u.url = us.URL

	p := &replica{elapsed: &atomic.Int64{}}
	events := &journal{}
	s, err := newService(idle, lifetime, store, ring, u, slog.New(slog.NewTextHandler(events, nil)), events)
	if err != nil {
		t.Fatal(err)
	}
	s.now = func() time.Time { return time.Now().Add(time.Duration(p.elapsed.Load())) }
	site := httptest.NewTLSServer(s.handler())
	t.Cleanup(site.Close)
	p.service, p.url, p.client = s, site.URL, site.Client()
	return p
}

// pass lets time pass.
func (p *replica) pass(d time.Duration) { p.elapsed.Add(int64(d)) }

// A browser is somebody's, with cookies of its own.
type browser struct {
	t   *testing.T
	at  *replica
	jar http.CookieJar
}

func newBrowser(t *testing.T, at *replica) *browser {
	jar, _ := cookiejar.New(nil)
	return &browser{t, at, jar}
}

// An answer is what came of a request.
type answer struct {
	status   int
	location string
	header   http.Header
	body     string
}

// send sends a request, with its header given in pairs. It follows no redirects.
func (b *browser) send(method, path string, form url.Values, header ...string) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.at.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	c := *b.at.client
	c.Jar = b.jar
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := c.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header.Get("Location"), resp.Header, string(text)}
}

// open asks for a page, as somebody does who clicks on a link.
func (b *browser) open(path string) answer {
	b.t.Helper()
	return b.send("GET", path, nil, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Sec-Fetch-Site", "same-origin")
}

// post sends a form of the site's own.
func (b *browser) post(path string, form url.Values) answer {
	b.t.Helper()
	return b.send("POST", path, form, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Sec-Fetch-Site", "same-origin")
}

// login logs in.
func (b *browser) login(user string) {
	b.t.Helper()
	if a := b.post("/login", url.Values{"username": {user}, "password": {passwords[user]}}); a.status != http.StatusSeeOther || a.location != "/" {
		b.t.Fatalf("login: %d to %q, want 303 to /", a.status, a.location)
	}
}

// copyOf returns a browser at a replica that has the same cookies.
func (b *browser) copyOf(at *replica) *browser {
	b.t.Helper()
	copied := newBrowser(b.t, at)
	from, _ := url.Parse(b.at.url)
	to, _ := url.Parse(at.url)
	var cookies []*http.Cookie
	for _, c := range b.jar.Cookies(from) {
		cookies = append(cookies, &http.Cookie{Name: c.Name, Value: c.Value, Path: "/", Secure: true})
	}
	copied.jar.SetCookies(to, cookies)
	return copied
}

// is checks that somebody is logged in.
func (b *browser) is(user string) {
	b.t.Helper()
	if a := b.open("/"); a.status != http.StatusOK || !strings.Contains(a.body, `title="Logged in as `+user+`"`) {
		b.t.Errorf("GET / answers %d, want the page of %s", a.status, user)
	}
}

// isOut checks that nobody is logged in, and why, as the login page says it.
func (b *browser) isOut(why string) {
	b.t.Helper()
	a := b.open("/")
	if a.status != http.StatusSeeOther || !strings.HasPrefix(a.location, "/login") {
		b.t.Errorf("GET / answers %d to %q, want 303 to /login", a.status, a.location)
		return
	}
	said := `data-why="` + why + `"`
	if got := regexp.MustCompile(`data-why="[^"]*"`).FindString(b.open(a.location).body); got != said && (why != "" || got != "") {
		b.t.Errorf("the login page says %s, want %s", got, said)
	}
}

// A faulty store is away when it is told so, and may take no pairs.
type faulty struct {
	refresh.Store
	away, noPairs atomic.Bool
	reads         atomic.Int64
}

func (f *faulty) Get(ctx context.Context, key string) ([]byte, error) {
	f.reads.Add(1)
	if f.away.Load() {
		return nil, errors.New("the store is away")
	}
	return f.Store.Get(ctx, key)
}

func (f *faulty) Swap(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
	if f.away.Load() || f.noPairs.Load() && strings.HasPrefix(key, "pair/") {
		return false, errors.New("the store is away")
	}
	return f.Store.Swap(ctx, key, old, new, expires)
}
