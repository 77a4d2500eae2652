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

// clearUp logs out what is no longer needed since the token t came: all but that
// and the one before, with which requests may be on their way.
func (s *V2BetaSource) clearUp(ctx context.Context, t token.Token) {
	s.mu.Lock()
	keep := 2
	if s.closed {
		keep = 0
	}
	tokens := slices.Clone(s.tokens)
	s.mu.Unlock()
	if len(tokens) <= keep {
		return
	}
	before := slices.IndexFunc(tokens, t.Equal)
	if set, err := s.Client.setting(ctx, v2betaRestrict, t); err == nil && set.Value == "true" && before > 0 {
		s.forget(tokens[:before]...) // the login was their end
	}
	_ = s.logOut(ctx, keep) // what fails is tried again after the next login
}

// logOut logs out all tokens but the newest, of which there are keep, the oldest
// first. What has been logged out already is no error.
func (s *V2BetaSource) logOut(ctx context.Context, keep int) error {
	s.mu.Lock()
	old := slices.Clone(s.tokens[:max(0, len(s.tokens)-keep)])
	s.mu.Unlock()
	var errs []error
	for _, t := range old {
		if err := s.Client.Logout(ctx, t.Value); err != nil {
			errs = append(errs, err)
			continue
		}
		s.forget(t)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = slices.Delete(s.tokens, 0, max(0, len(s.tokens)-mostV2BetaTokens))
	return errors.Join(errs...)
}

// forget removes tokens from those that are to be logged out.
func (s *V2BetaSource) forget(gone ...token.Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = slices.DeleteFunc(s.tokens, func(t token.Token) bool { return slices.ContainsFunc(gone, t.Equal) })
}
