package refresh

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// An actor is a process that uses a Rotator.
type actor struct {
	name   string
	source interface {
		token.Source
		token.Invalidator
	}
	dead   bool
	done   bool
	posted bool   // it has made a POST, and has not written to the Store since
	flying *halt  // its POST
	got    string // name of the newest pair that the issuer's answer brought it

	finished time.Duration // when it was done
}

// begin starts a holder after a while. The caller holds mu.
func (w *world) begin(name string, after time.Duration) {
	h := &actor{name: name}
	w.holders = append(w.holders, h)
	w.history[name] = mix(0, name, w.now())
	var store Store = &gate{w, name}
	if w.locks {
		store = &lockGate{gate{w, name}}
	}
	ahead := int64(0)
	if name == "B" {
		ahead = int64(w.ahead)
	}
	h.source = &Rotator{
		Exchanger: w.exchanger(name),
		Initial:   w.initial,
		Store:     store,
		Key:       "k",
		Timeout:   shortTimeout,
		Lease:     shortLease,
		clock: func() reading {
			r := readClock()
			r.wall += ahead
			return r
		},
		draw: func(n time.Duration) time.Duration { return n - 1 },
	}
	go func() {
		w.sleep(after)
		w.use(h)
		w.mu.Lock()
		h.done, h.finished = true, w.now()
		w.mu.Unlock()
		w.ring()
	}()
}

// sleep waits for d, or until the run is over.
func (w *world) sleep(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.over:
	}
}

// use gets a token from h in each round, which it refuses before the next.
func (w *world) use(h *actor) {
	for round := range w.rounds {
		w.sleep(time.Duration(round)*betweenRounds - w.now())
		began := w.now()
		for tries := 0; ; tries++ {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			t, err := h.source.Token(ctx)
			cancel()
			if w.ended(h) {
				return
			}
			if err == nil {
				w.got(h, t)
				h.source.Invalidate(t)
				break
			}
			w.note("%s: %v", h.name, err)
			if errors.Is(err, token.ErrInvalid) {
				w.fail("%s: an ErrInvalid comes through: %v", h.name, err)
				return
			}
			if errors.Is(err, token.ErrRefused) {
				w.refused(h, err)
				return
			}
			if w.now()-began > patience {
				w.fail("starved: %s has no token after %v: %v", h.name, w.now()-began, err)
				return
			}
			w.sleep(max(token.RetryAfter(err), time.Second))
		}
	}
}

// betweenRounds is long enough for what was late in one not to land in the next.
const betweenRounds = 70 * time.Second

// ended reports whether h has been killed, or the run is over.
func (w *world) ended(h *actor) bool {
	select {
	case <-w.over:
		return true
	default:
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return h.dead
}

// posting notes that c, a POST, is about to be made.
func (w *world) posting(c *halt, s token.Secret) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c.token = w.issued.names[s.Reveal()]
	w.holder(c.by).posted = true
}

// wrote notes that c has changed a Store. The caller holds mu.
func (w *world) wrote(c *halt) {
	if len(c.by) == 1 && !c.left && w.holder(c.by).flying == nil {
		w.holder(c.by).posted = false
	}
}

// got checks the token that a holder was handed.
func (w *world) got(h *actor, t token.Token) {
	w.mu.Lock()
	defer w.mu.Unlock()
	minted, ok := w.issued.minted[t.Value.Reveal()]
	w.trace = append(w.trace, fmt.Sprintf("%8v    %s has the access token of pair %s", w.now().Round(time.Millisecond), h.name, w.issued.access[t.Value.Reveal()]))
	switch {
	case !ok:
		w.failed("%s was handed an access token that nobody issued", h.name)
	case time.Since(minted) > mintedLife-2*time.Second:
		w.failed("%s was handed an access token that is dead", h.name)
	}
}

// refused judges the error of a holder whose refresh token is dead.
func (w *world) refused(h *actor, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.stored()
	switch {
	case !w.mayLose():
		w.failed("loss: %s: %v", h.name, err)
	case w.issued.causes == 0:
		w.failed("loss without a cause: %s: %v", h.name, err)
	case !errors.Is(err, ErrLost):
		w.failed("a loss that is not called one: %s: %v", h.name, err)
	case w.spent[frozen] == 0 && (s == nil || s.Dead == nil):
		w.failed("not final: %s gives up a pair that is not dead in the Store: %v", h.name, err)
	}
}

// stored returns what the Store of the holders holds. The caller holds mu.
func (w *world) stored() *state {
	s, err := decode(w.cells["pair"].value)
	if err != nil {
		return nil
	}
	return s
}

// running reports whether h has something left to do: to get its tokens, or to
// store the pair it has got.
func (w *world) running(h *actor) bool {
	return !h.dead && (!h.done || h.posted && w.now() < h.finished+toStore)
}

// toStore is how long a holder has to store a pair that it has got.
const toStore = 10 * time.Second

// delivered notes that the answer a was sent to the caller of c.
func (w *world) delivered(c *halt, a said) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if h := w.holder(c.by); a.err == nil && !c.left && !h.dead {
		h.got = max(h.got, w.issued.names[a.pair.Refresh.Value.Reveal()]) // a longer name is a newer pair
	}
}

// kept checks that no pair that came to a living holder got lost.
func (w *world) kept() {
	w.mu.Lock()
	defer w.mu.Unlock()
	name := ""
	if s := w.stored(); s != nil && s.Refresh != nil && s.Dead == nil {
		name = w.issued.names[s.Refresh.Token.Value.Reveal()]
	}
	for _, h := range w.holders {
		if !h.dead && h.got > name {
			w.failed("pair in hand lost: %s has got pair %s, and what is in the Store is %q", h.name, h.got, name)
		}
	}
}
