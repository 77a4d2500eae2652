package session

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/skew"
)

// hostile are paths that a browser, or something between, may read as another
// origin, or that lead where nobody wants to go after a login.
var hostile = []string{
	"", "//evil.example", "///evil.example", `/\evil.example`, `\/evil.example`, `\\evil.example`, `/\/evil.example`,
	"https:evil.example", "https://evil.example", "http:/evil.example", "javascript:alert(1)", "data:text/html,x", "evil.example", "?x", "#x", ".", "..",
	"/%2fevil.example", "/%2Fevil.example", "/%5cevil.example", "/%5Cevil.example", "%2f%2fevil.example", "%2fevil.example", "/a%5cb", `/a\b`,
	"/\tevil", "/\t/evil.example", "\t//evil.example", "/\n/evil.example", "/\r\n/evil.example", "/%09/evil.example", "/%0a/evil.example", "/%0d%0aX: y", "/%00", "/\x00", "/\x7f", "/%7f",
	" //evil.example", "/ /evil.example", " /", "/a b", "/ä", "/\u2028", "/\xff",
	"/a?x=%0d%0aX", `/a?\`, "/%", "/%zz", "/%2", "/a?100%",
	"/login", "/login/", "/login//", "/login?x=1", "/LOGIN", "/%6cogin", "/%6Cogin", "/l%6Fgin?x", "/x/../login", "/./login", "/%2e/login", "/x/%2e%2e/login", "/login/.", "/login#x", "/login?",
	"/logout", "/logout/", "/logout?all=1", "/Logout", "/%6Cogout", "/x/../logout/", "//login",
	"/" + strings.Repeat("a", 1024),
}

// good are paths that people come back to as they are.
var good = []string{
	"/", "/home", "/a/b?x=1&y=2", "/?x", "/a//b", "/a/../b", "/a%20b", "/%C3%A4", "/%E2%80%A8", "/a?u=https://other.example/", "/a?u=https%3A%2F%2Fother.example",
	"/a?u=//other.example", "/logins", "/login/help", "/logoutx", "/loginx?", "/%252f", "/a;b=c", "/a?q=a+b", "/~mira/@x:y!$'()*,=", "/a%2fb", "/.//x", "/" + strings.Repeat("a", 1023),
}

// backTo returns a way back to a path, as LoginURL would seal it if it let it pass.
func backTo(t testing.TB, m *Manager[person], path string, when time.Time) string {
	t.Helper()
	sealed, err := m.Keys.Seal(t.Context(), m.purpose("back"), "1", []byte(strconv.FormatInt(when.UnixMilli(), 10)+" "+path))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// returned returns where Return sends a browser.
func returned(t testing.TB, m *Manager[person], r *http.Request, fallback string) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Return(w, r, fallback)
	if w.Code != http.StatusSeeOther || w.Header().Get("Cache-Control") != "no-store" || len(w.Header()["Location"]) != 1 {
		t.Errorf("%d, %v", w.Code, w.Header())
	}
	return w.Header().Get("Location")
}

// pageRequest returns a browser's request for a page, which it asked for as uri.
func pageRequest(uri string) *http.Request {
	r := httptest.NewRequest("GET", "/asked", nil)
	r.RequestURI = uri
	for i := 0; i < len(page); i += 2 {
		r.Header.Set(page[i], page[i+1])
	}
	return r
}

func withBack(back string) *http.Request {
	return httptest.NewRequest("POST", "/login?back="+url.QueryEscape(back), nil)
}

func TestReturn(t *testing.T) {
	t.Parallel()
	m := &Manager[person]{Keys: oneKey}
	for _, path := range good {
		login, err := url.Parse(m.LoginURL(pageRequest(path)))
		if err != nil || login.Path != "/login" {
			t.Fatalf("%s: %v, %v", path, login, err)
		}
		if got := returned(t, m, httptest.NewRequest("POST", login.String(), nil), "/home"); got != path {
			t.Errorf("%.40q: back to %.40q", path, got)
		}
		if got := returned(t, m, withBack(""), path); got != path {
			t.Errorf("%.40q as a fallback: %.40q", path, got)
		}
	}
	for _, path := range hostile {
		if got := m.LoginURL(pageRequest(path)); got != "/login" && strings.HasPrefix(path, "/") {
			t.Errorf("%.40q: %s", path, got)
		}
		// Nor is it believed when it is sealed.
		if got := returned(t, m, withBack(backTo(t, m, path, time.Now())), "/home"); got != "/home" {
			t.Errorf("%.40q: back to %.40q", path, got)
		}
		if got := returned(t, m, withBack(""), path); got != "/" {
			t.Errorf("%.40q as a fallback: %.40q", path, got)
		}
	}
}

// A form may have the way back in a field.
func TestReturnForm(t *testing.T) {
	t.Parallel()
	m := &Manager[person]{Keys: oneKey}
	back := backTo(t, m, "/page", time.Now())
	post := func(body io.Reader) *http.Request {
		r := httptest.NewRequest("POST", "/login", body)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return r
	}
	r := post(strings.NewReader("user=mira&back=" + back))
	if got := returned(t, m, r, "/home"); got != "/page" {
		t.Errorf("not yet parsed: %q", got)
	}
	r = post(strings.NewReader("user=mira&back=" + back))
	if r.FormValue("user") != "mira" {
		t.Error("not parsed")
	}
	if got := returned(t, m, r, "/home"); got != "/page" {
		t.Errorf("parsed: %q", got)
	}
	if got := returned(t, m, post(nil), "/home"); got != "/home" {
		t.Errorf("no body: %q", got)
	}
	r = post(nil)
	r.Body = nil
	if got := returned(t, m, r, "/home"); got != "/home" {
		t.Errorf("nil body: %q", got)
	}

	// A body that does not end is not read to its end.
	endless := &countingReader{}
	if got := returned(t, m, post(endless), "/home"); got != "/home" || endless.read > 1<<20 {
		t.Errorf("%q after %d bytes", got, endless.read)
	}
}

type countingReader struct{ read int }

func (c *countingReader) Read(p []byte) (int, error) {
	c.read += len(p)
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

// A way back is good for 10 minutes, for this Manager, as it was sealed.
func TestReturnRefuses(t *testing.T) {
	t.Parallel()
	clock := newWallClock()
	m := &Manager[person]{Keys: oneKey, Now: clock.now}
	now := clock.now()
	for _, test := range []struct {
		when time.Time
		want string
	}{
		{now, "/page"},
		{now.Add(-10*time.Minute + time.Millisecond), "/page"},
		{now.Add(-10 * time.Minute), "/home"},
		{now.Add(-24 * time.Hour), "/home"},
		{now.Add(skew.DefaultLeeway), "/page"}, // of a replica whose clock is ahead
		{now.Add(skew.DefaultLeeway + time.Millisecond), "/home"},
	} {
		if got := returned(t, m, withBack(backTo(t, m, "/page", test.when)), "/home"); got != test.want {
			t.Errorf("%v after: %q", now.Sub(test.when), got)
		}
	}

	other := &Manager[person]{Keys: oneKey, Name: "__Host-other"}
	v := newBrowser(t, newSite(m))
	v.visit("POST", "/login")
	seal := func(purpose, place, text string) string {
		sealed, err := oneKey.Seal(t.Context(), purpose, place, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return sealed
	}
	good := backTo(t, m, "/page", now)
	ms := strconv.FormatInt(now.UnixMilli(), 10)
	for name, back := range map[string]string{
		"of another Manager": backTo(t, other, "/page", now),
		"a session":          v.cookies[cookie0],
		"of another version": seal("back/__Host-session", "2", ms+" /page"),
		"no time":            seal("back/__Host-session", "1", "/page"),
		"long":               seal("back/__Host-session", "1", strings.Repeat("0", 2000)+ms+" /page"),
		"no path":            seal("back/__Host-session", "1", ms),
		"a time of none":     seal("back/__Host-session", "1", "12x /page"),
		"nothing":            seal("back/__Host-session", "1", ""),
		"a huge time":        seal("back/__Host-session", "1", "9223372036854775807 /page"),
		"a small time":       seal("back/__Host-session", "1", "-9223372036854775808 /page"),
		"changed":            flipLetter(good),
		"cut off":            good[:len(good)-1],
		"a path":             "/page",
		"a URL":              "https://evil.example/",
	} {
		if got := returned(t, m, withBack(back), "/home"); got != "/home" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// No time is no time, not that when time began.
func TestReturnAtTheEpoch(t *testing.T) {
	t.Parallel()
	m := &Manager[person]{Keys: oneKey, Now: func() time.Time { return time.Unix(1, 0) }}
	sealed, err := oneKey.Seal(t.Context(), "back/__Host-session", "1", []byte("x /page"))
	if err != nil {
		t.Fatal(err)
	}
	if got := returned(t, m, withBack(sealed), "/home"); got != "/home" {
		t.Errorf("%q", got)
	}
}

// There is a way back only to pages, which GET gets.
func TestNoWayBack(t *testing.T) {
	t.Parallel()
	m := &Manager[person]{Keys: oneKey, LoginPath: "/auth/in", LogoutPath: "/auth/out"}
	for _, test := range []struct {
		method, target string
		headers        []string
		want           bool
	}{
		{"GET", "/page", page, true},
		{"GET", "/page", []string{"Accept", "text/html"}, true},
		{"GET", "/login", page, true}, // which is none here
		{"GET", "/logout", page, true},
		{"GET", "/auth/in", page, false},
		{"GET", "/auth/out", page, false},
		{"GET", "/auth/x/../out/", page, false},
		{"POST", "/page", page, false},
		{"HEAD", "/page", page, false},
		{"DELETE", "/page", page, false},
		{"GET", "/api", []string{"Sec-Fetch-Mode", "cors"}, false},
		{"GET", "/api", nil, false},
	} {
		got := m.LoginURL(newBrowser(t, nil).request(test.method, test.target, test.headers...))
		if hasBack := strings.HasPrefix(got, "/auth/in?back=ey"); hasBack != test.want || !hasBack && got != "/auth/in" {
			t.Errorf("%s %s %q: %s", test.method, test.target, test.headers, got)
		}
	}
	// The keys cannot be had: logging in comes first.
	if got := new(Manager[person]).LoginURL(newBrowser(t, nil).request("GET", "/page", page...)); got != "/login" {
		t.Errorf("without keys: %q", got)
	}
}

// A request is for what the browser sent, whatever has become of its URL.
func TestBackThroughStripPrefix(t *testing.T) {
	t.Parallel()
	m := &Manager[person]{Keys: oneKey}
	var login string
	v := newBrowser(t, http.StripPrefix("/app", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { login = m.LoginURL(r) })))
	v.visit("GET", "/app/page?x=1", page...)
	if got := returned(t, m, httptest.NewRequest("POST", login, nil), "/"); got != "/app/page?x=1" {
		t.Errorf("%q", got)
	}
	r := newBrowser(t, nil).request("GET", "/page?x=1", page...)
	r.RequestURI = "https://app.example/page?x=1" // as to a proxy
	if got := returned(t, m, httptest.NewRequest("POST", m.LoginURL(r), nil), "/"); got != "/page?x=1" {
		t.Errorf("%q", got)
	}
}

// Each of four tabs comes back to its own page, after one login.
func TestFourTabs(t *testing.T) {
	t.Parallel()
	clock := newWallClock()
	m := &Manager[person]{Keys: oneKey, Now: clock.now}
	v := newBrowser(t, newSite(m))
	v.visit("POST", "/login")
	clock.advance(time.Hour)
	logins := make(map[string]string)
	for i := range 4 {
		path := fmt.Sprintf("/tab/%d?x=%d", i, i)
		resp := v.visit("GET", path, page...)
		login := resp.Header.Get("Location")
		if resp.StatusCode != 303 || Why(httptest.NewRequest("GET", login, nil)) != "expired" {
			t.Errorf("%s: %d to %s", path, resp.StatusCode, login)
		}
		logins[path] = login
	}
	for path, login := range logins {
		clock.advance(time.Minute)
		resp := v.visit("POST", login)
		if got := resp.Header.Get("Location"); resp.StatusCode != 303 || got != path {
			t.Errorf("%s: %d to %q", path, resp.StatusCode, got)
		}
		if resp := v.visit("GET", path, page...); resp.StatusCode != 200 {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
}

// leaves reports whether a browser leaves https://app.example for a Location, as
// the URL standard of WHATWG has it and as net/url does.
func leaves(location string) bool {
	base := &url.URL{Scheme: "https", Host: "app.example", Path: "/login"}
	u, err := base.Parse(location)
	if err != nil || u.Scheme != base.Scheme || u.Host != base.Host || u.User != nil || u.Opaque != "" {
		return true
	}
	seen := strings.TrimFunc(location, func(r rune) bool { return r <= ' ' })
	seen = strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/").Replace(seen)
	return strings.HasPrefix(seen, "//") || regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9+.-]*:`).MatchString(seen)
}

// Whatever is asked for, sealed or given as the fallback: Return keeps to the
// origin, and to its pages.
func FuzzBack(f *testing.F) {
	for _, path := range append(good, hostile...) {
		f.Add(path)
	}
	m := &Manager[person]{Keys: oneKey}
	f.Fuzz(func(t *testing.T, path string) {
		r := pageRequest(path)
		requests := []*http.Request{
			withBack(path),
			withBack(backTo(t, m, path, time.Now())),
			httptest.NewRequest("POST", m.LoginURL(r), nil),
		}
		if u, err := url.ParseRequestURI(path); err == nil {
			r.URL, r.RequestURI = u, ""
			requests = append(requests, httptest.NewRequest("POST", m.LoginURL(r), nil))
		}
		for i, r := range requests {
			for _, fallback := range []string{"/home", path} {
				got := returned(t, m, r, fallback)
				switch {
				case leaves(got):
					t.Errorf("%d: %q leads to %q", i, path, got)
				case leaves(strings.ReplaceAll(strings.ReplaceAll(strings.ToLower(got), "%2f", "/"), "%5c", "/")):
					t.Errorf("%d: %q leads to %q, once unescaped", i, path, got)
				case strings.ContainsAny(got, "\r\n\t\\ \x00") || len(got) > 1024:
					t.Errorf("%d: %q leads to %q", i, path, got)
				case strings.EqualFold(got, "/login") || strings.EqualFold(got, "/logout"):
					t.Errorf("%d: %q leads to %q", i, path, got)
				}
			}
		}
	})
}
