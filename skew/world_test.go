package skew

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// world is two machines and what really happens to them. Time passes only when
// a test says so.
type world struct {
	t     testing.TB
	clock Clock // the local machine's idea of the remote one

	mu     sync.Mutex
	passed time.Duration // since the world began

	// The local machine.
	ppm    float64       // how much too fast its oscillator runs
	set    time.Duration // what was added to its wall clock
	halted time.Duration // how long its monotonic clock stood still

	// The remote machine.
	remotePPM float64
	ahead     time.Duration // what was added to its clock
}

var genesis = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newWorld(t testing.TB, offset time.Duration) *world {
	w := &world{t: t, ahead: offset}
	w.clock.read = w.local
	w.clock.OnIgnored = func(o Observation, err error) { t.Errorf("observation left out: %v", err) }
	return w
}

func count(d time.Duration, ppm float64) time.Duration {
	return d + time.Duration(float64(d)*ppm/1e6)
}

// local looks at the local clock.
func (w *world) local() reading {
	w.mu.Lock()
	defer w.mu.Unlock()
	ran := count(w.passed, w.ppm)
	return reading{wall: genesis.Sub(time.Unix(0, 0)) + ran + w.set, mono: ran - w.halted}
}

// remote is what the remote clock shows.
func (w *world) remote() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return genesis.Add(count(w.passed, w.remotePPM) + w.ahead)
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.passed += d
}

// step sets the local wall clock.
func (w *world) step(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.set += d
}

// suspend stops the local machine, whose wall clock is wrong by off when it
// wakes up.
func (w *world) suspend(d, off time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.passed += d
	w.halted += count(d, w.ppm)
	w.set += off
}

// ask lets the clock observe an answer that was so long on its way there and
// back, given by a remote clock that lies by lie and shows only multiples of
// resolution.
func (w *world) ask(there, back, resolution, lie time.Duration) {
	sent := w.local()
	w.pass(there)
	remote := w.remote().Add(lie).Truncate(resolution)
	w.pass(back)
	w.observe(Observation{Remote: remote, Resolution: resolution}, sent, w.local())
}

func (w *world) observe(o Observation, sent, received reading) {
	o.Sent, o.Received = sent.time(0), received.time(0)
	w.clock.observe(o, sent, received)
}

// date asks for an HTTP date on a network of this world's kind.
func (w *world) date(rng *rand.Rand, lie time.Duration) {
	w.ask(between(rng, 2*time.Millisecond, 40*time.Millisecond), between(rng, 3*time.Millisecond, 40*time.Millisecond), time.Second, lie)
}

// off returns how wrong the clock is.
func (w *world) off() time.Duration { return w.clock.Now().Sub(w.remote()) }

// width returns how far apart the bounds are.
func (w *world) width() time.Duration {
	earliest, latest := w.clock.Bounds()
	return latest.Sub(earliest)
}

// checkBounds fails the test if the truth is not within the bounds, or the
// bounds and the estimate do not fit each other.
func (w *world) checkBounds(when string) {
	w.t.Helper()
	earliest, latest := w.clock.Bounds()
	truth, now, e := w.remote(), w.clock.Now(), w.clock.Estimate()
	if truth.Before(earliest) || truth.After(latest) {
		w.t.Fatalf("%s: the remote clock shows %v, which is not within [%v, %v]: it is %v before, %v after; %+v",
			when, truth, earliest, latest, earliest.Sub(truth), truth.Sub(latest), *w.clock.state.Load())
	}
	if now.Before(earliest) || now.After(latest) {
		w.t.Fatalf("%s: Now is %v, which is not within [%v, %v]", when, now, earliest, latest)
	}
	if off := w.off(); off.Abs() > e.Error {
		w.t.Fatalf("%s: Now is off by %v, more than the Error of %v", when, off, e.Error)
	}
}

// checkView checks what exactly the clock makes of its observations.
func (w *world) checkView(what string, offset, lo, hi time.Duration, samples int) {
	w.t.Helper()
	want := view{offset: offset, lo: lo, hi: hi, samples: samples}
	if diff := cmp.Diff(want, w.clock.view(w.local()), cmp.AllowUnexported(view{})); diff != "" {
		w.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func between(rng *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(rng.Int64N(int64(most-least)+1))
}
