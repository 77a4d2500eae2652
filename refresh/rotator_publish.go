package refresh

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/token"
)

// longestPublish is how long a Rotator keeps trying by itself to store a pair.
// After that it tries when it is called.
const longestPublish = time.Hour

// publish keeps a pair that has come from the issuer, with the error err: first
// in memory, and then in the Store, in the place of the claim. From then on no
// crash can lose it.
//
// If the Store fails, callers get the access token all the same. The rotation
// goes on without them, and keeps the lock, if there is one, since nobody else
// has anything but a spent refresh token to exchange.
func (t *rotation) publish(next *known, err error) {
	r := t.r
	r.mu.Lock()
	r.inHand(next)
	r.mu.Unlock()
	began := r.now()
	for try := 0; !t.stored(next); try++ {
		failed := t.found.err
		if failed == nil {
			if !next.ahead(t.found.state) {
				t.disown(next)
				return
			}
			if failed = t.swap(next.state, next.access); failed == nil {
				break
			}
		}
		if try > 0 || t.found.err != nil {
			failed = fmt.Errorf("the new pair could not be stored, and is lost if this process ends now: %w", failed)
			if r.now().since(began) > longestPublish {
				t.fail(failed)
				return
			}
			t.stick(next, failed, err)
			time.Sleep(pause(try, r.random))
			t.found = r.look(t.ctx)
		}
	}
	now := r.now()
	switch {
	case err != nil:
		t.fail(err)
	case next.access == nil:
		t.fail(errors.New("the answer of the issuer had a refresh token, which is kept, but no access token"))
	case !next.access.usable(now):
		t.fail(fmt.Errorf("the access token from Exchanger has only %v left, too little to be sent", next.access.at(now).ExpiresIn.Round(time.Millisecond)))
	default:
		at := next.access.at(now)
		r.tell(Event{Kind: Exchanged, Took: now.since(t.began), ExpiresIn: max(0, at.ExpiresIn), Next: at.RefreshIn})
		t.succeed(next.access)
	}
}

// stored reports whether the Store was seen to have the pair. It may have got it
// from a write that seemed to have failed, or from another holder whose exchange
// had the same answer.
func (t *rotation) stored(next *known) bool {
	s := t.found.state
	if t.found.err != nil || s == nil || !s.isPair(&next.state) {
		return false
	}
	t.r.landed(s, next.access, t.r.now())
	return true
}

// stick says that a pair could not be stored, and gives it to callers.
func (t *rotation) stick(next *known, failed, err error) {
	r := t.r
	r.mu.Lock()
	r.stuck = failed
	r.mu.Unlock()
	r.tell(Event{Kind: Unsaved, Took: r.now().since(t.began), Err: r.failure(failed, 0)})
	switch {
	case err != nil:
		t.answer(nil, r.failure(err, 0))
	case next.access.usable(r.now()):
		t.answer(next.access, nil)
	default:
		t.answer(nil, r.failure(failed, 0))
	}
}

// disown gives up a pair for the one that is in the Store. If that is a logout,
// this pair must not outlive it.
func (t *rotation) disown(next *known) {
	r := t.r
	if s := t.found.state; s == nil || s.Refresh != nil || r.Revoke == nil {
		return
	}
	if err := r.revoke(t.ctx, next.state.Refresh.Token.Value); err != nil {
		r.tell(Event{Kind: Failed, Err: r.failure(err, 0)})
	}
}

// revoke calls Revoke.
func (r *Rotator) revoke(ctx context.Context, refresh token.Secret) error {
	timeout, _ := r.times()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := panics.Call("Revoke", func() error { return r.Revoke(ctx, refresh) }); err != nil {
		return fmt.Errorf("revoking the refresh token: %w", err)
	}
	return nil
}
