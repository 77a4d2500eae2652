package refresh

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

// A claim says that a Rotator is exchanging the pair, and for how long others
// have to leave that to it. It is a duration, in seconds, counted by each from
// when it first saw the claim: no two machines agree what time it is.
type claim struct {
	Rotator string  `json:"rotator"` // random, one for each Rotator in each process
	Holder  string  `json:"holder"`  // for people
	Lease   float64 `json:"lease"`
}

func (c *claim) lease() time.Duration { return time.Duration(c.Lease * float64(time.Second)) }

// foreign reports whether c is a claim of another Rotator.
func (r *Rotator) foreign(c *claim) bool { return c != nil && c.Rotator != r.id }

// A watch is when the value that is in the Store now was first seen there, by
// the monotonic clock: while this machine is suspended, others may not be, but
// what they did in that time is not to be guessed at. It survives rotations.
type watch struct {
	nonce string
	since int64
}

func (w *watch) note(s *state, now reading) {
	if s.Nonce != w.nonce {
		*w = watch{s.Nonce, now.mono}
	}
}

// mayClaim reports whether s can be claimed: whoever claims it now is gone. Where
// the Store has locks, it is if the lock can be had; elsewhere, once its claim
// has stood unchanged for a whole lease.
func (t *rotation) mayClaim(s *state, now reading) bool {
	if t.locker() != nil {
		return t.locked()
	}
	return t.leaseLeft(s, now) <= 0
}

func (t *rotation) leaseLeft(s *state, now reading) time.Duration {
	if s == nil || !t.r.foreign(s.Claim) {
		return 0
	}
	t.r.mu.Lock()
	defer t.r.mu.Unlock()
	if t.r.watched.nonce != s.Nonce {
		return s.Claim.lease()
	}
	return s.Claim.lease() - time.Duration(now.mono-t.r.watched.since)
}

const (
	firstPoll   = 10 * time.Millisecond
	longestPoll = 500 * time.Millisecond
)

// await waits a while for another holder, and looks into the Store again.
func (t *rotation) await(now reading) {
	r := t.r
	t.waitsFor(t.found.state)
	d := min(firstPoll<<min(t.polls, 10), longestPoll)
	t.polls++
	d = d/2 + r.random(d/2+1)
	if t.locker() == nil {
		d = max(1, min(d, t.leaseLeft(t.found.state, now)))
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-t.lock.done:
		if t.lock.err != nil {
			t.fail(t.lock.err)
			return
		}
	case <-timer.C:
	}
	t.found = r.look(t.ctx)
}

// waitsFor says in callers' errors who claims the pair.
func (t *rotation) waitsFor(s *state) {
	holder := "another holder"
	if s != nil && s.Claim != nil {
		holder = fmt.Sprintf("%q", clip(s.Claim.Holder, maxHolder))
	}
	t.r.mu.Lock()
	defer t.r.mu.Unlock()
	t.r.waitsFor = holder
}

// claim writes a claim of the planned pair, and returns the state with it, if
// there is time left for an exchange.
//
// The time is counted from before the claim was sent, on both clocks: others
// count from when they first saw it, which may be as early. And a claim that has
// been written proves that the Store can be written to, before anything is spent.
func (t *rotation) claim(p plan) (state, bool) {
	r, s := t.r, p.state
	timeout, lease := r.times()
	takesOver := r.foreign(s.Claim)
	r.mu.Lock()
	s.Unknown = s.Unknown || takesOver || r.unsure == s.Number
	r.mu.Unlock()
	s.Claim = &claim{Rotator: r.id, Holder: holder(), Lease: lease.Seconds()}
	sent := r.now()
	if !t.write(s, p.access) {
		return s, false
	}
	if p.lost {
		t.rolledBack()
	}
	if takesOver {
		r.tell(Event{Kind: TookOver, Took: r.now().since(t.began)})
	}
	if gone := r.now().since(sent); gone > lease-timeout {
		if t.late++; t.late > maxMissed {
			t.fail(fmt.Errorf("claiming the pair took %v of the lease of %v, so that an exchange might not end in time: the Store is too slow, or the Lease too short", gone.Round(time.Millisecond), lease))
		}
		return s, false // and claim it again
	}
	return *t.found.state, true
}

// holder names this process for people.
func holder() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return clip(host, maxHolder-20) + " " + strconv.Itoa(os.Getpid())
}
