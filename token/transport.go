package token

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/tokenlife/tokenlife/internal/origin"
)

// A Transport is an [http.RoundTripper] that puts a token from a [Source] on
// each request.
//
//	client := &http.Client{Transport: &token.Transport{Source: src}}
//
// The token goes on a copy: neither the caller's request nor the Request of the
// response, which is the caller's, ever carries it.
//
// # What gets no token
//
// A request that already has an Authorization header is passed on unchanged,
// and so is one that [http.Client] gave one because its URL has a password.
//
// A request goes without a token if it is not for Origin. Where Origin is not
// set, that is the scheme, host and port first asked in a chain of redirects. A
// chain that has once left gets no token any more, not even back at the origin,
// because whoever sent it there chose what it asks.
//
// A token is sent over https, or to a loopback address (127.0.0.1 or [::1]; the
// name localhost may be anyone's) without a proxy. Anything else is an error
// before anything is sent, unless Insecure is set.
//
// # Refusals
//
// If a request is refused and Source is an [Invalidator], Source is told, and
// asked once more. If it has another token, and the body can be sent again
// because there is none or the request has a GetBody, the request is sent a
// second time; otherwise the refusal is returned as it came. There is never a
// third time. To have no second either, hide Invalidate: Source:
// SourceFunc(src.Token).
//
// # Reverse proxies
//
// Under an [net/http/httputil.ReverseProxy], delete the inbound Authorization
// header, or whatever the client sent wins; the example shows how. Use its
// Rewrite and SetURL rather than Director: they also replace the inbound Host
// header, by which the client could choose among a server's names.
//
// The fields must be set before first use. A Transport is then safe for
// concurrent use.
type Transport struct {
	// Source supplies the tokens. Required.
	Source Source

	// Base makes the requests; nil means [http.DefaultTransport]. It must not
	// follow redirects by itself: it would follow them with the token.
	//
	// Requests to loopback addresses need a Base that is known to use no proxy
	// for them: an [http.Transport], or a wrapper around one that has a method
	// WrappedRoundTripper() http.RoundTripper.
	Base http.RoundTripper

	// Origin is "scheme://host[:port]", the only place where the token may go.
	// Requests to other places, or with the Host header of another, are sent
	// without one. Empty means the place that each request asks first.
	Origin string

	// Set puts the token on a request, which is a copy made for it; nil means
	// [Token.SetHeader]. It is for servers that want the token elsewhere than
	// in Authorization.
	Set func(*http.Request, Token)

	// Refused reports whether a response says that its request's token is no
	// good; nil means that its status is 401. It must leave the body as it was,
	// putting back what it reads.
	Refused func(*http.Response) bool

	// Insecure permits sending tokens in the clear, to whoever is listening on
	// the way.
	Insecure bool
}

// Wrap returns a function that puts a [Transport] with src around a
// RoundTripper, for hooks such as the Wrap method of client-go's rest.Config.
func Wrap(src Source) func(http.RoundTripper) http.RoundTripper {
	return func(base http.RoundTripper) http.RoundTripper {
		return &Transport{Source: src, Base: base}
	}
}

// RoundTrip implements [http.RoundTripper]. Its error wraps that of Source, or
// is Base's own.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	carries, err := t.carries(r)
	if err != nil {
		closeBody(r)
		return nil, err
	}
	if !carries {
		return t.base().RoundTrip(r)
	}
	tok, err := ask(r.Context(), t.Source)
	if err != nil {
		closeBody(r)
		return nil, fmt.Errorf("token: no token for %s %v: %w", cmp.Or(r.Method, "GET"), origin.Of(r.URL), err)
	}
	resp, refused, err := t.send(r, r.Body, tok)
	if !refused {
		return resp, err
	}

	src, ok := t.Source.(Invalidator)
	if !ok {
		return resp, nil
	}
	src.Invalidate(tok)
	tok, body, ok := t.successor(r, tok)
	if !ok {
		return resp, nil
	}
	discard(resp.Body)
	resp, refused, err = t.send(r, body, tok)
	if refused {
		src.Invalidate(tok)
	}
	return resp, err
}

// carries reports whether a token goes with r. It is an error if one should but
// may not.
func (t *Transport) carries(r *http.Request) (bool, error) {
	if t.Source == nil {
		return false, errors.New("token: Transport has no Source: set the one that supplies its tokens")
	}
	pinned, err := t.pinned(r)
	if err != nil {
		return false, err
	}
	switch {
	case hasAuthorization(r.Header), !t.stayed(r, pinned):
		return false, nil
	case !t.private(r):
		return false, fmt.Errorf("token: no token was sent to %v, where others could read it: use https, or a loopback address such as 127.0.0.1 over an http.Transport without a proxy, or set Transport.Insecure", pinned)
	}
	return true, nil
}

// hasAuthorization looks for any spelling: a key put into the map by hand goes
// out beside the one that SetHeader sets.
func hasAuthorization(h http.Header) bool {
	for key := range h {
		if strings.EqualFold(key, "authorization") {
			return true
		}
	}
	return false
}

// send sends a copy of r with tok and body, and reports whether the origin that
// was sent tok refused it.
func (t *Transport) send(r *http.Request, body io.ReadCloser, tok Token) (resp *http.Response, refused bool, err error) {
	out := r.Clone(r.Context())
	out.Body = body
	out.Trailer = r.Trailer // its values come while the body is read
	if out.Header == nil {
		out.Header = make(http.Header)
	}
	if t.Set != nil {
		t.Set(out, tok)
	} else {
		tok.SetHeader(out)
	}
	resp, err = t.base().RoundTrip(out)
	if resp == nil || err != nil {
		return nil, false, err
	}
	answered := r.URL
	if resp.Request != nil {
		answered = resp.Request.URL
	}
	resp.Request = r
	return resp, origin.Of(answered) == origin.Of(r.URL) && t.refused(resp), nil
}

func (t *Transport) refused(resp *http.Response) bool {
	if t.Refused != nil {
		return t.Refused(resp)
	}
	return resp.StatusCode == http.StatusUnauthorized
}

// successor returns a token other than the refused one, and r's body to send
// with it. It is not ok if there is none of either; whatever went wrong says
// less than the refusal does.
func (t *Transport) successor(r *http.Request, refused Token) (next Token, body io.ReadCloser, ok bool) {
	bare := r.Body == nil || r.Body == http.NoBody
	if !bare && r.GetBody == nil {
		return Token{}, nil, false
	}
	next, err := ask(r.Context(), t.Source)
	if err != nil || next.Equal(refused) {
		return Token{}, nil, false
	}
	if bare {
		return next, r.Body, true
	}
	body, err = r.GetBody()
	return next, body, err == nil
}

// WrappedRoundTripper returns Base, or [http.DefaultTransport] if Base is nil.
// Client-go looks for it when it needs the connection beneath.
func (t *Transport) WrappedRoundTripper() http.RoundTripper { return t.base() }

// CloseIdleConnections closes those of Base, if Base can.
func (t *Transport) CloseIdleConnections() {
	if base, ok := t.base().(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

func (t *Transport) base() http.RoundTripper {
	if t.Base != nil {
		return t.Base
	}
	return http.DefaultTransport
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		r.Body.Close()
	}
}

// discard reads a little of body, so that its connection can be used again, and
// closes it.
func discard(body io.ReadCloser) {
	if body == nil {
		return
	}
	io.CopyN(io.Discard, body, 64<<10)
	body.Close()
}
