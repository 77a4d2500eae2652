package refresh

import (
	"context"
	"fmt"

	"github.com/tokenlife/tokenlife/token"
)

// An answer is what callers wait for that have nothing to hand out. If it has
// neither an access token nor an error, they are to look into the Store again.
type answer struct {
	done   chan struct{}
	access *held
	err    error
}

// begin decides what a call gets that found this in the Store: an access token,
// an answer to wait for, or an error. It begins a rotation if one is needed.
func (r *Rotator) begin(ctx context.Context, found sight) (*held, *answer, error) {
	now := r.now()
	r.mu.Lock()
	adopted := false
	if found.err == nil {
		adopted = r.note(found.state, now)
	}
	access, wait, err := r.decide(ctx, found, now)
	r.mu.Unlock()
	if adopted {
		r.tell(Event{Kind: Adopted})
	}
	return access, wait, err
}

// decide is begin for what has been taken note of. The caller holds mu.
func (r *Rotator) decide(ctx context.Context, found sight, now reading) (*held, *answer, error) {
	ahead := r.known.ahead(found.state)
	unseeded := !ahead && r.unseeded(found.state)
	var access *held
	if k := r.known; k != nil && !(unseeded && found.err == nil) {
		access = k.access
	}
	switch s := found.state; {
	case found.err != nil:
		if access.usable(now) {
			return access, nil, nil
		}
		return nil, nil, r.failure(found.err, 0)
	case access.fresh(now) && !ahead && !s.unresolved():
		return access, nil, nil
	case s != nil && s.Dead != nil && !ahead && !unseeded:
		return nil, nil, r.died(s)
	}
	if r.pending == nil && now.until(r.notBefore) <= 0 {
		r.pending = &answer{done: make(chan struct{})}
		t := &rotation{r: r, ctx: context.WithoutCancel(ctx), began: now, found: found}
		go t.run()
	}
	switch {
	case access.fresh(now):
		return access, nil, nil
	case r.pending != nil && r.stuck == nil:
		return nil, r.pending, nil
	case access.usable(now):
		return access, nil, nil
	case r.stuck != nil:
		return nil, nil, r.failure(r.stuck, 0)
	}
	return nil, nil, r.failure(r.err, max(0, now.until(r.notBefore)))
}

// unresolved reports whether the refresh token may have been spent by somebody
// who has not got the new pair. That is to be found out soon: issuers that
// forgive a second exchange do so for a short while only.
func (s *state) unresolved() bool { return s.Dead == nil && (s.Claim != nil || s.Unknown) }

// leave returns what a caller gets that does not wait any longer: the access
// token that is good but due, or else an error.
func (r *Rotator) leave(ctx context.Context) (token.Token, error) {
	now := r.now()
	r.mu.Lock()
	k, holder := r.known, r.waitsFor
	good := k != nil && k.access.usable(now) && !r.unseeded(&k.state)
	r.mu.Unlock()
	switch {
	case good:
		return r.handOut(k.access), nil
	case holder != "":
		return token.Token{}, fmt.Errorf("refresh: %s: no token yet, waiting for what %s does: %w", r.name(), holder, ctx.Err())
	}
	return token.Token{}, fmt.Errorf("refresh: %s: no token yet: %w", r.name(), ctx.Err())
}
