package rancher

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/token"
)

const (
	// v2betaSourceTimeout bounds a login where nothing else is said.
	v2betaSourceTimeout = 30 * time.Second

	// overrun is how much longer Credentials may take to say themselves why
	// there are none.
	overrun = 100 * time.Millisecond
)

// A v2betaAttempt is a login that any number of callers wait for.
type v2betaAttempt struct {
	sent  bool          // the login has been begun; guarded by V2BetaSource.mu
	done  chan struct{} // closed when token and err are set
	token token.Token
	err   error
}

var errV2BetaSourceClosed = errors.New("rancher: the V2BetaSource is closed")

// join returns the login under way, having begun one if there is none.
func (s *V2BetaSource) join(ctx context.Context) (*v2betaAttempt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errV2BetaSourceClosed
	}
	if s.login == nil {
		s.login = &v2betaAttempt{done: make(chan struct{})}
		go s.run(context.WithoutCancel(ctx), s.login)
	}
	return s.login, nil
}

// run logs in, and settles a whatever happens. Then it clears up: nobody waits
// for that.
func (s *V2BetaSource) run(ctx context.Context, a *v2betaAttempt) {
	defer s.settle(a, Login{}, errors.New("rancher: runtime.Goexit called in V2BetaSource.Credentials, which must return"))
	login, err := s.logIn(ctx, a)
	if !s.settle(a, login, err) || err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, v2betaSourceTimeout)
	defer cancel()
	s.clearUp(ctx, login)
}

// logIn asks for credentials and logs in with them.
func (s *V2BetaSource) logIn(ctx context.Context, a *v2betaAttempt) (Login, error) {
	timeout := s.Timeout
	if timeout == 0 {
		timeout = v2betaSourceTimeout
	}
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, timeout, lateError{timeout, "V2BetaSource.Timeout"})
		defer cancel()
		// Whoever does not return is left behind, unless there is a login: that
		// must end before there is another.
		defer time.AfterFunc(timeout+overrun, func() { s.abandon(a, timeout) }).Stop()
	}
	var cr Credentials
	err := panics.Call("V2BetaSource.Credentials", func() (err error) {
		cr, err = s.Credentials(ctx)
		return err
	})
	if err != nil {
		return Login{}, fmt.Errorf("rancher: no credentials to log in with: %w", ours(err))
	}
	digest := cr.digest()
	if err := s.send(a, digest); err != nil {
		return Login{}, err
	}
	login, err := s.Client.login(ctx, cr, s.Lifetime)
	s.learn(digest, err)
	return login, err
}

// send is called before a login begins. The error says why there is to be none.
func (s *V2BetaSource) send(a *v2betaAttempt, digest uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.login != a:
		return errors.New("rancher: the credentials came too late") // which nobody hears
	case s.closed:
		return errV2BetaSourceClosed
	}
	if err := s.standing(digest, time.Now()); err != nil {
		return err
	}
	a.sent = true
	return nil
}

// abandon ends an attempt for which Credentials have not returned.
func (s *V2BetaSource) abandon(a *v2betaAttempt, timeout time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !a.sent {
		s.end(a, Login{}, fmt.Errorf("rancher: no return from V2BetaSource.Credentials after %v: it ignores its context", timeout))
	}
}

// settle ends an attempt, and reports whether it had not ended before.
func (s *V2BetaSource) settle(a *v2betaAttempt, login Login, err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.end(a, login, err)
}

// end is settle. The caller holds mu.
func (s *V2BetaSource) end(a *v2betaAttempt, login Login, err error) bool {
	if s.login != a {
		return false
	}
	if err == nil {
		s.logins = append(s.logins, login)
		if s.closed {
			login, err = Login{}, errV2BetaSourceClosed
		}
	}
	s.login, a.token, a.err = nil, login.Token, err
	close(a.done)
	return true
}
