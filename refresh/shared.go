package refresh

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/token"
)

// storedToken is what a Source keeps in its Store, version 1.
type storedToken struct {
	Version int          `json:"v"`
	Nonce   string       `json:"nonce"` // makes every value written a new one
	Token   token.Record `json:"token"`
}

const storedVersion = 1

// storeTimeout bounds a call to the Store: one that hangs must not use up the
// time in which Base could answer.
const storeTimeout = 5 * time.Second

func (s *Source) storeKey() string { return "source/" + s.Key }

// load returns the value in the Store, if there is one, and the token in it, if
// that is worth using: not due, and not the one that is held or was refused.
func (s *Source) load(ctx context.Context, asked reading) (value []byte, h *held) {
	if s.Store == nil {
		return nil, nil
	}
	err := s.callStore(ctx, "reading", func(ctx context.Context) (err error) {
		value, err = s.Store.Get(ctx, s.storeKey())
		return err
	})
	if err != nil || value == nil {
		return nil, nil
	}
	var stored storedToken
	if err := json.Unmarshal(value, &stored); err != nil || stored.Version != storedVersion {
		s.storeFailed(fmt.Errorf("refresh: the Store holds something else under %q: it will be replaced", s.storeKey()))
		return value, nil
	}
	if h = revive(stored.Token, asked, s.Clock, atRandom); h == nil || !s.fresh(h, asked) {
		return value, nil
	}
	if before := s.current.Load(); before != nil && before.token.Equal(h.token) {
		return value, nil
	}
	return value, h
}

// save puts t into the Store, in the place of the value that load found. If
// somebody else was faster, theirs is as good.
func (s *Source) save(ctx context.Context, old []byte, t token.Token, asked reading) {
	if s.Store == nil {
		return
	}
	received := time.Unix(0, asked.wall)
	var expires time.Time
	switch {
	case t.ExpiresIn > 0:
		expires = received.Add(t.ExpiresIn)
	case !t.Expiry.IsZero():
		expires = t.Expiry
	}
	s.callStore(ctx, "writing", func(ctx context.Context) error {
		value, err := json.Marshal(storedToken{storedVersion, rand.Text(), token.Record{Token: t, Received: received}})
		if err != nil {
			return err
		}
		_, err = s.Store.Swap(ctx, s.storeKey(), old, value, expires)
		return err
	})
}

// callStore calls f within the Store's share of the time that ctx has left, and
// reports a failure to OnEvent.
func (s *Source) callStore(ctx context.Context, doing string, f func(context.Context) error) error {
	timeout := storeTimeout
	if deadline, ok := ctx.Deadline(); ok {
		timeout = min(timeout, time.Until(deadline)/4)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := panics.Call("Store", func() error { return f(ctx) })
	if err != nil {
		s.storeFailed(fmt.Errorf("refresh: %s %q in the Store: %w", doing, s.storeKey(), err))
	}
	return err
}

func (s *Source) storeFailed(err error) {
	s.tell(Event{Kind: StoreFailed, Offset: s.offset(), Err: err})
}
