package kube

import (
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/token"
)

// A below is what requests go through last, below whatever others have wrapped around
// the Transport of a rest.Config: that may put a credential on a request, this token or
// another, and may fail by itself, for want of one. It is for one asker.
type below struct {
	token token.Secret
	with  bool // requests to the server have the token, and else they must not

	base    http.RoundTripper
	known   bool   // base is net/http's, so that its errors are of a connection
	origin  string // the server's
	refused atomic.Bool
	failed  atomic.Bool
}

// under puts b under whatever cfg has around its Transport.
func (b *below) under(cfg *rest.Config, server *url.URL) {
	_, std := cfg.Transport.(*http.Transport)
	b.known = std || cfg.Transport == nil
	b.origin = origin(server)
	wrap := cfg.WrapTransport
	cfg.WrapTransport = func(base http.RoundTripper) http.RoundTripper {
		b.base = base
		if wrap == nil {
			return b
		}
		return wrap(b)
	}
}

// RoundTrip implements [http.RoundTripper].
func (b *below) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.EqualFold(origin(r.URL), b.origin) {
		return b.base.RoundTrip(r) // such as one for a credential
	}
	const header = "Authorization"
	value := "Bearer " + b.token.Reveal()
	switch {
	case b.with:
		r = r.Clone(r.Context())
		r.Header.Set(header, value)
	case r.Header.Get(header) == value:
		b.refused.Store(true)
		return nil, errOwn // there is no Body to close
	}
	resp, err := b.base.RoundTrip(r)
	b.failed.Store(err != nil && b.known)
	return resp, err
}

// origin returns where u leads, without its path.
func origin(u *url.URL) string { return (&url.URL{Scheme: u.Scheme, Host: u.Host}).String() }
