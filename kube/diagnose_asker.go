package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

const (
	answerTime    = 10 * time.Second // for one answer
	longestAnswer = 1 << 20
)

// An asker asks an API server something, as somebody.
type asker struct {
	who    string // "with the token"
	base   *url.URL
	client *http.Client
	below  *below // nil if it asks with its own credential
	err    error  // why it cannot ask
}

// newAsker returns who asks with what authenticates in cfg, which it may change, and
// with b below it, if there is one.
func newAsker(who string, cfg *rest.Config, b *below) *asker {
	a := &asker{who: who, below: b}
	if cfg.Dial != nil && cfg.Proxy == nil {
		// It is what client-go takes anyway. What has a Proxy it does not keep, and what
		// has a Dial for ever.
		cfg.Proxy = http.ProxyFromEnvironment
	}
	var err error
	if a.base, _, err = rest.DefaultServerUrlFor(cfg); err != nil {
		// The error has Host in it, which may have a password.
		a.err = errors.New("its Host is neither a URL nor of the form host:port")
		return a
	}
	if b != nil {
		b.under(cfg, a.base)
	}
	transport, err := rest.TransportFor(cfg)
	if err != nil {
		a.err = repeat(err)
		return a
	}
	a.client = &http.Client{
		Transport: transport,
		// No API server redirects what is asked here, and a token must not follow.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return a
}

// get asks for path.
func (a *asker) get(ctx context.Context, path, accept string) seen {
	return a.ask(ctx, "GET "+path, path, accept, nil)
}

// post has a review made, which is of that kind and changes nothing.
func (a *asker) post(ctx context.Context, kind, path string, review any) seen {
	body, err := json.Marshal(review)
	if err != nil {
		return seen{what: kind, err: err}
	}
	return a.ask(ctx, kind, path, asJSON, body)
}

const asJSON = "application/json"

// ask sends a review, if there is one, and asks for path otherwise.
func (a *asker) ask(caller context.Context, what, path, accept string, review []byte) (s seen) {
	s.what = brief(what, 300) + ", " + a.who
	defer func() {
		// It may run in a goroutine of its own, and calls what others have wrapped
		// around the Transport.
		if v := recover(); v != nil {
			s.err = fmt.Errorf("%w, with a value of type %T", errPanic, v)
		}
		s.here = s.err != nil && s.status == 0 && caller.Err() == nil && a.below != nil && !a.below.failed.Load()
	}()
	if a.err != nil {
		s.err = a.err
		return s
	}
	ctx, cancel := context.WithTimeout(caller, answerTime)
	defer cancel()
	why := func(err error) error {
		if caller.Err() != nil { // it is no fault of the server
			return fmt.Errorf("whoever asked for the diagnosis did not wait longer: %w", context.Canceled)
		}
		return bare(err)
	}
	method, body := http.MethodGet, io.Reader(nil)
	if review != nil {
		method, body = http.MethodPost, bytes.NewReader(review)
	}
	req, err := http.NewRequestWithContext(ctx, method, a.base.JoinPath(path).String(), body)
	if err != nil {
		s.err = repeat(err)
		return s
	}
	req.Header.Set("Accept", accept)
	if review != nil {
		req.Header.Set("Content-Type", asJSON)
	}
	s.clocks.sent = time.Now()
	resp, err := a.client.Do(req)
	s.clocks.received = time.Now()
	if err != nil {
		s.err = why(err)
		return s
	}
	defer resp.Body.Close()
	s.status = resp.StatusCode
	if resp.Header.Get("Age") == "" { // otherwise it is a cache's answer
		s.clocks.date, _ = http.ParseTime(resp.Header.Get("Date"))
	}
	s.body, err = io.ReadAll(io.LimitReader(resp.Body, longestAnswer+1))
	switch {
	case err != nil:
		s.err = why(fmt.Errorf("reading response body: %w", err))
	case len(s.body) > longestAnswer:
		s.body, s.err = nil, errTooLong
	}
	if s.status >= http.StatusBadRequest {
		var said metav1.Status
		if json.Unmarshal(s.body, &said) == nil && said.Kind == "Status" {
			s.said = said
		}
	}
	return s
}

var (
	errTooLong = fmt.Errorf("there are more than the %d bytes that are read of one", longestAnswer)
	errPanic   = errors.New("whatever is around the Transport of the rest.Config panicked")
	errOwn     = errors.New("what is around the Transport of the rest.Config puts this very token on it, which is not sent before it is known where to")
)

// bare returns err without the URL in its text that an http.Client puts before it, nor
// that of a proxy which is no URL, and may have a password.
func bare(err error) error {
	text := err
	for e, ok := text.(*url.Error); ok; e, ok = text.(*url.Error) {
		text = e.Err
	}
	return &said{err, repeat(text).Error()}
}
