package refresh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/skew"
	"github.com/tokenlife/tokenlife/token"
)

// A Source is a [token.Source] that caches the tokens of another and replaces
// each before it dies. Set its fields before first use; it must not be copied
// afterwards.
type Source struct {
	// Base supplies new tokens. Required. Calls to it do not overlap, unless
	// one ignores its context and outlasts Timeout.
	Base token.Source

	// Timeout bounds each attempt to get a token; 0 means 30 seconds, negative
	// means no bound.
	Timeout time.Duration

	// Clock tells the issuer's time, for tokens that say when they expire but
	// not how long they have left; nil means the local clock.
	Clock *skew.Clock

	// Store, if not nil, keeps the token under Key, so that a program that
	// runs briefly and often, or as many replicas, need not get a new one each
	// time. It holds the token in the clear. Machines that share a Store are
	// presumed to agree within [skew.DefaultLeeway] what time it is. A Store
	// that fails is reported to OnEvent and done without. No caller waits for it
	// to be written: a program that ends at once may leave it as it was.
	Store Store
	Key   string

	// OnEvent, if not nil, is told what happens. It is called before callers
	// waiting for the outcome go on, at times from several goroutines, and
	// must not block.
	OnEvent func(Event)

	// current is read without a lock by every call; it is replaced under mu.
	current atomic.Pointer[held]

	// mu guards what follows. It is never held across a wait.
	mu        sync.Mutex
	attempt   *attempt // under way, or nil
	streak    int      // attempts in a row that brought no new token, or a refused one
	notBefore reading  // when the next attempt may begin
	err       error    // of the last attempt

	pace  pace           // for glance
	clock func() reading // nil means the machine's; for tests

	// A Group has its Sources take turns, and plans when their tokens are due.
	turns turns
	plan  planner // nil means at random
}

// New returns a Source that caches the tokens of base.
func New(base token.Source) *Source { return &Source{Base: base} }

// Format implements [fmt.Formatter]: what a Source holds is not printed, and may
// change meanwhile.
func (s *Source) Format(f fmt.State, verb rune) { io.WriteString(f, "refresh.Source") }

// Token implements [token.Source]. It returns the cached token if there is a
// usable one, and otherwise waits for a new one until ctx is done. The token's
// ExpiresIn and RefreshIn are as they are at the moment it returns.
//
// Without a usable token the error is an [*Error], or wraps that of ctx.
func (s *Source) Token(ctx context.Context) (t token.Token, err error) {
	now := s.glance()
	if h := s.current.Load(); h != nil && s.fresh(h, now) {
		// Straight into the result: by way of a copy it takes a tenth longer.
		t = h.token
		h.countDown(&t, now)
		return t, nil
	}
	return s.waitForToken(ctx)
}

// glance reads the clocks as now does, but takes it that the wall clock has not
// been set in the last millisecond. See [pace] for where that is good enough.
func (s *Source) glance() reading {
	if s.clock != nil {
		return s.clock()
	}
	return s.pace.read()
}

// now reads the clocks.
func (s *Source) now() reading {
	if s.clock != nil {
		return s.clock()
	}
	return readClock()
}

func (s *Source) fresh(h *held, now reading) bool {
	return !now.reached(h.due) && !(h.byClock && s.pastExpiry(h))
}

func (s *Source) usable(h *held, now reading) bool {
	return !now.reached(h.dead) && !(h.byClock && s.pastExpiry(h))
}

// pastExpiry reports whether a token judged by the clock is dead by what the
// Clock says now, which may be other than what it said when the token came.
func (s *Source) pastExpiry(h *held) bool {
	return s.Clock != nil && timeLeft(h.token, s.Clock) <= h.margin
}

// waitForToken is Token for a token that is not fresh.
func (s *Source) waitForToken(ctx context.Context) (token.Token, error) {
	for {
		now := s.now()
		h, a, err := s.step(ctx, now)
		if h != nil {
			return h.at(now), nil
		}
		if err != nil {
			return token.Token{}, err
		}
		select {
		case <-a.done:
		case <-ctx.Done():
			s.leave(a)
			return token.Token{}, fmt.Errorf("refresh: no token yet: %w", ctx.Err())
		}
		if a.err != nil {
			return token.Token{}, a.err
		}
	}
}

// step starts an attempt if one is due and allowed. It returns what a caller
// gets: the token to use, or the attempt to wait for, or why there is neither.
func (s *Source) step(ctx context.Context, now reading) (*held, *attempt, error) {
	if err := s.configured(); err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.current.Load()
	if h != nil && s.fresh(h, now) {
		return h, nil, nil
	}
	usable := h != nil && s.usable(h, now)
	if s.attempt == nil {
		switch delay := max(0, now.until(s.notBefore)); {
		case delay == 0:
			if turn := s.turns.take(); turn || !usable {
				s.start(ctx, 0, turn)
			}
		case !usable && s.err == nil && delay <= shortestPause:
			// The last token came a moment ago and hardly lived. Better wait
			// for the next than fail.
			s.start(ctx, delay, false)
		}
	}
	switch {
	case usable:
		return h, nil, nil
	case s.attempt != nil:
		s.attempt.callers++
		return nil, s.attempt, nil
	}
	return nil, nil, s.failure(now)
}

// configured returns an error if a field that is needed is not set.
func (s *Source) configured() error {
	switch {
	case s.Base == nil:
		return errors.New("refresh: Source.Base is nil: set it to the Source whose tokens to keep fresh")
	case s.Store != nil && s.Key == "":
		return errors.New("refresh: Source.Key is empty: a Store needs a key to keep the token under")
	}
	return nil
}

var errExhausted = errors.New("the same token again and again from Base, and it has expired")

// failure returns why there is no token and no attempt. The caller holds mu.
func (s *Source) failure(now reading) error {
	err := s.err
	if err == nil {
		err = errExhausted
	}
	return &Error{Attempts: s.streak, Next: max(0, now.until(s.notBefore)), Err: err}
}

// Invalidate implements [token.Invalidator]: it gives up t, if that is the
// token in use, so that the next caller waits for another. What it does about
// tokens refused one after the other is in the package comment. A Base that is
// an Invalidator is told as well, so that it does not supply t again.
func (s *Source) Invalidate(t token.Token) {
	if base, ok := s.Base.(token.Invalidator); ok {
		_ = panics.Call("Base", func() error { base.Invalidate(t); return nil })
	}
	now := s.now()
	s.mu.Lock()
	h := s.current.Load()
	if h == nil || h.standing != good || !h.token.Equal(t) {
		s.mu.Unlock()
		return
	}
	refused := *h
	if patience := pause(s.streak, atRandom) - now.since(h.received); s.streak > 0 && patience > 0 {
		refused.standing = doubted
		refused.due = now.add(patience).sooner(h.dead)
		s.notBefore = refused.due
		s.streak++
	} else {
		refused.standing = rejected
		refused.due, refused.dead = reading{}, reading{}
		s.notBefore = now
		s.streak = 1
	}
	s.current.Store(&refused)
	e := Event{Kind: Refused, Attempt: s.streak, Next: max(0, now.until(s.notBefore)), Offset: s.offset()}
	s.mu.Unlock()
	s.tell(e)
}

func (s *Source) tell(e Event) {
	if s.OnEvent != nil {
		// A panic here must not take the program along.
		_ = panics.Call("OnEvent", func() error { s.OnEvent(e); return nil })
	}
}

// offset returns what the Clock knows, for events.
func (s *Source) offset() time.Duration {
	if s.Clock == nil {
		return 0
	}
	return s.Clock.Estimate().Offset
}
