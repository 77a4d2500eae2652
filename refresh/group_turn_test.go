package refresh

import (
	"context"
	"errors"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// underWay returns how many attempts there are, waiting for their turns or not. Each is
// a goroutine.
func underWay(g *Group[string]) (n int) {
	for _, m := range g.list(nil) {
		m.cache.mu.Lock()
		if m.cache.attempt != nil {
			n++
		}
		m.cache.mu.Unlock()
	}
	return n
}

func TestGroupTakesTurns(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name           string
		parallel, want int
	}{
		{"default", 0, 64},
		{"one", 1, 1},
		{"no bound", -1, 200},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := &mill{life: time.Hour, latency: time.Second}
				g := &Group[string]{Base: m.base, Parallel: test.parallel}
				began := time.Now()
				takeAll(t, g, 200)
				rounds := (200 + test.want - 1) / test.want
				if took := time.Since(began); m.busiest != test.want || took != time.Duration(rounds)*time.Second {
					t.Errorf("%d at a time, in %v; want %d in %d s", m.busiest, took, test.want, rounds)
				}
				if len(g.turns) != 0 {
					t.Errorf("%d turns were not given back", len(g.turns))
				}
			})
		})
	}
}

// Timeout bounds an attempt without the time it waits for its turn.
func TestGroupTimeoutBeginsWithTheTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &mill{life: time.Hour, latency: 9 * time.Second}
		var mu sync.Mutex
		var slowest time.Duration
		g := &Group[string]{Base: m.base, Parallel: 1, Timeout: 10 * time.Second, OnEvent: func(_ string, e Event) {
			mu.Lock()
			defer mu.Unlock()
			slowest = max(slowest, e.Took)
		}}
		takeAll(t, g, 10)
		if slowest != 9*time.Second {
			t.Errorf("an attempt took %v, want 9s", slowest)
		}
	})
}

// While no turn is free, a key that is due goes on with its good token, and costs no
// goroutine; the next call after that renews it.
func TestGroupDueKeyDoesNotQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &mill{life: time.Hour}
		g := &Group[string]{Base: m.base, Parallel: 1}
		takeAll(t, g, 100)
		time.Sleep(50 * time.Minute) // all are due
		m.latency = time.Second
		for range 10 {
			for i := range 100 {
				take(t, g, keyOf(i))
			}
		}
		synctest.Wait()
		if n := underWay(g); n != 1 {
			t.Errorf("%d attempts for 100 keys that are due, with one turn", n)
		}
		if n := m.count(""); n != 101 {
			t.Errorf("%d calls, want 100 and the one whose turn it is", n)
		}
		for range 99 {
			time.Sleep(time.Second + time.Millisecond)
			for i := range 100 {
				take(t, g, keyOf(i))
			}
		}
		time.Sleep(time.Second)
		if n := m.count(""); n != 200 || m.busiest != 1 {
			t.Errorf("%d calls in the end, want two for each key; %d at a time", n, m.busiest)
		}
	})
}

var bubble = regexp.MustCompile(`synctest bubble \d+`)

// started returns how many goroutines this package has started in the bubble of the
// caller, or outside of bubbles if it is in none. What the tests before have left does
// not count in a bubble: it ends at any moment.
func started() (n int) {
	text := make([]byte, 1<<20)
	stacks := strings.Split(string(text[:runtime.Stack(text, true)]), "\n\n")
	bubbleOf := func(stack string) string {
		head, _, _ := strings.Cut(stack, "\n")
		return bubble.FindString(head)
	}
	here := bubbleOf(stacks[0]) // the first is the caller's own
	for _, stack := range stacks {
		if bubbleOf(stack) == here && strings.Contains(stack, "created by github.com/tokenlife/tokenlife/refresh.(*") {
			n++
		}
	}
	return n
}

// Callers that come while no turn is free, and leave again, leave nothing behind. Not
// parallel: it counts the goroutines of the process.
func TestGroupAttemptIsCalledOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mill{life: time.Hour, latency: time.Minute}
		g := &Group[string]{Base: m.base, Parallel: 1, Timeout: -1}
		go g.Token(t.Context(), "slow")
		synctest.Wait()
		slow := started()

		stays, leaves := context.Background(), make([]context.CancelFunc, 0, 100)
		var wg sync.WaitGroup
		for i := range 100 {
			ctx, cancel := context.WithCancel(t.Context())
			leaves = append(leaves, cancel)
			wg.Go(func() {
				if _, err := g.Token(ctx, keyOf(i%50)); !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
			})
		}
		wg.Go(func() {
			if _, err := g.Token(stays, keyOf(0)); err != nil {
				t.Errorf("who stays: %v", err)
			}
		})
		synctest.Wait()
		before := g.find(keyOf(0)).cache.attempt
		for _, leave := range leaves {
			leave()
		}
		synctest.Wait()
		if g.find(keyOf(0)).cache.attempt != before {
			t.Error("the attempt that somebody waits for was called off, and has lost its place in the queue")
		}
		if n := started() - slow; n != 1 {
			t.Errorf("%d attempts of this process beside the slow one, want that of who stayed", n)
		}
		if n := underWay(g); n != 2 {
			t.Errorf("%d attempts, want that of the slow key and that of who stayed", n)
		}
		wg.Wait()
		if n := m.count(""); n != 2 {
			t.Errorf("%d calls, want one for the slow key and one for who stayed", n)
		}
		take(t, g, keyOf(1)) // as if nothing had been
		if len(g.turns) != 0 {
			t.Errorf("%d turns were not given back", len(g.turns))
		}
	})
}

// An attempt that has its turn goes on, also if all leave who waited for it.
func TestGroupAttemptGoesOnInItsTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &mill{life: time.Hour, latency: time.Second}
		g := &Group[string]{Base: m.base, Parallel: 1}
		go g.Token(t.Context(), "first")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		if _, err := g.Token(ctx, "second"); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
		began := time.Now()
		take(t, g, "second")
		if took := time.Since(began); took != 500*time.Millisecond || m.count("second") != 1 {
			t.Errorf("%v and %d calls later there is a token, want 500ms and 1", took, m.count("second"))
		}
		take(t, g, "third")
	})
}

// A token that hardly lives has its next attempt wait for a second. It holds no turn
// meanwhile, and is called off if all who wait for it leave.
func TestGroupPauseHoldsNoTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &mill{life: 100 * time.Millisecond}
		g := &Group[string]{Base: m.base, Parallel: 1}
		for i := range 20 {
			key := keyOf(i)
			take(t, g, key)
			time.Sleep(200 * time.Millisecond)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			if _, err := g.Token(ctx, key); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("got %v, want to have waited", err)
			}
			began := time.Now()
			take(t, g, key+" other")
			if waited := time.Since(began); waited != 0 {
				t.Errorf("another key waited %v for its turn", waited)
			}
			time.Sleep(2 * time.Second)
			take(t, g, key)
			if n := m.count(key); n != 2 || len(g.turns) != 0 {
				t.Fatalf("%d calls, %d turns taken", n, len(g.turns))
			}
		}
	})
}

// An attempt that is called off while a turn becomes free does not take it.
func TestCalledOffTakesNoTurn(t *testing.T) {
	t.Parallel()
	s := &Source{turns: make(turns, 1)}
	for range 100 { // which of the two it sees first is chance
		a := &attempt{done: make(chan struct{})}
		close(a.done)
		if s.await(a) || len(s.turns) != 0 {
			t.Fatal("it took the turn")
		}
	}
}

// Callers who come and go during such a second leave nothing behind either. Not
// parallel: it counts the goroutines of the process.
func TestGroupPauseIsCalledOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mill{life: 100 * time.Millisecond}
		g := &Group[string]{Base: m.base}
		take(t, g, "a")
		time.Sleep(200 * time.Millisecond)
		before := started()
		for range 100 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			if _, err := g.Token(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("got %v, want to have waited", err)
			}
		}
		synctest.Wait()
		if n := started() - before; n != 0 {
			t.Errorf("%d attempts are left behind", n)
		}
	})
}

// That is so in a Group. A Source by itself goes on.
func TestPauseOutlastsItsCallers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		base := &issuer{life: 100 * time.Millisecond}
		s := New(base)
		get(t, s)
		time.Sleep(200 * time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		s.Token(ctx)
		time.Sleep(2 * time.Second)
		if n := base.count(); n != 2 {
			t.Errorf("%d calls to Base, want 2", n)
		}
	})
}

// Without a bound keys are renewed as with one.
func TestGroupWithoutBound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &mill{life: time.Hour}
		g := &Group[string]{Base: m.base, Parallel: -1}
		take(t, g, "a")
		time.Sleep(50 * time.Minute)
		take(t, g, "a")
		synctest.Wait()
		if n := m.count("a"); n != 2 {
			t.Errorf("%d calls, want 2", n)
		}
		m.life = 100 * time.Millisecond
		take(t, g, "brief")
		time.Sleep(200 * time.Millisecond)
		take(t, g, "brief") // after a pause
	})
}

// A Base that ends its goroutine, or fails, gives its turn back.
func TestGroupTurnComesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &mill{life: time.Hour}
		g := &Group[string]{Parallel: 1, Base: func(key string) token.Source {
			if key == "exits" {
				return token.SourceFunc(func(context.Context) (token.Token, error) { runtime.Goexit(); return token.Token{}, nil })
			}
			return m.base(key)
		}}
		if _, err := g.Token(t.Context(), "exits"); err == nil || !strings.Contains(err.Error(), "Goexit") {
			t.Errorf("got %v", err)
		}
		m.setFail(func(string) error { return errDown })
		if _, err := g.Token(t.Context(), "fails"); !errors.Is(err, errDown) {
			t.Errorf("got %v", err)
		}
		m.setFail(nil)
		take(t, g, "good")
	})
}
