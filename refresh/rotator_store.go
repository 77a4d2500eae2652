package refresh

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/internal/panics"
)

// A sight is what a look into the Store found.
type sight struct {
	raw   []byte
	state *state // nil if there is nothing
	err   error  // of the look, or that raw cannot be read
}

// store returns the Store to use.
func (r *Rotator) store() Store {
	if r.Store == nil {
		return r.memory
	}
	return r.Store
}

func (r *Rotator) storeKey() string { return "pair/" + r.Key }

// look reads the Store.
func (r *Rotator) look(ctx context.Context) (found sight) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	err := panics.Call("Store", func() (err error) {
		found.raw, err = r.store().Get(ctx, r.storeKey())
		return err
	})
	if err != nil {
		return sight{err: fmt.Errorf("reading the Store: %w", err)}
	}
	if found.raw != nil {
		if found.state, err = decode(found.raw); err != nil {
			found.err = fmt.Errorf("the value under %q in the Store %w", r.storeKey(), err)
		}
	}
	return found
}

// maxDeaf is how many looks into a Store may be under way that nobody waits for
// any more.
const maxDeaf = 64

// peek is look for a caller, who leaves when ctx is done even if the Store
// takes no notice of that.
func (r *Rotator) peek(ctx context.Context) sight {
	r.mu.Lock()
	deaf := r.deaf >= maxDeaf
	r.mu.Unlock()
	if deaf {
		return sight{err: fmt.Errorf("reading the Store: %d calls of Get have not returned: it ignores its context", maxDeaf)}
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	seen, left := make(chan sight, 1), false
	go func() {
		found := sight{err: errors.New("runtime.Goexit called in Store, which must return")}
		defer func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			seen <- found
			if left {
				r.deaf--
			}
		}()
		found = r.look(ctx)
	}()
	select {
	case found := <-seen:
		return found
	case <-ctx.Done():
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case found := <-seen:
		return found
	default:
		left = true
		r.deaf++
		return sight{err: fmt.Errorf("reading the Store: %w", ctx.Err())}
	}
}

var errNotTaken = errors.New("the Store did not take it, and holds what it held before")

// swap puts s in the place of what was found, and returns what the Store holds
// now, and nil if that is s.
//
// That the Store says no, or fails, proves nothing: what lies between may have
// repeated a write that had landed. The nonce of what is there tells.
func (r *Rotator) swap(ctx context.Context, found sight, s state) (sight, error) {
	if found.state != nil {
		s.Writes = max(s.Writes, found.state.Writes)
	}
	s.Writes++
	s.Nonce = rand.Text()
	raw, err := s.encode()
	if err != nil {
		return found, err
	}
	short, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	taken := false
	err = panics.Call("Store", func() (err error) {
		taken, err = r.store().Swap(short, r.storeKey(), found.raw, raw, s.expires(time.Unix(0, r.now().wall)))
		return err
	})
	if taken && err == nil {
		return sight{raw: raw, state: &s}, nil
	}
	if err == nil {
		err = errNotTaken
	}
	err = fmt.Errorf("writing to the Store: %w", err)
	found = r.look(ctx)
	if found.state != nil && found.state.Nonce == s.Nonce {
		return found, nil
	}
	return found, err
}
