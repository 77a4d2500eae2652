package dashboard

import (
	"fmt"
	"net/http"
	"time"

	"github.com/tokenlife/tokenlife/skew"
	"github.com/tokenlife/tokenlife/token"
)

// A clocks is what two clocks said when a question was answered.
type clocks struct {
	sent, received time.Time // this machine's
	date           time.Time // the Dashboard's, by the header Date; zero if there was none
}

// clocksOf reads the Date of an answer that has just come, unless a cache has
// given it.
func clocksOf(a *response) clocks {
	c := clocks{sent: a.sent, received: time.Now()}
	if date, err := http.ParseTime(a.header.Get("Date")); err == nil && a.header.Get("Age") == "" {
		c.date = date
	}
	return c
}

// now returns the time by which the Dashboard judges, or this machine's if that
// is not known.
func (c clocks) now() time.Time {
	if c.date.IsZero() {
		return c.received
	}
	return c.date
}

// off returns by how much the Dashboard's clock is ahead of this machine's at least;
// less than 0 means behind, and 0 that they may agree.
func (c clocks) off() time.Duration { return skew.Apart(c.sent, c.received, c.date) }

// astray reports whether the clocks are further apart than machines' clocks are
// presumed to be.
func (c clocks) astray() bool { return c.off().Abs() > skew.DefaultLeeway }

func (c clocks) evidence() []token.Evidence {
	if c.date.IsZero() {
		return []token.Evidence{saw("this machine's clock", "%s; the Dashboard's is not known", stamp(c.received))}
	}
	relation := "agree"
	switch off := c.off(); {
	case off > 0:
		relation = fmt.Sprintf("the Dashboard's is %v ahead", off)
	case off < 0:
		relation = fmt.Sprintf("the Dashboard's is %v behind", -off)
	}
	return []token.Evidence{
		saw("the Dashboard's clock (header Date)", "%s", stamp(c.date)),
		saw("this machine's clock", "%s: %s", stamp(c.received), relation),
	}
}

// finding says that the clocks are apart. Of Date it is not known who has written it:
// some proxies do so anew.
func (c clocks) finding() token.Finding {
	which := "ahead of"
	if c.off() > 0 {
		which = "behind"
	}
	return likely(fmt.Sprintf("this machine's clock is %s the Dashboard's, so whoever compares the dates of a session with it is wrong", which),
		"set the clock that is wrong (NTP): this machine's, the Dashboard's, or that of a proxy before it which writes the Date; the Dashboard itself never looks at this machine's", c.evidence()...)
}
