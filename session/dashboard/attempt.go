package dashboard

import (
	"context"
	"errors"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

const (
	// attemptTimeout bounds a login or a refresh, the question for a credential
	// included.
	attemptTimeout = 30 * time.Second

	// overrun is how much longer it may take to say itself why it failed, before
	// the Source goes on without it.
	overrun = 100 * time.Millisecond
)

// An attempt to get a token, which any number of callers wait for.
type attempt struct {
	done  chan struct{} // closed when token and err are set
	token token.Token
	err   error
}

// join returns the attempt under way, having begun one if there is none.
func (s *Source) join(ctx context.Context) *attempt {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.attempt == nil {
		s.attempt = &attempt{done: make(chan struct{})}
		go s.run(context.WithoutCancel(ctx), s.attempt)
	}
	return s.attempt
}

// run makes the attempt a, and settles it whatever happens. One that ignores its
// context is left behind, with its goroutine: that is no more than two a minute, and
// the next may work.
func (s *Source) run(ctx context.Context, a *attempt) {
	defer s.settle(a, token.Token{}, errors.New("dashboard: runtime.Goexit called in Source.Login, OnEvent or the Transport of Client, which must return"))
	ctx, cancel := context.WithTimeoutCause(ctx, attemptTimeout, lateError{attemptTimeout})
	defer cancel()
	defer time.AfterFunc(attemptTimeout+overrun, func() {
		s.settle(a, token.Token{}, errors.New("dashboard: Source.Login, OnEvent or the Transport of Client does not return: it ignores its context"))
	}).Stop()

	t, err := s.renew(ctx, a)
	if err != nil {
		s.tell(Failed, err)
	}
	s.settle(a, t, err)
}

// settle ends an attempt, unless it has ended before.
func (s *Source) settle(a *attempt, t token.Token, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.attempt != a {
		return
	}
	s.attempt, a.token, a.err = nil, t, err
	close(a.done)
}

// keep takes h as the token at hand, which a brought. It reports false if a has
// ended meanwhile: another may be under way.
func (s *Source) keep(a *attempt, h *held, v Version) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.attempt != a {
		return false
	}
	s.current, s.version = h, v
	return true
}

// atHand returns the token that the last attempt brought, or nil.
func (s *Source) atHand() *held {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

// forget gives h up, if it is still the token at hand.
func (s *Source) forget(h *held) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == h {
		s.current = nil
	}
}
