package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/token"
)

const (
	// storeTimeout bounds one call of the Store, and with that a request that
	// finds it hanging.
	storeTimeout = 3 * time.Second

	// writeTimeout bounds what is written with several calls. It does not end
	// with who asked for it.
	writeTimeout = 10 * time.Second

	// storeMargin is how much longer than a session can last its entries are
	// kept. The Store's clock need not be ours.
	storeMargin = 5 * time.Minute

	// maxTries bounds how often an entry is written again because it did not
	// land, or because somebody else wrote it in between.
	maxTries = 8
)

// errUnreadable is matched by the error for a value that this program cannot
// read. The Store is not away then: somebody may have written there that the
// session is over.
var errUnreadable = errors.New("the value cannot be read: does another program, or a newer one, write there?")

// A deaf counts the calls of a Store that nobody waits for any more.
type deaf struct{ calls atomic.Int64 }

// maxDeaf is how many of them there may be.
const maxDeaf = 256

// ask calls f, which calls a Store, and returns what waits for it: until it
// returns, ctx is done or its time is over, whether the Store takes notice of
// that or not.
func ask[V any](ctx context.Context, d *deaf, f func(context.Context) (V, error)) (wait func() (V, error)) {
	if d.calls.Load() >= maxDeaf {
		return func() (none V, err error) {
			return none, fmt.Errorf("%d calls have not returned: it ignores its context", maxDeaf)
		}
	}
	type answer struct {
		value V
		err   error
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	answered := make(chan answer, 1)
	var over atomic.Bool // for whoever comes second: the call or the one who waits
	go func() {
		a := answer{err: errors.New("it called runtime.Goexit, and must return")}
		defer func() {
			answered <- a
			if over.Swap(true) {
				d.calls.Add(-1)
			}
		}()
		a.err = panics.Call("Manager.Store", func() (err error) {
			a.value, err = f(ctx)
			return err
		})
	}()
	return func() (V, error) {
		defer cancel()
		select {
		case a := <-answered:
			return a.value, a.err
		case <-ctx.Done():
		}
		d.calls.Add(1)
		if over.Swap(true) {
			d.calls.Add(-1)
			a := <-answered
			return a.value, a.err
		}
		var none V
		return none, ctx.Err()
	}
}

// read begins to read an entry, and returns what waits for it.
func (m *Manager[T]) read(ctx context.Context, key string) (wait func() ([]byte, error)) {
	return ask(ctx, &m.deaf, func(ctx context.Context) ([]byte, error) { return m.Store.Get(ctx, key) })
}

// swap puts new in the place of old. Neither false nor an error says that it did
// not.
func (m *Manager[T]) swap(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
	return ask(ctx, &m.deaf, func(ctx context.Context) (bool, error) {
		return m.Store.Swap(ctx, key, old, new, expires)
	})()
}

// detached returns a context for what goes on when ctx is done, but not for ever.
func detached(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
}

// away tells that the Store could not do what was asked for the session of e, and
// returns the error for it.
func (m *Manager[T]) away(what string, e Event, err error) error {
	e.Kind, e.Err = StoreAway, foreign(what, err)
	m.tell(e)
	return e.Err
}

// foreign returns err, of a Store, under our name. Whatever it says of tokens is
// left to its text: it is about none that we were shown.
func foreign(what string, err error) error {
	if errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrRefused) || errors.Is(err, ErrNoSession) {
		err = errors.New(err.Error())
	}
	return fmt.Errorf("session: %s: %w", what, err)
}

// kept returns until when the Store keeps what it is told of s: longer than any
// copy of s is good.
func (m *Manager[T]) kept(s *Session[T]) time.Time {
	return m.storeTime(s.Began.Add(m.lifetime()).Add(storeMargin))
}

// storeTime returns at by the Store's clock: as long from now as it is by Now,
// which a test may have set anywhere.
func (m *Manager[T]) storeTime(at time.Time) time.Time {
	if m.Now == nil {
		return at
	}
	return time.Now().Add(at.Sub(m.Now()))
}

// hash returns 32 characters that stand for text.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}
