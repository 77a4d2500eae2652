package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
)

// soon is an error that says when to come back.
type soon struct{}

func (soon) Error() string             { return "a secret of the Store" }
func (soon) RetryAfter() time.Duration { return 61*time.Second + 1 }

var page = []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Sec-Fetch-Site", "none"}

func TestDeny(t *testing.T) {
	t.Parallel()
	m := &Manager[person]{Keys: oneKey}
	no := func(err error) error { return fmt.Errorf("%w: %w: a secret", ErrNoSession, err) }
	for _, test := range []struct {
		err    error
		status int // for a script
		want   string
		why    string
		retry  string
	}{
		{no(token.ErrExpired), 401, "session_expired", "expired", ""},
		{no(token.ErrRevoked), 401, "session_ended", "ended", ""},
		{no(token.ErrSignature), 401, "session_invalid", "invalid", ""},
		{no(token.ErrMalformed), 401, "session_invalid", "invalid", ""},
		{no(token.ErrNotYetValid), 401, "session_invalid", "invalid", ""},
		{fmt.Errorf("orders: %w", token.Refused(errors.New("a secret"))), 401, "session_ended", "ended", ""},
		{errNoCookie, 401, "session_missing", "", ""},
		{ErrNoSession, 401, "session_missing", "", ""},
		{errors.New("a secret of the Store"), 503, "temporarily_unavailable", "", "5"},
		{fmt.Errorf("session: %w", soon{}), 503, "temporarily_unavailable", "", "62"},
		{token.ErrExpired, 503, "temporarily_unavailable", "", "5"}, // of whom?
		{nil, 503, "temporarily_unavailable", "", "5"},
	} {
		v := newBrowser(t, nil)
		w := httptest.NewRecorder()
		m.Deny(w, v.request("POST", "/api"), test.err)
		var got struct {
			Error       string `json:"error"`
			Description string `json:"error_description"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatalf("%v: %s: %v", test.err, w.Body, err)
		}
		if w.Code != test.status || got.Error != test.want || got.Description == "" || strings.Contains(got.Description, "secret") {
			t.Errorf("%v: %d %+v", test.err, w.Code, got)
		}
		want := http.Header{"Content-Type": {"application/json"}, "Cache-Control": {"no-store"}}
		if test.retry != "" {
			want.Set("Retry-After", test.retry)
		}
		if diff := cmp.Diff(want, w.Header()); diff != "" {
			t.Errorf("%v (-want +got):\n%s", test.err, diff)
		}

		w = httptest.NewRecorder()
		m.Deny(w, v.request("GET", "/page?x=1", page...), test.err)
		if strings.Contains(w.Body.String(), "secret") || w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Retry-After") != test.retry {
			t.Errorf("%v: %s %v", test.err, w.Body, w.Header())
		}
		location, err := url.Parse(w.Header().Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		if test.status == 503 {
			if w.Code != 503 || location.Path != "" || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
				t.Errorf("%v: a page: %d, to %v", test.err, w.Code, location)
			}
			continue
		}
		if w.Code != 303 || location.Path != "/login" || location.Query().Get("why") != test.why || location.Query().Get("back") == "" {
			t.Errorf("%v: a page: %d, to %v", test.err, w.Code, location)
		}
		if got := Why(v.request("GET", location.String())); got != test.why {
			t.Errorf("%v: Why: %q", test.err, got)
		}
	}
}

// A login page that asks for a session sends nobody round for ever.
func TestLoginBehindRequire(t *testing.T) {
	t.Parallel()
	m := &Manager[person]{Keys: oneKey, LoginPath: "/app/in"}
	v := newBrowser(t, m.Handler(http.StripPrefix("/app", m.Require(http.NotFoundHandler()))))
	for _, cookie := range []string{"", "junk"} {
		v.cookies[cookie0] = cookie
		for _, target := range []string{"/app/in", "/app/in?why=invalid"} {
			for _, method := range []string{"GET", "HEAD"} {
				resp := v.visit(method, target, page...)
				if resp.StatusCode != 500 || resp.Header.Get("Cache-Control") != "no-store" || !strings.Contains(bodyOf(t, resp), "behind Manager.Require") {
					t.Errorf("%s %s: %d to %s", method, target, resp.StatusCode, resp.Header.Get("Location"))
				}
			}
		}
		// What is another page, or is shown by another, goes on.
		for _, target := range []string{"/app/in/", "/app/IN", "/app/"} {
			if resp := v.visit("GET", target, page...); resp.StatusCode != 303 || !strings.HasPrefix(resp.Header.Get("Location"), "/app/in") {
				t.Errorf("GET %s: %d", target, resp.StatusCode)
			}
		}
		if resp := v.visit("POST", "/app/in", page...); resp.StatusCode != 303 {
			t.Errorf("POST: %d", resp.StatusCode)
		}
		if resp := v.visit("GET", "/app/in"); resp.StatusCode != 401 {
			t.Errorf("a script: %d", resp.StatusCode)
		}
	}
}

// Anybody can make a link to the login page.
func TestWhyOfOthers(t *testing.T) {
	t.Parallel()
	for _, query := range []string{"", "?why=", "?why=missing", "?why=Expired", "?why=%3Cscript%3E", "?why=%zz", "?why=x&why=expired"} {
		if got := Why(httptest.NewRequest("GET", "/login"+query, nil)); got != "" {
			t.Errorf("%s: %q", query, got)
		}
	}
}

func TestWantsPage(t *testing.T) {
	t.Parallel()
	const chrome = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
	for _, test := range []struct {
		name    string
		method  string
		headers []string
		want    bool
	}{
		{"a link", "GET", page, true},
		{"a link, HEAD", "HEAD", page, true},
		{"a form", "POST", page, true},
		{"a link, by a service worker", "GET", []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "empty"}, true},
		{"a link, of which less is told", "GET", []string{"Sec-Fetch-Mode", "navigate"}, true},
		{"a frame", "GET", []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, false},
		{"an object", "GET", []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "object"}, false},
		{"fetch", "GET", []string{"Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty", "Accept", chrome}, false},
		{"fetch of htmx", "GET", []string{"Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty", "Accept", "text/html, */*", "HX-Request", "true"}, false},
		{"an image", "GET", []string{"Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"}, false},
		{"only a site", "GET", []string{"Sec-Fetch-Site", "same-origin", "Accept", chrome}, false},
		{"only a dest", "GET", []string{"Sec-Fetch-Dest", "document", "Accept", chrome}, false},

		{"an older browser", "GET", []string{"Accept", chrome}, true},
		{"an older browser, HEAD", "HEAD", []string{"Accept", chrome}, true},
		{"an older browser's form", "POST", []string{"Accept", chrome}, false},
		{"text/html last, in capitals", "GET", []string{"Accept", "application/xml; q=1 , TEXT/HTML;q=0.1"}, true},
		{"jQuery", "GET", []string{"Accept", chrome, "X-Requested-With", "XMLHttpRequest"}, false},
		{"htmx over http", "GET", []string{"Accept", "text/html, */*", "HX-Request", "true"}, false},
		{"curl", "GET", []string{"Accept", "*/*"}, false},
		{"a program", "GET", nil, false},
		{"JSON", "GET", []string{"Accept", "application/json"}, false},
		{"what only looks like it", "GET", []string{"Accept", "text/html5, application/text/html"}, false},
	} {
		if got := wantsPage(newBrowser(t, nil).request(test.method, "/", test.headers...)); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header["Accept"] = []string{"*/*", "text/html"}
	if !wantsPage(r) {
		t.Error("two lines")
	}
}

// Require denies as Deny does, and calls next for nobody.
func TestRequireDenies(t *testing.T) {
	t.Parallel()
	m := &Manager[person]{Keys: oneKey}
	v := newBrowser(t, m.Handler(m.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { t.Error("called") }))))
	if resp := v.visit("GET", "/api"); resp.StatusCode != 401 || !strings.Contains(bodyOf(t, resp), "session_missing") {
		t.Errorf("a script: %d", resp.StatusCode)
	}
	if resp := v.visit("GET", "/", page...); resp.StatusCode != 303 || resp.Header.Get("Vary") != "Cookie" {
		t.Errorf("a page: %d, %v", resp.StatusCode, resp.Header)
	}
	v.cookies[cookie0] = "junk"
	if resp := v.visit("GET", "/api"); resp.StatusCode != 401 || !strings.Contains(bodyOf(t, resp), "session_invalid") {
		t.Errorf("junk: %d", resp.StatusCode)
	}
}
