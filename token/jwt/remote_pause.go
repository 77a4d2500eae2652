package jwt

import (
	"math/rand/v2"
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
