package origin

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"testing"
)

type panicking struct{ http.RoundTripper }

func (panicking) WrappedRoundTripper() http.RoundTripper { panic("what it wraps") }

func TestUnproved(t *testing.T) {
	t.Parallel()
	with := func(c *tls.Config) http.RoundTripper { return &http.Transport{TLSClientConfig: c} }
	for _, test := range []struct {
		name, url string
		base      http.RoundTripper
		want      bool
	}{
		{"https", "https://host.example", &http.Transport{}, false},
		{"a configuration", "https://host.example", with(&tls.Config{}), false},
		{"not verified", "https://host.example", with(&tls.Config{InsecureSkipVerify: true}), true},
		{"not verified, wrapped", "https://host.example", wrapper{with(&tls.Config{InsecureSkipVerify: true})}, true},
		{"verified elsewhere", "https://host.example", with(&tls.Config{InsecureSkipVerify: true, VerifyConnection: func(tls.ConnectionState) error { return nil }}), false},
		{"verified elsewhere, by the peer", "https://host.example", with(&tls.Config{InsecureSkipVerify: true, VerifyPeerCertificate: func([][]byte, [][]*x509.Certificate) error { return nil }}), false},
		{"http", "http://host.example", &http.Transport{}, true},
		{"http here", "http://127.0.0.1:8080", with(&tls.Config{InsecureSkipVerify: true}), false},
		{"unknown", "https://host.example", opaque{}, false},
		{"panicking", "https://host.example", panicking{}, false},
		{"none", "https://host.example", nil, false},
	} {
		u, err := url.Parse(test.url)
		if err != nil {
			t.Fatal(err)
		}
		if got := Unproved(test.base, u); (got != "") != test.want {
			t.Errorf("%s: %q", test.name, got)
		}
	}
}

func TestProxyPassword(t *testing.T) {
	t.Parallel()
	u := &url.URL{Scheme: "https", Host: "host.example"}
	by := func(proxy *url.URL, err error) http.RoundTripper {
		return &http.Transport{Proxy: func(r *http.Request) (*url.URL, error) {
			if r.URL != u || r.Header == nil {
				t.Errorf("asked about %v", r)
			}
			return proxy, err
		}}
	}
	for name, test := range map[string]struct {
		base http.RoundTripper
		want string
	}{
		"no proxy":            {&http.Transport{}, ""},
		"none for that":       {by(nil, nil), ""},
		"a proxy":             {by(&url.URL{Host: "proxy.example", User: url.UserPassword("me", "hush")}, nil), "hush"},
		"one without":         {by(&url.URL{Host: "proxy.example"}, nil), ""},
		"wrapped":             {wrapper{by(&url.URL{Host: "proxy.example", User: url.UserPassword("me", "hush")}, nil)}, "hush"},
		"it cannot be told":   {by(&url.URL{User: url.UserPassword("me", "hush")}, errors.New("no")), ""},
		"a proxy that panics": {&http.Transport{Proxy: func(*http.Request) (*url.URL, error) { panic("proxy") }}, ""},
		"unknown":             {opaque{}, ""},
		"none":                {nil, ""},
	} {
		if got := ProxyPassword(test.base, u); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
