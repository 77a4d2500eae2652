package skew

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// As long as all observations are honest the truth is within the bounds, at
// every moment, whatever the network, the oscillators, the lid of the laptop and
// its operator do.
func TestHonestBoundsHold(t *testing.T) {
	t.Parallel()
	const worlds, events = 400, 60
	checked := 0
	for seed := range uint64(worlds) {
		rng := rand.New(rand.NewPCG(seed, 7))
		w := newWorld(t, between(rng, -12*time.Hour, 12*time.Hour))
		w.ppm, w.remotePPM = rng.Float64()*99-49.5, rng.Float64()*99-49.5
		resolutions := []time.Duration{1, time.Millisecond, time.Second, time.Second, time.Minute}
		// A suspend hides a step back that comes before the next observation:
		// see Bounds.
		suspended, setBack := false, false
		for i := range events {
			var what string
			switch rng.IntN(8) {
			case 0, 1, 2:
				w.ask(between(rng, 0, 4*time.Second), between(rng, 0, 4*time.Second), resolutions[rng.IntN(len(resolutions))], 0)
				what, suspended, setBack = "observation", false, false
			case 3:
				back := between(rng, 0, 2*time.Hour)
				remote := w.remote()
				w.pass(back)
				w.observe(Observation{Remote: remote.Truncate(time.Second), AtLeast: true}, reading{}, w.local())
				what, suspended, setBack = "lower bound", false, false
			case 4:
				w.pass(between(rng, 0, 20*time.Millisecond) << rng.IntN(24))
				what = "waiting"
			case 5:
				if setBack {
					continue
				}
				w.suspend(between(rng, 2*time.Second, 30*time.Hour), between(rng, -900*time.Millisecond, 900*time.Millisecond))
				what, suspended = "suspend", true
			case 6:
				w.step(between(rng, 0, 20*time.Hour) >> rng.IntN(20))
				what = "step forward"
			case 7:
				if suspended {
					continue
				}
				w.step(-between(rng, 0, 20*time.Hour) >> rng.IntN(20))
				what, setBack = "step back", true
			}
			if s := w.clock.state.Load(); s != nil && !s.newest.open() {
				w.checkBounds(fmt.Sprintf("world %d, event %d, %s", seed, i, what))
				checked++
			}
			if w.local().time(0).Sub(w.remote()).Abs() > 22*time.Hour {
				break // about to leave Max
			}
		}
	}
	if checked < worlds*events/2 {
		t.Errorf("only %d moments were looked at", checked)
	}
}
