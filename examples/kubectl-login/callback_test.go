package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/token/oauth2adapt"
)

// visit sends requests to where the browser comes back to.
func visit(t *testing.T, method, target string, change func(*http.Request)) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	// One that is taken for the answer waits for what becomes of the login.
	client := &http.Client{Timeout: time.Minute}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if resp.Header.Get("Cache-Control") != "no-store" && resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("the answer of status %d may be kept", resp.StatusCode)
	}
	return resp.StatusCode, string(body)
}

// TestHostileCallbacks has others than the browser of the login send requests. None of
// them ends it, and it is answered once.
func TestHostileCallbacks(t *testing.T) {
	t.Parallel()
	c, err := listen("127.0.0.1:0", "STATE", oauth2adapt.Provider{Issuer: "https://issuer.example"})
	if err != nil {
		t.Fatal(err)
	}
	if host, _, _ := net.SplitHostPort(c.host); host != "127.0.0.1" {
		t.Errorf("it listens on %s", c.host)
	}
	host := func(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }
	_, port, _ := net.SplitHostPort(c.host)
	for name, test := range map[string]struct {
		method, query string
		change        func(*http.Request)
		want          int
	}{
		"another state":     {"GET", "/callback?state=OTHER&code=c", nil, 400},
		"half a state":      {"GET", "/callback?state=STAT&code=c", nil, 400},
		"no state":          {"GET", "/callback?code=c", nil, 400},
		"two states":        {"GET", "/callback?state=STATE&state=STATE&code=c", nil, 400},
		"two codes":         {"GET", "/callback?state=STATE&code=c&code=d", nil, 400},
		"a bad query":       {"GET", "/callback?state=STATE&code=%zz", nil, 400},
		"an error of none":  {"GET", "/callback?error=access_denied", nil, 400},
		"another path":      {"GET", "/favicon.ico?state=STATE&code=c", nil, 404},
		"the root":          {"GET", "/?state=STATE&code=c", nil, 404},
		"a POST":            {"POST", "/callback?state=STATE&code=c", nil, 405},
		"a HEAD":            {"HEAD", "/callback?state=STATE&code=c", nil, 405},
		"another host":      {"GET", "/callback?state=STATE&code=c", host("evil.example:" + port), 421},
		"a name for it":     {"GET", "/callback?state=STATE&code=c", host("localhost:" + port), 421},
		"without its port":  {"GET", "/callback?state=STATE&code=c", host("127.0.0.1"), 421},
		"a huge query":      {"GET", "/callback?state=STATE&code=" + strings.Repeat("c", 64<<10), nil, 431},
		"a huge header":     {"GET", "/callback?state=STATE&code=c", func(r *http.Request) { r.Header.Set("X", strings.Repeat("x", 64<<10)) }, 431},
		"a state like ours": {"GET", "/callback?state=STATE%00&code=c", nil, 400},
	} {
		if got, _ := visit(t, test.method, "http://"+c.host+test.query, test.change); got != test.want {
			t.Errorf("%s: status %d, want %d", name, got, test.want)
		}
	}
	select {
	case a := <-c.answers:
		t.Fatalf("one of them was taken for the answer: %v", a.err)
	default:
	}

	type seen struct {
		status int
		page   string
	}
	first := make(chan seen, 1)
	go func() {
		status, page := visit(t, "GET", c.url+"?state=STATE&code=GOOD", nil)
		first <- seen{status, page}
	}()
	if code, err := c.wait(t.Context()); code != "GOOD" || err != nil {
		t.Errorf("wait = %q, %v", code, err)
	}
	if got, _ := visit(t, "GET", c.url+"?state=STATE&code=SECOND", nil); got != http.StatusGone {
		t.Errorf("a second answer: status %d, want 410", got)
	}
	c.close(true)
	if s := <-first; s.status != 200 || !strings.Contains(s.page, "Logged in") || strings.Contains(s.page, "GOOD") {
		t.Errorf("the browser saw %d %q", s.status, s.page)
	}
	if conn, err := net.Dial("tcp", c.host); err == nil {
		conn.Close()
		t.Error("it listens still")
	}
}

// TestCallbackIssuer has the answer name the issuer, or not (RFC 9207).
func TestCallbackIssuer(t *testing.T) {
	t.Parallel()
	const good = "https://issuer.example"
	for name, test := range map[string]struct {
		names  bool
		query  string
		failed string
	}{
		"named":                       {true, "code=c&iss=" + good, ""},
		"named, though not announced": {false, "code=c&iss=" + good, ""},
		"not named":                   {false, "code=c", ""},
		"not named, though announced": {true, "code=c", "RFC 9207"},
		"an error not named":          {true, "error=access_denied", "RFC 9207"},
		"an empty name":               {false, "code=c&iss=", "another issuer"},
		"another":                     {false, "code=c&iss=https://evil.example", "another issuer"},
		"an error of another":         {true, "error=access_denied&iss=https://evil.example", "another issuer"},
		"with a slash":                {true, "code=c&iss=" + good + "/", "another issuer"},
		"refused":                     {true, "error=access_denied&iss=" + good, "access_denied"},
		"refused, and a code":         {false, "error=access_denied&code=c", "access_denied"},
		"nothing":                     {false, "", "neither"},
	} {
		c := &callback{issuer: good, names: test.names}
		q, ok := single(test.query)
		if !ok {
			t.Fatalf("%s: not read", name)
		}
		switch a := c.read(q); {
		case test.failed == "" && (a.err != nil || a.code != "c"):
			t.Errorf("%s: %q, %v", name, a.code, a.err)
		case test.failed != "" && (a.err == nil || !strings.Contains(a.err.Error(), test.failed) || a.code != ""):
			t.Errorf("%s: %q, %v, want %q", name, a.code, a.err, test.failed)
		}
	}
}

// TestCallbackGone has nobody come, and the browser leave before the login is over.
func TestCallbackGone(t *testing.T) {
	t.Parallel()
	c, err := listen("127.0.0.1:0", "STATE", oauth2adapt.Provider{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := c.wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("wait = %v", err)
	}
	left, leave := context.WithCancel(t.Context())
	leave()
	r := httptest.NewRequestWithContext(left, "GET", c.url+"?state=STATE&code=c", nil)
	c.ServeHTTP(httptest.NewRecorder(), r) // it returns
	c.close(false)
}

func FuzzCallback(f *testing.F) {
	f.Add("state=STATE&code=c&iss=i", "GET", "h")
	f.Add("state=STATE&error=e&error_description=%00%1b", "GET", "h")
	f.Add("state=STATE;code=%zz", "POST", "x")
	f.Fuzz(func(t *testing.T, query, method, host string) {
		c := &callback{state: "STATE", issuer: "i", host: "h", answers: make(chan answer, 1), outcome: make(chan struct{})}
		close(c.outcome)
		w := httptest.NewRecorder()
		c.ServeHTTP(w, &http.Request{Method: method, Host: host, URL: &url.URL{Path: "/callback", RawQuery: query}, Header: http.Header{}})
		select {
		case a := <-c.answers:
			if host != "h" || method != "GET" || !strings.Contains(query, "=STATE") && !strings.Contains(query, "%") {
				t.Errorf("%q of %q at %q was taken for the answer", query, method, host)
			}
			if (a.code == "") == (a.err == nil) || a.err != nil && len(a.err.Error()) > 3000 {
				t.Errorf("code %q, error %v", a.code, a.err)
			}
		default:
			if w.Code < 400 {
				t.Errorf("status %d, and nothing was taken", w.Code)
			}
		}
		if strings.Contains(w.Body.String(), "\x1b") {
			t.Error("the page repeats what came")
		}
	})
}
