package rancher

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// What is sent in these tests, and may not be said.
const (
	hush  = "hunter2correcthorse"
	whist = "V1dMyPArix5nN1jxiA6DdzsqdZitDJhZuBR3vZNr"
)

// send is a call that has something to hide everywhere.
func send() call {
	return call{
		op: "make a thing", method: "POST", path: "/v3/things?secret=" + hush, body: `{"password":"` + strings.ToUpper(hush) + `"}`,
		present: func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+whist) },
	}
}

// raw answers with bytes, whatever they are, and hangs up.
func raw(answer string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		io.WriteString(conn, answer)
	}
}

// reply answers with a body.
func reply(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// What can come instead of an answer of Rancher's. Each is an error that says
// what was seen, and repeats nothing of it.
func TestOdd(t *testing.T) {
	t.Parallel()
	const page = "<!DOCTYPE html><html><title>Sign in, " + hush + "</title></html>"
	const pageText = "it answers with a page for people: the answer is not one of Rancher's; is this Rancher, and is there a proxy that wants a login of its own?"
	const cannot = ": the server cannot answer now: "
	const up = "; is it running, and can it be reached from here?"
	to := func(status int, where string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", where)
			w.WriteHeader(status)
		}
	}
	const from = "rancher: make a thing: POST https://rancher.example/v3/things"
	for name, test := range map[string]struct {
		h    http.HandlerFunc
		is   error
		want string // behind from
	}{
		"a login page":                            {reply(200, "text/html; charset=utf-8", page), ErrNotRancher, ": 200 OK, " + pageText},
		"a login page with 401":                   {reply(401, "Text/HTML", page), ErrNotRancher, ": 401 Unauthorized, " + pageText},
		"a page that is said to be JSON":          {reply(200, "application/json", "\ufeff\n "+page), ErrNotRancher, ": 200 OK, " + pageText},
		"a page of XHTML":                         {reply(404, "application/xhtml+xml", page), ErrNotRancher, ": 404 Not Found, " + pageText},
		"a page without <":                        {reply(404, "text/html", hush), ErrNotRancher, ": 404 Not Found, " + pageText},
		"a page without <, in capitals":           {reply(404, "TEXT/HTML", hush), ErrNotRancher, ": 404 Not Found, " + pageText},
		"a proxy's page of a server that is away": {reply(502, "text/html", page), ErrUnavailable, ": 502 Bad Gateway, it answers with a page for people: the server cannot answer now; is this Rancher, and is there a proxy that wants a login of its own?"},

		"a redirect to another host":       {to(302, "https://login.example/?back="+hush), ErrNotRancher, ": 302 Found, it redirects to https://login.example: the answer is not one of Rancher's; set Server.URL to where Rancher itself is, behind any login page"},
		"a redirect that repeats the body": {to(307, "https://login.example/"), ErrNotRancher, ": 307 Temporary Redirect, it redirects to https://login.example: the answer is not one of Rancher's; set Server.URL to where Rancher itself is, behind any login page"},
		"a redirect to http":               {to(308, "http://rancher.example/v3/things"), ErrNotRancher, ": 308 Permanent Redirect, it redirects to http://rancher.example: the answer is not one of Rancher's; set Server.URL to where Rancher itself is, behind any login page"},
		"a redirect to itself":             {to(301, "/login?"+hush), ErrNotRancher, ": 301 Moved Permanently, it redirects: the answer is not one of Rancher's; set Server.URL to where Rancher itself is, behind any login page"},
		"a redirect to what was sent":      {to(302, "https://"+hush+".example/"), ErrNotRancher, ": 302 Found, it redirects to another host: the answer is not one of Rancher's; set Server.URL to where Rancher itself is, behind any login page"},
		"a redirect to the token":          {to(302, "https://a."+whist+"/"), ErrNotRancher, ": 302 Found, it redirects to another host: the answer is not one of Rancher's; set Server.URL to where Rancher itself is, behind any login page"},
		"a redirect to nowhere":            {to(302, "http://[::1"), ErrNotRancher, ": 302 Found, it redirects: the answer is not one of Rancher's; set Server.URL to where Rancher itself is, behind any login page"},
		"a redirect without an address":    {to(304, ""), ErrNotRancher, ": 304 Not Modified, it redirects: the answer is not one of Rancher's; set Server.URL to where Rancher itself is, behind any login page"},

		"10 MB": {func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, `{"message":"`)
			for range 10 << 10 {
				io.WriteString(w, strings.Repeat("hunter2!", 128))
			}
			io.WriteString(w, `"}`)
		}, ErrNotRancher, ": 200 OK, the answer is too long: more than 1048576 bytes: the answer is not one of Rancher's; is this Rancher?"},
		"10 MB of a server that is away": {reply(503, "application/json", strings.Repeat(" ", 10<<20)), ErrUnavailable,
			": 503 Service Unavailable, the answer is too long: more than 1048576 bytes: the server cannot answer now; is this Rancher?"},
		"1 GB in 1 MB": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			for range 1 << 10 {
				if _, err := z.Write(make([]byte, 1<<20)); err != nil || z.Flush() != nil {
					return
				}
				w.(http.Flusher).Flush()
			}
		}, ErrNotRancher, ": 200 OK, the answer is too long: more than 1048576 bytes: the answer is not one of Rancher's; is this Rancher?"},
		"what is not gzip": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			io.WriteString(w, hush)
		}, ErrUnavailable, ": 200 OK, the answer breaks off" + cannot + "what came cannot be read as HTTP; try again"},

		"an answer cut off":       {raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"token\":\"" + hush), ErrUnavailable, ": 200 OK, the answer breaks off" + cannot + "the connection ended before the answer did; try again"},
		"nothing":                 {raw(""), ErrUnavailable, cannot + "the connection ended before the answer did" + up},
		"what is not HTTP":        {raw(hush + "\r\n\r\n"), ErrUnavailable, cannot + "what came cannot be read as HTTP" + up},
		"a header that is none":   {raw("HTTP/1.1 200 OK\r\n" + hush + "\r\n\r\n"), ErrUnavailable, cannot + "what came cannot be read as HTTP" + up},
		"a length that is none":   {raw("HTTP/1.1 200 OK\r\nContent-Length: " + hush + "\r\n\r\n"), ErrUnavailable, cannot + "what came cannot be read as HTTP" + up},
		"a status that is none":   {raw("HTTP/1.1 " + hush + "\r\n\r\n"), ErrUnavailable, cannot + "what came cannot be read as HTTP" + up},
		"a status below":          {raw("HTTP/1.1 099 " + hush + "\r\n\r\n"), ErrNotRancher, ": 99, this ends no request: the answer is not one of Rancher's; is this Rancher?"},
		"a status above":          {raw("HTTP/1.1 999 " + hush + "\r\n\r\n"), ErrNotRancher, ": 999, this ends no request: the answer is not one of Rancher's; is this Rancher?"},
		"another protocol":        {raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"), ErrNotRancher, ": 101 Switching Protocols, this ends no request: the answer is not one of Rancher's; is this Rancher?"},
		"endless hints":           {raw(strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: "+strings.Repeat("x", 1000)+"\r\n\r\n", 11<<10)), ErrUnavailable, cannot + "what came cannot be read as HTTP" + up},
		"an error as a success":   {reply(200, "application/json", `{"type":"error","status":401,"code":"Unauthorized","message":"`+hush+`"}`), ErrNotRancher, ": 200 OK, an error, with the status of a success: the answer is not one of Rancher's; is there a proxy that changes what Rancher answers?"},
		"a filter's error as one": {reply(201, "application/json", `{"type":"error","status":"401","message":"`+hush+`"}`), ErrNotRancher, ": 201 Created, an error, with the status of a success: the answer is not one of Rancher's; is there a proxy that changes what Rancher answers?"},
		"a Status as one":         {reply(200, "application/json", `{"kind":"Status","status":"Failure","code":401,"reason":"Unauthorized"}`), ErrNotRancher, ": 200 OK, an error, with the status of a success: the answer is not one of Rancher's; is there a proxy that changes what Rancher answers?"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := at("https://rancher.example", test.h)
				a, err := s.do(t.Context(), send())
				if a != nil || err == nil {
					t.Fatalf("answered %v", a.status)
				}
				if err.Error() != from+test.want {
					t.Errorf("\n got %s\nwant %s", err, from+test.want)
				}
				e, isError := errors.AsType[*Error](err)
				if !isError || !errors.Is(err, test.is) || errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrRefused) {
					t.Errorf("%#v", err)
				}
				if e.unsent {
					t.Error("it was sent")
				}
			})
		})
	}
}

// What has nothing odd about it is returned, whatever it means.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status     int
		kind, body string
	}{
		{200, "application/json", `{"type":"collection"}`}, {200, "text/plain", ``}, {200, "text/html", ``}, {204, "", ``},
		{200, "application/json", `{"kind":"Status","status":"Success"}`}, {200, "application/json", `{"tok`},
		{401, "application/json", `{"type":"error","status":"401"}`}, {404, "text/plain", "not found"}, {404, "text/html", " "}, {429, "", ``}, {500, "text/plain", "no"},
	} {
		s := at("https://rancher.example/prefix", func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if got := fmt.Sprint(r.Method, r.URL, string(body), r.Header["Content-Type"], r.Header["Accept"]); got !=
				"POST/prefix/v3/things?secret="+hush+`{"password":"`+strings.ToUpper(hush)+`"}[application/json] [application/json]` {
				t.Errorf("sent: %s", got)
			}
			if test.status == 204 {
				w.WriteHeader(204)
				return
			}
			reply(test.status, test.kind, test.body)(w, r)
		})
		before := time.Now()
		a, err := s.do(t.Context(), send())
		if err != nil || a.status != test.status || a.body != test.body || a.from != "POST https://rancher.example/prefix/v3/things" {
			t.Errorf("%d %s: %v, %+v", test.status, test.body, err, a)
			continue
		}
		if a.sent.Before(before) || a.received.Before(a.sent) {
			t.Errorf("sent %v, received %v", a.sent, a.received)
		}
	}
}

// An answer that may be longer is read to there.
func TestMost(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		most, length int
		ok           bool
	}{{0, longestAnswer, true}, {0, longestAnswer + 1, false}, {longestList, longestList, true}, {longestList, longestList + 1, false}} {
		s := at("https://rancher.example", reply(200, "application/json", strings.Repeat(" ", test.length)))
		s.Timeout = -1 // that much takes long on a busy machine
		c := send()
		c.most = test.most
		if _, err := s.do(t.Context(), c); (err == nil) != test.ok {
			t.Errorf("%d of %d: %v", test.length, test.most, err)
		}
	}
}

// No more is read of one that is longer.
func TestEndless(t *testing.T) {
	t.Parallel()
	written := make(chan int)
	s := at("https://rancher.example", func(w http.ResponseWriter, _ *http.Request) {
		n := 0
		for n < 64<<20 {
			some, err := w.Write(make([]byte, 64<<10))
			if n += some; err != nil {
				break
			}
		}
		written <- n
	})
	if _, err := s.do(t.Context(), send()); !errors.Is(err, ErrNotRancher) {
		t.Error(err)
	}
	if n := <-written; n > 2*longestAnswer {
		t.Errorf("%d bytes were taken", n)
	}
}

// A path is one that everybody reads alike.
func TestPaths(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/v3/tokens/token-7d9xk", "/v2-beta/settings/api.auth.jwt.token.expiry", "/v3/tokens?action=logout", "/v3/tokens?a=%2f&b=..", "/k8s/clusters/c-m-x/apis/ext.cattle.io/v1", "/v3/tokens/..x"} {
		s := at("https://rancher.example/a%20b", func(w http.ResponseWriter, r *http.Request) {
			if r.RequestURI != "/a%20b"+path {
				t.Errorf("asked for %s, want %s", r.RequestURI, path)
			}
		})
		if _, err := s.do(t.Context(), call{op: "look", method: "GET", path: path}); err != nil {
			t.Error(err)
		}
	}
	for _, path := range []string{
		"", "/", "v3", "/v3/", "//v3", "/v3//tokens", "/v3/tokens/", "/v3/tokens/.", "/v3/tokens/..", "/v3/tokens/../users", "/./v3",
		"/v3/tokens/%2e%2e", "/v3/tokens/a%2fb", "/v3/tokens/a%252fb", "/v3/tokens/a b", "/v3/tokens/a\\b", "/v3/tokens/a;b", "/v3/tokens/a#b",
		"/v3/tokens/token-7d9xk:" + hush, "/v3/tokens/é", "/v3/tokens/\x00", "/v3/tokens?a b", "/v3/tokens?a\r\nb", "/v3/tokens?é", "/v3/tokens?#" + hush,
	} {
		s := &Server{URL: "https://rancher.example", HTTP: &http.Client{Transport: never(t)}}
		_, err := s.do(t.Context(), call{op: "delete token token-7d9xk:" + hush, method: "DELETE", path: path})
		const want = "rancher: delete token token-7d9xk:…: there is a name with characters in it that no name of Rancher's has; if it is that of a token, give the part before the colon only"
		if e, is := errors.AsType[*Error](err); !is || err.Error() != want || !e.unsent {
			t.Errorf("%q: %v", path, err)
		}
	}
}

// Whoever names a thing by its secret does not find that in an error.
func TestOp(t *testing.T) {
	t.Parallel()
	c := call{op: "delete token token-7d9xk:" + hush + "\n", method: "GET", path: "/v3"}
	_, err := at("https://rancher.example", raw("")).do(t.Context(), c)
	for _, err := range []error{err, c.fail(errors.New("no"))} {
		if !strings.HasPrefix(err.Error(), "rancher: delete token token-7d9xk:…: ") || strings.Contains(err.Error(), hush) {
			t.Error(err)
		}
	}
	c.op = strings.Repeat("x", 1000)
	if err := c.fail(errors.New("no")); len(err.Error()) > 200 {
		t.Error(err)
	}
}

// A redirect is not followed, also not by a Transport of the user's.
func TestFollowedRedirect(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { elsewhere.Add(1); ok(w, r) }))
	defer other.Close()
	real := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/other":
			ok(w, r)
		case "/near/v3/things":
			http.Redirect(w, r, "/other", http.StatusFound)
		case "/far/v3/things":
			http.Redirect(w, r, other.URL, http.StatusFound)
		}
	}))
	defer real.Close()
	plain := &http.Transport{}
	for _, path := range []string{"/near", "/far"} {
		s := &Server{URL: real.URL + path, HTTP: &http.Client{Transport: plain}}
		if _, err := s.do(t.Context(), send()); !errors.Is(err, ErrNotRancher) || !strings.Contains(err.Error(), "302 Found, it redirects") || elsewhere.Load() != 0 {
			t.Errorf("%s: %v, and %d requests elsewhere", path, err, elsewhere.Load())
		}
		s.HTTP.Transport, s.Insecure = follower{&http.Client{Transport: plain}}, true
		if _, err := s.do(t.Context(), send()); !errors.Is(err, ErrNotRancher) || !strings.Contains(err.Error(), "does not follow redirects by itself") || strings.Contains(err.Error(), hush) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// A follower follows redirects, which no RoundTripper may.
type follower struct{ *http.Client }

func (f follower) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.RequestURI = ""
	return f.Do(r)
}

// A RoundTripper that returns nothing at all has not answered.
func TestNothingReturned(t *testing.T) {
	t.Parallel()
	for _, resp := range []*http.Response{nil, {StatusCode: 200}} {
		s := &Server{URL: "https://rancher.example", HTTP: &http.Client{Transport: returning{resp}}}
		if _, err := s.do(t.Context(), send()); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "returned neither an answer nor an error") {
			t.Error(err)
		}
	}
}

type returning struct{ resp *http.Response }

func (r returning) RoundTrip(*http.Request) (*http.Response, error) { return r.resp, nil }

// panicky panics in its own good time.
type panicky struct{ when string }

func (p panicky) RoundTrip(r *http.Request) (*http.Response, error) {
	if p.when == "asked" {
		panic(hush)
	}
	io.ReadAll(r.Body)
	return &http.Response{StatusCode: 200, Header: http.Header{}, Request: r, Body: p}, nil
}

func (p panicky) Read([]byte) (int, error) {
	if p.when == "read" {
		panic(errors.New(hush))
	}
	return 0, io.EOF
}

func (p panicky) Close() error {
	if p.when == "closed" {
		panic(hush)
	}
	return nil
}

func TestPanics(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"asked", "read", "closed", "never"} {
		s := &Server{URL: "https://rancher.example", HTTP: &http.Client{Transport: panicky{when}}}
		_, err := s.do(t.Context(), send())
		if when == "never" {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		e, is := errors.AsType[*Error](err)
		if !is || !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "the Transport of Server.HTTP panicked in github.com/") || strings.Contains(err.Error(), hush) {
			t.Fatalf("%s: %v", when, err)
		}
		if e.unsent != (when == "asked") {
			t.Errorf("%s: unsent %t", when, e.unsent)
		}
	}
}

// Whether nothing can have been done is known where nobody has read the body.
func TestUnsent(t *testing.T) {
	t.Parallel()
	// Nothing listens at port 1. One that was closed may be another test's by now.
	s := &Server{URL: "https://127.0.0.1:1", HTTP: &http.Client{Transport: &http.Transport{}}}
	_, err := s.do(t.Context(), send())
	if e, _ := errors.AsType[*Error](err); e == nil || !e.unsent || !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("%v", err)
	}
	look := call{op: "look", method: "GET", path: "/v3"}
	if _, err = s.do(t.Context(), look); err.(*Error).unsent {
		t.Error("without a body nobody knows")
	}

	s = at("https://rancher.example", raw(""))
	if _, err = s.do(t.Context(), send()); err.(*Error).unsent {
		t.Error("the server has read it")
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = s.do(gone, send()); !err.(*Error).unsent || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// Nothing is sent twice by itself: a request that was lost with its connection
// is an error, though it could be repeated.
func TestSentOnce(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	real := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if n.Add(1) == 2 {
			panic(http.ErrAbortHandler)
		}
		ok(w, r)
	}))
	defer real.Close()
	s := &Server{URL: real.URL, HTTP: &http.Client{Transport: &http.Transport{}}}
	c := send()
	c.method = "PUT" // which may be repeated, for all that HTTP knows
	if _, err := s.do(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if _, err := s.do(t.Context(), c); !errors.Is(err, ErrUnavailable) || n.Load() != 2 {
		t.Errorf("%v, after %d requests", err, n.Load())
	}
}

// Whose deadline it was shows.
func TestDeadlines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := at("https://rancher.example", func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			if r.Header.Get("Authorization") != "" {
				w.(http.Flusher).Flush()
			}
			<-r.Context().Done()
		})
		look := call{op: "look", method: "GET", path: "/v3"}
		for _, test := range []struct {
			timeout, deadline, client, want time.Duration
			ours                            bool
		}{
			{timeout: 0, want: 10 * time.Second, ours: true},
			{timeout: time.Minute, want: time.Minute, ours: true},
			{timeout: time.Minute, deadline: 30 * time.Second, want: 30 * time.Second},
			{timeout: time.Second, deadline: 30 * time.Second, want: time.Second, ours: true},
			{timeout: -1, deadline: time.Hour, want: time.Hour},
			{timeout: -1, client: 7 * time.Minute, want: 7 * time.Minute, ours: true},
			{client: 7 * time.Second, want: 7 * time.Second, ours: true},
			{client: 11 * time.Second, want: 10 * time.Second, ours: true},
		} {
			for _, c := range []call{look, send()} { // before there is an answer, and in the middle of it
				s.Timeout, s.HTTP.Timeout = test.timeout, test.client
				ctx, cancel := t.Context(), context.CancelFunc(func() {})
				if test.deadline > 0 {
					ctx, cancel = context.WithTimeout(ctx, test.deadline)
				}
				start := time.Now()
				_, err := s.do(ctx, c)
				cancel()
				if took := time.Since(start); took != test.want {
					t.Errorf("%+v: took %v: %v", test, took, err)
				}
				if errors.Is(err, ErrUnavailable) != test.ours {
					t.Errorf("%+v: %v", test, err)
				}
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%+v: %v", test, err)
				}
				whose := "(Server.Timeout)"
				if test.client == test.want {
					whose = "(Server.HTTP.Timeout)"
				}
				if strings.Contains(err.Error(), fmt.Sprintf("no answer within %v %s", test.want, whose)) != test.ours {
					t.Errorf("%+v: %v", test, err)
				}
			}
		}
		// A caller that goes says so, and no more.
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errors.New(hush)) })
		if _, err := s.do(ctx, look); !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnavailable) || strings.Contains(err.Error(), hush) {
			t.Error(err)
		}
	})
}

// Headers of a call are its own.
func TestHeaders(t *testing.T) {
	t.Parallel()
	s := at("https://rancher.example", func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Values("X-Api-No-Challenge"); len(got) != 1 || got[0] != "changed" || r.Header.Get("Cookie") != "a=b" {
			t.Errorf("sent: %v", r.Header)
		}
	})
	value := []string{"true"}
	shared := http.Header{}
	for key, values := range map[string][]string{"X-API-No-Challenge": value, "cookie": {"a=b"}} {
		shared[key] = values // as documents write it, and not as Go does
	}
	present := func(r *http.Request) { r.Header["X-Api-No-Challenge"][0] = "changed" }
	if _, err := s.do(t.Context(), call{op: "look", method: "GET", path: "/v3", header: shared, present: present}); err != nil {
		t.Error(err)
	}
	if value[0] != "true" {
		t.Error("the header of the call was changed")
	}
}
