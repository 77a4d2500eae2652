package jwt

import (
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

const (
	// shortestPause and longestPause bound the pause after failures,
	// longestRetryAfter what a server may ask for instead: meanwhile no new key
	// becomes known.
	shortestPause     = time.Second
	longestPause      = time.Minute
	longestRetryAfter = 5 * time.Minute
)

// backoff returns how long to wait after the latest of the failures: at random
// between d/2 and d, where d is MinInterval, but at least a second, the first
// time, and doubles each time. The caller holds mu.
func (r *Remote) backoff() time.Duration {
	d := max(r.interval(), shortestPause)
	for range r.failures - 1 {
		if d >= longestPause {
			break
		}
		d = min(2*d, longestPause)
	}
	return d/2 + rand.N(d/2+1)
}

// retryAfter returns what err says of when to come back, within reason.
func retryAfter(err error) time.Duration {
	return min(token.RetryAfter(err), longestRetryAfter)
}

// pauseAsked reads the header Retry-After (RFC 9110, section 10.2.3). A date is
// compared with that of the answer, by the server's own clock.
func pauseAsked(h http.Header) time.Duration {
	later := h.Get("Retry-After")
	if pause, ok := deltaSeconds(later); ok {
		return pause
	}
	until, err := http.ParseTime(later)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return until.Sub(now)
}
