package rancher

import (
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/skew"
	"github.com/tokenlife/tokenlife/token"
)

// A clocks is what two clocks said when a question was answered.
type clocks struct {
	sent, received time.Time // this machine's
	date           time.Time // the server's, by the header Date; zero if there was none
}

func (a *answer) clocks() clocks {
	if a.header.Get("Age") != "" {
		return clocks{sent: a.sent, received: a.received} // a cache's answer
	}
	return clocks{sent: a.sent, received: a.received, date: a.date()}
}

// known reports whether the server has told its time.
func (c clocks) known() bool { return !c.date.IsZero() }

// now returns the time by which tokens are judged: the server's, or this machine's
// if that is not known.
func (c clocks) now() time.Time {
	if c.known() {
		return c.date
	}
	return c.received
}

// off returns by how much the server's clock is ahead of this machine's at least; less
// than 0 means behind, and 0 that they may agree.
func (c clocks) off() time.Duration { return skew.Apart(c.sent, c.received, c.date) }

// astray reports whether the clocks are further apart than machines' clocks are
// presumed to be.
func (c clocks) astray() bool { return c.off().Abs() > skew.DefaultLeeway }

func (c clocks) evidence() []token.Evidence {
	if !c.known() {
		return []token.Evidence{saw("this machine's clock", "%s; the server's is not known", stamp(c.received))}
	}
	relation := "agree"
	switch off := c.off(); {
	case off > 0:
		relation = fmt.Sprintf("the server's is %v ahead", off)
	case off < 0:
		relation = fmt.Sprintf("the server's is %v behind", -off)
	}
	return []token.Evidence{
		saw("the server's clock (header Date)", "%s", stamp(c.date)),
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
	return likely(fmt.Sprintf("this machine's clock is %s the server's, so whoever compares a token's expiry with it is wrong", which),
		"set the clock that is wrong (NTP): this machine's, the server's, or that of a proxy before it which writes the Date; Rancher itself never looks at this machine's, and a token's ExpiresIn can be counted by any clock",
		c.evidence()...)
}
