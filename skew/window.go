package skew

import "time"

// A Window is a span of validity, from From up to but not including Until, as
// nbf and exp bound a token (RFC 7519 sections 4.1.4 and 4.1.5). A zero bound
// is no bound, so the zero Window contains every time. A Window whose Until is
// not after its From is empty.
type Window struct {
	From, Until time.Time
}

// Contains reports whether t is in w.
func (w Window) Contains(t time.Time) bool { return w.Compare(t) == 0 }

// Compare returns -1 if t is before w, 0 if it is in w and +1 if it is after w.
// No time is in an empty window: it is before or after its From.
func (w Window) Compare(t time.Time) int {
	if !w.From.IsZero() && t.Before(w.From) {
		return -1
	}
	if !w.Until.IsZero() && !t.Before(w.Until) {
		return +1
	}
	return 0
}

// Widen returns w with each bound moved outward by d, which is what a verifier
// does. A d that is not positive moves nothing. An empty window stays empty: no
// leeway makes valid what never was.
func (w Window) Widen(d time.Duration) Window {
	if d <= 0 || w.empty() {
		return w
	}
	return Window{From: move(w.From, -d), Until: move(w.Until, d)}
}

// Narrow returns w with each bound moved inward by d, which is what a holder
// does. A d that is not positive moves nothing. If the bounds meet or pass each
// other the result is empty, and lies in the middle of w.
func (w Window) Narrow(d time.Duration) Window {
	if d <= 0 || w.empty() {
		return w
	}
	n := Window{From: move(w.From, d), Until: move(w.Until, -d)}
	if n.empty() {
		middle := move(w.From, w.Until.Sub(w.From)/2)
		n = Window{From: middle, Until: middle}
	}
	return n
}

func (w Window) empty() bool {
	return !w.From.IsZero() && !w.Until.IsZero() && !w.From.Before(w.Until)
}

// move returns the bound t moved by d. A bound stays a bound: no bound is not
// moved, and what would become the zero time, which means no bound, goes one
// nanosecond further. Add does not wrap around at the ends of time.
func move(t time.Time, d time.Duration) time.Time {
	if t.IsZero() {
		return t
	}
	m := t.Add(d)
	switch {
	case !m.IsZero():
		return m
	case d > 0:
		return m.Add(1)
	}
	return m.Add(-1)
}
