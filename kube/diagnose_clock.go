package kube

import (
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/skew"
	"github.com/tokenlife/tokenlife/token"
)

// A readings is what two clocks said when a question was answered.
type readings struct {
	sent, received time.Time // this machine's
	date           time.Time // the server's, by the header Date; zero if there was none
}

// known reports whether the server has told its time.
func (c readings) known() bool { return !c.date.IsZero() }

// now returns the time by which tokens are judged: the server's, or this machine's
// if that is not known.
func (c readings) now() time.Time {
	if c.known() {
		return c.date
	}
	return c.received
}

// off returns by how much the server's clock is ahead of this machine's at least; less
// than 0 means behind, and 0 that they may agree.
func (c readings) off() time.Duration { return skew.Apart(c.sent, c.received, c.date) }

// astray reports whether the clocks are further apart than machines' clocks are
// presumed to be.
func (c readings) astray() bool { return c.off().Abs() > skew.DefaultLeeway }

func (c readings) evidence() []token.Evidence {
	if !c.known() {
		return []token.Evidence{saw("this machine's clock", "%s; the API server's is not known", stamp(c.received))}
	}
	relation := "they agree"
	switch off := c.off(); {
	case off > 0:
		relation = fmt.Sprintf("the API server's is %v ahead", off)
	case off < 0:
		relation = fmt.Sprintf("the API server's is %v behind", -off)
	}
	return []token.Evidence{
		saw("the API server's clock (header Date)", "%s", stamp(c.date)),
		saw("this machine's clock", "%s: %s", stamp(c.received), relation),
	}
}

// stamp writes a time for people.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// when writes a time for people, and how far it is from now.
func when(t, now time.Time) string {
	switch d := t.Sub(now).Round(time.Second); {
	case d > 0:
		return fmt.Sprintf("%s, in %s", stamp(t), span(d))
	case d < 0:
		return fmt.Sprintf("%s, %s ago", stamp(t), span(-d))
	}
	return stamp(t) + ", now"
}

// span writes a time span for people: two units of it, such as 3d4h.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= 100*day:
		return fmt.Sprintf("%d days", d/day)
	case d >= day:
		return fmt.Sprintf("%dd%dh", d/day, d%day/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return d.String()
}
