package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/skew"
	"github.com/tokenlife/tokenlife/token"
)

// A story tells what happens, as it happens, and remembers what the summary
// needs.
type story struct {
	screen *screen
	began  time.Time
	source *watched
	clock  skew.Clock // the issuer's, as measured from here

	mu        sync.Mutex
	tokens    int           // how many have come
	life      time.Duration // of the newest,
	dies      time.Time     // and when that ends; zero if it was refused
	told      time.Duration // how sure the clock was when that was last told
	refreshes int           // while the token before was still good
	failures  int
	first     wait // for the first token
	later     wait // for all others
}

// A wait is how many callers had to wait for a token, and how long at most.
type wait struct {
	callers int64
	longest time.Duration
}

func (w *wait) add(callers int64, d time.Duration) {
	w.callers += callers
	w.longest = max(w.longest, d)
}

// tell prints a line: when, who, what.
func (s *story) tell(who string, c colour, format string, args ...any) {
	what := s.screen.paint(c, fmt.Sprintf(format, args...))
	s.screen.print(fmt.Sprintf("%6.2fs  %-6s  %s", time.Since(s.began).Seconds(), who, what))
}

// event is the OnEvent of the Source.
func (s *story) event(e refresh.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := max(0, time.Until(s.dies))
	switch e.Kind {
	case refresh.Obtained:
		s.took(e)
		waiting := s.source.inside.Load()
		if s.tokens == 1 {
			s.first.add(waiting, e.Took)
		} else {
			s.later.add(waiting, e.Took)
		}
		s.tell("source", green, "has token %d: %d callers waited %v for it", s.tokens, waiting, short(e.Took))
		s.tellClock()
	case refresh.Renewed:
		s.took(e)
		s.refreshes++
		s.tell("source", green, "refreshed %v early: has token %d; nobody waited", short(left), s.tokens)
		s.tellClock()
	case refresh.Failed:
		s.failures++
		s.tell("source", yellow, "backs off %v (%v); token %d has %v left", short(e.Next), e.Err, s.tokens, short(left))
	case refresh.Refused:
		s.dies = time.Time{}
		s.tell("source", yellow, "gives up token %d: what was refused is sent again with the next", s.tokens)
	default:
		s.tell("source", plain, "%v", e)
	}
}

// took notes the arrival of a token.
func (s *story) took(e refresh.Event) {
	s.tokens++
	s.life = e.ExpiresIn
	s.dies = time.Now().Add(e.ExpiresIn)
}

// tellClock tells what is known of the issuer's clock, if that has become much
// better.
func (s *story) tellClock() {
	known := s.clock.Estimate()
	if known.Samples == 0 || s.told > 0 && known.Error > s.told/2 {
		return
	}
	s.told = known.Error
	where := "ahead"
	if known.Offset < 0 {
		known.Offset, where = -known.Offset, "behind"
	}
	s.tell("clock", plain, "the issuer's is %v %s, give or take %.2gs",
		known.Offset.Round(100*time.Millisecond), where, known.Error.Seconds())
}

// status is the line at the bottom of the screen.
func (s *story) status(c *callers) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := max(0, time.Until(s.dies))
	part := 0.0
	if left > 0 {
		part = min(1, left.Seconds()/s.life.Seconds())
	}
	return fmt.Sprintf("token %-2d %s %3.1fs left   %d requests, %d in trouble",
		s.tokens, s.screen.bar(24, part), left.Seconds(), c.requests.Load(), c.unauthorized.Load()+c.failed.Load())
}

// watched is a refresh.Source that counts the callers inside of Token: those who
// wait, since all others leave at once.
type watched struct {
	*refresh.Source
	inside atomic.Int64
}

// Token implements [token.Source].
func (w *watched) Token(ctx context.Context) (token.Token, error) {
	w.inside.Add(1)
	defer w.inside.Add(-1)
	return w.Source.Token(ctx)
}

// short rounds d for people.
func short(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(10 * time.Millisecond)
}
