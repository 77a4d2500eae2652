package rancher

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/tokenlife/tokenlife/internal/pipe"
	"github.com/tokenlife/tokenlife/token"
)

// at returns a Server at a URL, where h answers, with nothing but a pipe between.
// Who answers before all was sent may not be heard, so that what is sent is read
// first.
func at(where string, h http.HandlerFunc) *Server {
	return &Server{URL: where, HTTP: pipe.Client("test", func() string { return where }, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body, err := io.ReadAll(r.Body); err == nil {
			r.Body = io.NopCloser(bytes.NewReader(body))
			h(w, r)
		}
	}))}
}

// ok answers as one that has nothing to say.
func ok(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{}`)) }

func TestServerURL(t *testing.T) {
	t.Parallel()
	for where, want := range map[string]string{
		"https://rancher.example":              "https://rancher.example",
		"https://rancher.example/":             "https://rancher.example",
		"https://RANCHER.example:443/":         "https://rancher.example",
		"https://rancher.example:8443/rancher": "https://rancher.example:8443",
		"http://127.0.0.1:8080":                "http://127.0.0.1:8080",
		"https://[::1]:8443":                   "https://[::1]:8443",
	} {
		s := &Server{URL: where}
		if _, err := s.address(); err != nil || s.Origin() != want {
			t.Errorf("%s: origin %q, want %q (%v)", where, s.Origin(), want, err)
		}
	}
	const form = "Server.URL is not of the form https://host[:port][/path], without user, query or fragment"
	for where, want := range map[string]string{
		"":                                       `Server.URL is empty: set it to where Rancher is, such as "https://rancher.example"`,
		"rancher.example":                        form,
		"https://":                               form,
		"https:rancher.example":                  form,
		"https://admin:hunter2@r.example":        form,
		"https://r.example?a=hunter2":            form,
		"https://r.example?":                     form,
		"https://r.example/#/hunter2":            form,
		"https://r.example/a%2fb":                form,
		"https://r.example\x7f":                  form,
		"https://hunter2:hunter2":                form,
		"ftp://r.example":                        "Server.URL is neither https nor http",
		"https://r.example/v3":                   "Server.URL has /v3 in it: leave that off with what follows, it is the server's own",
		"https://r.example/v2-beta/":             "Server.URL has /v2-beta in it: leave that off with what follows, it is the server's own",
		"https://r.example/dashboard/auth/login": "Server.URL has /dashboard in it: leave that off with what follows, it is the server's own",
		"https://r.example/a/../b":               "Server.URL has a path with //, /./ or /../ in it: write it without",
		"https://r.example//a":                   "Server.URL has a path with //, /./ or /../ in it: write it without",
	} {
		s := &Server{URL: where, HTTP: &http.Client{Transport: never(t)}}
		_, err := s.do(t.Context(), call{op: "look", method: "GET", path: "/v3"})
		if e, is := errors.AsType[*Error](err); !is || err.Error() != "rancher: look: "+want || !e.unsent {
			t.Errorf("%q: %v, want %s", where, err, want)
		}
		if s.Origin() != "" && !strings.Contains(where, "r.example") {
			t.Errorf("%q has origin %s", where, s.Origin())
		}
	}
	var none *Server
	if _, err := none.do(t.Context(), call{op: "look", method: "GET", path: "/v3"}); err == nil || !strings.Contains(err.Error(), "the Server is nil") {
		t.Error(err)
	}
	if none.Origin() != "" || none.base() == nil {
		t.Error("a nil Server is somewhere")
	}
}

// never fails if anything is sent.
type neverTrip struct{ t *testing.T }

func never(t *testing.T) http.RoundTripper { return neverTrip{t} }

func (n neverTrip) RoundTrip(r *http.Request) (*http.Response, error) {
	n.t.Errorf("sent: %s %s", r.Method, r.URL)
	return nil, errors.New("nothing was to be sent")
}

// Nothing goes out in the clear, unless it stays on this machine or was allowed
// to.
func TestServerEncrypted(t *testing.T) {
	t.Parallel()
	look := call{op: "look", method: "GET", path: "/v3"}
	proxy, _ := url.Parse("http://proxy.example")
	for where, transport := range map[string]http.RoundTripper{
		"http://rancher.example": never(t),
		"http://localhost:1":     never(t),
		"http://10.0.0.1":        &http.Transport{DialContext: noDial(t)},
		"http://127.0.0.1:1":     &http.Transport{Proxy: http.ProxyURL(proxy), DialContext: noDial(t)},
		"http://[::1]:1":         never(t), // nobody knows whether it has a proxy
	} {
		s := &Server{URL: where, HTTP: &http.Client{Transport: transport}}
		_, err := s.do(t.Context(), look)
		if err == nil || !strings.Contains(err.Error(), "nothing was sent to http://") || !strings.Contains(err.Error(), "Server.Insecure") {
			t.Errorf("%s: %v", where, err)
		}
	}
	s := at("http://rancher.example", ok)
	s.Insecure = true
	if _, err := s.do(t.Context(), look); err != nil {
		t.Error(err)
	}
	real := httptest.NewServer(http.HandlerFunc(ok))
	defer real.Close()
	s = &Server{URL: real.URL, HTTP: &http.Client{Transport: &http.Transport{}}}
	if _, err := s.do(t.Context(), look); err != nil {
		t.Error(err)
	}
}

// noDial fails if a connection is wanted.
func noDial(t *testing.T) func(context.Context, string, string) (net.Conn, error) {
	return func(_ context.Context, _, to string) (net.Conn, error) {
		t.Errorf("dialed: %s", to)
		return nil, errors.New("nothing was to be sent")
	}
}

// Tokens for a Server that is nowhere go nowhere.
func TestTransportWithoutOrigin(t *testing.T) {
	t.Parallel()
	for _, s := range []*Server{nil, {}, {URL: "https://u:p@rancher.example"}, {URL: "rancher.example"}} {
		if s != nil {
			s.HTTP = &http.Client{Transport: witness{t}}
		}
		for name, api := range map[string]API{"V2Beta": &V2Beta{Server: s}, "V3": &V3{Server: s}} {
			tr := api.Transport(token.Static(token.New(token.NewSecret("hunter2hunter2"))))
			if tr == nil {
				t.Errorf("%s: no Transport", name)
				continue
			}
			tr.Base = witness{t}
			r, _ := http.NewRequestWithContext(t.Context(), "GET", "https://elsewhere.example/", nil)
			if resp, err := tr.RoundTrip(r); err == nil {
				resp.Body.Close()
			}
		}
	}
}

// A witness fails if a token comes by.
type witness struct{ t *testing.T }

func (w witness) RoundTrip(r *http.Request) (*http.Response, error) {
	for name, values := range r.Header {
		if strings.Contains(strings.Join(values, " "), "hunter2") {
			w.t.Errorf("the token went to %s in %s", r.URL.Host, name)
		}
	}
	return nil, errors.New("nobody is there")
}

// What HTTP has besides its Transport is not used: a jar would send cookies that
// hide the token.
func TestServerJar(t *testing.T) {
	t.Parallel()
	s := at("https://rancher.example", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Cookie") != "" {
			t.Errorf("sent: Cookie: %s", r.Header.Get("Cookie"))
		}
		http.SetCookie(w, &http.Cookie{Name: "token", Value: "stale"})
	})
	s.HTTP.Jar = jar{}
	for range 2 {
		if _, err := s.do(t.Context(), call{op: "look", method: "GET", path: "/v3"}); err != nil {
			t.Error(err)
		}
	}
	s.HTTP.Timeout = 1 // but its Timeout is
	if _, err := s.do(context.Background(), call{op: "look", method: "GET", path: "/v3"}); !errors.Is(err, ErrUnavailable) {
		t.Error(err)
	}
}

type jar struct{}

func (jar) SetCookies(*url.URL, []*http.Cookie) {}
func (jar) Cookies(*url.URL) []*http.Cookie     { return []*http.Cookie{{Name: "token", Value: "stale"}} }
