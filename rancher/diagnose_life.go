package rancher

import (
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// A life is how long a token is good, by the server's clock.
type life struct {
	created time.Time
	granted time.Duration // 0 is not known
	asked   time.Duration // 0 is not known
	from    string        // who says so
	guessed bool          // granted is only what it would usually be
}

// An age is where in its life a token is.
type age int

const (
	ageUnknown age = iota
	running
	ending // so near to its end that clocks decide, or just past it
	over
)

func (l life) known() bool { return !l.created.IsZero() && l.granted > 0 }

func (l life) expiry() time.Time { return l.created.Add(l.granted) }

// at returns where a token is in its life.
func (l life) at(now time.Time) age {
	if !l.known() || now.IsZero() {
		return ageUnknown
	}
	switch left := l.expiry().Sub(now); {
	case left >= edge:
		return running
	case left > -edge:
		return ending
	}
	return over
}

func (l life) evidence() token.Evidence {
	return saw("its life by "+l.from, "made %s, for %v, so it ends %s", stamp(l.created), l.granted.Round(time.Second), stamp(l.expiry()))
}

// finding says that a token has expired, or may have; nil if it has not, as far
// as is known.
func (l life) finding(c clocks, remedy string) *token.Finding {
	evidence := append([]token.Evidence{l.evidence()}, c.evidence()...)
	var f token.Finding
	switch l.at(c.now()) {
	case over:
		ago := c.now().Sub(l.expiry()).Round(time.Second)
		f = likely(fmt.Sprintf("the token has expired %v ago", ago), remedy, evidence...)
		f.Certain = c.known() && l.at(c.received) == over && !l.guessed // a proxy may have written the Date
	case ending:
		f = likely("the token is less than a minute from its end, where it is a matter of clocks, those of Rancher's own machines among them, whether it is still good",
			"renew tokens earlier, as refresh.New does; "+remedy, evidence...)
	default:
		return nil
	}
	return &f
}

// clamped reports whether less was granted than asked.
func (l life) clamped() bool {
	return l.granted > 0 && l.granted < l.asked && !nearly(l.granted, l.asked)
}

// nearly reports whether two lives may be the same: an ExpiresIn, which may be all
// that is known here, is a life less what the call took that brought it.
func nearly(a, b time.Duration) bool { return (a - b).Abs() < edge }
