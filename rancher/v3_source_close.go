package rancher

import (
	"context"
	"errors"
	"slices"

	"github.com/tokenlife/tokenlife/token"
)

// Close is the logout: it deletes every token that the chain has made, whoever
// holds it, and takes the chain out of the Store. First's own token stays. After
// that s has no tokens any more; other holders, and a program that starts later,
// begin anew with First. A program that merely ends need not close anything.
//
// After an error some may be left, to the end of their lives: call Close again.
func (s *V3Source) Close(ctx context.Context) error {
	if err := s.configured(); err != nil {
		return err
	}
	s.close()
	if err := s.rotator.Forget(ctx); err != nil {
		return err
	}
	chain, _, err := s.load(ctx)
	if err != nil || len(chain.Made) == 0 {
		return err
	}
	s.mu.Lock()
	left := s.left
	s.mu.Unlock()
	return s.revoke(ctx, left)
}

// revoke deletes all that the chain has made, with the token that it ends with,
// which goes last, or with First's. It is the Rotator's Revoke.
func (s *V3Source) revoke(ctx context.Context, last token.Secret) error {
	err := s.revokeWith(ctx, last)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = token.Secret{}
	if err != nil {
		s.left = last
	}
	return err
}

func (s *V3Source) revokeWith(ctx context.Context, last token.Secret) error {
	chain, _, err := s.load(ctx)
	if err != nil || len(chain.Made) == 0 {
		return err
	}
	err = errDead
	if !last.IsZero() && !last.Equal(beginning.Value) && s.Cluster == "" {
		err = (&maker{s: s, token: last}).clearAll(ctx, chain)
	}
	if errors.Is(err, errDead) {
		first, failed := s.askFirst(ctx, chain)
		if failed != nil {
			return failed
		}
		err = (&maker{s: s, token: first}).clearAll(ctx, chain)
	}
	if err != nil {
		return err
	}
	_, err = s.save(ctx, func(c *v3Chain) error {
		// What somebody has begun to make meanwhile is not among the deleted.
		c.Made = slices.DeleteFunc(c.Made, func(d string) bool { return slices.Contains(chain.Made, d) })
		return nil
	})
	return err
}

// clearAll deletes all that chain has made, and what it does so with at the end,
// if that is one of them.
func (m *maker) clearAll(ctx context.Context, chain v3Chain) error {
	live, err := m.clear(ctx, chain, m.name())
	if err != nil || len(live) == 0 {
		return err
	}
	return m.remove(ctx, m.name())
}
