package kube

import (
	"net/http"
	"net/url"

	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/token"
)

// Config returns a copy of cfg whose only credential is src. Whatever else cfg
// would have authenticated with, such as a token, a token file, a password, a
// client certificate, an exec plugin or an auth provider, is left out, since
// any of them would silently win. What stays is how the server is reached and
// trusted, impersonation, and the wrappers of cfg.WrapTransport, which see the
// requests after the token is put on them.
//
// The token goes to cfg.Host and nowhere else. If src is a
// [token.Invalidator], such as a refresh.Source, a request answered 401 is
// tried once more with another token, which client-go by itself does not do.
func Config(cfg *rest.Config, src token.Source) *rest.Config {
	c := rest.AnonymousClientConfig(cfg)
	c.Impersonate = cfg.Impersonate
	c.Transport = cfg.Transport
	c.WrapTransport = cfg.WrapTransport

	origin := "cfg.Host" // refused by the Transport, should client-go get that far
	if u, _, err := rest.DefaultServerUrlFor(cfg); err == nil {
		origin = (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
		// A host without a scheme means https if there is anything about TLS in
		// the configuration, such as the client certificate that is left out.
		c.Host = u.String()
	}
	c.Wrap(func(base http.RoundTripper) http.RoundTripper {
		return &token.Transport{Source: src, Base: base, Origin: origin}
	})
	return c
}
