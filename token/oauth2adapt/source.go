package oauth2adapt

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/tokenlife/tokenlife/internal/origin"
	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/token"
)

// Source returns ts as a [token.Source], for sources that exist as oauth2's only:
// of client credentials, of a cloud's metadata. Wrap it in a [refresh.Source],
// which refreshes early, in the background, and paces failures.
//
// It is not for one that exchanges refresh tokens, such as Config.TokenSource: a
// [refresh.Rotator] keeps the new one, which oauth2 does not.
//
// An oauth2.TokenSource cannot be interrupted. A call whose context ends leaves
// a goroutine behind, which waits for it; the next callers wait for that same
// call, so that there is never a second. One that never returns is a
// [refresh.Source] without a token and one goroutine lost. Give the oauth2 code
// an http.Client with a Timeout.
//
// If the server refuses for good, as with invalid_grant, the error matches
// [token.ErrRefused]. It also is the [*oauth2.RetrieveError], but does not read
// as that does, which quotes the whole answer.
func Source(ts oauth2.TokenSource) token.Source { return &source{ts: ts} }

type source struct {
	ts oauth2.TokenSource

	mu   sync.Mutex // never held across a wait
	call *tokenCall // under way; nil if none is
}

// A tokenCall is a call of ts that any number of callers wait for.
type tokenCall struct {
	done  chan struct{}
	token token.Token // set before done is closed
	err   error
}

// Token implements [token.Source].
func (s *source) Token(ctx context.Context) (token.Token, error) {
	if s.ts == nil {
		return token.Token{}, errors.New("oauth2adapt: Source was given no TokenSource")
	}
	if err := ctx.Err(); err != nil {
		return token.Token{}, fmt.Errorf("oauth2adapt: no token was asked for: %w", context.Cause(ctx))
	}
	c := s.join()
	select {
	case <-c.done:
		return c.token, c.err
	case <-ctx.Done():
		return token.Token{}, fmt.Errorf("oauth2adapt: the TokenSource has not answered yet: %w", context.Cause(ctx))
	}
}

// join returns the call that is under way, or begins one.
func (s *source) join() *tokenCall {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.call == nil {
		s.call = &tokenCall{done: make(chan struct{}), err: errors.New("oauth2adapt: runtime.Goexit called in the TokenSource, which must return")}
		go s.ask(s.call)
	}
	return s.call
}

// ask calls ts, and settles c whatever happens.
func (s *source) ask(c *tokenCall) {
	defer func() {
		s.mu.Lock()
		s.call = nil
		s.mu.Unlock()
		close(c.done)
	}()
	var t *oauth2.Token
	err := panics.Call("the oauth2.TokenSource", func() (err error) {
		t, err = s.ts.Token()
		return err
	})
	switch {
	case err != nil:
		c.err = ours(err)
	case t == nil || t.AccessToken == "":
		c.err = errors.New("oauth2adapt: the TokenSource gave an empty token and no error")
	default:
		c.token, c.err = access(t), nil
	}
}

// ours returns err, of a TokenSource, so that it repeats no answer and blames no
// token that was presented to this program.
func ours(err error) error {
	e, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok || e.Response == nil {
		err = fmt.Errorf("oauth2adapt: no token from the TokenSource: %w", hidden(nil).from(err))
		if errors.Is(err, token.ErrInvalid) {
			err = token.Refused(err)
		}
		return err
	}
	from := "the TokenSource's endpoint"
	if r := e.Response.Request; r != nil && r.URL != nil {
		from = origin.Address(r.URL)
	}
	said := status(e.Response.StatusCode)
	if known(e.ErrorCode) {
		said += ", " + e.ErrorCode
	}
	return &retrieveError{fmt.Sprintf("oauth2adapt: no token from %s (%s)", from, said), token.RetryAfterHeader(e.Response.Header), e}
}

// A retrieveError is one of oauth2 without the answer that its text quotes.
type retrieveError struct {
	text string
	wait time.Duration
	err  *oauth2.RetrieveError
}

func (e *retrieveError) Error() string             { return e.text }
func (e *retrieveError) Unwrap() error             { return e.err }
func (e *retrieveError) RetryAfter() time.Duration { return e.wait }

// Is makes a login that is no longer good match [token.ErrRefused].
func (e *retrieveError) Is(target error) bool {
	return target == token.ErrRefused && e.err.ErrorCode == "invalid_grant"
}
