package kube

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/token"
)

// Config returns a copy of cfg whose only credential is src. Whatever else cfg
// would have authenticated with, such as a token, a token file, a password, a
// client certificate, an exec plugin or an auth provider, is left out, since
// any of them would silently win. What stays is how the server is reached and
// trusted, impersonation, and the wrappers of cfg.WrapTransport, which see the
// requests after the token is put on them. If it authenticates by itself, as a
// Transport with a client certificate does, that stays as well.
//
// The token goes to cfg.Host and nowhere else. Nor is a redirect followed to another
// host: client-go would send it what a request has in its body, such as a token to
// review or a Secret, and would believe its answer. If src is a
// [token.Invalidator], such as a refresh.Source, a request answered 401 is
// tried once more with another token, which client-go by itself does not do; not so
// one whose body can be read only once, or one that is to become a WebSocket (exec
// and port-forward that do not fall back to SPDY). Watches go on when the token that
// they began with has died, and begin again with the token of the day.
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
		return &home{&token.Transport{Source: src, Base: base, Origin: origin}, origin}
	})
	return c
}

var errRedirect = errors.New("redirects to another host, and is not followed there")

// A home sends requests wherever they are for, unless it is a redirect that leads
// them away from origin.
type home struct {
	*token.Transport
	origin string
}

// RoundTrip implements [http.RoundTripper].
func (h *home) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Response != nil && !strings.EqualFold(r.URL.Scheme+"://"+r.URL.Host, h.origin) {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, fmt.Errorf("%s %w: %s", h.origin, errRedirect, brief(r.URL.Host, 100))
	}
	return h.Transport.RoundTrip(r)
}
