package skew

import (
	"errors"
	"fmt"
	"time"
)

// An Observation is one reading of a remote clock, made some time between Sent
// and Received on the local one.
type Observation struct {
	// Sent and Received are local times: right before the reading was asked
	// for, and right after it came. Take them from time.Now, whose monotonic
	// reading lets a Clock notice when the local clock is set.
	Sent, Received time.Time

	// Remote is what the remote clock read, rounded down to Resolution: one
	// second for an HTTP date or an iat claim. Zero means exact.
	Remote     time.Time
	Resolution time.Duration

	// AtLeast says that Remote may be older than Sent, as the iat claim of a
	// token that came from a cache: then it proves only that the remote clock
	// has passed it, and Sent and Resolution do not count.
	AtLeast bool
}

// ErrTooFar is matched by the error with which a Clock reports an observation
// that puts the remote clock further than Max from the local one. One of the
// two is wrong, and following a wrong clock that far helps nobody: set it
// right, or raise [Clock.Max].
var ErrTooFar = errors.New("skew: clock further off than Max")

// maxRoundTrip is the longest time between Sent and Received that is looked at.
// What took longer was held up somewhere, and would say little anyway.
const maxRoundTrip = 10 * time.Second

// defaultMax is what a zero Clock.Max means.
const defaultMax = 24 * time.Hour

// candidate returns what o says of the offset at the time it was received, or
// why it is worth nothing. Sent and received are o's, as readings.
func (o Observation) candidate(sent, received reading) (candidate, error) {
	if o.Remote.IsZero() || o.Received.IsZero() {
		return candidate{}, errors.New("skew: observation left out: it needs Remote and Received")
	}
	// The remote clock had reached Remote when the reading was received. A
	// Remote made from time.Now has a monotonic reading, but not of that clock.
	c := candidate{lo: max(-longest, o.Remote.Round(0).Sub(o.Received)), hi: longest, samples: 1}
	c.best = max(c.lo, 0)
	if o.AtLeast {
		return c, nil
	}
	if o.Sent.IsZero() {
		return candidate{}, errors.New("skew: observation left out: it needs Sent, or AtLeast")
	}
	wall, mono := received.since(sent)
	trip := max(wall, mono)
	switch ahead := sub(wall, mono); {
	case mono < 0:
		return candidate{}, errors.New("skew: observation left out: it was received before it was sent")
	case ahead > slewed || ahead < -slewed:
		return candidate{}, errors.New("skew: observation left out: the local clock was set, or stopped, while it was under way")
	case trip > maxRoundTrip:
		return candidate{}, fmt.Errorf("skew: observation left out: the round trip took %v, more than %v", trip, maxRoundTrip)
	}
	// It had not passed Remote + Resolution when it was sent for, a round trip
	// earlier, and the clocks have drifted since.
	c.hi = add(c.lo, add(trip+trip/drift, max(0, o.Resolution)))
	if !c.open() {
		c.best = middle(c.lo, c.hi)
	}
	return c, nil
}

// within returns an error matching ErrTooFar if c, which o says, is nowhere
// within most of the local clock.
func (o Observation) within(c candidate, most time.Duration) error {
	if c.lo <= most && c.hi >= -most {
		return nil
	}
	return fmt.Errorf("%w: the remote clock read %s when the local one read %s, and Max is %v: set the wrong one right, or raise Max",
		ErrTooFar, o.Remote.UTC().Format(time.RFC3339), o.Received.UTC().Format(time.RFC3339), most)
}
