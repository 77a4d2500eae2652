package refresh

import "github.com/tokenlife/tokenlife/token"

// Invalidate implements [token.Invalidator]: if t is the access token in the
// Store, the next call of Token exchanges the refresh token for another.
//
// If that one is refused too, sooner than a pause after it came, more of them
// are no help: it stays in use until the pause is over, as it does in a
// [Source].
func (r *Rotator) Invalidate(t token.Token) {
	now := r.now()
	r.mu.Lock()
	k := r.known
	if k == nil {
		r.refused = t // and it will be seen whether the Store has it
	}
	if k == nil || k.access == nil || k.access.standing != good || !k.access.token.Equal(t) {
		r.mu.Unlock()
		return
	}
	refused := k.access.giveUp()
	if patience := pause(r.refusals, r.random) - now.since(k.access.received); r.refusals > 0 && patience > 0 {
		refused = k.access.doubt(now.add(patience))
		r.refusals++
	} else {
		r.refusals = 1
	}
	r.known = &known{k.state, refused, k.spent}
	e := Event{Kind: Refused, Attempt: r.refusals, Next: max(0, now.until(refused.due))}
	r.mu.Unlock()
	r.tell(e)
}

// gaveUp reports whether h has been refused.
func (r *Rotator) gaveUp(h *held) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.known
	return k != nil && k.access != nil && k.access.standing == rejected && k.access.received == h.received && k.access.token.Equal(h.token)
}

// giveUp returns h as it is once servers have refused it, and doubt as it is if
// it stays in use until then all the same.
func (h *held) giveUp() *held {
	refused := *h
	refused.standing = rejected
	refused.due, refused.dead = reading{}, reading{}
	return &refused
}

func (h *held) doubt(until reading) *held {
	refused := *h
	refused.standing = doubted
	refused.due = until.sooner(h.dead)
	return &refused
}
