package token

import (
	"math/bits"
	"slices"
	"sync/atomic"
	"time"
)

// A verdict is what a Verifier said of a token. It does not change once others
// can see it.
type verdict struct {
	hash uint64
	text Secret // the token

	claims Claims
	err    error

	asked time.Time     // just before the Verifier was
	lasts time.Duration // from then
}

// live reports whether v may be repeated.
func (v *verdict) live(now time.Time) bool {
	return v.liveAt(now.Sub(v.asked), now.Round(0).Sub(v.asked.Round(0)))
}

// liveAt is live for the age of v by each reading of the clock. Both must say
// so: a suspend stops the monotonic one, and steps move the other. To a clock
// that was set back to before v was asked for, how old it is cannot be told.
func (v *verdict) liveAt(mono, wall time.Duration) bool {
	return min(mono, wall) >= 0 && max(mono, wall) < v.lasts
}

// answer returns what a caller gets, which shares nothing that can be changed.
func (v *verdict) answer() (Claims, error) {
	claims := v.claims
	claims.Audience = slices.Clone(claims.Audience)
	return claims, v.err
}

// size returns how many bytes c may keep in memory.
func (c Claims) size() int {
	n := len(c.Issuer) + len(c.Subject) + len(c.ID) + len(c.raw)
	for _, audience := range c.Audience {
		n += 16 + len(audience) // 16 for where it is, even if it is empty
	}
	return n
}

// A table holds a fixed number of verdicts. A verdict is in one of a few places
// next to each other, the first of which its hash chooses. They are read without
// a lock; writers must exclude each other.
type table []atomic.Pointer[verdict]

// few is in how many places a verdict may be.
const few = 8

// find returns the verdict on a token and where it is, or nil. That the whole
// text decides keeps a token from getting the verdict on another with the same
// hash. It need not take the same time for all texts: nobody can tell what hash
// a text has, so that none comes nearer to another by trying.
func (t table) find(hash uint64, text string) (at *atomic.Pointer[verdict], v *verdict) {
	i := t.first(hash)
	for range min(few, len(t)) {
		at = &t[i]
		if v = at.Load(); v != nil && v.hash == hash && v.text.Reveal() == text {
			return at, v
		}
		if i++; i == len(t) {
			i = 0
		}
	}
	return nil, nil
}

// put places v where there is nothing, or else where there is what lasts the
// shortest. What it finds dead on the way it lets go of.
func (t table) put(v *verdict) {
	var best *atomic.Pointer[verdict]
	var ends time.Time // of what is at best; zero if that is nothing
	i := t.first(v.hash)
	for range min(few, len(t)) {
		at := &t[i]
		old := at.Load()
		if old != nil && !old.live(v.asked) {
			at.Store(nil)
			old = nil
		}
		switch {
		case old == nil:
			if best == nil || !ends.IsZero() {
				best, ends = at, time.Time{}
			}
		case best == nil || old.asked.Add(old.lasts).Before(ends):
			best, ends = at, old.asked.Add(old.lasts)
		}
		if i++; i == len(t) {
			i = 0
		}
	}
	if best != nil {
		best.Store(v)
	}
}

// first returns the first of the places where a verdict with hash may be.
func (t table) first(hash uint64) int {
	i, _ := bits.Mul64(hash, uint64(len(t)))
	return int(i)
}
