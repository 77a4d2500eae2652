package refresh

import (
	"fmt"
	"slices"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// A known pair is the newest that a Rotator has seen in the Store, or got from
// the issuer. It is never changed, only replaced.
type known struct {
	state  state
	access *held  // nil if there is no access token, or none that can be used
	spent  *state // the pair it was exchanged for, while it is not in the Store
}

// ahead reports whether k is newer than what the Store holds, which is nil if
// that is nothing. Then the Store has lost it, or has yet to get it.
//
// A pair in hand, which the Store has yet to get, takes the place of the pair
// that was spent for it, whatever claims that or says that it is dead, but of
// no other.
func (k *known) ahead(stored *state) bool {
	switch {
	case k == nil:
		return false
	case stored == nil:
		return true
	case k.spent != nil && stored.Number == k.spent.Number:
		return stored.isPair(k.spent)
	}
	return stored.Number < k.state.Number
}

// note takes note of what the Store holds, and reports whether that is a newer
// pair than the one known before. The caller holds mu.
func (r *Rotator) note(s *state, now reading) (adopted bool) {
	if s == nil || r.known.ahead(s) {
		return false
	}
	r.watched.note(s, now)
	r.begun = r.begun || !r.unseeded(s)
	k, before := &known{state: *s}, r.known
	same := before != nil && before.state.isPair(s)
	switch {
	case same && before.access != nil && (s.Access == nil || s.Access.Token.Equal(before.access.token)):
		// It is known here when it was asked for, or it has been decided when
		// it is due, or servers have refused it.
		k.access = before.access
	case s.Access != nil:
		k.access = revive(*s.Access, now, nil, draw(r.random))
		if before == nil && k.access != nil && k.access.token.Equal(r.refused) {
			k.access = k.access.giveUp()
		}
	}
	r.known = k
	if before == nil || same {
		return false
	}
	r.calm()
	return true
}

// landed says that s is in the Store now, put there by this Rotator. Its access
// token is held as access, unless the pair is known already.
func (r *Rotator) landed(s *state, access *held, now reading) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known.ahead(s) {
		return
	}
	if k := r.known; k != nil && k.state.isPair(s) {
		access = k.access
	}
	r.known = &known{state: *s, access: access}
	r.watched.note(s, now)
}

// A plan is the pair to go on with, and whether the Store holds another, or
// none: because it has lost this one, or has yet to get it.
type plan struct {
	state  state
	access *held
	absent bool
	lost   bool
}

// noPair returns the error of a Rotator that nobody has logged in for yet. It
// matches [token.ErrRefused], as after a logout, since what helps is the same.
func (r *Rotator) noPair() error {
	return &deadError{fmt.Sprintf("refresh: %s: nothing is in the Store, and there is no Initial.Refresh to begin with: log in, and set Initial or call Replace", r.name()), token.ErrRefused}
}

// plan decides which pair to go on with, given what is stored.
func (r *Rotator) plan(stored *state, now reading) (plan, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch k := r.known; {
	case k.ahead(stored):
		return plan{k.state, k.access, true, k.spent == nil}, nil
	case r.unseeded(stored):
		if r.initial == nil && !r.Initial.Access.IsZero() {
			r.initial = hold(r.Initial.Access, now, nil, draw(r.random))
		}
		return plan{r.login(stored, r.Initial, now), r.initial, true, false}, nil
	case stored == nil:
		return plan{}, r.noPair()
	}
	p := plan{state: *stored}
	p.state.Seeds = seeded(p.state.Seeds, r.seed) // as long as it is in use it is remembered
	if k := r.known; k != nil && k.state.isPair(stored) {
		p.access = k.access
	}
	return p, nil
}

// unseeded reports whether Initial comes from a login that the Store has never
// been told of. What is in the Store already, or was, does not: somebody has
// copied it from there, and it may have been spent. The caller holds mu.
func (r *Rotator) unseeded(stored *state) bool {
	switch {
	case r.seed == "" || r.begun:
		return false
	case stored == nil:
		return true
	}
	return !slices.Contains(stored.Seeds, r.seed) && !slices.Contains(stored.Spent, r.seed) &&
		(stored.Refresh == nil || !stored.Refresh.Token.Equal(r.Initial.Refresh))
}

// login returns the state of a pair that comes from a login rather than from an
// exchange, to take the place of what is stored. The caller holds mu.
func (r *Rotator) login(stored *state, p Pair, now reading) state {
	received := time.Unix(0, now.wall)
	s := r.anew(stored, now)
	s.Refresh = &token.Record{Token: p.Refresh, Received: received}
	if !p.Access.IsZero() {
		s.Access = &token.Record{Token: p.Access, Received: received}
	}
	s.Seeds = seeded(s.Seeds, r.seed, seed(p.Refresh))
	return s
}

// anew returns a state that no holder takes for older than what is stored, or
// than what it remembers itself. The caller holds mu.
//
// Its number is that of the time of day, in milliseconds, if that is higher, as
// it is but for a clock that is wrong. So it is also higher than the numbers
// that were given out before a Store lost everything.
func (r *Rotator) anew(stored *state, now reading) state {
	s := state{Number: uint64(max(1, time.Unix(0, now.wall).UnixMilli()))}
	if k := r.known; k != nil {
		s.Number = max(s.Number, k.state.Number+1)
		s.Seeds, s.Spent = k.state.Seeds, k.state.Spent
	}
	if stored != nil {
		s.Number = max(s.Number, stored.Number+1)
		s.Seeds, s.Spent = stored.Seeds, stored.Spent
	}
	return s
}

// calm ends a pause after failures. The caller holds mu.
func (r *Rotator) calm() { r.err, r.streak, r.notBefore = nil, 0, reading{} }

// fresh reports whether h can be handed out without a thought of its
// replacement, and usable whether it can be handed out at all.
func (h *held) fresh(now reading) bool  { return h != nil && !now.reached(h.due) }
func (h *held) usable(now reading) bool { return h != nil && !now.reached(h.dead) }
