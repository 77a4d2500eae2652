package refresh

import (
	"math"
	"time"
)

// A reading is one look at the local clock, which is two clocks: wall, which
// can be set, and mono, which stops while the machine is suspended. Both are in
// nanoseconds, each since an origin of its own.
//
// As a deadline, a reading has passed once either clock has passed it.
type reading struct{ wall, mono int64 }

// never is a deadline that does not come before the year 2116, far enough from
// the end of the range for differences not to overflow.
var never = reading{math.MaxInt64 / 2, math.MaxInt64 / 2}

var monoOrigin = time.Now()

// readClock reads both clocks from one look.
func readClock() reading {
	now := time.Now()
	return reading{now.UnixNano(), int64(now.Sub(monoOrigin))}
}

// reached reports whether, at r, the deadline has come.
func (r reading) reached(deadline reading) bool {
	return r.wall >= deadline.wall || r.mono >= deadline.mono
}

// until returns how long after r the deadline comes; negative if it has passed.
func (r reading) until(deadline reading) time.Duration {
	return time.Duration(min(deadline.wall-r.wall, deadline.mono-r.mono))
}

// sooner returns the deadline that comes when the first of d and e does.
func (d reading) sooner(e reading) reading {
	return reading{min(d.wall, e.wall), min(d.mono, e.mono)}
}

// since returns how long before r the earlier reading was taken. By the clock
// that says longer, so that neither a clock set back nor a suspended one makes
// anything younger.
func (r reading) since(earlier reading) time.Duration {
	return time.Duration(max(r.wall-earlier.wall, r.mono-earlier.mono))
}

// add returns the deadline d after r.
func (r reading) add(d time.Duration) reading {
	return reading{addCapped(r.wall, d), addCapped(r.mono, d)}
}

// addCapped returns a + d, but at most never.
func addCapped(a int64, d time.Duration) int64 {
	if d > 0 && a > never.wall-int64(d) {
		return never.wall
	}
	return a + int64(d)
}
