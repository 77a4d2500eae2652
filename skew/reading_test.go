package skew

import (
	"math"
	"testing"
	"time"
)

func TestSaturate(t *testing.T) {
	t.Parallel()
	const most, least = longest, time.Duration(math.MinInt64)
	for _, tt := range []struct{ a, b, sum, difference time.Duration }{
		{1, 2, 3, -1},
		{-1, -2, -3, 1},
		{most, 1, most, most - 1},
		{most, -1, most - 1, most},
		{-most, -1, -most, -most + 1},
		{-most, 1, -most + 1, -most},
		{most, most, most, 0},
		{-most, -most, -most, 0},
		{most, -most, 0, most},
		{least, least, -most, -1}, // the one that cannot be negated
		{0, least, -most, most},
	} {
		if got := add(tt.a, tt.b); got != tt.sum {
			t.Errorf("add(%d, %d) = %d, want %d", tt.a, tt.b, got, tt.sum)
		}
		if got := sub(tt.a, tt.b); got != tt.difference {
			t.Errorf("sub(%d, %d) = %d, want %d", tt.a, tt.b, got, tt.difference)
		}
	}
	for _, tt := range []struct{ lo, hi, want time.Duration }{
		{0, 0, 0}, {1, 1, 1}, {-3, -1, -2}, {-10, 20, 5}, {-most, most, 0}, {most - 2, most, most - 1},
	} {
		if got := middle(tt.lo, tt.hi); got != tt.want {
			t.Errorf("middle(%d, %d) = %d, want %d", tt.lo, tt.hi, got, tt.want)
		}
	}
}

// A time without a monotonic reading counts by the wall clock alone, however
// far that has been from the monotonic one since the process started.
func TestPlainReading(t *testing.T) {
	t.Parallel()
	now := time.Now()
	r, plain := readingOf(now), readingOf(now.Add(time.Second).Round(0))
	if r.plain || !plain.plain {
		t.Errorf("plain: %t for a time from time.Now, %t for one without a monotonic reading", r.plain, plain.plain)
	}
	plain.mono += time.Hour // as after a suspend
	for _, tt := range []struct {
		to, from reading
		want     time.Duration
	}{{plain, r, time.Second}, {r, plain, -time.Second}} {
		if wall, mono := tt.to.since(tt.from); wall != tt.want || mono != tt.want {
			t.Errorf("since = %v, %v, want %v twice", wall, mono, tt.want)
		}
	}
	if got := r.time(0); !got.Equal(now) {
		t.Errorf("time = %v, want %v", got, now)
	}
	before, l, after := readingOf(time.Now()), look(), readingOf(time.Now())
	if l.mono < before.mono || l.mono > after.mono {
		t.Errorf("look = %+v, not between %+v and %+v", l, before, after)
	}
}
