package main

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"
	"time"
)

// A runner does one thing, such as verifying a token, in turns with others that
// do the same, or a part of it.
type runner struct {
	do    func() error
	calls int       // a turn
	turns []float64 // microseconds a call in each turn
}

// takeTurns has all runners take a turn each, again and again. So whatever else
// the machine does meanwhile, it does to all of them. They stay on the
// goroutine they are called on, whose processor time is what counts.
func takeTurns(rounds int, rs ...*runner) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, x := range rs {
		if err := x.calibrate(); err != nil {
			return err
		}
	}
	for round := range rounds {
		for i := range rs {
			x := rs[(i+round)%len(rs)]
			took, err := x.turn()
			if err != nil {
				return err
			}
			x.turns = append(x.turns, took)
		}
	}
	return nil
}

// calibrate sees to it that a turn takes about half a millisecond: much less than
// a scheduler's slice, so that many are undisturbed.
func (x *runner) calibrate() error {
	x.calls, x.turns = 1, nil
	least := math.Inf(1)
	for began := threadTime(); threadTime()-began < 5*time.Millisecond; {
		took, err := x.turn()
		if err != nil {
			return err
		}
		least = min(least, took)
	}
	x.calls = max(1, int(500/least))
	return nil
}

// turn returns how many microseconds of processor time a call takes.
func (x *runner) turn() (float64, error) {
	began := threadTime()
	for range x.calls {
		if err := x.do(); err != nil {
			return 0, err
		}
	}
	return float64((threadTime() - began).Nanoseconds()) / 1000 / float64(x.calls), nil
}

// time returns how many microseconds a call takes on a quiet machine: what one
// turn in 25 did not take. Whatever else runs makes most of them longer. The
// least would not do, since now and then a processor hurries for a moment.
func (x *runner) time() float64 { return x.timeIn(0, len(x.turns)) }

// timeIn is time by the turns from..to.
func (x *runner) timeIn(from, to int) float64 {
	turns := slices.Sorted(slices.Values(x.turns[from:to]))
	return turns[len(turns)/25]
}

// allocs returns how many allocations a call makes.
func (x *runner) allocs() float64 {
	return testing.AllocsPerRun(100, func() { x.do() })
}

// micros is the cell of a time in microseconds.
func micros(x float64) string { return fmt.Sprintf("%.2f", x) }

// count is the cell of a number that is whole.
func count(x float64) string { return fmt.Sprintf("%.0f", x) }
