package main

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// floor is the least that a cache can do: load the token, read the clock,
// compare, return.
type floor struct{ current atomic.Pointer[issued] }

//go:noinline
func (f *floor) token() string {
	if t := f.current.Load(); time.Now().Before(t.expiry) {
		return t.text
	}
	return ""
}

func (f *floor) ask(context.Context) (string, error) { return f.token(), nil }

func (f *floor) spin(_ context.Context, n int) {
	for range n {
		f.token()
	}
}

// hotPath measures what a call costs that finds a fresh token, in processor
// time, so that it does not matter how many processors the machine has to spare
// at the moment. It goes by the least of many short turns, since whatever else
// runs only ever adds.
func hotPath(r *report) error {
	const most = 1.2 // times the floor
	rounds := pick(r, 100, 2)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))

	up := &upstream{life: time.Hour}
	base := new(floor)
	base.current.Store(up.make(0))
	lanes := []*lane{{cache: base}}
	for _, c := range contenders() {
		l := &lane{cache: c.open(up)}
		if c.bare != nil {
			l.bare = c.bare()
		}
		if _, err := l.cache.ask(context.Background()); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		lanes = append(lanes, l)
	}

	for _, mode := range []struct {
		name       string
		goroutines int
	}{
		{"fresh token: ns a call", 1},
		{"  on 2 processors", 2},
		{"  from 64 goroutines", 64},
	} {
		r.progress(mode.name)
		for _, l := range lanes {
			l.reset(mode.goroutines)
		}
		for round := range rounds {
			for i := range lanes {
				lanes[(i+round)%len(lanes)].turn()
			}
		}
		ns := make([]float64, len(lanes))
		for i, l := range lanes {
			ns[i] = l.best - l.bareBest
		}
		ratio := ns[1] / ns[0]
		r.add(row{
			name:  mode.name,
			cells: each(ns[1:], func(x float64) string { return fmt.Sprintf("%.1f", x) }),
			ratio: fmt.Sprintf("%.2f × %.1f", ratio, ns[0]),
			bar:   fmt.Sprintf("≤ %.1f, first", most),
			ok:    ratio <= most && ns[1] < slices.Min(ns[2:]),
			timed: true,
		})
	}

	allocs := each(lanes[1:], func(l *lane) string { return fmt.Sprint(l.allocs()) })
	r.add(row{name: "  allocations", cells: allocs, bar: "0", ok: allocs[0] == "0"})
	return nil
}

// A lane is one of those who take turns.
type lane struct {
	cache, bare cache // bare may be nil: see contender.bare

	goroutines     int
	calls          int     // a turn
	best, bareBest float64 // nanoseconds a call, of all turns
}

// reset forgets the turns, and sees to it that one takes about four
// milliseconds: not much more than a scheduler's slice, so that many are
// undisturbed.
func (l *lane) reset(goroutines int) {
	l.goroutines, l.calls = goroutines, 1000
	l.calls = max(1000, int(4e6/l.time(l.cache)))
	l.best, l.bareBest = math.Inf(1), 0
	if l.bare != nil {
		l.bareBest = math.Inf(1)
	}
}

func (l *lane) turn() {
	l.best = min(l.best, l.time(l.cache))
	if l.bare != nil {
		l.bareBest = min(l.bareBest, l.time(l.bare))
	}
}

// time returns how many nanoseconds a call of c takes.
func (l *lane) time(c cache) float64 {
	ctx := context.Background()
	each := l.calls / l.goroutines
	began := settledTime()
	if l.goroutines == 1 {
		c.spin(ctx, each)
	} else {
		var all sync.WaitGroup
		for range l.goroutines {
			all.Go(func() { c.spin(ctx, each) })
		}
		all.Wait()
	}
	return float64(settledTime()-began) / float64(each*l.goroutines)
}

// settledTime returns the processor time used. A thread's is not counted for
// certain before it rests.
func settledTime() time.Duration {
	time.Sleep(200 * time.Microsecond)
	return processorTime()
}

// allocs returns how many allocations a call makes.
func (l *lane) allocs() float64 {
	count := func(c cache) float64 {
		return testing.AllocsPerRun(100, func() { c.spin(context.Background(), 1) })
	}
	n := count(l.cache)
	if l.bare != nil {
		n -= count(l.bare)
	}
	return n
}
