package skew

import "time"

const (
	// drift is the most by which two clocks are taken to part, as one part in
	// so many: 100 parts in a million. Quartz is good for 50, on each side.
	drift = 10_000

	// slewed is the most by which the wall clock and the monotonic one part
	// without either having been stopped or set.
	slewed = 100 * time.Millisecond

	// resumed is how wrong the wall clock may be after a suspend: it is set
	// from a battery-backed clock that shows whole seconds.
	resumed = time.Second
)

// A candidate is an opinion of the offset, which is the remote clock less the
// local wall clock, as of some reading of the local clock.
type candidate struct {
	lo, hi  time.Duration // the offset is between them; hi may be longest
	best    time.Duration // the offset to go by, between lo and hi
	samples int           // the observations it rests on
}

// open reports whether nothing bounds the offset from above.
func (c candidate) open() bool { return c.hi == longest }

// span returns the offsets a holder has to reckon with. As long as nothing is
// known from above, the local clock is presumed right as far as lo allows, as
// it is when nothing is known at all.
func (c candidate) span() (lo, hi time.Duration) {
	if c.open() {
		return c.best, c.best
	}
	return c.lo, c.hi
}

// after returns c as it is when so much time has passed on the local clock's
// two readings.
func (c candidate) after(wall, mono time.Duration) candidate {
	slack := max(wall, -wall, mono, -mono) / drift
	ahead := sub(wall, mono)
	if ahead > slewed || ahead < -slewed {
		slack += resumed
	}
	c.lo, c.hi = add(c.lo, -slack), add(c.hi, slack)
	if ahead >= 0 {
		// Either the machine was suspended, which stops the monotonic clock
		// and leaves the offset as it was, or the wall clock was set forward,
		// which takes as much from the offset. The first is the likelier.
		c.lo = add(c.lo, -ahead)
	} else {
		// The wall clock was set back: that adds to the offset.
		c.hi, c.best = add(c.hi, -ahead), add(c.best, -ahead)
	}
	if c.open() {
		c.best = max(c.lo, 0)
	}
	return c
}

// meet returns what c and the observation x have in common; ok is false if
// they contradict each other.
func (c candidate) meet(x candidate) (m candidate, ok bool) {
	m = candidate{lo: max(c.lo, x.lo), hi: min(c.hi, x.hi), samples: c.samples + x.samples}
	if m.lo > m.hi {
		return candidate{}, false
	}
	switch {
	case m.open():
		m.best = max(m.lo, 0)
	case x.open():
		// A lower bound alone does not say where between the bounds to look.
		m.best = max(c.best, m.lo)
	default:
		m.best = middle(m.lo, m.hi)
	}
	return m, true
}

// middle returns the middle of lo and hi, which may be further apart than a
// Duration is long.
func middle(lo, hi time.Duration) time.Duration {
	return lo + time.Duration(uint64(hi-lo)/2)
}
