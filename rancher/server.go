package rancher

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/tokenlife/tokenlife/internal/origin"
)

// A Server is where a Rancher is, whichever it is, and how to reach it. Set its
// fields before first use; it must not be copied afterwards. It is then safe for
// concurrent use.
type Server struct {
	// URL is where Rancher is, such as "https://rancher.example": what a browser
	// opens, without the path of an API. A path in it is where a proxy has put
	// Rancher. Required.
	URL string

	// HTTP makes the requests; nil means one of its own. Its redirects are not
	// followed, and its cookies are not sent: a forgotten one would hide the
	// token that is.
	HTTP *http.Client

	// Timeout bounds one request; 0 means 10 seconds, negative means no bound.
	Timeout time.Duration

	// Insecure permits http to hosts other than loopback addresses: whoever is
	// on the way can read passwords and tokens.
	Insecure bool

	mu   sync.Mutex
	csrf string // the cookie CSRF that the server has set
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
	switch last := path.Base(u.Path); last {
	case "v1", "v2-beta", "v3", "v3-public", "v1-public", "dashboard", "login":
		return nil, fmt.Errorf("Server.URL ends in /%s: leave that off, it is the server's own", last)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return u, nil
}

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
	if s.HTTP != nil && s.HTTP.Transport != nil {
		return s.HTTP.Transport
	}
	return http.DefaultTransport
}

// client returns a client that sends r to where it is for and no further.
func (s *Server) client(r *http.Request) (*http.Client, error) {
	client := http.Client{
		Transport:     s.base(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if s.HTTP != nil {
		client.Timeout = s.HTTP.Timeout
	}
	to := origin.Of(r.URL)
	if !s.Insecure && !to.Encrypted() && !(to.Loopback() && origin.Direct(client.Transport, r)) {
		return nil, fmt.Errorf("nothing was sent to %s, where others could read it: use https, or a loopback address such as 127.0.0.1 over an http.Transport without a proxy, or set Server.Insecure", to)
	}
	return &client, nil
}
