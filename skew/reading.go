package skew

import (
	"math"
	"time"
)

// A reading is one look at the local clock. Both parts come from one call of
// time.Now; they are apart so that what each says can be compared, because a
// step moves the one and a suspend stops the other.
type reading struct {
	wall time.Duration // what the clock shows, since 1970
	mono time.Duration // the monotonic clock, since started

	// plain says that there was no monotonic reading to be had, so that mono
	// is the wall clock too.
	plain bool
}

// started is what mono counts from. A Time's monotonic reading can only be had
// as a difference from another's.
var started = time.Now()

// look returns a reading now.
func look() reading {
	// Inside a synctest bubble there is no monotonic reading and mono follows
	// the wall clock. All readings there do, so that is not worth finding out.
	t := time.Now()
	return reading{wall: time.Duration(t.UnixNano()), mono: t.Sub(started)}
}

// readingOf returns t as a reading.
func readingOf(t time.Time) reading {
	wall := t.Round(0) // without the monotonic reading
	return reading{wall: wall.Sub(time.Unix(0, 0)), mono: t.Sub(started), plain: t == wall}
}

// time returns what the wall clock shows d later.
func (r reading) time(d time.Duration) time.Time { return time.Unix(0, int64(add(r.wall, d))) }

// since returns how much time passed from s to r, by both clocks.
func (r reading) since(s reading) (wall, mono time.Duration) {
	wall = sub(r.wall, s.wall)
	if r.plain || s.plain {
		return wall, wall
	}
	return wall, sub(r.mono, s.mono)
}

// longest is the longest Duration; as an upper bound it means that none is
// known. Sums and differences in this package are never below -longest, so that
// each can be negated.
const longest time.Duration = math.MaxInt64

// add returns a + b, or the nearest Duration to it.
func add(a, b time.Duration) time.Duration {
	sum := a + b
	switch {
	case b > 0 && sum < a:
		return longest
	case b < 0 && sum > a:
		return -longest
	}
	return max(sum, -longest)
}

// sub returns a - b, or the nearest Duration to it.
func sub(a, b time.Duration) time.Duration { return add(a, -max(b, -longest)) }
