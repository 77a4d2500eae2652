package rancher

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// A V2BetaSource logs in to Rancher 1.6, which has no other way to renew a token.
// It is a [token.Source] that caches nothing: wrap it in refresh.New, which calls
// it ahead of the token's expiry.
//
// There is never more than one login under way; whoever asks meanwhile gets its
// token too. The token before stays good, for the requests that are on their
// way with it, and the one before that is logged out.
//
// # One user, many programs
//
// Where the setting api.auth.restrict.concurrent.sessions is on, a login ends all
// other sessions of the same user: the token before is dead at once, and so are
// those of every other program, replica and browser that is logged in as that
// user. Two replicas would end each other's sessions for ever. Give each a user
// of its own there, or an API key, which that setting does not concern.
//
// # Wrong passwords
//
// Credentials that the server does not accept are not sent again for a minute, the
// second time for ten, and then for an hour, since some providers lock a user out
// after a few attempts; in between the error is the one from before. Other
// credentials are tried at once.
//
// Set its fields before first use; it must not be copied afterwards.
type V2BetaSource struct {
	Client *V2Beta // required

	// Credentials are what to log in with. They are asked for at each login, so
	// that nothing need keep a password in between. Required.
	Credentials func(ctx context.Context) (Credentials, error)

	// Lifetime is how long a token is good; 0 means what the server's setting
	// api.auth.jwt.token.expiry says, if the user may read that, and 16 hours
	// otherwise, which is its default. If it is set nobody is asked. Negative
	// is an error.
	Lifetime time.Duration

	// Timeout bounds a login, the question for Credentials included; 0 means 30
	// seconds, negative means no bound, for Credentials that wait for a person.
	Timeout time.Duration

	// mu guards what follows. It is never held across a wait.
	mu      sync.Mutex
	login   *v2betaAttempt // under way, or nil
	logins  []Login        // that have not been logged out, the newest last
	refused []v2betaRefusal
	closed  bool
}

// Format implements [fmt.Formatter]: what a V2BetaSource holds is not printed, and may
// change meanwhile.
func (s *V2BetaSource) Format(f fmt.State, verb rune) { io.WriteString(f, "rancher.V2BetaSource") }

// Token implements [token.Source]: it logs in, or waits for the login under way.
// The token's ExpiresIn is as of [V2Beta.Login].
//
// Ctx bounds the wait and not the login: others may wait for that too, and its
// token is not to be lost. An error that matches [ErrCredentials] or [ErrNoAccess]
// matches [token.ErrRefused]: somebody has to change something.
func (s *V2BetaSource) Token(ctx context.Context) (token.Token, error) {
	if err := s.configured(); err != nil {
		return token.Token{}, err
	}
	if err := ctx.Err(); err != nil {
		return token.Token{}, fmt.Errorf("rancher: no token: %w", err)
	}
	a, err := s.join(ctx)
	if err != nil {
		return token.Token{}, err
	}
	select {
	case <-a.done:
		return a.token, a.err
	case <-ctx.Done():
		return token.Token{}, fmt.Errorf("rancher: no token yet: %w", ctx.Err())
	}
}

// Close logs out the tokens that s has got, that of a login under way as well.
// It can be called again for those of which it returns an error. After it Token
// returns an error.
func (s *V2BetaSource) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	a := s.login
	s.mu.Unlock()
	if a != nil {
		select {
		case <-a.done:
		case <-ctx.Done():
			// The login will see that s is closed, and log itself out.
			return fmt.Errorf("rancher: close: a login is under way, and was not waited for: %w", ctx.Err())
		}
	}
	return s.logOut(ctx, 0)
}

// configured returns an error if a field that is needed is not set.
func (s *V2BetaSource) configured() error {
	switch {
	case s.Client == nil:
		return errors.New("rancher: V2BetaSource.Client is nil: set it to a client of the server to log in to")
	case s.Credentials == nil:
		return errors.New("rancher: V2BetaSource.Credentials is nil: set it to what supplies the username and password")
	case s.Lifetime < 0:
		return errors.New("rancher: V2BetaSource.Lifetime is negative: set it to how long the server's tokens are good, or to 0")
	}
	return nil
}
