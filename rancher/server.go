package rancher

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tokenlife/tokenlife/internal/origin"
	"github.com/tokenlife/tokenlife/token"
)

// A Server is where a Rancher is, whichever it is, and how to reach it. Set its
// fields before first use; it must not be copied afterwards. It is then safe for
// concurrent use.
type Server struct {
	// URL is where Rancher is, such as "https://rancher.example": what a browser
	// opens, without the path of an API. A path in it is where a proxy has put
	// Rancher. Required.
	URL string

	// HTTP makes the requests, by its Transport and within its Timeout; nil means
	// [http.DefaultTransport]. Redirects are not followed, and its cookies are
	// not sent: a forgotten one would hide the token that is.
	HTTP *http.Client

	// Timeout bounds one request; 0 means 10 seconds, negative means no bound.
	Timeout time.Duration

	// Insecure permits http to hosts other than loopback addresses: whoever is
	// on the way can read passwords and tokens.
	Insecure bool

	mu   sync.Mutex
	csrf token.Secret // the cookie CSRF that the server has set
}

const defaultTimeout = 10 * time.Second

// address returns s.URL. The error says what is missing or wrong, without the
// text of the URL, which may have a password in it.
func (s *Server) address() (*url.URL, error) {
	switch {
	case s == nil:
		return nil, errors.New("the Server is nil: set it to where Rancher is")
	case s.URL == "":
		return nil, errors.New(`Server.URL is empty: set it to where Rancher is, such as "https://rancher.example"`)
	}
	u, err := url.Parse(s.URL)
	if err != nil || u.User != nil || u.Hostname() == "" || u.RawQuery != "" || u.ForceQuery || strings.Contains(s.URL, "#") || u.RawPath != "" {
		return nil, errors.New("Server.URL is not of the form https://host[:port][/path], without user, query or fragment")
	}
	if o := origin.Of(u); !o.Encrypted() && !o.Plain() {
		return nil, errors.New("Server.URL is neither https nor http")
	}
	for _, part := range strings.Split(u.Path, "/") {
		if slices.Contains(ownPaths, part) {
			return nil, fmt.Errorf("Server.URL has /%s in it: leave that off with what follows, it is the server's own", part)
		}
	}
	if u.Path = strings.TrimRight(u.Path, "/"); u.Path != "" && u.Path != path.Clean(u.Path) {
		return nil, errors.New("Server.URL has a path with //, /./ or /../ in it: write it without")
	}
	return u, nil
}

// ownPaths are what people find behind the address of a server.
var ownPaths = []string{"v1", "v2-beta", "v3", "v3-public", "v1-public", "dashboard", "login"}

// Origin returns the scheme, host and port of s.URL, the one place where its
// tokens may go, for token.Transport; empty if the URL is none.
func (s *Server) Origin() string {
	u, err := s.address()
	if err != nil {
		return ""
	}
	return origin.Of(u).String()
}

// base returns what sends requests.
func (s *Server) base() http.RoundTripper {
	if s != nil && s.HTTP != nil && s.HTTP.Transport != nil {
		return s.HTTP.Transport
	}
	return http.DefaultTransport
}

// transport returns base for r, unless what r carries could be read on the way.
func (s *Server) transport(r *http.Request) (http.RoundTripper, error) {
	base, to := s.base(), origin.Of(r.URL)
	if !s.Insecure && !to.Encrypted() && !(to.Loopback() && origin.Direct(base, r)) {
		return nil, fmt.Errorf("nothing was sent to %s, where others could read it: use https, or a loopback address such as 127.0.0.1 over an http.Transport without a proxy, or set Server.Insecure", to)
	}
	return base, nil
}

// bound returns ctx with what is set to bound one request.
func (s *Server) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	late := lateError{s.Timeout, "Server.Timeout"}
	if late.limit == 0 {
		late.limit = defaultTimeout
	}
	if s.HTTP != nil && s.HTTP.Timeout > 0 && (late.limit < 0 || s.HTTP.Timeout < late.limit) {
		late = lateError{s.HTTP.Timeout, "Server.HTTP.Timeout"}
	}
	if late.limit < 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, late.limit, late)
}
