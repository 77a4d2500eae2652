package refresh

import (
	"math/rand/v2"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

const (
	// longestDue bounds how long a token is left alone however long it lives:
	// what is asked for daily is known to work.
	longestDue = 24 * time.Hour

	// longestMargin is how long before its end a token is no longer handed
	// out. Lifetimes are whole seconds, cut down at both ends, which hides up
	// to a second; the other is for the request to arrive in.
	longestMargin = 2 * time.Second

	// shortestPause is the least time between two attempts that succeed, so
	// that tokens that hardly live do not become a loop.
	shortestPause = time.Second

	// longestPause bounds the pause after failures, longestRetryAfter what a
	// server may ask for instead.
	longestPause      = time.Minute
	longestRetryAfter = time.Hour
)

// A draw returns a time in [0, n) at random, as rand.N does.
type draw func(n time.Duration) time.Duration

var atRandom draw = rand.N[time.Duration]

// A planner says when tokens are due.
type planner interface {
	// due returns how long after it was received a token is due for replacement, if
	// it has life in all and left of it then.
	due(t token.Token, received reading, life, left time.Duration) time.Duration
}

// due implements [planner] for a token that is planned by itself.
func (random draw) due(t token.Token, _ reading, life, left time.Duration) time.Duration {
	switch {
	case t.RefreshIn > 0:
		return min(t.RefreshIn, longestDue)
	case t.RefreshIn < 0:
		return left
	}
	// An eighth of 0.8 is the tenth. Taking it off the day as well keeps a
	// fleet with long tokens apart.
	due := min(life/5*4, longestDue)
	due -= random(due/8 + 1)
	return max(0, due-(life-left))
}

// planner returns what says when the tokens of s are due.
func (s *Source) planner() planner {
	if s.plan == nil {
		return atRandom
	}
	return s.plan
}

// margin returns how long before its end a token that lives life is dead.
func margin(life time.Duration) time.Duration { return min(life/10, longestMargin) }

// pause returns how long to wait after the k-th fruitless attempt in a row,
// counted from one: at random between d/2 and d, where d is a second the first
// time and doubles each time.
func pause(k int, random draw) time.Duration {
	d := longestPause
	if k < 7 {
		d = time.Second << max(0, k-1)
	}
	return d/2 + random(d/2+1)
}
