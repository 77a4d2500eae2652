package dashboard

import (
	"io"
	"net/http"
	"strings"

	"github.com/tokenlife/tokenlife/token"
)

// scheme is the Type of tokens that go into the header of the same name.
const scheme = "jweToken"

// Set puts a token of a [Source] on a request, for token.Transport: a session in
// the header jweToken, and a bearer token in Authorization. Another credential on
// the request is taken off: Authorization would win over the session.
func Set(r *http.Request, t token.Token) {
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	for key := range r.Header {
		if strings.EqualFold(key, "Authorization") || strings.EqualFold(key, scheme) {
			delete(r.Header, key)
		}
	}
	switch {
	case t.IsZero():
	case t.Type == scheme:
		r.Header.Set(scheme, t.Value.Reveal())
	default:
		t.SetHeader(r)
	}
}

// Refused reports whether a Dashboard refused the token of a request, for
// token.Transport. That is a 401, and the 500 with which 2.x says that it cannot
// decrypt a session. It is not a 401 for want of a CSRF token, nor the one for the
// Secrets that the Dashboard keeps to itself, nor a proxy's page that asks for a
// login of its own.
//
// A list that 2.x answers with 200 is empty if the API server refuses the
// credential in the session. That does not show here; a [Source] does not let a
// session outlive a credential that says when it ends.
//
// At most 4 kB of the body are read, and put back.
func Refused(resp *http.Response) bool {
	if resp == nil || resp.StatusCode != http.StatusUnauthorized && resp.StatusCode != http.StatusInternalServerError {
		return false
	}
	body := peek(resp)
	text := said(body)
	if resp.StatusCode == http.StatusInternalServerError {
		return unreadableSession(text)
	}
	return !refusesCSRF(text) && text != msgExclusive &&
		!(isPage(resp.Header, body) && resp.Header.Get("WWW-Authenticate") != "")
}

// unreadableSession reports whether a text, of a 500, is what 2.x says of a
// session that it cannot decrypt: the words of its JOSE library, by any of the
// names that had, or its own.
func unreadableSession(text string) bool {
	for _, prefix := range []string{"square/go-jose: ", "go-jose/go-jose: ", "Token validation error"} {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	return false
}

// refusesCSRF reports whether a text, of a 401, is what is said of a CSRF token.
func refusesCSRF(text string) bool {
	return text == msgCSRF || text == msgCSRF7
}

// longestRefusal is how much is read of a body that may be a refusal.
const longestRefusal = 4 << 10

// peek returns the beginning of a body, and puts it back.
func peek(resp *http.Response) string {
	if resp.Body == nil {
		return ""
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, longestRefusal))
	resp.Body = &peeked{rest: resp.Body, text: strings.NewReader(string(text)), err: err}
	return string(text)
}

// A peeked body is one of which the beginning has been read already.
type peeked struct {
	rest io.ReadCloser
	text *strings.Reader
	err  error // that came after text, or nil
}

// Read implements [io.Reader].
func (p *peeked) Read(b []byte) (int, error) {
	switch {
	case p.text.Len() > 0:
		return p.text.Read(b)
	case p.err != nil:
		return 0, p.err
	}
	return p.rest.Read(b)
}

// Close implements [io.Closer].
func (p *peeked) Close() error { return p.rest.Close() }
