package rancher

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/internal/foreign"
	"github.com/tokenlife/tokenlife/internal/origin"
	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/internal/sent"
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
	c.op = withoutSecret(c.op)
	before := s.cookie()
	a, err := s.once(ctx, c)
	if err == nil && (a.status == http.StatusForbidden || a.status == http.StatusUnprocessableEntity) &&
		read(a).code == "InvalidCSRFToken" && !s.cookie().Equal(before) {
		// It was refused before anything was done, and has said what it wants:
		// something between here and there makes it take us for a browser.
		return s.once(ctx, c)
	}
	return a, err
}

// once makes a call once.
func (s *Server) once(ctx context.Context, c call) (*answer, error) {
	u, err := s.address()
	if err != nil {
		return nil, c.fail(err)
	}
	ctx, cancel := s.bound(ctx)
	defer cancel()
	e := &exchange{body: sent.NewBody(c.body)}
	r, err := s.request(e.trace(ctx), u, c, e.body)
	if err != nil {
		return nil, c.fail(err)
	}
	transport, err := s.transport(r)
	if err != nil {
		return nil, c.fail(err)
	}
	a := &answer{op: c.op, from: r.Method + " " + foreign.Brief(origin.Address(r.URL), 300), sent: time.Now()}
	var odd *Error
	panicked := panics.Call("the Transport of Server.HTTP", func() error {
		// Without an http.Client around it: nobody follows a redirect, and
		// nobody adds a cookie.
		var resp *http.Response
		resp, err = transport.RoundTrip(r)
		if err == nil && (resp == nil || resp.Body == nil) {
			err = errors.New("the Transport of Server.HTTP returned neither an answer nor an error")
		}
		if err != nil {
			return nil
		}
		defer resp.Body.Close()
		if odd = s.take(a, resp, r, c); odd == nil {
			err = a.readBody(resp.Body, c)
		}
		return nil
	})
	switch {
	case panicked != nil:
		return nil, c.panicked(a, panicked, e)
	case odd != nil:
		return nil, odd
	case errors.Is(err, errTooLong):
		return nil, a.odd(err.Error(), "is this Rancher?")
	case err != nil:
		return nil, c.unreached(ctx, a, err, e)
	case a.isPage():
		return nil, a.odd("it answers with a page for people", "is this Rancher, and is there a proxy that wants a login of its own?")
	case a.status/100 == 2 && read(a).isError:
		return nil, a.odd("an error, with the status of a success", "is there a proxy that changes what Rancher answers?")
	}
	return a, nil
}

// take takes the head of an answer to r. The error says that it is not one of
// the server's own.
func (s *Server) take(a *answer, resp *http.Response, r *http.Request, c call) *Error {
	a.received, a.status, a.header = time.Now(), resp.StatusCode, resp.Header
	if by := resp.Request; by != nil && (by.Response != nil || origin.Of(by.URL) != origin.Of(r.URL)) {
		return a.odd("it redirected, and that was followed", "set Server.HTTP to a client whose Transport does not follow redirects by itself")
	}
	s.learn(resp.Header)
	switch a.status / 100 {
	case 3:
		return a.odd("it redirects"+elsewhere(resp, r, c), "set Server.URL to where Rancher itself is, behind any login page")
	case 2, 4, 5:
		return nil
	}
	return a.odd("this ends no request", "is this Rancher?")
}

var errTooLong = errors.New("the answer is too long")

// readBody reads the body of an answer, as far as it is as long as it may be.
func (a *answer) readBody(r io.Reader, c call) error {
	most := c.most
	if most == 0 {
		most = longestAnswer
	}
	text, err := io.ReadAll(io.LimitReader(r, int64(most)+1))
	if len(text) > most {
		return fmt.Errorf("%w: more than %d bytes", errTooLong, most)
	}
	a.body = string(text)
	return err
}

// request returns the request of a call.
func (s *Server) request(ctx context.Context, u *url.URL, c call, b *sent.Body) (*http.Request, error) {
	p, query, _ := strings.Cut(c.path, "?")
	if !plain(p) || strings.ContainsFunc(query, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '#' }) {
		return nil, errors.New("there is a name with characters in it that no name of Rancher's has; if it is that of a token, give the part before the colon only")
	}
	to := *u
	to.Path, to.RawPath, to.RawQuery = u.Path+p, u.EscapedPath()+p, query
	var reader io.Reader
	if c.body != "" {
		reader = b
	}
	r, err := http.NewRequestWithContext(ctx, c.method, to.String(), reader)
	if err != nil {
		return nil, errors.New("the request cannot be made: is Server.URL a URL?")
	}
	if reader != nil {
		// There is no GetBody: nothing is sent twice.
		r.ContentLength = b.Size()
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Accept", "application/json")
	for key, values := range c.header {
		r.Header[http.CanonicalHeaderKey(key)] = slices.Clone(values)
	}
	if csrf := s.cookie(); !csrf.IsZero() {
		r.AddCookie(&http.Cookie{Name: "CSRF", Value: csrf.Reveal()})
	}
	if c.present != nil {
		c.present(r)
	}
	echoCSRF(r)
	return r, nil
}

// plain reports whether p is a path that all read alike, the server and the
// proxies before it: what has to be escaped, or leads up, can become another
// path on the way. Neither is in any name of Rancher's.
func plain(p string) bool {
	return p != "/" && p == path.Clean("/"+p) && !strings.ContainsFunc(p, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("/-._~", r))
	})
}

// withoutSecret returns what a call is for, in brief and without what is behind
// a colon: who gives a whole token where its name is wanted does not find it in
// the error.
func withoutSecret(op string) string {
	op, _, found := strings.Cut(op, ":")
	op = foreign.Brief(op, 120)
	if found {
		op += ":…"
	}
	return op
}

// elsewhere says where a redirect goes, if that is another origin, and not one
// whose name was made of what was sent.
func elsewhere(resp *http.Response, r *http.Request, c call) string {
	to, err := resp.Location()
	if err != nil || origin.Of(to) == origin.Of(r.URL) {
		return ""
	}
	sent := strings.ToLower(c.body)
	for _, values := range r.Header {
		sent += "\n" + strings.ToLower(strings.Join(values, "\n"))
	}
	for _, label := range strings.Split(strings.ToLower(to.Hostname()), ".") {
		if len(label) > 3 && strings.Contains(sent, label) {
			return " to another host"
		}
	}
	return " to " + foreign.Brief(origin.Of(to).String(), 100)
}
