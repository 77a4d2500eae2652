package skew

import (
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"time"
)

// leftOut is one observation that was left out.
type leftOut struct {
	o   Observation
	err error
}

// ignoredBy makes c record what it leaves out.
func ignoredBy(c *Clock) *[]leftOut {
	var mu sync.Mutex
	out := new([]leftOut)
	c.OnIgnored = func(o Observation, err error) {
		mu.Lock()
		defer mu.Unlock()
		*out = append(*out, leftOut{o, err})
	}
	return out
}

func TestLeftOut(t *testing.T) {
	t.Parallel()
	remote := at(60)
	for _, tt := range []struct {
		name string
		o    Observation
		want string // in the error; empty: observed
	}{
		{"good", Observation{Sent: at(0), Received: at(1), Remote: remote}, ""},
		{"as long as may be", Observation{Sent: at(0), Received: at(10), Remote: remote}, ""},
		{"too long", Observation{Sent: at(0), Received: at(10).Add(1), Remote: remote}, "took 10.000000001s, more than 10s"},
		{"received before sent", Observation{Sent: at(1), Received: at(0), Remote: remote}, "before it was sent"},
		{"no Remote", Observation{Sent: at(0), Received: at(1)}, "needs Remote"},
		{"no Received", Observation{Sent: at(0), Remote: remote}, "needs Remote and Received"},
		{"no Sent", Observation{Received: at(0), Remote: remote}, "needs Sent"},
		{"no Sent, lower bound", Observation{Received: at(0), Remote: remote, AtLeast: true}, ""},
		{"lower bound, no Remote", Observation{Received: at(0), AtLeast: true}, "needs Remote"},
		{"negative resolution", Observation{Sent: at(0), Received: at(1), Remote: remote, Resolution: -time.Hour}, ""},
		{"endless resolution", Observation{Sent: at(0), Received: at(1), Remote: remote, Resolution: math.MaxInt64}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := Clock{read: func() reading { return readingOf(at(10)) }}
			ignored := ignoredBy(&c)
			c.Observe(tt.o)
			if tt.want == "" {
				if len(*ignored) != 0 || c.Estimate().Samples != 1 {
					t.Errorf("left out: %v", *ignored)
				}
				if earliest, latest := c.Bounds(); latest.Before(earliest) {
					t.Errorf("Bounds = %v, %v", earliest, latest)
				}
				return
			}
			if c.Estimate().Samples != 0 {
				t.Errorf("was observed: %+v", c.Estimate())
			}
			if len(*ignored) != 1 || !strings.Contains((*ignored)[0].err.Error(), tt.want) || !strings.HasPrefix((*ignored)[0].err.Error(), "skew: ") {
				t.Fatalf("reported: %v, want one error with %q", *ignored, tt.want)
			}
			if got := (*ignored)[0]; errors.Is(got.err, ErrTooFar) || !got.o.Remote.Equal(tt.o.Remote) {
				t.Errorf("reported %v for %+v", got.err, got.o)
			}
			(&Clock{}).Observe(tt.o) // nobody to tell
		})
	}
}

// A clock that is set, or stops, while a reading is under way makes it useless.
func TestDisturbedUnderWay(t *testing.T) {
	t.Parallel()
	for name, disturb := range map[string]func(*world){
		"set forward": func(w *world) { w.step(time.Second) },
		"set back":    func(w *world) { w.step(-time.Minute) },
		"suspended":   func(w *world) { w.suspend(5*time.Second, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, time.Minute)
			ignored := ignoredBy(&w.clock)
			sent := w.local()
			w.pass(time.Second)
			remote := w.remote()
			disturb(w)
			w.observe(Observation{Remote: remote}, sent, w.local())
			if len(*ignored) != 1 || w.clock.Estimate().Samples != 0 {
				t.Errorf("observed: %+v, left out: %v", w.clock.Estimate(), *ignored)
			}
		})
	}
	t.Run("stopped for a moment", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, time.Minute)
		sent, remote := w.local(), w.remote()
		w.suspend(slewed, 0)
		w.observe(Observation{Remote: remote}, sent, w.local())
		w.checkBounds("after it")
	})
	t.Run("drifting", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, time.Minute)
		w.remotePPM = 99
		w.ask(0, 10*time.Second, 0, 0)
		w.checkBounds("after it")
	})
	t.Run("slewed", func(t *testing.T) {
		t.Parallel()
		for _, by := range []time.Duration{-slewed, slewed} {
			w := newWorld(t, time.Minute)
			sent := w.local()
			w.step(by)
			w.pass(50 * time.Millisecond)
			w.observe(Observation{Remote: w.remote()}, sent, w.local())
			w.checkBounds("slewed by " + by.String())
		}
	})
}

func TestMax(t *testing.T) {
	t.Parallel()
	const hour = time.Hour
	for _, tt := range []struct {
		name    string
		max     time.Duration
		ahead   time.Duration
		atLeast bool
		follow  bool
	}{
		{"default", 0, 23 * hour, false, true},
		{"default, beyond", 0, 25 * hour, false, false},
		{"default, behind", 0, -23 * hour, false, true},
		{"default, beyond behind", 0, -25 * hour, false, false},
		{"an hour", hour, hour, false, true},
		{"an hour, beyond", hour, hour + 1, false, false},
		{"an hour, beyond behind", hour, -hour - time.Second - 1, false, false},
		{"no limit", -1, 100 * 365 * 24 * hour, false, true},
		{"no limit, behind", -1, -100 * 365 * 24 * hour, false, true},
		{"no limit but what can be counted", -1, 200 * 365 * 24 * hour, false, false},
		{"the longest there is", math.MaxInt64, 200 * 365 * 24 * hour, false, false},
		{"lower bound", hour, 2 * hour, true, false},
		{"lower bound, old", hour, -1000 * hour, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 0)
			w.clock.Max = tt.max
			ignored := ignoredBy(&w.clock)
			w.ask(0, 0, 1, 0)
			now := w.local()
			w.observe(Observation{Remote: now.time(tt.ahead), Resolution: time.Second, AtLeast: tt.atLeast}, now, now)
			if tt.follow {
				if len(*ignored) != 0 {
					t.Errorf("not followed: %v", (*ignored)[0].err)
				}
				return
			}
			if len(*ignored) != 1 || !errors.Is((*ignored)[0].err, ErrTooFar) {
				t.Fatalf("reported %v, want one ErrTooFar", *ignored)
			}
			t.Log((*ignored)[0].err)
			if got := w.clock.Estimate(); got.Offset.Abs() > time.Millisecond || got.Error > time.Millisecond {
				t.Errorf("followed: %+v", got)
			}
		})
	}
}
