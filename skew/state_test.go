package skew

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A reading that may be old moves the clock up to it and never down.
func TestAtLeast(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	atLeast := func(ahead time.Duration) {
		now := w.local()
		w.observe(Observation{Remote: now.time(ahead), AtLeast: true}, reading{}, now)
	}
	atLeast(-time.Hour)
	w.checkView("a token an hour old", 0, 0, 0, 1)
	atLeast(time.Minute)
	w.checkView("a token from the future", time.Minute, time.Minute, time.Minute, 2)
	atLeast(-time.Minute)
	w.checkView("an older one", time.Minute, time.Minute, time.Minute, 3)

	w.pass(10000 * time.Second)
	w.checkView("hours later", 59*time.Second, 59*time.Second, 59*time.Second, 3)
	w.step(-time.Hour)
	w.checkView("the local clock set back", 58*time.Second, 58*time.Second, 58*time.Second, 3)
	w.step(2 * time.Hour)
	w.checkView("the local clock set forward, perhaps", 0, 0, 0, 3)

	now := w.local()
	w.observe(Observation{Remote: now.time(90 * time.Second), Resolution: time.Second}, now, now)
	w.checkView("a date", 90*time.Second+500*time.Millisecond, 90*time.Second, 91*time.Second, 4)
	atLeast(90*time.Second + 200*time.Millisecond)
	w.checkView("a lower bound within it", 90*time.Second+500*time.Millisecond, 90*time.Second+200*time.Millisecond, 91*time.Second, 5)
	atLeast(90*time.Second + 800*time.Millisecond)
	w.checkView("a lower bound above the middle", 90*time.Second+800*time.Millisecond, 90*time.Second+800*time.Millisecond, 91*time.Second, 6)
	atLeast(2 * time.Hour)
	w.checkView("a lower bound that contradicts", 2*time.Hour, 90*time.Second+800*time.Millisecond, 2*time.Hour, 1)
	w.observe(Observation{Remote: now.time(91 * time.Second)}, now, now)
	w.checkView("and is refuted", 91*time.Second, 91*time.Second, 91*time.Second, 7)
}

// What the local clock's owner does to it between two observations.
func TestLocalClockDisturbed(t *testing.T) {
	t.Parallel()
	const width = time.Second
	for _, tt := range []struct {
		name    string
		disturb func(*world)
		lo, hi  time.Duration // what is added to the bounds, besides slack
		offset  time.Duration // what is added to the estimate
		slack   time.Duration
	}{
		{"nothing", func(*world) {}, 0, 0, 0, 0},
		{"slewed", func(w *world) { w.step(50 * time.Millisecond) }, -50 * time.Millisecond, 0, 0, 0},
		{"set forward", func(w *world) { w.step(10000 * time.Second) }, -10000 * time.Second, 0, 0, resumed + time.Second},
		{"set back", func(w *world) { w.step(-10000 * time.Second) }, 0, 10000 * time.Second, 10000 * time.Second, resumed + time.Second},
		{"suspended", func(w *world) { w.suspend(10000*time.Second, 0) }, -10000 * time.Second, 0, 0, resumed + time.Second},
		{"waited and set back by as much", func(w *world) { w.pass(10000 * time.Second); w.step(-10000 * time.Second) }, 0, 10000 * time.Second, 10000 * time.Second, resumed + time.Second},
		{"waited", func(w *world) { w.pass(10000 * time.Second) }, 0, 0, 0, time.Second},
		{"set forward and back", func(w *world) { w.step(time.Hour); w.step(-time.Hour) }, 0, 0, 0, 0},
		{"set back for decades", func(w *world) { w.step(-50 * 365 * 24 * time.Hour) }, 0, 50 * 365 * 24 * time.Hour, 50 * 365 * 24 * time.Hour, resumed + 50*365*24*time.Hour/drift},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 90*time.Second)
			w.clock.Max = -1
			w.ask(0, 0, width, 0)
			before := w.clock.view(w.local())
			tt.disturb(w)
			if strings.HasPrefix(tt.name, "set") || tt.name == "slewed" {
				w.checkBounds("after it")
			}
			want := []time.Duration{before.lo + tt.lo - tt.slack, before.offset + tt.offset, before.hi + tt.hi + tt.slack}
			after := w.clock.view(w.local())
			if diff := cmp.Diff(want, []time.Duration{after.lo, after.offset, after.hi}, cmp.Transformer("rounded", round)); diff != "" {
				t.Errorf("lowest, offset, highest (-want +got):\n%s", diff)
			}
			// The next observation says which it was.
			w.ask(0, 0, width, 0)
			w.checkBounds("after the next observation")
			if got := w.width(); got > width+time.Millisecond {
				t.Errorf("bounds are %v apart after the next observation", got)
			}
		})
	}
}

// Answers come in another order than their times.
func TestOvertaken(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(4, 2))
	for range 200 {
		w := newWorld(t, time.Minute)
		w.remotePPM = 90
		type answer struct {
			o              Observation
			sent, received reading
		}
		var answers []answer
		for range 10 {
			w.pass(between(rng, 0, time.Hour))
			a := answer{sent: w.local()}
			w.pass(between(rng, 0, time.Second))
			a.o = Observation{Remote: w.remote(), Resolution: 0}
			w.pass(between(rng, 0, time.Second))
			a.received = w.local()
			answers = append(answers, a)
		}
		rng.Shuffle(len(answers), func(i, j int) { answers[i], answers[j] = answers[j], answers[i] })
		for _, a := range answers {
			w.observe(a.o, a.sent, a.received)
			w.checkBounds("out of order")
		}
		if got := w.clock.Estimate().Samples; got != len(answers) {
			t.Fatalf("%d samples, want %d: one was taken for a contradiction", got, len(answers))
		}
	}

	// What is known now is not forgotten for what was known before.
	w := newWorld(t, time.Minute)
	early := w.local()
	w.pass(time.Hour)
	w.ask(0, 0, 1, 0)
	want := w.clock.Estimate()
	w.observe(Observation{Remote: early.time(time.Minute)}, early, early)
	want.Samples++
	if diff := cmp.Diff(want, w.clock.Estimate()); diff != "" {
		t.Errorf("Estimate after an overtaken answer (-want +got):\n%s", diff)
	}
}

// A second observation decides between two estimates only if it agrees with
// just one of them.
func TestUndecided(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 0)
	exactly := func(offset, resolution time.Duration) {
		now := w.local()
		w.observe(Observation{Remote: now.time(offset), Resolution: resolution}, now, now)
	}
	exactly(0, 10)
	exactly(100, 10)
	w.checkView("contradicted", 105, 0, 110, 1)
	exactly(5, 100)
	w.checkView("agrees with both", 102, 5, 105, 2)
	exactly(200, 10)
	w.checkView("agrees with neither", 205, 5, 210, 1)
	exactly(0, 6)
	w.checkView("agrees with the first", 5, 5, 6, 3)
	exactly(100, 10)
	exactly(101, 10)
	w.checkView("agrees with the second", 105, 101, 110, 2)

	// Neither estimate stops ageing while it waits.
	exactly(200, 10)
	w.pass(drift * 1000)
	exactly(30000, 10)
	w.checkView("aged", 30005, 101-1000, 30010, 1)
	w.pass(drift * 1000)
	w.checkView("aged again", 30005, 101-2000, 30010+1000, 1)
}
