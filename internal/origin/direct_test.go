package origin

import (
	"net/http"
	"net/url"
	"testing"
)

type opaque struct{}

func (opaque) RoundTrip(*http.Request) (*http.Response, error) { return nil, nil }

type wrapper struct{ http.RoundTripper }

func (w wrapper) WrappedRoundTripper() http.RoundTripper { return w.RoundTripper }

type ring struct{ http.RoundTripper }

func (r *ring) WrappedRoundTripper() http.RoundTripper { return r }

func TestDirect(t *testing.T) {
	t.Parallel()
	proxied := &http.Transport{Proxy: func(r *http.Request) (*url.URL, error) {
		switch r.URL.Path {
		case "/direct":
			return nil, nil
		case "/error":
			return nil, http.ErrNotSupported
		}
		return &url.URL{Scheme: "http", Host: "proxy.example"}, nil
	}}
	for _, test := range []struct {
		name string
		base http.RoundTripper
		path string
		want bool
	}{
		{"no proxy", &http.Transport{}, "/", true},
		{"a proxy", proxied, "/", false},
		{"a proxy for others", proxied, "/direct", true},
		{"a proxy that cannot be told", proxied, "/error", false},
		{"wrapped", wrapper{wrapper{&http.Transport{}}}, "/", true},
		{"wrapped, with a proxy", wrapper{proxied}, "/", false},
		{"unknown", opaque{}, "/", false},
		{"wrapped, unknown", wrapper{opaque{}}, "/", false},
		{"wrapping itself", &ring{}, "/", false},
		{"none", nil, "/", false},
	} {
		r := &http.Request{URL: &url.URL{Scheme: "http", Host: "127.0.0.1", Path: test.path}}
		if got := Direct(test.base, r); got != test.want {
			t.Errorf("%s: %t", test.name, got)
		}
	}
}
