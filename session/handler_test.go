package session

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// person is what the sessions of these tests hold.
type person struct {
	Name string `json:"name"`
	Note string `json:"note,omitempty"`
}

var oneKey = &seal.Keyring{Keys: []token.Secret{token.NewSecret(strings.Repeat("k", 32))}}

// wallClock is a Manager's Now, which moves by hand.
type wallClock struct{ ms atomic.Int64 }

func newWallClock() *wallClock {
	c := new(wallClock)
	c.ms.Store(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixMilli())
	return c
}

func (c *wallClock) now() time.Time          { return time.UnixMilli(c.ms.Load()) }
func (c *wallClock) advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

// A browser is a browser at a site, as far as cookies go.
type browser struct {
	t       testing.TB
	site    http.Handler
	cookies map[string]string
}

func newBrowser(t testing.TB, site http.Handler) *browser {
	return &browser{t: t, site: site, cookies: make(map[string]string)}
}

// request returns a request with v's cookies, the shortest name first, and
// headers in pairs.
func (v *browser) request(method, target string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, "https://app.example"+target, nil)
	r.RequestURI = target // as from a browser
	var cookies []string
	for i := range maxCookies + 1 {
		for name, value := range v.cookies {
			if len(name)-len("__Host-session") == i {
				cookies = append(cookies, name+"="+value)
			}
		}
	}
	if cookies != nil {
		r.Header.Set("Cookie", strings.Join(cookies, "; "))
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// visit has the site answer a request, and keeps the cookies that it sets.
func (v *browser) visit(method, target string, headers ...string) *http.Response {
	v.t.Helper()
	return v.send(v.request(method, target, headers...))
}

func (v *browser) send(r *http.Request) *http.Response {
	v.t.Helper()
	w := httptest.NewRecorder()
	v.site.ServeHTTP(w, r)
	v.take(w.Result())
	return w.Result()
}

func (v *browser) take(resp *http.Response) {
	v.t.Helper()
	for _, line := range resp.Header["Set-Cookie"] {
		c, err := http.ParseSetCookie(line)
		if err != nil || len(line) > 4000 {
			v.t.Fatalf("a line of %d bytes: %v", len(line), err)
		}
		if c.MaxAge < 0 {
			delete(v.cookies, c.Name)
		} else {
			v.cookies[c.Name] = c.Value
		}
	}
}

// setCookieNames returns the names of the cookies that resp sets, with a "-"
// before those that it deletes.
func setCookieNames(resp *http.Response) (names []string) {
	for _, c := range resp.Cookies() {
		if c.MaxAge < 0 {
			c.Name = "-" + c.Name
		}
		names = append(names, c.Name)
	}
	return names
}

func bodyOf(t testing.TB, resp *http.Response) string {
	t.Helper()
	var b bytes.Buffer
	if _, err := b.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// newSite returns a site with a login, whose note has the length that is asked
// for, a logout, a page and the rest of what a site has.
func newSite(m *Manager[person]) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		var size int
		fmt.Sscan(r.URL.Query().Get("note"), &size)
		if _, err := m.Start(w, r, "mira", person{"Mira", strings.Repeat("n", size)}); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		m.Return(w, r, "/home")
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		if err := m.End(w, r); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("POST /note", func(w http.ResponseWriter, r *http.Request) {
		var size int
		fmt.Sscan(r.URL.Query().Get("note"), &size)
		s, err := m.From(r.Context())
		if err != nil {
			m.Deny(w, r, err)
			return
		}
		s.Data.Note = strings.Repeat("n", size)
		if err := m.Save(w, r, s); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("/left", m.TimeLeft)
	mux.Handle("/", m.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := m.From(r.Context())
		fmt.Fprintf(w, "%s %d %d %v", s.Data.Name, len(s.Data.Note), s.Seen.UnixMilli(), err)
	})))
	return m.Handler(mux)
}

func TestHandler(t *testing.T) {
	t.Parallel()
	m := &Manager[person]{Keys: oneKey}
	v := newBrowser(t, m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := m.From(r.Context())
		switch {
		case err == nil:
			fmt.Fprint(w, s.Subject)
		case errors.Is(err, ErrNoSession) && !errors.Is(err, token.ErrInvalid):
			fmt.Fprint(w, "nobody")
			m.Start(w, r, "mira", person{})
		default:
			t.Error(err)
		}
	})))
	if got := bodyOf(t, v.visit("GET", "/")); got != "nobody" {
		t.Errorf("without a cookie: %q", got)
	}
	if _, err := m.Start(httptest.NewRecorder(), v.request("GET", "/"), "mira", person{}); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	m.Start(w, v.request("GET", "/"), "mira", person{})
	v.take(w.Result())
	if got := bodyOf(t, v.visit("GET", "/")); got != "mira" {
		t.Errorf("with one: %q", got)
	}
}

func TestFromOutsideHandler(t *testing.T) {
	t.Parallel()
	m, other := &Manager[person]{Keys: oneKey}, &Manager[person]{Keys: oneKey, Name: "__Host-other"}
	check := func(ctx *http.Request) {
		s, err := m.From(ctx.Context())
		if s != nil || err == nil || errors.Is(err, ErrNoSession) || !strings.Contains(err.Error(), "Manager.Handler") {
			t.Errorf("%v, %v", s, err)
		}
	}
	r := httptest.NewRequest("GET", "/", nil)
	check(r)
	other.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { check(r) })).ServeHTTP(httptest.NewRecorder(), r)

	w := httptest.NewRecorder()
	m.Require(http.NotFoundHandler()).ServeHTTP(w, r)
	if w.Code != http.StatusInternalServerError {
		t.Errorf("Require: %d", w.Code)
	}
}

// Two Managers, one inside the other, each have their own session.
func TestTwoManagers(t *testing.T) {
	t.Parallel()
	outer, inner := &Manager[person]{Keys: oneKey, Name: "__Host-a"}, &Manager[person]{Keys: oneKey, Name: "__Host-b"}
	var got []string
	site := outer.Handler(inner.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, m := range []*Manager[person]{outer, inner} {
			if s, err := m.From(r.Context()); err == nil {
				got = append(got, m.Name+" "+s.Subject)
			}
		}
	})))
	v := newBrowser(t, site)
	for _, m := range []*Manager[person]{outer, inner} {
		w := httptest.NewRecorder()
		if _, err := m.Start(w, v.request("GET", "/"), "of "+m.Name, person{}); err != nil {
			t.Fatal(err)
		}
		v.take(w.Result())
	}
	r := httptest.NewRequest("GET", "/", nil)
	for name, value := range v.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	v.send(r)
	if diff := cmp.Diff([]string{"__Host-a of __Host-a", "__Host-b of __Host-b"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	// Nor does the cookie of one pass for that of the other.
	r = httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: "__Host-b", Value: v.cookies["__Host-a"]})
	if _, err := inner.Load(r); !errors.Is(err, token.ErrSignature) {
		t.Errorf("the cookie of another Manager: %v", err)
	}
}

func TestCrossOrigin(t *testing.T) {
	t.Parallel()
	trusting := http.NewCrossOriginProtection()
	if err := trusting.AddTrustedOrigin("https://friend.example"); err != nil {
		t.Fatal(err)
	}
	trusting.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	for _, test := range []struct {
		method     string
		headers    []string
		protection *http.CrossOriginProtection
		want       int
	}{
		{"POST", nil, nil, 200},
		{"POST", []string{"Sec-Fetch-Site", "same-origin"}, nil, 200},
		{"POST", []string{"Sec-Fetch-Site", "none"}, nil, 200},
		{"POST", []string{"Sec-Fetch-Site", "cross-site"}, nil, 403},
		{"POST", []string{"Sec-Fetch-Site", "same-site"}, nil, 403}, // another host of the domain
		{"POST", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://app.example"}, nil, 403},
		{"POST", []string{"Origin", "https://app.example"}, nil, 200},
		{"POST", []string{"Origin", "https://evil.example"}, nil, 403},
		{"POST", []string{"Origin", "null"}, nil, 403},
		{"PUT", []string{"Sec-Fetch-Site", "cross-site"}, nil, 403},
		{"DELETE", []string{"Sec-Fetch-Site", "cross-site"}, nil, 403},
		{"GET", []string{"Sec-Fetch-Site", "cross-site"}, nil, 200},
		{"POST", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://friend.example"}, trusting, 200},
		{"POST", []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, trusting, 418},
	} {
		var events []Event
		m := &Manager[person]{Keys: oneKey, CrossOrigin: test.protection, OnEvent: func(e Event) { events = append(events, e) }}
		called := false
		v := newBrowser(t, m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			called = true
			m.Start(w, r, "mallory", person{}) // on the login page, as elsewhere
		})))
		resp := v.visit(test.method, "/login", test.headers...)
		refused := test.want >= 400
		if resp.StatusCode != test.want || called == refused || (len(v.cookies) != 0) == refused {
			t.Errorf("%s %q: %d, want %d; called %t, %d cookies", test.method, test.headers, resp.StatusCode, test.want, called, len(v.cookies))
		}
		if told := len(events) == 1 && events[0].Kind == CrossOrigin && events[0].Err != nil; told != refused {
			t.Errorf("%s %q: told %v", test.method, test.headers, events)
		}
	}
}

// Whoever is refused reads what to do about it, and why is told to OnEvent.
func TestCrossOriginText(t *testing.T) {
	t.Parallel()
	m := &Manager[person]{Keys: oneKey}
	v := newBrowser(t, newSite(m))
	resp := v.visit("POST", "/login", "Sec-Fetch-Site", "cross-site")
	if got := bodyOf(t, resp); resp.StatusCode != 403 || !strings.Contains(got, "a page of another site") || !strings.Contains(got, "try again") {
		t.Errorf("%d %s", resp.StatusCode, got)
	}
	if m.CrossOrigin != nil {
		t.Error("the field is set")
	}
}

// The server removes the files of a form from the disk: of the request that it
// knows, which is not the one that next gets.
func TestFilesOfForms(t *testing.T) {
	t.Parallel()
	m := &Manager[person]{Keys: oneKey}
	post := func() *http.Request {
		r := httptest.NewRequest("POST", "/", strings.NewReader("--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n"+strings.Repeat("f", 1<<20)+"\r\n--b--\r\n"))
		r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		return r
	}
	for _, fails := range []bool{false, true} {
		r, name := post(), ""
		func() {
			defer func() { recover() }()
			m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if err := r.ParseMultipartForm(1); err != nil {
					t.Fatal(err)
				}
				f, err := r.MultipartForm.File["f"][0].Open()
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				if file, ok := f.(*os.File); ok {
					name = file.Name()
				}
				if fails {
					panic(http.ErrAbortHandler)
				}
			})).ServeHTTP(httptest.NewRecorder(), r)
		}()
		if r.MultipartForm == nil || name == "" {
			t.Fatalf("the form is not the server's to remove; its file is %q", name)
		}
		if err := r.MultipartForm.RemoveAll(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
	}
	// One that was parsed before is left as it is.
	r := post()
	if err := r.ParseMultipartForm(1 << 21); err != nil {
		t.Fatal(err)
	}
	before := r.MultipartForm
	m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { r.MultipartForm = nil })).ServeHTTP(httptest.NewRecorder(), r)
	if r.MultipartForm != before {
		t.Error("the form is another")
	}
}

// Handlers can do with the ResponseWriter what the server's can: it is that.
func TestSameResponseWriter(t *testing.T) {
	t.Parallel()
	m := &Manager[person]{Keys: oneKey}
	w := httptest.NewRecorder()
	v := newBrowser(t, newSite(m))
	v.visit("POST", "/login")
	var got http.ResponseWriter
	m.Handler(m.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got = w }))).ServeHTTP(w, v.request("GET", "/"))
	if got != http.ResponseWriter(w) {
		t.Errorf("%T", got)
	}
}

// Caches between must not give one person's page to another.
func TestCacheHeaders(t *testing.T) {
	t.Parallel()
	clock := newWallClock()
	m := &Manager[person]{Keys: oneKey, Now: clock.now}
	for _, test := range []struct {
		name  string
		after time.Duration
		own   string // Cache-Control of the page
		want  string
	}{
		{"nothing set", time.Minute, "", ""},
		{"nothing set", time.Minute, "public", "public"},
		{"slid", 10 * time.Minute, "", "private"},
		{"slid", 10 * time.Minute, "no-store", "no-store"},
	} {
		v := newBrowser(t, newSite(m))
		resp := v.visit("POST", "/login")
		if got := resp.Header.Get("Cache-Control"); got != "no-store" || len(v.cookies) != 1 {
			t.Errorf("login: Cache-Control: %q, %d cookies", got, len(v.cookies))
		}
		clock.advance(test.after)
		v.site = m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if test.own != "" {
				w.Header().Set("Cache-Control", test.own)
			}
		}))
		resp = v.visit("GET", "/")
		if got := resp.Header.Get("Cache-Control"); got != test.want || resp.Header.Get("Vary") != "Cookie" {
			t.Errorf("%s, %q: Cache-Control: %q, want %q; Vary: %q", test.name, test.own, got, test.want, resp.Header.Get("Vary"))
		}

		// What the handler has set before is not touched either.
		clock.advance(test.after)
		w := httptest.NewRecorder()
		w.Header().Set("Cache-Control", "max-age=0")
		w.Header().Set("Vary", "Accept")
		v.site.ServeHTTP(w, v.request("GET", "/"))
		if got := w.Header()["Vary"]; !cmp.Equal(got, []string{"Accept", "Cookie"}) || test.own == "" && w.Header().Get("Cache-Control") != "max-age=0" {
			t.Errorf("Vary %q, Cache-Control %q", got, w.Header()["Cache-Control"])
		}
	}
	v := newBrowser(t, newSite(m))
	if got := v.visit("GET", "/").Header.Get("Vary"); got != "Cookie" {
		t.Errorf("without a session: Vary: %q", got)
	}
}

// A bad cookie stays: another tab may have logged in meanwhile.
func TestBadCookieStays(t *testing.T) {
	t.Parallel()
	clock := newWallClock()
	m := &Manager[person]{Keys: oneKey, Now: clock.now}
	v := newBrowser(t, newSite(m))
	v.visit("POST", "/login?note=5000")
	clock.advance(time.Hour)
	resp := v.visit("GET", "/home")
	if got := setCookieNames(resp); got != nil || resp.StatusCode != 401 {
		t.Errorf("expired: %d, sets %q", resp.StatusCode, got)
	}
	want := []string{"-__Host-session", "-__Host-session-1"}
	if resp := v.visit("POST", "/logout"); resp.StatusCode != 200 || !cmp.Equal(setCookieNames(resp), want) {
		t.Errorf("logout: %d, sets %q", resp.StatusCode, setCookieNames(resp))
	}
	if resp := v.visit("POST", "/logout"); resp.StatusCode != 200 || setCookieNames(resp) != nil || len(v.cookies) != 0 {
		t.Errorf("another logout: %d, sets %q", resp.StatusCode, setCookieNames(resp))
	}
}

// A program whose Manager lacks something ends at its start, and says what. What
// does not go through Handler lets nobody in.
func TestUnusable(t *testing.T) {
	t.Parallel()
	m := new(Manager[person])
	func() {
		defer func() {
			if got := recover(); got != "session: Manager.Keys is nil: set it to a seal.Keyring" {
				t.Errorf("%v", got)
			}
		}()
		m.Handler(http.NotFoundHandler())
	}()
	v := newBrowser(t, m.Require(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("called") })))
	for _, header := range [][]string{page, nil} {
		resp := v.visit("GET", "/home", header...)
		if body := bodyOf(t, resp); resp.StatusCode != http.StatusInternalServerError || !strings.Contains(body, "Manager.Handler must be around") {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
	}
	if got := m.LoginURL(v.request("GET", "/home", "Accept", "text/html")); got != "/login" {
		t.Errorf("LoginURL: %q", got)
	}
	w := httptest.NewRecorder()
	if _, err := m.Start(w, v.request("POST", "/login"), "mira", person{}); err == nil || len(w.Header()) != 0 {
		t.Errorf("Start: %v, %v", err, w.Header())
	}
	m.Return(w, v.request("GET", "/login?back="+url.QueryEscape("ey")), "/home")
	if got := w.Header().Get("Location"); got != "/home" {
		t.Errorf("Return: %q", got)
	}
}
