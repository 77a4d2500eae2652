package refresh

import (
	"context"
	"errors"
	"time"
)

// Stored returns the pair that the Store holds, with what each token has left
// now. It is one look, and exchanges nothing: for a program that shows a login, or
// keeps a copy of it where others read it. Access is zero if there is none, or if it
// cannot be told how old it is.
//
// The error is that of Token if the login is dead, or if there is none: it matches
// [token.ErrRefused]. Another error means that it could not be told, or that Initial is
// a new login, which Token has yet to put there; a pair that the Store has yet to get is
// not in it.
func (r *Rotator) Stored(ctx context.Context) (Pair, error) {
	if err := r.configured(); err != nil {
		return Pair{}, err
	}
	found := r.peek(ctx)
	r.mu.Lock()
	unseeded := found.err == nil && r.unseeded(found.state)
	r.mu.Unlock()
	switch s := found.state; {
	case found.err != nil:
		return Pair{}, r.failure(found.err, 0)
	case unseeded:
		return Pair{}, r.failure(errors.New("the Store has not got Initial yet: Token puts it there"), 0)
	case s == nil:
		return Pair{}, r.noPair()
	case s.Dead != nil:
		return Pair{}, r.died(s)
	}
	now := r.now()
	p := Pair{Refresh: found.state.Refresh.At(time.Unix(0, now.wall))}
	if h := r.heldOf(found.state, now); h != nil {
		p.Access = h.at(now)
	}
	return p, nil
}

// heldOf returns how the access token of s is held, or would be; nil if it has none
// that can be used.
func (r *Rotator) heldOf(s *state, now reading) *held {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch k := r.known; {
	case s.Access == nil:
		return nil
	case k != nil && k.access != nil && k.state.isPair(s) && k.access.token.Equal(s.Access.Token):
		return k.access
	}
	return revive(*s.Access, now, nil, draw(r.random))
}
