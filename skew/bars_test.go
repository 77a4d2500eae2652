package skew

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var offsets = []time.Duration{0, 10 * time.Minute, -10 * time.Minute, 90 * time.Second, -90 * time.Second}

// One response tells the offset to a second.
func TestOneResponse(t *testing.T) {
	t.Parallel()
	for _, offset := range offsets {
		t.Run(offset.String(), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(uint64(offset), 1))
			for range 2000 {
				w := newWorld(t, offset)
				w.pass(between(rng, 0, time.Second)) // any phase of the second
				// Up to 200 ms, and as lopsided as can be.
				trip := between(rng, 0, 200*time.Millisecond)
				there := between(rng, 0, trip)
				w.ask(there, trip-there, time.Second, 0)
				if off := w.off(); off.Abs() > time.Second {
					t.Fatalf("off by %v after one response", off)
				}
				w.checkBounds("after one response")
			}
		})
	}
}

// Forty of them tell it to a tenth of a second.
func TestFortyDates(t *testing.T) {
	t.Parallel()
	for _, offset := range offsets {
		t.Run(offset.String(), func(t *testing.T) {
			t.Parallel()
			var offs []time.Duration
			for seed := range uint64(400) {
				rng := rand.New(rand.NewPCG(uint64(offset), seed))
				w := newWorld(t, offset)
				for range 40 {
					w.pass(between(rng, 100*time.Millisecond, 3*time.Second))
					w.date(rng, 0)
				}
				w.checkBounds("after forty responses")
				offs = append(offs, w.off().Abs())
			}
			slices.Sort(offs)
			t.Logf("off by %v in the middle case, %v in the worst of %d", offs[len(offs)/2], offs[len(offs)-1], len(offs))
			if worst := offs[len(offs)-1]; worst > 100*time.Millisecond {
				t.Errorf("off by %v after forty responses, want at most 100ms", worst)
			}
		})
	}
}

// A remote clock that was set is followed from the first response on, and for
// certain from the second.
func TestRemoteStep(t *testing.T) {
	t.Parallel()
	for _, step := range []time.Duration{-10 * time.Minute, -2 * time.Second, 2 * time.Second, 10 * time.Minute} {
		t.Run(step.String(), func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(200) {
				rng := rand.New(rand.NewPCG(uint64(step), seed))
				w := newWorld(t, 90*time.Second)
				for range 10 {
					w.pass(between(rng, 0, 10*time.Second))
					w.date(rng, 0)
				}
				w.ahead += step
				w.pass(between(rng, 0, 10*time.Second))
				w.date(rng, 0)
				w.checkBounds("after one response")
				if off := w.off(); off.Abs() > time.Second {
					t.Fatalf("off by %v after one response", off)
				}
				if got := w.width(); got < step.Abs()-time.Second {
					t.Fatalf("bounds are %v apart after one response: they do not cover the old estimate", got)
				}
				if got := w.clock.Estimate(); got.Samples != 1 || got.Error < step.Abs()-time.Second {
					t.Fatalf("Estimate = %+v after one response, want 1 sample and the old estimate covered", got)
				}
				w.pass(between(rng, 0, 10*time.Second))
				w.date(rng, 0)
				w.checkBounds("after two responses")
				if got := w.width(); got > 1500*time.Millisecond {
					t.Fatalf("bounds are still %v apart after two responses", got)
				}
				if got := w.clock.Estimate().Samples; got != 2 {
					t.Fatalf("Estimate has %d samples, want 2", got)
				}
			}
		})
	}
}

// Among good answers a wrong one, even one of every two, never makes a holder
// believe that a dead token lives, or that one not yet valid is: the truth
// stays within the bounds.
func TestLiar(t *testing.T) {
	t.Parallel()
	for _, lie := range []time.Duration{-23 * time.Hour, -10 * time.Minute, -3 * time.Second, 3 * time.Second, time.Hour} {
		t.Run(lie.String(), func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(100) {
				rng := rand.New(rand.NewPCG(uint64(lie), seed))
				w := newWorld(t, 10*time.Second)
				for i := range 60 {
					w.pass(between(rng, 0, 20*time.Second))
					liar := i > 0 && i%2 == 0
					if liar {
						w.date(rng, lie)
					} else {
						w.date(rng, 0)
					}
					w.checkBounds(fmt.Sprintf("answer %d, liar %t", i, liar))
					if got := w.width(); i > 0 && !liar && got > 1500*time.Millisecond {
						t.Fatalf("bounds are still %v apart after the next good answer", got)
					}
				}
			}
		})
	}
}

// Liars that contradict each other as well do not push out the estimate that
// they all contradict.
func TestManyLiars(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 1))
	w := newWorld(t, 0)
	for range 5 {
		w.pass(1300 * time.Millisecond)
		w.date(rng, 0)
	}
	for i := range 50 {
		w.pass(time.Second)
		w.date(rng, time.Duration(i-25)*time.Hour/2+time.Minute)
		w.checkBounds(fmt.Sprintf("liar %d", i))
	}
	w.date(rng, 0)
	if got := w.width(); got > 1500*time.Millisecond {
		t.Errorf("bounds are %v apart after a good answer", got)
	}
}
