package rancher

import (
	"net/http"
	"time"
)

// date returns the server's time, by the header Date; zero if there is none.
func (a *answer) date() time.Time {
	t, err := http.ParseTime(a.header.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return t
}

// left returns how much is left of a lifetime that began no earlier than since,
// by both readings of the clock: suspend stops the one, steps move the other.
func left(lifetime time.Duration, since time.Time) time.Duration {
	now := time.Now()
	lifetime -= max(0, now.Sub(since), now.Round(0).Sub(since.Round(0)))
	if lifetime <= 0 {
		return -1 // 0 would mean that it is not known
	}
	return lifetime
}

// resolution is that of the server's times: those of its answers are cut to whole
// seconds, and those at which it made a token, from which it counts.
const resolution = time.Second

// counted returns what is left of d, which the server counts from some moment
// between a call and its answer. It is never 0, which would mean that it is not
// known.
func (a *answer) counted(d time.Duration) time.Duration {
	return left(d-resolution, a.sent)
}
