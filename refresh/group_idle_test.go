package refresh

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Without Run, keys that nobody asks for go when others are renewed or come.
func TestGroupDropsIdleKeys(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		idle, set time.Duration
	}{
		{"default", time.Hour, 0},
		{"five minutes", 5 * time.Minute, 5 * time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := &mill{life: 24 * time.Hour}
				g := &Group[string]{Base: m.base, Idle: test.set}
				take(t, g, "idle")
				take(t, g, "in use")
				time.Sleep(test.idle - time.Second)
				first := take(t, g, "in use")
				take(t, g, "new")
				if g.Len() != 3 {
					t.Errorf("Len = %d before Idle is over", g.Len())
				}
				// A look around that was made a moment ago is not repeated.
				time.Sleep(test.idle/10 + time.Second)
				take(t, g, "newer")
				if g.find("idle") != nil || g.Len() != 3 {
					t.Errorf("Len = %d after Idle is over; idle is kept: %t", g.Len(), g.find("idle") != nil)
				}
				if again := take(t, g, "in use"); !again.Equal(first) {
					t.Error("a key that is in use was dropped")
				}
				if len(g.calendar.seconds) > 3 {
					t.Errorf("%d seconds are taken by %d keys", len(g.calendar.seconds), g.Len())
				}
			})
		})
	}
}

func TestGroupKeepsIdleKeysForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &mill{life: 24 * time.Hour}
		g := &Group[string]{Base: m.base, Idle: -1}
		take(t, g, "idle")
		time.Sleep(365 * 24 * time.Hour)
		take(t, g, "new")
		if g.Len() != 2 {
			t.Errorf("Len = %d", g.Len())
		}
	})
}

// To look for idle keys costs as much as there are keys, so that it is done seldom; and
// never where they are kept for ever.
func TestGroupSweepsSeldom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for idle, after := range map[time.Duration]time.Duration{time.Hour: 6 * time.Minute, -1: 0} {
			m := &mill{life: 24 * time.Hour}
			g := &Group[string]{Base: m.base, Idle: idle}
			take(t, g, "a")
			began := g.swept.Load()
			time.Sleep(6*time.Minute - 1)
			if g.sweep(readClock()); g.swept.Load() != began {
				t.Errorf("Idle %v: swept after %v", idle, 6*time.Minute-1)
			}
			time.Sleep(time.Nanosecond)
			if g.sweep(readClock()); g.swept.Load()-began != int64(after) {
				t.Errorf("Idle %v: swept after %v, want %v", idle, time.Duration(g.swept.Load()-began), after)
			}
		}
	})
}

// A key somebody waits on is not idle, however long that takes.
func TestGroupKeepsWhatIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &mill{life: 24 * time.Hour, latency: time.Hour}
		g := &Group[string]{Base: m.base, Idle: time.Minute, Timeout: -1}
		go g.Run(t.Context())
		go g.Token(t.Context(), "a")
		time.Sleep(30 * time.Minute)
		if g.Len() != 1 {
			t.Fatal("the key was dropped")
		}
		began := time.Now()
		take(t, g, "a")
		if took := time.Since(began); took != 30*time.Minute || m.count("") != 1 {
			t.Errorf("%v and %d calls", took, m.count(""))
		}
	})
}

// A map that was large once does not stay so.
func TestGroupShrinks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &mill{life: 24 * time.Hour}
		g := &Group[string]{Base: m.base}
		takeAll(t, g, 1000)
		g.Drop(func(key string) bool { return key != keyOf(0) })
		if g.Len() != 1 || g.most > 1000/8 {
			t.Errorf("%d keys in the room of %d", g.Len(), g.most)
		}
	})
}

// Run renews without anybody asking, as long as the key is not idle.
func TestGroupRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &mill{life: time.Hour}
		g := &Group[string]{Base: m.base, Idle: 3 * time.Hour}
		take(t, g, "a")
		cause := errors.New("the service ends")
		ctx, stop := context.WithCancelCause(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := g.Run(ctx); !errors.Is(err, cause) {
				t.Errorf("Run: %v, want the cause", err)
			}
		})
		time.Sleep(2 * time.Hour)
		if n := m.count("a"); n != 3 {
			t.Errorf("%d calls in two hours, want 3", n)
		}
		began := time.Now()
		take(t, g, "a")
		if time.Since(began) != 0 {
			t.Error("the caller waited")
		}
		time.Sleep(3*time.Hour + 2*time.Second)
		if g.Len() != 0 || len(g.calendar.seconds) != 0 {
			t.Errorf("%d keys are kept, %d seconds taken", g.Len(), len(g.calendar.seconds))
		}
		n := m.count("")
		time.Sleep(3 * time.Hour)
		if m.count("") != n {
			t.Error("a key that is dropped is renewed")
		}
		stop(cause)
		wg.Wait()
	})
}

// Run brings back what failed or was given up, after the pause, and is not held up by
// a lack of turns for longer than there is one.
func TestGroupRunAfterFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &mill{life: time.Hour, latency: 100 * time.Millisecond}
		g := &Group[string]{Base: m.base, Parallel: 10, Idle: -1}
		m.setFail(func(string) error { return errDown })
		for i := range 1000 {
			go g.Token(t.Context(), keyOf(i))
		}
		time.Sleep(11 * time.Second) // each has failed once
		m.setFail(nil)
		before := m.count("")
		go g.Run(t.Context())
		time.Sleep(11 * time.Second) // ten at a time are a hundred a second
		if n := m.count("") - before; n != 1000 || m.busiest != 10 {
			t.Errorf("%d calls, %d at a time; want one for each of 1000 keys, 10 at a time", n, m.busiest)
		}
		for i := range 10 {
			g.Invalidate(keyOf(i), take(t, g, keyOf(i)))
		}
		time.Sleep(2 * time.Second)
		began := time.Now()
		take(t, g, keyOf(0))
		if time.Since(began) != 0 {
			t.Error("nobody replaced the token that was given up")
		}
	})
}

// During the pauses after failures Run does not ask, as callers do not.
func TestGroupRunPauses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &mill{life: time.Hour}
		g := &Group[string]{Base: m.base, Idle: -1}
		m.setFail(func(string) error { return errDown })
		g.Token(t.Context(), "a")
		go g.Run(t.Context())
		time.Sleep(10*time.Minute + time.Second/2)
		// Seven pauses up to a minute, then one or two a minute.
		if n := m.count(""); n < 10 || n > 30 {
			t.Errorf("%d calls in ten minutes", n)
		}
	})
}

// While Run waits for a turn for a key, a caller comes who needs it.
func TestGroupRunMeetsACaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &mill{life: time.Hour}
		g := &Group[string]{Base: m.base, Idle: -1, Parallel: 1}
		m.setFail(func(string) error { return errDown })
		g.Token(t.Context(), "a")
		m.setFail(nil)
		time.Sleep(2 * time.Second)
		m.latency = 10 * time.Second
		go g.Token(t.Context(), "slow")
		synctest.Wait()
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { g.Run(ctx) })
		synctest.Wait()
		began := time.Now()
		take(t, g, "a")
		if took := time.Since(began); took != 20*time.Second || m.count("a") != 2 {
			t.Errorf("after %v and %d calls, want 20s and 2", took, m.count("a"))
		}
		stop()
		wg.Wait()
		if len(g.turns) != 0 {
			t.Errorf("%d turns were not given back", len(g.turns))
		}
	})
}

// What is dropped while Run waits for a turn is not asked for any more, neither the key
// whose turn it would be nor those after it.
func TestGroupRunLeavesOutWhatIsDropped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &mill{life: time.Hour}
		g := &Group[string]{Base: m.base, Parallel: 1}
		takeAll(t, g, 10)
		time.Sleep(50 * time.Minute)
		m.latency = 20 * time.Second
		go g.Token(t.Context(), "slow")
		synctest.Wait()
		stop := during(t, func(ctx context.Context) { g.Run(ctx) })
		synctest.Wait()
		before := m.count("")
		g.Drop(func(key string) bool { return key != "slow" })
		time.Sleep(20 * time.Minute)
		if n := m.count("") - before; n != 0 {
			t.Errorf("%d calls for keys that were dropped", n)
		}
		stop()
		if len(g.turns) != 0 {
			t.Errorf("%d turns were not given back", len(g.turns))
		}
	})
}

// While Run waits for a turn, the attempt of a caller who was faster may end: then
// there is nothing to do, or a pause to be kept.
func TestGroupRunComesTooLate(t *testing.T) {
	t.Parallel()
	for name, ended := range map[string]func(s *Source){
		"well":  func(s *Source) { s.current.Store(&held{due: never, dead: never}) },
		"badly": func(s *Source) { s.notBefore = readClock().add(time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := &mill{life: time.Hour}
				g := &Group[string]{Base: m.base, Parallel: 1}
				take(t, g, "a")
				synctest.Wait()
				g.turns.take()
				time.Sleep(50 * time.Minute)
				stop := during(t, func(ctx context.Context) { g.Run(ctx) })
				synctest.Wait()
				s := &g.find("a").cache
				s.mu.Lock()
				ended(s)
				s.mu.Unlock()
				g.turns.give()
				time.Sleep(30 * time.Second)
				if n := m.count("a"); n != 1 {
					t.Errorf("%d calls, want none after the first", n-1)
				}
				stop()
				if len(g.turns) != 0 {
					t.Errorf("%d turns were not given back", len(g.turns))
				}
			})
		})
	}
}

// Run ends at once, also while it waits for a turn; and whoever holds that goes on.
func TestGroupRunEndsWhileItWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &mill{life: time.Hour}
		g := &Group[string]{Base: m.base, Parallel: 1, Timeout: -1}
		takeAll(t, g, 10)
		time.Sleep(50 * time.Minute)
		m.latency = time.Hour / 4
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- g.Run(ctx) }()
		synctest.Wait()
		stop()
		synctest.Wait()
		select {
		case err := <-ended:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("Run: %v", err)
			}
		default:
			t.Error("Run has not ended")
		}
		time.Sleep(time.Hour / 4)
		if n := m.count(""); n != 11 {
			t.Errorf("%d calls, want one for each key and the one under way", n)
		}
	})
}

// A Run that is over asks for nothing, although turns are free.
func TestGroupRunThatIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &mill{life: time.Hour}
		g := &Group[string]{Base: m.base, Parallel: -1}
		takeAll(t, g, 10)
		time.Sleep(50 * time.Minute)
		ctx, stop := context.WithCancel(t.Context())
		stop()
		if err := g.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
		synctest.Wait()
		if n := m.count(""); n != 10 {
			t.Errorf("%d calls, want none after the first of each key", n-10)
		}
	})
}

// Between its looks Run holds no key, or one that is dropped would stay in memory, with
// its token.
func TestGroupRunHoldsNothing(t *testing.T) {
	t.Parallel()
	m := &mill{life: time.Hour}
	g := &Group[string]{Base: m.base}
	takeAll(t, g, 10)
	for _, member := range g.lookAround(t.Context(), nil) {
		if member != nil {
			t.Fatalf("%s is held", member.key)
		}
	}
}
