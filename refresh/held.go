package refresh

import (
	"time"

	"github.com/tokenlife/tokenlife/skew"
	"github.com/tokenlife/tokenlife/token"
)

// A held token is one that a Source or a Rotator holds. It is never changed,
// only replaced.
type held struct {
	token    token.Token // as it was at received
	received reading     // the instant before it was asked for
	due      reading     // from here on it is to be replaced
	dead     reading     // from here on it is not handed out
	margin   time.Duration
	byClock  bool // its end is known by Expiry only
	standing standing
}

// A standing is what servers think of a token.
type standing uint8

const (
	good     standing = iota
	doubted           // refused, but in use until it is due; see Source.Invalidate
	rejected          // refused and given up
)

// hold returns how t, asked for at received, is to be held. A token that only
// says when it expires is judged by clock. It is due when plan says.
func hold(t token.Token, received reading, clock *skew.Clock, plan planner) *held {
	h := &held{token: t, received: received}
	var life, left time.Duration
	switch {
	case t.ExpiresIn != 0:
		life, left = t.ExpiresIn, t.ExpiresIn
	case !t.Expiry.IsZero():
		h.byClock = true
		left = timeLeft(t, clock)
		life = left
		if !t.IssuedAt.IsZero() {
			life = max(life, t.Expiry.Sub(t.IssuedAt))
		}
	default:
		life, left = forever, forever
	}
	life, left = max(0, life), max(0, left)
	h.margin = margin(life)
	h.dead = never
	if left < forever {
		h.dead = received.add(left - h.margin)
	}
	h.due = received.add(plan.due(t, received, life, left)).sooner(h.dead)
	return h
}

// forever is the life of a token that does not say when it ends.
const forever = 1<<63 - 1

// revive returns how the recorded token is to be held, or nil if that cannot be
// told. It was received earlier, maybe on another machine, so that only the
// wall clocks can say how long ago: the token's life is cut by as much as they
// may disagree.
func revive(r token.Record, now reading, clock *skew.Clock, plan planner) *held {
	t := r.Token
	age := time.Duration(now.wall - r.Received.UnixNano())
	allowance := skew.DefaultLeeway
	if t.ExpiresIn > 0 {
		allowance = min(allowance, t.ExpiresIn/10)
		t.ExpiresIn -= allowance
	}
	if t.IsZero() || r.Received.IsZero() || age < -allowance {
		return nil
	}
	return hold(t, now.add(-max(0, age)), clock, plan)
}

// timeLeft returns how long t, which only says when it expires, has left by the
// issuer's clock. Where the clock is not sure, it is as late as it may be.
func timeLeft(t token.Token, clock *skew.Clock) time.Duration {
	_, latest := clock.Bounds()
	return t.Expiry.Sub(latest)
}

// at returns the token to hand out at now.
func (h *held) at(now reading) token.Token {
	t := h.token
	h.countDown(&t, now)
	return t
}

// countDown makes t, a copy of the token, what it is at now.
func (h *held) countDown(t *token.Token, now reading) {
	if h.token.ExpiresIn != 0 {
		t.ExpiresIn = h.token.ExpiresIn - now.since(h.received)
	}
	t.RefreshIn = max(0, now.until(h.due))
}

// again returns h for a token handed over a second time, next to be looked at
// after next. Saying it a second time does not lengthen its life, where it is
// known to end at the same instant: that is a cache upstream, repeating what it
// was once told.
func (h *held) again(before *held, now reading, next time.Duration) *held {
	h.due = now.add(next)
	if !h.token.Expiry.IsZero() && h.token.Expiry.Equal(before.token.Expiry) && before.standing != rejected {
		h.dead = h.dead.sooner(before.dead)
	}
	h.due = h.due.sooner(h.dead)
	return h
}
