package refresh

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/token"
)

const (
	defaultTimeout = 30 * time.Second

	// overrun is how much longer than its Timeout an attempt may take to say
	// itself why it failed, before the Source goes on without it.
	overrun = 100 * time.Millisecond
)

// An attempt to get a token, which any number of callers wait for.
type attempt struct {
	done chan struct{}
	err  error // an *Error or nil; set before done is closed

	// Guarded by mu of the Source.
	turn    bool // it has its turn
	callers int  // who wait for it
}

// start begins an attempt, after a delay; turn says whether it has its turn already.
// The caller holds mu.
func (s *Source) start(ctx context.Context, delay time.Duration, turn bool) {
	a := &attempt{done: make(chan struct{}), turn: turn}
	s.attempt = a
	go s.run(context.WithoutCancel(ctx), a, delay)
}

// run makes the attempt a, and settles it whatever happens.
func (s *Source) run(ctx context.Context, a *attempt, delay time.Duration) {
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-a.done: // called off
			return
		}
	}
	if !s.await(a) {
		return
	}
	asked := s.now()
	defer s.fail(a, asked, errors.New("runtime.Goexit called in Base, which must return"))

	timeout := s.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
		defer time.AfterFunc(timeout+overrun, func() {
			s.fail(a, asked, fmt.Errorf("no return from Base after %v: it ignores its context", timeout))
		}).Stop()
	}

	stored, h := s.load(ctx, asked)
	if h != nil {
		s.succeed(a, asked, h, Loaded)
		return
	}
	var t token.Token
	err := panics.Call("Base", func() (err error) {
		t, err = s.Base.Token(ctx)
		return err
	})
	if err == nil && t.IsZero() {
		err = errors.New("empty token and no error from Base")
	}
	if err != nil {
		s.fail(a, asked, err)
		return
	}
	if s.succeed(a, asked, hold(t, asked, s.Clock, s.planner()), Obtained) {
		s.save(context.WithoutCancel(ctx), stored, t, asked)
	}
}

// succeed ends a with the token h, and reports whether it is a new one. It does
// nothing if a has ended already.
func (s *Source) succeed(a *attempt, asked reading, h *held, kind Kind) bool {
	now := s.now()
	if !s.usable(h, now) {
		s.fail(a, asked, s.expiredOnArrival(h))
		return false
	}
	s.mu.Lock()
	if s.attempt != a {
		s.mu.Unlock()
		return false
	}
	before := s.current.Load()
	again := before != nil && before.token.Equal(h.token)
	next := shortestPause
	switch {
	case again && h.token.RefreshIn <= 0:
		s.streak++
		next = pause(s.streak, atRandom)
	case before == nil || before.standing == good:
		s.streak = 0
	}
	switch {
	case again:
		kind = Unchanged
		next = max(next, h.token.RefreshIn)
		h.again(before, now, next)
		// A Base that keeps its tokens longer than this Source hands them out may
		// have another when this one is dead: a pause is no reason to fail then.
		if left := now.until(h.dead); left > 0 {
			next = min(next, max(shortestPause, left))
		}
	case kind == Obtained && before != nil && s.usable(before, now):
		kind = Renewed
	}
	s.err = nil
	s.notBefore = now.add(next)
	s.attempt = nil
	s.turns.give()
	s.current.Store(h)
	e := Event{
		Kind:      kind,
		Took:      now.since(asked),
		Attempt:   s.streak,
		ExpiresIn: max(0, h.at(now).ExpiresIn),
		Next:      max(next, now.until(h.due)),
		Offset:    s.offset(),
	}
	s.mu.Unlock()
	defer close(a.done) // also if OnEvent does not return
	s.tell(e)
	return kind != Unchanged
}

// fail ends a with an error. It does nothing if a has ended already.
func (s *Source) fail(a *attempt, asked reading, err error) {
	now := s.now()
	s.mu.Lock()
	if s.attempt != a {
		s.mu.Unlock()
		return
	}
	s.streak++
	next := max(pause(s.streak, atRandom), retryAfter(err))
	s.err = ours(err)
	s.notBefore = now.add(next)
	s.attempt = nil
	s.turns.give()
	a.err = s.failure(now)
	e := Event{
		Kind:    Failed,
		Took:    now.since(asked),
		Attempt: s.streak,
		Next:    next,
		Offset:  s.offset(),
		Err:     s.err,
	}
	s.mu.Unlock()
	defer close(a.done) // also if OnEvent does not return
	s.tell(e)
}

// expiredOnArrival explains why h cannot be used although it has just come.
func (s *Source) expiredOnArrival(h *held) error {
	if !h.byClock {
		return fmt.Errorf("the token from Base has only %v left, too little to be sent", h.token.ExpiresIn.Round(time.Millisecond))
	}
	clock := "this machine's clock"
	if s.Clock != nil {
		clock = "Source.Clock"
	}
	return fmt.Errorf("the token from Base expired %v ago by %s: is that clock right? (a Base that says ExpiresIn needs none)",
		-timeLeft(h.token, s.Clock).Round(time.Millisecond), clock)
}
