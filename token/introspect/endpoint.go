package introspect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/internal/origin"
	"github.com/tokenlife/tokenlife/token"
)

const (
	defaultTimeout = 10 * time.Second

	// longestBody is how much of an answer is read.
	longestBody = 1 << 20
)

// MaxSize is the longest token, in bytes, that an endpoint is asked about.
const MaxSize = 16 << 10

// noCredential follows the name of an endpoint's owner.
const noCredential = ".Auth gave no credential"

// An endpoint is what takes a form with a token in it.
type endpoint struct {
	owner    string // "Verifier" or "Revoker", for errors
	url      string
	auth     Auth
	client   *http.Client
	timeout  time.Duration
	insecure bool
}

// A reply is what an endpoint answered.
type reply struct {
	from   string // for errors
	status int
	header http.Header
	body   string
}

// address returns where e is. The error says what is missing or wrong, without
// the text of the URL, which may have a password in it.
func (e *endpoint) address() (*url.URL, error) {
	if e.url == "" {
		return nil, fmt.Errorf("%s.URL is empty: set it to the address of the endpoint", e.owner)
	}
	switch a := e.auth.(type) {
	case nil:
		return nil, fmt.Errorf("%s.Auth is nil: set it to how this service proves who it is", e.owner)
	case unusable:
		return nil, fmt.Errorf("%s: %w", e.owner+noCredential, a.err)
	case AuthFunc:
		if a == nil {
			return nil, fmt.Errorf("%s.Auth is a nil AuthFunc: set it to how this service proves who it is", e.owner)
		}
	}
	u, err := url.Parse(e.url)
	if err != nil || u.User != nil || u.Hostname() == "" || strings.Contains(e.url, "#") {
		return nil, fmt.Errorf("%s.URL is not of the form https://host[:port]/path, without user or fragment", e.owner)
	}
	if o := origin.Of(u); !o.Encrypted() && !o.Plain() {
		return nil, fmt.Errorf("%s.URL is neither https nor http", e.owner)
	}
	return u, nil
}

// check returns an error if a field is missing or wrong. Nothing is sent.
func (e *endpoint) check() error {
	u, err := e.address()
	if err != nil {
		return err
	}
	_, err = e.sender(&http.Request{Method: http.MethodPost, URL: u, Header: http.Header{}})
	return err
}

// post sends e a form with tok, and returns what it answers.
func (e *endpoint) post(ctx context.Context, tok token.Secret, hint string) (*reply, error) {
	u, err := e.address()
	if err != nil {
		return nil, err
	}
	start := time.Now()
	timeout := e.timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, timeout, &lateError{fmt.Sprintf("%v (%s.Timeout)", timeout, e.owner)})
		defer cancel()
	}
	added, form := http.Header{}, url.Values{}
	if err := e.auth.Authenticate(ctx, added, form); err != nil {
		return nil, failed(ctx, start, e.owner+noCredential, err)
	}
	r, err := request(ctx, u, added, form, tok, hint)
	if err != nil {
		return nil, err
	}
	client, err := e.sender(r)
	if err != nil {
		return nil, err
	}
	to := origin.Address(u)
	resp, err := client.Do(r)
	if err != nil {
		return nil, failed(ctx, start, "no answer from "+to, bare(err))
	}
	defer resp.Body.Close()
	if resp.Request != nil && origin.Of(resp.Request.URL) != origin.Of(u) {
		return nil, fmt.Errorf("the answer is not from %s: the Client's Transport must not follow redirects", to)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, longestBody+1))
	switch {
	case err != nil:
		return nil, failed(ctx, start, "no whole answer from "+to, bare(err))
	case len(body) > longestBody:
		return nil, fmt.Errorf("the answer of %s is longer than %d bytes: is %s.URL the endpoint's?", to, longestBody, e.owner)
	}
	return &reply{to, resp.StatusCode, resp.Header, string(body)}, nil
}

// request returns the request that is to be sent. What an Auth has added cannot
// change what is asked.
func request(ctx context.Context, u *url.URL, added http.Header, form url.Values, tok token.Secret, hint string) (*http.Request, error) {
	form.Set("token", tok.Reveal())
	form.Del("token_type_hint")
	if hint != "" {
		form.Set("token_type_hint", hint)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	// Under another spelling a field would be sent beside ours, and even a
	// Content-Length would.
	for key, values := range added {
		key = http.CanonicalHeaderKey(key)
		r.Header[key] = append(r.Header[key], values...)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	return r, nil
}

// sender returns a client that sends r to where it is for and no further.
func (e *endpoint) sender(r *http.Request) (*http.Client, error) {
	var client http.Client // a copy, since the caller's may be shared
	if e.client != nil {
		client = *e.client
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if client.Transport == nil {
		client.Transport = http.DefaultTransport
	}
	to := origin.Of(r.URL)
	if !e.insecure && !to.Encrypted() && !(to.Loopback() && origin.Direct(client.Transport, r)) {
		return nil, fmt.Errorf("no token was sent to %s, where others could read it: use https, or a loopback address such as 127.0.0.1 over an http.Transport without a proxy, or set %s.Insecure", origin.Address(r.URL), e.owner)
	}
	if b, ok := e.auth.(bearer); ok {
		client.Transport = &token.Transport{Source: b.source, Base: client.Transport, Origin: to.String(), Insecure: e.insecure}
	}
	return &client, nil
}

// presentable reports what keeps a token from being sent: no issuer made it.
func presentable(tok token.Secret) error {
	text := tok.Reveal()
	switch {
	case text == "":
		return errors.New("empty")
	case len(text) > MaxSize:
		return fmt.Errorf("%d bytes, more than the %d that are sent to its issuer", len(text), MaxSize)
	}
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c > '~' {
			return fmt.Errorf("byte %d cannot be in a token", i)
		}
	}
	return nil
}
