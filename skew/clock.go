package skew

import (
	"sync/atomic"
	"time"
)

// A Clock is an estimate of another machine's clock, improved by observation.
// It is for those who hold tokens, not for those who verify them: see the
// package comment.
//
// The zero Clock has observed nothing and reads as the local clock; so does a
// nil *Clock. Clocks are safe for concurrent use and take no locks. A Clock must
// not be copied. Its fields are set before first use.
type Clock struct {
	// Origin, if not empty, is the one origin from which [Clock.Transport]
	// learns, as scheme://host or scheme://host:port. If it is not a URL of
	// that form, nothing is learned and OnIgnored is told.
	Origin string

	// Max is the furthest from the local clock that an observation is
	// followed; what is further is reported to OnIgnored instead. Zero means
	// 24 hours, negative means no limit.
	Max time.Duration

	// OnIgnored, if not nil, is called with every [Observation] that was left
	// out and why; the error matches [ErrTooFar] if it was beyond Max. It is
	// called by whoever observes, perhaps by several at once, and holds them up
	// until it returns.
	OnIgnored func(Observation, error)

	// read looks at the local clock; nil means look. Tests drive its two
	// readings apart.
	read func() reading

	state atomic.Pointer[state] // nil: nothing observed
}

// Now returns the remote clock's time by the newest estimate: by the middle of
// its bounds, unless the local clock was set or stopped since. It has no
// monotonic reading. To decide whether a token can still be used, go by
// [Clock.Bounds].
func (c *Clock) Now() time.Time {
	now := c.now()
	return now.time(c.view(now).offset)
}

// Bounds returns the earliest and the latest time that the remote clock may
// show now. A holder compares NotBefore with the earliest and Expiry with the
// latest. While two estimates contradict each other, the bounds cover both.
//
// The bounds also cover a suspend of this machine and a step of its clock since
// the last observation, but not a suspend together with a step back, which
// hides it.
func (c *Clock) Bounds() (earliest, latest time.Time) {
	now := c.now()
	v := c.view(now)
	return now.time(v.lo), now.time(v.hi)
}

// BoundsAt is [Clock.Bounds] at a local time that the caller has just had from
// time.Now and need not ask for twice.
func (c *Clock) BoundsAt(local time.Time) (earliest, latest time.Time) {
	v := c.view(readingOf(local))
	local = local.Round(0)
	return local.Add(v.lo), local.Add(v.hi)
}

// An Estimate is what a Clock knows: the remote clock's time is the local time
// plus Offset, give or take Error.
type Estimate struct {
	// Offset is the remote clock less the local one. Error is how far off it
	// may be: it grows with the time since the last observation, by 100 parts
	// in a million, and reaches as far as [Clock.Bounds] do.
	//
	// Both are zero if nothing has been observed. If nothing but lower bounds
	// has, Offset is the least that agrees with them, and Error is zero.
	Offset, Error time.Duration

	// Samples is the number of observations that Offset rests on. It starts
	// again at 1 when one contradicts the others.
	Samples int
}

// Estimate returns what is known now.
func (c *Clock) Estimate() Estimate {
	v := c.view(c.now())
	return Estimate{
		Offset:  v.offset,
		Error:   max(sub(v.hi, v.offset), sub(v.offset, v.lo)),
		Samples: v.samples,
	}
}

// Observe improves the estimate by o.
//
// An observation that contradicts the estimate replaces it, and the old one is
// kept beside the new until a second observation agrees with only one of them.
//
// Left out, and reported to OnIgnored, is an observation that took longer than
// 10 seconds, one that was received before it was sent or without a Remote, one
// under way while the local clock was set, and one beyond Max.
func (c *Clock) Observe(o Observation) {
	c.observe(o, readingOf(o.Sent), readingOf(o.Received))
}

func (c *Clock) observe(o Observation, sent, received reading) {
	if c == nil {
		return
	}
	x, err := o.candidate(sent, received)
	if err == nil {
		err = o.within(x, c.limit())
	}
	if err != nil {
		c.ignored(o, err)
		return
	}
	for {
		s := c.state.Load()
		if c.state.CompareAndSwap(s, s.learn(x, received)) {
			return
		}
	}
}

func (c *Clock) ignored(o Observation, err error) {
	if c.OnIgnored != nil {
		c.OnIgnored(o, err)
	}
}

// limit is how far off an observation may be.
func (c *Clock) limit() time.Duration {
	switch {
	case c.Max == 0:
		return defaultMax
	case c.Max < 0:
		return longest / 2 // what is further would not fit a Duration for long
	}
	return min(c.Max, longest/2)
}

// now looks at the local clock.
func (c *Clock) now() reading {
	if c != nil && c.read != nil {
		return c.read()
	}
	return look()
}
