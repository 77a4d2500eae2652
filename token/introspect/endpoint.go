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
	from   origin.Origin
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
	if e.auth == nil {
		return nil, fmt.Errorf("%s.Auth is nil: set it to how this service proves who it is", e.owner)
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

// post sends e a form with tok, and returns what it answers.
func (e *endpoint) post(ctx context.Context, tok token.Secret, hint string) (*reply, error) {
	u, err := e.address()
	if err != nil {
		return nil, err
	}
	timeout := e.timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	r, err := e.request(ctx, u, tok, hint)
	if err != nil {
		return nil, ours(err)
	}
	client, err := e.sender(r)
	if err != nil {
		return nil, err
	}
	to := origin.Of(u)
	resp, err := client.Do(r)
	if err != nil {
		return nil, ours(fmt.Errorf("no answer from %v: %w", to, bare(err)))
	}
	defer resp.Body.Close()
	if resp.Request != nil && origin.Of(resp.Request.URL) != to {
		return nil, fmt.Errorf("the answer is not from %v: the Client's Transport must not follow redirects", to)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, longestBody+1))
	switch {
	case err != nil:
		return nil, ours(fmt.Errorf("the answer of %v broke off: %w", to, bare(err)))
	case len(body) > longestBody:
		return nil, fmt.Errorf("the answer of %v is longer than %d bytes: is %s.URL the endpoint's?", to, longestBody, e.owner)
	}
	return &reply{to, resp.StatusCode, resp.Header, string(body)}, nil
}

// request returns the request that is to be sent. What e.auth adds cannot change
// what is asked.
func (e *endpoint) request(ctx context.Context, u *url.URL, tok token.Secret, hint string) (*http.Request, error) {
	header, form := http.Header{}, url.Values{}
	if err := e.auth.Authenticate(ctx, header, form); err != nil {
		return nil, fmt.Errorf("%s.Auth gave no credential: %w", e.owner, err)
	}
	form.Set("token", tok.Reveal())
	form.Del("token_type_hint")
	if hint != "" {
		form.Set("token_type_hint", hint)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	header.Set("Content-Type", "application/x-www-form-urlencoded")
	header.Set("Accept", "application/json")
	r.Header = header
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
		return nil, fmt.Errorf("no token was sent to %v, where others could read it: use https, or a loopback address such as 127.0.0.1 over an http.Transport without a proxy, or set %s.Insecure", to, e.owner)
	}
	if b, ok := e.auth.(bearer); ok {
		client.Transport = &token.Transport{Source: b.source, Base: client.Transport, Origin: to.String(), Insecure: e.insecure}
	}
	return &client, nil
}

// longestText is how much is repeated of what went wrong on the way, which may
// quote the other side.
const longestText = 300

// bare returns err without the URL that a client puts in front of it, which may
// have a key in its query.
func bare(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	if text := err.Error(); len(text) > longestText {
		return errors.New(strings.ToValidUTF8(text[:longestText], "") + "…")
	}
	return err
}

// ours returns err so that it does not blame the presented token: whatever went
// wrong on the way to its issuer was not its fault.
func ours(err error) error {
	if errors.Is(err, token.ErrInvalid) {
		return token.Refused(err)
	}
	return err
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
