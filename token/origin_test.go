package token_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
)

// via returns an http.Transport that hands its requests to base, so that a test
// has one without having a network.
func via(base http.RoundTripper, proxy func(*http.Request) (*url.URL, error)) *http.Transport {
	tr := &http.Transport{Proxy: proxy}
	tr.RegisterProtocol("http", base)
	return tr
}

// wrapper wraps as client-go's wrappers do.
type wrapper struct{ http.RoundTripper }

func (w wrapper) WrappedRoundTripper() http.RoundTripper { return w.RoundTripper }

// loop is wrapped in itself.
type loop struct{ http.RoundTripper }

func (l loop) WrappedRoundTripper() http.RoundTripper { return l }

func TestTransportInTheClear(t *testing.T) {
	t.Parallel()
	known := func(base *only) http.RoundTripper { return via(base, nil) }
	proxied := func(base *only) http.RoundTripper {
		return via(base, http.ProxyURL(&url.URL{Scheme: "http", Host: "127.0.0.1:3128"}))
	}
	environment := func(base *only) http.RoundTripper { return via(base, http.ProxyFromEnvironment) }
	broken := func(base *only) http.RoundTripper {
		return via(base, func(*http.Request) (*url.URL, error) { return nil, errDeck })
	}
	unknown := func(base *only) http.RoundTripper { return base }
	tests := []struct {
		url      string
		base     func(*only) http.RoundTripper
		insecure bool
		sent     bool
	}{
		{url: "https://api.example", base: unknown, sent: true},
		{url: "https://127.0.0.1", base: unknown, sent: true},
		{url: "http://127.0.0.1:8080", base: known, sent: true},
		{url: "http://127.8.9.10", base: known, sent: true},
		{url: "http://[::1]:8080", base: known, sent: true},
		{url: "http://[::ffff:127.0.0.1]", base: known, sent: true},
		{url: "http://127.0.0.1", base: environment, sent: true}, // which never proxies loopback
		{url: "http://127.0.0.1", base: func(b *only) http.RoundTripper { return wrapper{wrapper{known(b)}} }, sent: true},

		{url: "http://api.example", base: known},
		{url: "http://localhost", base: known},
		{url: "http://127.0.0.1.example", base: known},
		{url: "http://127.1", base: known},
		{url: "http://2130706433", base: known},
		{url: "http://0.0.0.0", base: known},
		{url: "http://[::]", base: known},
		{url: "http://[::ffff:10.0.0.1]", base: known},
		{url: "http://user@10.0.0.1", base: known},
		{url: "http://127.0.0.1@10.0.0.1", base: known},
		{url: "http://127.0.0.1", base: proxied},
		{url: "http://127.0.0.1", base: broken},
		{url: "http://127.0.0.1", base: unknown},
		{url: "http://127.0.0.1", base: func(b *only) http.RoundTripper { return wrapper{b} }},
		{url: "http://127.0.0.1", base: func(b *only) http.RoundTripper { return wrapper{proxied(b)} }},
		{url: "http://127.0.0.1", base: func(b *only) http.RoundTripper { return wrapper{} }},
		{url: "http://127.0.0.1", base: func(b *only) http.RoundTripper { return loop{b} }},

		{url: "http://api.example", base: unknown, insecure: true, sent: true},
		{url: "http://localhost", base: unknown, insecure: true, sent: true},
		{url: "http://127.0.0.1", base: unknown, insecure: true, sent: true},
	}
	for _, test := range tests {
		base := &only{good: "a"}
		tr := &token.Transport{Source: newDeck("a"), Base: test.base(base), Insecure: test.insecure}
		resp, err := tr.RoundTrip(get(t, test.url))
		if test.sent && (err != nil || resp.StatusCode != 200) {
			t.Errorf("%s: %v, %v; want it sent", test.url, resp, err)
		}
		if !test.sent && (err == nil || len(base.saw) != 0 || !strings.Contains(err.Error(), "Transport.Insecure")) {
			t.Errorf("%s: error %v, sent %q; want an error and nothing sent", test.url, err, base.saw)
		}
	}
}

// An HTTP proxy gets requests for loopback addresses in the clear.
func TestTransportRealProxy(t *testing.T) {
	t.Parallel()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("the proxy got %s with %q", r.URL, r.Header["Authorization"])
	}))
	defer proxy.Close()
	at, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &token.Transport{
		Source: newDeck("a"),
		Base:   &http.Transport{Proxy: http.ProxyURL(at)},
	}}
	if _, err := client.Get("http://127.0.0.1:1/"); err == nil {
		t.Error("no error")
	}
}

func TestTransportOrigin(t *testing.T) {
	t.Parallel()
	const sent, bare, refused = "sent", "bare", "error"
	tests := []struct {
		origin, url, host string
		want              string
	}{
		{origin: "https://api.example", url: "https://api.example/x", want: sent},
		{origin: "https://api.example", url: "https://API.Example:443/x", want: sent},
		{origin: "HTTPS://API.EXAMPLE:443", url: "https://api.example", want: sent},
		{origin: "https://api.example:", url: "https://api.example", want: sent},
		{origin: "https://api.example:8443", url: "https://api.example:8443", want: sent},
		{origin: "https://[2001:DB8::1]", url: "https://[2001:db8::1]:443", want: sent},

		{origin: "https://api.example", url: "https://api.example:8443", want: bare},
		{origin: "https://api.example:8443", url: "https://api.example", want: bare},
		{origin: "https://api.example", url: "http://api.example", want: bare},
		{origin: "https://api.example", url: "http://api.example:443", want: bare},
		{origin: "https://api.example", url: "https://www.api.example", want: bare},
		{origin: "https://api.example", url: "https://example", want: bare},
		{origin: "https://api.example", url: "https://api.example.", want: bare},
		{origin: "https://api.example", url: "https://api.example@evil.example", want: bare},
		{origin: "https://kube.example", url: "https://\u212Aube.example", want: bare}, // KELVIN SIGN, whose lower case is k
		{origin: "https://a%FEb", url: "https://a%FFb", want: bare},

		// A server, or a plain HTTP proxy, goes by the Host header.
		{origin: "https://api.example", url: "https://api.example", host: "evil.example", want: bare},
		{origin: "https://api.example", url: "https://evil.example", host: "api.example", want: bare},
		{origin: "https://api.example", url: "https://api.example", host: "API.example:443", want: sent},
		{url: "https://api.example", host: "virtual.example", want: sent},

		{origin: "api.example", url: "https://api.example", want: refused},
		{origin: "api.example:443", url: "https://api.example:443", want: refused},
		{origin: "https://api.example/", url: "https://api.example", want: refused},
		{origin: "https://api.example?", url: "https://api.example", want: refused},
		{origin: "https://api.example?x", url: "https://api.example", want: refused},
		{origin: "https://api.example#", url: "https://api.example", want: refused},
		{origin: "https://u:p@api.example", url: "https://api.example", want: refused},
		{origin: "https://", url: "https://api.example", want: refused},
		{origin: "https://:443", url: "https://api.example", want: refused},
		{origin: "https:api.example", url: "https://api.example", want: refused},
		{origin: "ftp://api.example", url: "https://api.example", want: refused},
		{origin: "//api.example", url: "https://api.example", want: refused},
		{origin: "https://api.example\n", url: "https://api.example", want: refused},
		{origin: "*", url: "https://elsewhere.example", want: refused},
	}
	for _, test := range tests {
		base := &only{}
		tr := &token.Transport{Source: newDeck("a"), Base: base, Origin: test.origin}
		r := get(t, test.url)
		if test.host != "" {
			r.Host = test.host
		}
		_, err := tr.RoundTrip(r)
		got := refused
		if err == nil {
			got = map[string]string{"": bare, "Bearer a": sent}[base.saw[0]]
		}
		if got != test.want {
			t.Errorf("Origin %q, URL %q, Host %q: %s (%v); want %s", test.origin, test.url, test.host, got, err, test.want)
		}
	}
}

// An opaque URL goes on the request line as it is and can name another host; a
// ReverseProxy passes on the one that its client wrote.
func TestTransportOpaqueURL(t *testing.T) {
	t.Parallel()
	for _, origin := range []string{"", "https://api.example"} {
		base := &only{}
		tr := &token.Transport{Source: newDeck("a"), Base: base, Origin: origin}
		r := get(t, "https://api.example")
		r.URL.Opaque = "http://evil.example/"
		if _, err := tr.RoundTrip(r); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{""}, base.saw); diff != "" {
			t.Errorf("Origin %q (-want +got):\n%s", origin, diff)
		}
	}
}

// hop is what a server of TestTransportRedirects saw.
type hop struct{ Server, Authorization string }

// redirector answers a request for /b/c by a redirect to server b with path /c,
// and one for / by 200.
type redirector struct {
	name    string
	servers map[string]*httptest.Server
	mu      *sync.Mutex
	hops    *[]hop
}

func (s *redirector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	*s.hops = append(*s.hops, hop{s.name, r.Header.Get("Authorization")})
	s.mu.Unlock()
	next, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if next == "" {
		return
	}
	http.Redirect(w, r, s.servers[next].URL+"/"+rest, http.StatusTemporaryRedirect)
}

func TestTransportRedirects(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var hops []hop
	servers := map[string]*httptest.Server{}
	for _, name := range []string{"a", "b", "tls", "tls2"} {
		start := httptest.NewServer
		if strings.HasPrefix(name, "tls") {
			start = httptest.NewTLSServer
		}
		servers[name] = start(&redirector{name, servers, &mu, &hops})
		defer servers[name].Close()
	}
	tests := []struct {
		origin string // the name of a server
		path   string // the way, by names
		want   []hop
	}{
		{path: "a/a/a", want: []hop{{"a", "Bearer t"}, {"a", "Bearer t"}, {"a", "Bearer t"}}},
		{path: "a/b", want: []hop{{"a", "Bearer t"}, {"b", ""}}},
		{path: "a/b/b", want: []hop{{"a", "Bearer t"}, {"b", ""}, {"b", ""}}},
		{path: "a/b/a", want: []hop{{"a", "Bearer t"}, {"b", ""}, {"a", ""}}},
		{path: "a/b/a/a", want: []hop{{"a", "Bearer t"}, {"b", ""}, {"a", ""}, {"a", ""}}},
		{path: "a/a/b/a", want: []hop{{"a", "Bearer t"}, {"a", "Bearer t"}, {"b", ""}, {"a", ""}}},
		{path: "tls/tls", want: []hop{{"tls", "Bearer t"}, {"tls", "Bearer t"}}},
		{path: "tls/tls2/tls", want: []hop{{"tls", "Bearer t"}, {"tls2", ""}, {"tls", ""}}},
		{path: "tls/a/tls", want: []hop{{"tls", "Bearer t"}, {"a", ""}, {"tls", ""}}},
		{path: "a/tls", want: []hop{{"a", "Bearer t"}, {"tls", ""}}},
		{origin: "a", path: "a/a", want: []hop{{"a", "Bearer t"}, {"a", "Bearer t"}}},
		{origin: "a", path: "a/b/a", want: []hop{{"a", "Bearer t"}, {"b", ""}, {"a", ""}}},
		{origin: "a", path: "b/a", want: []hop{{"b", ""}, {"a", ""}}}, // b chose what a is asked
	}
	for _, test := range tests { // one after the other: they share the list of hops
		hops = nil
		client := &http.Client{Transport: &token.Transport{
			Source: newDeck("t"),
			Base:   servers["tls"].Client().Transport,
		}}
		if test.origin != "" {
			client.Transport.(*token.Transport).Origin = servers[test.origin].URL
		}
		first, rest, _ := strings.Cut(test.path, "/")
		resp, err := client.Get(servers[first].URL + "/" + rest)
		if err != nil {
			t.Errorf("%s: %v", test.path, err)
			continue
		}
		resp.Body.Close()
		mu.Lock()
		if diff := cmp.Diff(test.want, hops); diff != "" {
			t.Errorf("%s, Origin %q (-want +got):\n%s", test.path, test.origin, diff)
		}
		mu.Unlock()
		for r := resp.Request; ; r = r.Response.Request {
			if r.Header.Get("Authorization") != "" {
				t.Errorf("%s: the caller sees the token", test.path)
			}
			if r.Response == nil {
				break
			}
		}
	}
}

// Ports apart, only the scheme tells these two apart.
func TestTransportDowngrade(t *testing.T) {
	t.Parallel()
	base := &only{}
	tr := &token.Transport{Source: newDeck("a"), Base: base, Insecure: true}
	r := get(t, "http://api.example:8443")
	r.Response = &http.Response{Request: get(t, "https://api.example:8443")}
	if _, err := tr.RoundTrip(r); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{""}, base.saw); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

// Where the chain cannot be followed to its beginning, it may have left.
func TestTransportBrokenChains(t *testing.T) {
	t.Parallel()
	lost := get(t, "https://api.example")
	lost.Response = &http.Response{}
	circle := get(t, "https://api.example")
	circle.Response = &http.Response{Request: circle}
	for _, r := range []*http.Request{lost, circle} {
		base := &only{}
		tr := &token.Transport{Source: newDeck("a"), Base: base}
		if _, err := tr.RoundTrip(r); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{""}, base.saw); diff != "" {
			t.Errorf("sent (-want +got):\n%s", diff)
		}
	}
}
