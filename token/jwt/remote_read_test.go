package jwt_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

func TestRemoteRequest(t *testing.T) {
	t.Parallel()
	s := newSite("a")
	s.answer(func(r *http.Request) (*http.Response, error) {
		want := http.Header{"Accept": {"application/jwk-set+json, application/json"}}
		if diff := cmp.Diff(want, r.Header); diff != "" || r.Method != "GET" || r.URL.String() != siteURL+"?p=1" {
			t.Errorf("%s %s (-want +got):\n%s", r.Method, r.URL, diff)
		}
		// What the Content-Type is does not matter.
		return answer(r, 200, http.Header{"Content-Type": {"text/plain"}}, jwks("a")), nil
	})
	r := s.remote()
	r.URL += "?p=1"
	if err := r.Fetch(t.Context()); err != nil {
		t.Error(err)
	}
}

// What is wrong with the answer is said, and none of it repeated.
func TestRemoteBadAnswers(t *testing.T) {
	t.Parallel()
	big := jwks("a") + strings.Repeat(" ", 1<<20-len(jwks("a")))
	for _, test := range []struct {
		status int
		body   string
		want   string // nothing if it is good
	}{
		{200, big, ""},
		{200, " \r\n\t" + jwks("a"), ""},
		{200, big + " ", "more than 1048576 bytes"},
		{200, strings.Repeat("hunter2", 1<<20), "more than 1048576 bytes"},
		{200, "", "no JSON Web Key Set: it does not begin with a brace"},
		{200, "<html>hunter2", "no JSON Web Key Set: it does not begin with a brace"},
		{200, "<pre>\n-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n", "no JSON Web Key Set: it does not begin with a brace"},
		{200, `{"hunter2":`, ""},
		{200, "{\"keys\":[\"\xff hunter2\"]}", ""},
		{200, `{"keys":[],"keys":[` + jwk("a") + `]}`, ""},
		{200, `{"keys":` + strings.Repeat("[", 100_000), ""},
		{201, jwks("a"), "status 201 Created"},
		{204, "", "status 204 No Content"},
		{304, "", "status 304 Not Modified"},
		{404, "hunter2", "status 404 Not Found"},
		{401, "hunter2", "status 401 Unauthorized: if it wants to know who asks, see Remote.Source"},
		{403, "hunter2", "status 403 Forbidden: if it wants to know who asks, see Remote.Source"},
		{599, "hunter2", "status 599"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite()
			s.say(test.status, nil, test.body)
			r := s.remote()
			r.URL += "?key=hunter2"
			err := r.Fetch(t.Context())
			good := test.want == "" && !strings.Contains(test.body, `"keys":[],`) && strings.HasSuffix(strings.TrimSpace(test.body), "]}") && !strings.Contains(test.body, "hunter2")
			if good {
				if err != nil {
					t.Errorf("%.20q: %v", test.body, err)
				}
				return
			}
			text := fmt.Sprint(err)
			prefix := "jwt: fetching keys: GET " + siteURL + ": " + test.want
			if !strings.HasPrefix(text, prefix) || test.want != "" && !strings.HasPrefix(text, prefix+"; next attempt in ") || strings.Contains(text, "hunter2") || len(text) > 500 {
				t.Errorf("%d %.30q: %v", test.status, test.body, err)
			}
		})
	}
}

// A body that has no end is left at 1 MiB.
func TestRemoteEndlessBody(t *testing.T) {
	t.Parallel()
	s := newSite()
	body := &endless{}
	s.answer(func(r *http.Request) (*http.Response, error) {
		resp := answer(r, 200, nil, "")
		resp.Body = body
		return resp, nil
	})
	if err := s.remote().Fetch(t.Context()); err == nil || !strings.Contains(err.Error(), "more than 1048576 bytes") {
		t.Error(err)
	}
	if body.read > 4<<20 || !body.closed {
		t.Errorf("read %d bytes, closed: %t", body.read, body.closed)
	}
}

type endless struct {
	read   int
	closed bool
}

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '{'
	}
	e.read += len(p)
	return len(p), nil
}

func (e *endless) Close() error { e.closed = true; return nil }

// A body that panics or breaks off is a failure like any other.
func TestRemoteBrokenBody(t *testing.T) {
	t.Parallel()
	for want, read := range map[string]func() error{
		", with a string": func() error { panic("hunter2") },
		": runtime error: integer divide by zero": func() error {
			zero := 0
			_ = 1 / zero
			return nil
		},
		`GET https://issuer.example/jwks.json: broken off after "…"`: func() error { return errors.New(`broken off after "hunter2"`) },
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite()
			s.answer(func(r *http.Request) (*http.Response, error) {
				resp := answer(r, 200, nil, "")
				resp.Body = io.NopCloser(readerFunc(read))
				return resp, nil
			})
			err := s.remote().Fetch(t.Context())
			if text := fmt.Sprint(err); !strings.HasPrefix(text, "jwt: fetching keys: ") || !strings.Contains(text, want+"; next attempt in ") || strings.Contains(text, "hunter2") {
				t.Errorf("error %v, want %s", err, want)
			}
		})
	}
}

type readerFunc func() error

func (f readerFunc) Read([]byte) (int, error) { return 0, f() }

// Servers that do not speak HTTP, and what they say is in no error. It might be
// the token that they were sent.
func TestRemoteEchoes(t *testing.T) {
	t.Parallel()
	for _, reply := range []string{
		"hunter2 hunter2\r\n\r\n",
		"HTTP/hunter2 200 OK\r\n\r\n",
		"HTTP/1.1 hunter2\r\n\r\n",
		"HTTP/1.1 503 hunter2\r\n\r\n",
		"HTTP/1.1 200 OK\r\nhunter2\r\n\r\n",
		"HTTP/1.1 200 OK\r\n hunter2\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: hunter2\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: hunter2\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhunter2\r\n",
		"HTTP/1.1 302 Found\r\nLocation: https://issuer.example:hunter2/\"hunter2\r\n\r\n",
		"HTTP/1.1 302 Found\r\nLocation: " + strings.Repeat("/hunter2", 1000) + "\r\n\r\n",
		"HTTP/1.1 302 Found\r\nLocation: https://" + strings.Repeat("a", 5000) + "/\r\n\r\n",
	} {
		synctest.Test(t, func(t *testing.T) {
			dial := func(context.Context, string, string) (net.Conn, error) {
				client, server := net.Pipe()
				go func() {
					defer server.Close()
					io.ReadAtLeast(server, make([]byte, 64<<10), 100)
					io.WriteString(server, reply)
				}()
				return client, nil
			}
			r := &jwt.Remote{
				URL:    siteURL,
				Client: &http.Client{Transport: &http.Transport{DialTLSContext: dial, DisableKeepAlives: true}},
				Source: token.Static(token.New(token.NewSecret("hunter2"))),
			}
			err := r.Fetch(t.Context())
			t.Log(err)
			if text := fmt.Sprint(err); err == nil || strings.Contains(text, "hunter2") || len(text) > 700 {
				t.Errorf("%q: error %v", reply, err)
			}
			time.Sleep(time.Minute)
		})
	}
}

// A Client's error is one line, and has nothing quoted in it.
func TestRemoteErrorText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"one\ntwo\x1b[31m\xff":                      "one?two?[31m\ufffd",
		`a "hunter2" b "hunter2\"hunter2" "hunter2`: `a "…" b "…" "…"`,
		strings.Repeat("é", 300):                    strings.Repeat("é", 200) + "…",
		"x" + strings.Repeat("é", 300):              "x" + strings.Repeat("é", 199) + "…",
	} {
		s := newSite()
		s.answer(func(*http.Request) (*http.Response, error) { return nil, errors.New(text) })
		err := s.remote().Fetch(t.Context())
		if !strings.HasPrefix(err.Error(), "jwt: fetching keys: GET "+siteURL+": "+want+"; next attempt in ") {
			t.Errorf("%q: %q, want %q", text, err, want)
		}
	}
}

// Redirects are followed within the origin, up to three.
func TestRemoteRedirects(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		hops []string // Location of each answer; then come the keys
		want string
	}{
		{[]string{"/1"}, ""},
		{[]string{"/1", "2", "https://ISSUER.example:443/3"}, ""},
		{[]string{"/1", "/2", "/3", "/4"}, "more than 3 redirects"},
		{[]string{"https://evil.example/"}, "redirected to https://evil.example, which is another origin: if that is where it is, name it in Remote.URL"},
		{[]string{"https://issuer.example:8443/"}, "redirected to https://issuer.example:8443, which is another origin"},
		{[]string{"http://issuer.example/"}, "redirected to http://issuer.example, which is another origin"},
		{[]string{"/1", "//evil.example/"}, "redirected to https://evil.example, which is another origin"},
	} {
		s := newSite()
		hop := 0
		s.answer(func(r *http.Request) (*http.Response, error) {
			if hop == len(test.hops) {
				return answer(r, 200, nil, jwks("a")), nil
			}
			if r.URL.Hostname() != "issuer.example" && r.URL.Hostname() != "ISSUER.example" {
				t.Errorf("%v: asked %v", test.hops, r.URL)
			}
			hop++
			return answer(r, 302, http.Header{"Location": {test.hops[hop-1]}}, ""), nil
		})
		client := s.client()
		asked := false
		client.CheckRedirect = func(*http.Request, []*http.Request) error { asked = true; return nil }
		r := s.remote()
		r.Client = client
		err := r.Fetch(t.Context())
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), siteURL+": "+test.want)) {
			t.Errorf("%v: error %v, want %s", test.hops, err, test.want)
		}
		if client.CheckRedirect == nil || client.CheckRedirect(nil, nil) != nil || !asked {
			t.Error("the Client was changed")
		}
	}
}

// The Client is used as it is, but for redirects.
func TestRemoteClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite("a")
		s.latency = time.Hour
		client := s.client()
		client.Timeout = 3 * time.Second
		r := s.remote()
		r.Client = client
		began := time.Now()
		if err := r.Fetch(t.Context()); err == nil || time.Since(began) != 3*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		if client.Timeout != 3*time.Second || client.Transport != s || client.CheckRedirect != nil || client.Jar != nil {
			t.Errorf("the Client was changed: %+v", client)
		}
	})
}

// Without a Client, nothing of net/http's own one is used. Not parallel.
func TestRemoteWithoutClient(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.Cookies()) != 0 {
			t.Errorf("cookies %v", r.Cookies())
		}
		io.WriteString(w, jwks("a"))
	}))
	defer server.Close()
	jar, _ := cookiejar.New(nil)
	u, _ := url.Parse(server.URL)
	jar.SetCookies(u, []*http.Cookie{{Name: "session", Value: "hunter2"}})
	before, transport := *http.DefaultClient, http.DefaultTransport
	defer func() { *http.DefaultClient, http.DefaultTransport = before, transport }()
	http.DefaultClient.Jar = jar
	http.DefaultTransport = newSite()

	r := &jwt.Remote{URL: server.URL}
	goroutines := runtime.NumGoroutine()
	for range 2 {
		if err := r.Fetch(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	// Neither the fetch nor an idle connection stays.
	for deadline := time.Now().Add(time.Minute); runtime.NumGoroutine() > goroutines; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			stacks := make([]byte, 64<<10)
			t.Fatalf("%d goroutines, before %d:\n%s", runtime.NumGoroutine(), goroutines, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

func TestRemoteHugeHeader(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X", strings.Repeat("x", 100_000))
		io.WriteString(w, jwks("a"))
	}))
	defer server.Close()
	if err := (&jwt.Remote{URL: server.URL}).Fetch(t.Context()); err == nil {
		t.Error("no error")
	}
}

// Where the token of Source goes, and where not.
func TestRemoteSource(t *testing.T) {
	t.Parallel()
	const discovery = issuer + "/.well-known/openid-configuration"
	for _, test := range []struct {
		url, jwksURI string
		redirect     string
		want         []string // the requests, those with the token marked
	}{
		{siteURL, "", "", []string{"+" + siteURL}},
		{siteURL, "", "/2", []string{"+" + siteURL, "+" + issuer + "/2"}},
		{"", siteURL, "", []string{"+" + discovery, "+" + siteURL}},
		{"", "https://10.0.0.1/openid/v1/jwks", "", []string{"+" + discovery, "https://10.0.0.1/openid/v1/jwks"}},
		{"https://keys.example/", "", "", []string{"+https://keys.example/"}},
	} {
		s := newSite()
		var asked []string
		s.answer(func(r *http.Request) (*http.Response, error) {
			mark := ""
			switch r.Header.Get("Authorization") {
			case "Bearer hunter2":
				mark = "+"
			case "":
			default:
				t.Errorf("Authorization: %q", r.Header["Authorization"])
			}
			asked = append(asked, mark+r.URL.String())
			if strings.HasSuffix(r.URL.Path, "openid-configuration") {
				return answer(r, 200, nil, fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, issuer, test.jwksURI)), nil
			}
			if test.redirect != "" && r.URL.Path != test.redirect {
				return answer(r, 302, http.Header{"Location": {test.redirect}}, ""), nil
			}
			return answer(r, 200, nil, jwks("a")), nil
		})
		r := &jwt.Remote{URL: test.url, Issuer: issuer, Client: s.client(), Source: token.Static(token.New(token.NewSecret("hunter2")))}
		if err := r.Fetch(t.Context()); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(test.want, asked); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// Over plain http the token goes only as far as token.Transport would take it.
func TestRemoteSourceInClear(t *testing.T) {
	t.Parallel()
	for _, insecure := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite("a")
			r := s.remote()
			r.URL = "http://127.0.0.1/jwks" // through s, which may be a proxy
			r.Insecure = insecure
			r.Source = token.Static(token.New(token.NewSecret("hunter2")))
			err := r.Fetch(t.Context())
			if (err == nil) != insecure || !insecure && !strings.Contains(err.Error(), "no token was sent") || len(s.fetches()) == 0 == insecure {
				t.Errorf("insecure %t: %v, %d fetches", insecure, err, len(s.fetches()))
			}
		})
	}
}

// Our own refused credential blames no caller.
func TestRemoteRefusedCredential(t *testing.T) {
	t.Parallel()
	failing := func(err error) token.Source {
		return token.SourceFunc(func(context.Context) (token.Token, error) { return token.Token{}, err })
	}
	for name, test := range map[string]struct {
		source  token.Source
		client  error
		refused bool
	}{
		"a refused credential":        {failing(fmt.Errorf("vault: %w", token.ErrRefused)), nil, true},
		"a Source that blames":        {failing(fmt.Errorf("vault: %w", token.ErrExpired)), nil, true},
		"a Client that blames":        {nil, fmt.Errorf("vault: %w", token.ErrRevoked), true},
		"a Source that cannot tell":   {failing(errors.New("vault: sealed")), nil, false},
		"a Client that cannot either": {nil, errors.New("vault: sealed"), false},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite("a")
			if test.client != nil {
				s.answer(func(*http.Request) (*http.Response, error) { return nil, test.client })
			}
			r := s.remote()
			r.Source = test.source
			var told outcomes
			r.OnFetch = told.add
			for range 2 { // the second time from memory
				_, err := r.Keys(t.Context(), "a")
				if err == nil || errors.Is(err, token.ErrInvalid) || errors.Is(told.all()[0], token.ErrInvalid) || errors.Is(err, token.ErrRefused) != test.refused {
					t.Errorf("%s: %v", name, err)
				}
				if !strings.Contains(err.Error(), "vault: ") {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

// A server that does not let us in says so of our token, or of none, and the
// error tells which it was.
func TestRemoteNotLetIn(t *testing.T) {
	t.Parallel()
	const there = "https://10.0.0.1/jwks"
	ours := token.Static(token.New(token.NewSecret("hunter2")))
	for name, test := range map[string]struct {
		source  token.Source
		remote  *jwt.Remote // where to look
		status  int
		refused bool
		want    string
	}{
		"no token":        {nil, &jwt.Remote{URL: siteURL}, 401, false, siteURL + ": status 401 Unauthorized: if it wants to know who asks, see Remote.Source; "},
		"a dead token":    {ours, &jwt.Remote{URL: siteURL}, 401, true, siteURL + ": status 401 Unauthorized: it had the token of Remote.Source, which is no good, or may not read keys; "},
		"a weak token":    {ours, &jwt.Remote{URL: siteURL}, 403, false, siteURL + ": status 403 Forbidden: it had the token of Remote.Source, which is no good, or may not read keys; "},
		"another trouble": {ours, &jwt.Remote{URL: siteURL}, 500, false, siteURL + ": status 500 Internal Server Error; "},
		"another place":   {ours, &jwt.Remote{Issuer: issuer}, 401, false, there + ": status 401 Unauthorized: no token was sent there, since it is not at " + issuer + ": if the keys are there too, set Remote.URL to them; "},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite()
			s.answer(func(r *http.Request) (*http.Response, error) {
				if strings.HasSuffix(r.URL.Path, "/openid-configuration") {
					return answer(r, 200, nil, fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, issuer, there)), nil
				}
				return answer(r, test.status, nil, ""), nil
			})
			r := test.remote
			r.Source, r.Client = test.source, s.client()
			err := r.Fetch(t.Context())
			if !strings.HasPrefix(fmt.Sprint(err), "jwt: fetching keys: GET "+test.want) || errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrRefused) != test.refused {
				t.Errorf("%s: %v; ErrRefused %t", name, err, errors.Is(err, token.ErrRefused))
			}
		})
	}
}

// A Source knows best when it can be asked again.
func TestRemoteSourceRetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newSite("a").remote()
		r.Source = token.SourceFunc(func(context.Context) (token.Token, error) {
			return token.Token{}, fmt.Errorf("our token: %w", laterError(40*time.Second))
		})
		var later interface{ RetryAfter() time.Duration }
		if err := r.Fetch(t.Context()); !errors.As(err, &later) || later.RetryAfter() != 40*time.Second {
			t.Errorf("error %v", err)
		}
	})
}

type laterError time.Duration

func (e laterError) Error() string             { return "later" }
func (e laterError) RetryAfter() time.Duration { return time.Duration(e) }

// The values of a caller's context reach the Client, its end does not.
func TestRemoteContext(t *testing.T) {
	t.Parallel()
	type key struct{}
	s := newSite()
	s.answer(func(r *http.Request) (*http.Response, error) {
		_, bounded := r.Context().Deadline()
		if r.Context().Value(key{}) != "trace" || r.Context().Err() != nil || !bounded {
			t.Errorf("context %v", r.Context())
		}
		return answer(r, 200, nil, jwks("a")), nil
	})
	r := s.remote()
	fetched := make(chan error, 1)
	r.OnFetch = func(err error) { fetched <- err }
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "trace"))
	cancel()
	r.Fetch(ctx)
	if err := <-fetched; err != nil {
		t.Error(err)
	}
}
