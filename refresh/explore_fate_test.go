package refresh

import (
	"fmt"
	"time"
)

// A mishap is what can go wrong with a call, once or so in a run.
type mishap int

const (
	killed  mishap = iota // the holder is killed while it waits for its answer
	dropped               // a call of a Store fails and does not land
	unmade                // a POST fails before it is made, and that is known
	drifts                // it fails, and may land later all the same
	cutOff                // it lands, and its answer is lost
	lied                  // a Swap lands and says false
	slowed                // a POST is under way for longer than usual
	frozen                // its caller freezes before the answer comes
	forgets               // a Store loses the write it took last
	mishaps               // how many there are
)

var mishapNames = [...]string{"killed", "dropped", "not made", "fails, but may land later", "lands, but its answer is lost",
	"lands, but says false", "slow", "then frozen", "forgets its last write"}

func (f mishap) String() string { return mishapNames[f] }

// The holders' times are short, so that one that waits for the lease of another
// need not look into the Store too often meanwhile.
const (
	shortTimeout = 2 * time.Second
	shortLease   = 3 * time.Second

	inTime    = shortTimeout * 9 / 10                      // what a POST may take
	tooLong   = shortLease - inTime + 200*time.Millisecond // what a claim must not take before it
	overLease = shortLease + 200*time.Millisecond
)

// fates returns the moves of a call that waits to go on: to do so, and what may
// go wrong. The caller holds mu.
func (w *world) fates(c *halt) []move {
	going := move{name: c.name, by: c.by[:1], object: c.object, write: c.op != "get", do: func() { w.proceed(c) }}
	switch {
	case c.op == "lock" && w.locked != nil:
		return nil
	case c.ready != nil:
		going.object = "" // it has landed long ago
		return []move{going}
	case c.frozen || w.polls(c):
		return []move{going} // there is nothing new to be learnt from a mishap
	}
	moves := []move{going}
	add := func(f mishap, more string, do func()) {
		if !w.may(f) {
			return
		}
		m := going
		m.name += ": " + f.String() + more
		m.mishap = true
		if f == killed || f == dropped || f == unmade || f == drifts || f == slowed {
			m.object = "" // it does not land now
		}
		m.do = func() {
			w.spent[f]++
			w.blame(c, f)
			do()
		}
		moves = append(moves, m)
	}
	fails := func() { w.gone(c); w.answer(c, c.refused) }
	lost := said{err: errCut, text: "cut off"}
	float := func() { w.gone(c); w.adrift = append(w.adrift, c) }
	delay := func(d time.Duration) func() { return func() { c.until = w.now() + d } }
	freeze := func(d time.Duration) func() {
		return func() {
			w.mu.Lock()
			c.until, c.frozen = w.now()+d, true
			w.mu.Unlock()
			if c.op != "POST" {
				a := c.do()
				c.ready = &a
			}
		}
	}
	if c.ofHolder() {
		add(killed, "", func() { w.gone(c); w.kill(c.by) })
		if (c.op == "swap" || c.op == "POST") && w.may(drifts) && w.faulty()+2 <= w.most {
			add(killed, ", and it may land later", func() { w.spent[drifts]++; float(); w.kill(c.by) })
		}
	}
	if c.op != "POST" {
		add(dropped, "", fails)
	}
	switch c.op {
	case "get":
		if c.ofHolder() {
			add(frozen, fmt.Sprint(" for ", overLease), freeze(overLease))
		}
	case "swap":
		add(drifts, "", func() { float(); w.answer(c, lost); c.left = true })
		if c.would() {
			add(cutOff, "", func() { w.gone(c); c.do(); w.answer(c, lost) })
			add(lied, "", func() { w.gone(c); c.do(); w.answer(c, said{text: "false"}) })
		}
		if c.ofHolder() {
			add(slowed, fmt.Sprint(" by ", overLease), delay(overLease))
			add(frozen, fmt.Sprint(" for ", tooLong), freeze(tooLong))
		}
		add(frozen, fmt.Sprint(" for ", overLease), freeze(overLease))
	case "POST":
		add(unmade, "", func() { w.holder(c.by).posted = false; fails() })
		add(drifts, "", func() { float(); w.answer(c, lost); c.left = true })
		add(cutOff, "", func() { w.gone(c); c.lose = true; c.do() })
		add(frozen, fmt.Sprint(" for ", overLease), freeze(overLease))
		add(slowed, fmt.Sprint(" by ", inTime), delay(inTime))
		add(slowed, fmt.Sprint(" by ", overLease), delay(overLease))
	}
	return moves
}

func (c *halt) ofHolder() bool { return len(c.by) == 1 }

// proceed lets c happen, if it has not yet, and its caller know.
func (w *world) proceed(c *halt) {
	w.gone(c)
	switch {
	case c.ready != nil:
		w.answer(c, *c.ready)
	case c.op == "POST":
		c.do() // the issuer answers
	default:
		w.answer(c, c.do())
	}
}

// may reports whether the run may have a mishap f.
func (w *world) may(f mishap) bool { return w.faulty() < w.most && w.spent[f] < w.budget[f] }

// faulty returns how many mishaps the run has had.
func (w *world) faulty() (n int) {
	for _, m := range w.spent {
		n += m
	}
	return n
}

// blame notes what a mishap f of the call c is a good reason for: presenting a
// refresh token again, where it may not have been spent, and losing it, where
// the issuer has no grace.
func (w *world) blame(c *halt, f mishap) {
	switch {
	case c.op == "POST":
		// One that is slow is to blame once its caller gives up.
		if f != unmade && f != slowed {
			w.issued.excuses++
			w.issued.causes++
		}
	case c.ofHolder():
		if w.holder(c.by).posted {
			w.issued.excuses++
			w.issued.causes++
		}
	case f != lied:
		w.issued.excuses++
	}
}

// polls reports whether c, a Get, reads what its caller read last. The caller
// holds mu.
func (w *world) polls(c *halt) bool {
	return c.op == "get" && w.read[c.by] != "" && w.read[c.by] == w.cells[c.object].text()
}

// kill ends a holder as kill -9 does.
func (w *world) kill(by string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := w.holder(by)
	h.dead = true
	if w.locked == h {
		w.locked = nil
	}
	if w.restart {
		w.begin(string(rune('A'+len(w.holders))), time.Second)
	}
}

// lapses returns the moves of Stores that lose a write.
func (w *world) lapses() (moves []move) {
	if !w.may(forgets) {
		return nil
	}
	for _, object := range []string{"pair", "family"} {
		c := w.cells[object]
		if c.before == nil {
			continue
		}
		moves = append(moves, move{
			name: "the Store of the " + object + " " + forgets.String(), by: object, object: object, write: true, mishap: true,
			do: func() {
				w.spent[forgets]++
				w.issued.excuses++
				w.cells[object] = *c.before
			},
		})
	}
	return moves
}
