package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tokenlife/tokenlife/internal/foreign"
	"github.com/tokenlife/tokenlife/internal/origin"
	"github.com/tokenlife/tokenlife/internal/panics"
)

// longestAnswer is how much of an answer is read.
const longestAnswer = 1 << 20

// post sends members as JSON, with a CSRF token for an action. If that is refused
// it is fetched anew, once: the Dashboard had not yet looked at the rest.
func (s *Source) post(ctx context.Context, op, action, path string, members map[string]string) (*response, error) {
	body, _ := json.Marshal(members) // texts are never an error
	var a *response
	for range 2 {
		csrf, err := s.csrf(ctx, op, action)
		if err != nil {
			return nil, err
		}
		if a, err = s.call(ctx, op, path, string(body), csrf); err != nil || !a.refusesCSRF() {
			return a, err
		}
	}
	return nil, a.fails(errCSRFToken, "do all replicas of the Dashboard have the same CSRF key?")
}

// csrf fetches a CSRF token.
func (s *Source) csrf(ctx context.Context, op, action string) (string, error) {
	a, err := s.call(ctx, op, csrfPath+action, "", "")
	if err != nil {
		return "", err
	}
	if a.status != http.StatusOK {
		return "", a.other()
	}
	r, err := a.parse()
	if err == nil && !sendable(r.bearer, '!') {
		err = errors.New("there is no CSRF token in it")
	}
	if err != nil {
		return "", a.unreadable(err)
	}
	return r.bearer, nil
}

// call makes a request, and returns what is answered, whatever the status: a POST
// if there is a body, and else a GET. The error is a *failure, and says that there
// was no answer, or none that can be the Dashboard's.
func (s *Source) call(ctx context.Context, op, path, body, csrf string) (*response, error) {
	u, err := s.place()
	if err != nil {
		return nil, &failure{op: op, err: err}
	}
	r, err := request(ctx, u.JoinPath(path), body, csrf)
	if err != nil {
		return nil, &failure{op: op, err: errors.New("the request cannot be made: is Source.URL a URL?")}
	}
	return s.send(op, r)
}

// send makes the request r, as call does.
func (s *Source) send(op string, r *http.Request) (*response, error) {
	var connected atomic.Bool
	r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}))
	a := &response{op: op, from: r.Method + " " + foreign.Brief(origin.Address(r.URL), 300), sent: time.Now()}
	var err error
	panicked := panics.Call("the Transport of Source.Client", func() error {
		var resp *http.Response
		if resp, err = s.client().Do(r); err != nil {
			return nil
		}
		defer resp.Body.Close()
		err = a.read(resp, r)
		return nil
	})
	odd, isOdd := errors.AsType[*failure](err)
	switch {
	case panicked != nil:
		return nil, &failure{op: op, from: a.from, err: panicked, remedy: "mend the Transport of Source.Client"}
	case isOdd:
		return nil, odd
	case err != nil:
		return nil, a.unreached(r.Context(), err, connected.Load())
	}
	return a, nil
}

func request(ctx context.Context, u *url.URL, body, csrf string) (*http.Request, error) {
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(ctx, method, u.String(), strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set(csrfHeader, csrf)
	}
	return r, nil
}

// read reads an answer to r. The error is a *failure if it is not the Dashboard's.
func (a *response) read(resp *http.Response, r *http.Request) error {
	a.status, a.header = resp.StatusCode, resp.Header
	if by := resp.Request; by != nil && (by.Response != nil || origin.Of(by.URL) != origin.Of(r.URL)) {
		return a.odd("it redirected, and that was followed", "set Source.Client to one whose Transport does not follow redirects by itself")
	}
	if a.status/100 == 3 {
		return a.odd("it redirects", "set Source.URL to where the Dashboard itself is, behind any login page")
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, longestAnswer+1))
	if len(text) > longestAnswer {
		return a.odd(fmt.Sprintf("it is longer than %d bytes", longestAnswer), isIt)
	}
	a.body = string(text)
	return err
}
