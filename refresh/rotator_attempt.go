package refresh

import (
	"context"
	"errors"
)

// A rotation is one attempt to have a pair with an access token to hand out. A
// Rotator makes one at a time. It belongs to no caller, and may go on when all
// of them have been answered.
type rotation struct {
	r     *Rotator
	ctx   context.Context // never done
	began reading
	found sight // what the Store holds
	lock  lock  // if the Store is a Locker
	polls int   // while waiting for another holder

	posted bool // there has been an exchange, and there is to be no other
	missed int  // writes in a row that did not land although nobody else wrote
	late   int  // claims that took too long to be written
	over   bool
}

// run goes on until the rotation is over.
func (t *rotation) run() {
	defer t.lock.release()
	defer func() {
		if !t.over {
			t.fail(errors.New("runtime.Goexit called in Store or OnEvent, which must return"))
		}
	}()
	for !t.over {
		t.step()
	}
}

// step does the next thing that what is in the Store calls for.
func (t *rotation) step() {
	r, now := t.r, t.r.now()
	if t.found.err != nil {
		t.fail(t.found.err)
		return
	}
	r.mu.Lock()
	adopted := r.note(t.found.state, now)
	verdict := r.verdict
	r.mu.Unlock()
	if adopted {
		r.tell(Event{Kind: Adopted, Took: now.since(t.began)})
	}
	p, err := r.plan(t.found.state, now)
	if err != nil {
		t.end(nil, err) // until there is a login
		return
	}
	s, fresh := &p.state, p.access.fresh(now)
	if fresh && s.unresolved() {
		t.answer(p.access, nil)
	}
	switch {
	case p.absent && (fresh || s.Dead != nil || r.foreign(s.Claim)):
		t.restore(p)
	case fresh && !s.unresolved():
		t.succeed(p.access)
	case s.Dead != nil:
		t.end(nil, r.died(s))
	case !t.mayClaim(s, now):
		t.await(now)
	case verdict != nil && verdict.pair.isPair(s):
		t.condemn(*s, verdict.death)
	case t.posted:
		t.end(nil, nil)
	default:
		t.exchange(p)
	}
}

// restore puts a pair into the Store that ought to be there.
func (t *rotation) restore(p plan) {
	if t.write(p.state, p.access) && p.lost {
		t.rolledBack()
	}
}

var errRolledBack = errors.New("refresh: the Store held an older pair than before, or none: it has lost writes, and has been given back the newest pair known here")

func (t *rotation) rolledBack() { t.r.tell(Event{Kind: RolledBack, Err: errRolledBack}) }

// write puts s, whose access token is held as access, in the place of what was
// found, and reports whether that was done. A Store that cannot do it ends the
// rotation.
func (t *rotation) write(s state, access *held) bool {
	before := t.found.state
	err := t.swap(s, access)
	switch {
	case err == nil:
		t.missed = 0
		return true
	case t.found.err != nil:
		t.fail(err)
	case !sameWrite(before, t.found.state):
		t.missed = 0 // somebody else wrote; what they did is looked at next
	case t.missed == maxMissed:
		t.fail(err)
	default:
		t.missed++
	}
	return false
}

// maxMissed is how often in a row a Store is asked once more for a write that
// nobody else's stands in the way of.
const maxMissed = 2

// swap is write for those who know better what to do about an error.
func (t *rotation) swap(s state, access *held) (err error) {
	t.found, err = t.r.swap(t.ctx, t.found, s)
	if err == nil {
		t.r.landed(t.found.state, access, t.r.now())
	}
	return err
}

func sameWrite(a, b *state) bool {
	return a == nil && b == nil || a != nil && b != nil && a.Nonce == b.Nonce
}

// answer gives callers what they wait for; the rotation goes on.
func (t *rotation) answer(access *held, err error) {
	t.settle(access, err, &answer{done: make(chan struct{})})
}

// end gives callers what they wait for, and is the end of the rotation.
func (t *rotation) end(access *held, err error) {
	t.over = true
	t.settle(access, err, nil)
}

func (t *rotation) settle(access *held, err error, next *answer) {
	r := t.r
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.pending
	r.pending = next
	if next == nil {
		r.stuck, r.waitsFor = nil, ""
	}
	a.access, a.err = access, err
	close(a.done)
}

// succeed ends the rotation with an access token.
func (t *rotation) succeed(access *held) {
	t.r.mu.Lock()
	t.r.calm()
	t.r.mu.Unlock()
	t.end(access, nil)
}

// fail ends the rotation with an error, which callers get until a pause is over;
// or, as long as there is one, the access token that is good but due.
func (t *rotation) fail(err error) {
	r, now := t.r, t.r.now()
	r.mu.Lock()
	r.streak++
	next := max(pause(r.streak, r.random), retryAfter(err))
	r.err, r.notBefore = err, now.add(next)
	var access *held
	if r.known != nil {
		access = r.known.access
	}
	e := Event{Kind: Failed, Took: now.since(t.began), Attempt: r.streak, Next: next, Err: r.failure(err, next)}
	r.mu.Unlock()
	if err = e.Err; access.usable(now) {
		err = nil
	} else {
		access = nil
	}
	defer t.end(access, err) // also if OnEvent does not return
	r.tell(e)
}
