package rancher

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tokenlife/tokenlife/internal/origin"
)

const (
	// longestAnswer is how much of an answer is read, and longestList of one
	// that has all tokens of a user in it.
	longestAnswer = 1 << 20
	longestList   = 8 << 20
)

// A call is a request to a Server.
type call struct {
	op     string // what it is for, such as "log in", for errors
	method string
	path   string // below the URL, with a query if it has one, escaped
	body   string // JSON; empty for none
	header http.Header
	most   int // bytes of the answer; 0 means longestAnswer

	// present puts the credential on; nil means that there is none.
	present func(*http.Request)
}

// An answer is what a Server said. It says it of itself: nothing else has
// answered for it.
type answer struct {
	op     string
	from   string // for errors: method and URL, without the query
	status int
	header http.Header
	body   string

	sent, received time.Time
}

// do makes a call, and returns what is answered, whatever the status. The error
// is an *Error, and says that there was no answer, or none that can be one of
// Rancher's.
func (s *Server) do(ctx context.Context, c call) (*answer, error) {
	a, err := s.once(ctx, c)
	if err == nil && (a.status == http.StatusForbidden || a.status == http.StatusUnprocessableEntity) &&
		read(a).code == "InvalidCSRFToken" && s.learn(a.header) {
		// It was refused before anything was done, and has said what it wants:
		// something between here and there makes it take us for a browser.
		return s.once(ctx, c)
	}
	return a, err
}

func (s *Server) once(ctx context.Context, c call) (*answer, error) {
	u, err := s.address()
	if err != nil {
		return nil, c.fail(err)
	}
	timeout := s.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, timeout, lateError(timeout))
		defer cancel()
	}
	r, sent, err := s.request(ctx, u, c)
	if err != nil {
		return nil, c.fail(err)
	}
	client, err := s.client(r)
	if err != nil {
		return nil, c.fail(err)
	}
	a := &answer{op: c.op, from: r.Method + " " + name(r.URL), sent: time.Now()}
	resp, err := client.Do(r)
	if err != nil {
		return nil, c.unreached(ctx, a, err, sent)
	}
	defer resp.Body.Close()
	a.received, a.status, a.header = time.Now(), resp.StatusCode, resp.Header
	if resp.Request != nil && origin.Of(resp.Request.URL) != origin.Of(u) {
		return nil, a.odd("the answer came from another server", "Server.HTTP must not follow redirects by itself")
	}
	s.learn(resp.Header)
	most := c.most
	if most == 0 {
		most = longestAnswer
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, int64(most)+1))
	a.body = string(body)
	switch {
	case err != nil:
		return nil, c.unreached(ctx, a, err, sent)
	case len(body) > most:
		return nil, a.odd(fmt.Sprintf("the answer is longer than %d bytes", most), "is this Rancher?")
	case a.status/100 == 3:
		return nil, a.odd("it redirects"+elsewhere(u, resp), "set Server.URL to where Rancher itself is, behind any login page")
	case a.isPage():
		return nil, a.odd("it answers with a page for people", "is this Rancher, and is there a proxy that wants a login of its own?")
	}
	return a, nil
}

// request returns the request of a call, and what tells whether any of it can
// have reached the server.
func (s *Server) request(ctx context.Context, u *url.URL, c call) (*http.Request, *body, error) {
	p, query, _ := strings.Cut(c.path, "?")
	plain, err := url.PathUnescape(p)
	if err != nil || !strings.HasPrefix(p, "/") || strings.Contains(plain, "/../") || strings.HasSuffix(plain, "/..") {
		return nil, nil, errors.New("a name has characters in it that no name has")
	}
	to := *u
	to.Path, to.RawPath, to.RawQuery = u.Path+plain, u.EscapedPath()+p, query
	b := &body{text: strings.NewReader(c.body)}
	var reader io.Reader
	if c.body != "" {
		reader = b
	}
	r, err := http.NewRequestWithContext(ctx, c.method, to.String(), reader)
	if err != nil {
		return nil, nil, errors.New("the request cannot be made: is Server.URL a URL?")
	}
	if reader != nil {
		r.ContentLength = b.text.Size()
		r.GetBody = nil // nothing is sent twice
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Accept", "application/json")
	for key, values := range c.header {
		r.Header[key] = values
	}
	s.mu.Lock()
	csrf := s.csrf
	s.mu.Unlock()
	if csrf != "" {
		r.AddCookie(&http.Cookie{Name: "CSRF", Value: csrf})
	}
	if c.present != nil {
		c.present(r)
	}
	echoCSRF(r)
	return r, b, nil
}

// learn keeps the cookie CSRF that the server has set, and reports whether it
// is another than before.
func (s *Server) learn(h http.Header) bool {
	for _, c := range (&http.Response{Header: h}).Cookies() {
		if c.Name == "CSRF" && len(c.Value) <= 64 {
			s.mu.Lock()
			defer s.mu.Unlock()
			changed := s.csrf != c.Value
			s.csrf = c.Value
			return changed
		}
	}
	return false
}

// echoCSRF repeats the cookie CSRF in the header X-API-CSRF, as a server asks
// whoever may be a browser to. The header goes where the cookie goes.
func echoCSRF(r *http.Request) {
	if r.Method == http.MethodGet || r.Method == "" {
		return
	}
	if c, err := r.Cookie("CSRF"); err == nil && c.Value != "" {
		r.Header.Set("X-Api-Csrf", c.Value)
	}
}

// name returns what errors call a URL: its query may have a secret in it.
func name(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}

// elsewhere says where a redirect goes, if that is another origin.
func elsewhere(u *url.URL, resp *http.Response) string {
	to, err := resp.Location()
	if err != nil || origin.Of(to) == origin.Of(u) {
		return ""
	}
	return " to " + brief(origin.Of(to).String(), 100)
}

// A body is that of a request. Until somebody has begun to read it no server can
// have done what it asks for.
type body struct {
	text  *strings.Reader
	state atomic.Int32
}

const (
	untouched = iota
	begun
	stopped
)

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	if !b.state.CompareAndSwap(untouched, begun) && b.state.Load() == stopped {
		return 0, errors.New("rancher: the call is over")
	}
	return b.text.Read(p)
}

// Close implements [io.Closer].
func (b *body) Close() error { return nil }

// stop reports whether nobody has begun to read b, and sees to it that nobody
// will.
func (b *body) stop() bool { return b.state.CompareAndSwap(untouched, stopped) }
