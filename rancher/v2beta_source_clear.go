package rancher

import (
	"context"
	"errors"
	"slices"

	"github.com/tokenlife/tokenlife/token"
)

const (
	// v2betaRestrict is the setting that has a login end all other sessions of
	// its user.
	v2betaRestrict = "api.auth.restrict.concurrent.sessions"

	// mostV2BetaTokens is how many tokens are kept that could not be logged
	// out. More there are only of a server that takes logins and no logouts.
	mostV2BetaTokens = 32
)

// clearUp logs out what is no longer needed since a login: all tokens but its own
// and the one before, with which requests may be on their way.
func (s *V2BetaSource) clearUp(ctx context.Context, latest Login) {
	s.mu.Lock()
	keep := 2
	if s.closed {
		keep = 0
	}
	old := slices.Clone(s.logins[:max(0, len(s.logins)-keep)])
	s.mu.Unlock()
	if len(old) == 0 {
		return
	}
	if set, err := s.Client.setting(ctx, v2betaRestrict, latest.Token); err == nil && set.Value == "true" {
		for _, l := range old {
			if l.User.ID == latest.User.ID && !l.Token.Equal(latest.Token) {
				s.forget(l.Token) // the latest login, at the latest, was its end
			}
		}
	}
	_ = s.logOut(ctx, keep) // what fails is tried again after the next login
}

// logOut logs out all tokens but the newest, of which there are keep, the oldest
// first. What has been logged out already is no error.
func (s *V2BetaSource) logOut(ctx context.Context, keep int) error {
	s.mu.Lock()
	old := slices.Clone(s.logins[:max(0, len(s.logins)-keep)])
	s.mu.Unlock()
	var errs []error
	for _, l := range old {
		if err := s.Client.Logout(ctx, l.Token.Value); err != nil {
			errs = append(errs, err)
			continue
		}
		s.forget(l.Token)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logins = slices.Delete(s.logins, 0, max(0, len(s.logins)-mostV2BetaTokens))
	return errors.Join(errs...)
}

// forget removes a token from those that are to be logged out.
func (s *V2BetaSource) forget(gone token.Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.logins = slices.DeleteFunc(s.logins, func(l Login) bool { return l.Token.Equal(gone) })
}
