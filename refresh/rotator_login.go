package refresh

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tokenlife/tokenlife/token"
)

// Replace stores the pair of a new login, whatever was there: a pair, a claim,
// a death. What was there is not revoked. The Rotators that share the Store go on
// with it; for a Source around one see the package comment.
//
// After an error the pair may be in the Store all the same, if that could not
// tell.
func (r *Rotator) Replace(ctx context.Context, p Pair) error {
	if err := r.configured(); err != nil {
		return err
	}
	if p.Refresh.IsZero() {
		return errors.New("refresh: Replace was given a pair without a refresh token: ask the issuer for one, as with the scope offline_access")
	}
	now := r.now()
	return r.until(ctx, func() error {
		return r.overwrite(ctx, func(stored *state) *known {
			r.mu.Lock()
			defer r.mu.Unlock()
			k := &known{state: r.login(stored, p, now)}
			if !p.Access.IsZero() {
				k.access = hold(p.Access, now, nil, draw(r.random))
			}
			return k
		})
	})
}

// Forget is the logout: it has the refresh token revoked, if Revoke is set, and
// takes the pair out of the Store, also if Revoke fails. What stays there holds
// no secret; it keeps Initial from being used again. Token then fails until
// there is a new login; for a Source around r see the package comment.
//
// A logout that has begun goes on when ctx is done.
func (r *Rotator) Forget(ctx context.Context) error {
	if err := r.configured(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return r.failure(err, 0)
	}
	return r.until(ctx, func() error { return r.forget(context.WithoutCancel(ctx)) })
}

// until calls f, and returns its error, or that of ctx if that is done before.
func (r *Rotator) until(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	go func() {
		err := r.failure(errors.New("runtime.Goexit called in Store or Revoke, which must return"), 0)
		defer func() { done <- err }()
		err = f()
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return r.failure(ctx.Err(), 0)
	}
}

func (r *Rotator) forget(ctx context.Context) error {
	var revoked []token.Token
	var failed error
	err := r.overwrite(ctx, func(stored *state) *known {
		s, unwanted := r.tombstone(stored)
		for _, t := range unwanted {
			if r.Revoke != nil && !slices.ContainsFunc(revoked, t.Equal) {
				revoked = append(revoked, t)
				if err := r.revoke(ctx, t.Value); err != nil {
					failed = err
				}
			}
		}
		return &known{state: s}
	})
	switch {
	case failed == nil:
		return err
	case err == nil:
		return r.failure(failed, 0)
	}
	return r.failure(fmt.Errorf("%w; and %w", failed, err), 0)
}

// tombstone returns what is left in the place of what is stored, and the refresh
// tokens that nobody wants any more.
func (r *Rotator) tombstone(stored *state) (s state, unwanted []token.Token) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known.ahead(stored) {
		stored = &r.known.state
	}
	s = r.anew(stored, r.now())
	s.Dead = &death{Reason: "it was given up by Forget"}
	s.Seeds = seeded(s.Seeds, r.seed)
	if stored != nil && stored.Dead == nil {
		unwanted = append(unwanted, stored.Refresh.Token)
	}
	if r.unseeded(stored) {
		unwanted = append(unwanted, r.Initial.Refresh)
	}
	return s, unwanted
}

// overwrite puts what replacement returns in the place of whatever is stored.
func (r *Rotator) overwrite(ctx context.Context, replacement func(stored *state) *known) error {
	found := r.look(ctx)
	for missed := 0; ; {
		if found.err != nil && !errors.Is(found.err, errNotAState) {
			return r.failure(found.err, 0)
		}
		k, before := replacement(found.state), found.state
		var err error
		if found, err = r.swap(ctx, found, k.state); err == nil {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.known = &known{state: *found.state, access: k.access}
			r.calm()
			return nil
		}
		if found.err != nil || missed == maxMissed {
			return r.failure(err, 0)
		}
		if sameWrite(before, found.state) {
			missed++
		}
	}
}
