package dashboard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokenlife/tokenlife/token/jwt"
)

// A KeyHolder is a jwt.KeySet of the keys that somebody else keeps, such as a
// Secret kubernetes-dashboard-key-holder. It reads them anew in the background at
// the first use after 5 minutes, and when a session turns up that no key opens,
// but not more often than once in 10 seconds; while they cannot be read it goes on
// with those it has.
//
// Set its fields before first use. It is then safe for concurrent use, and must
// not be copied.
type KeyHolder struct {
	// Load returns the keys, in PEM: one or several private keys, the first of
	// which makes sessions. Public keys beside them, as in the Secret's "pub", do
	// no harm, and labels are not looked at. Its context ends after 10 seconds,
	// and nobody waits for it longer. Required.
	Load func(ctx context.Context) ([]byte, error)

	// OnLoad, if not nil, is called after each call of Load with its outcome: the
	// error, or nil. While there are keys from before it is the only one to hear
	// that Load fails. It must return soon.
	OnLoad func(error)

	waiting atomic.Int64 // callers of Reload

	// mu guards what follows. It is never held across a wait.
	mu     sync.Mutex
	keys   jwt.Keys  // the last that could be read
	loaded time.Time // when they were
	tried  time.Time // when Load was last called
	err    error     // what came of that
	load   *load     // under way, or nil
}

const (
	// keysAge is when keys are read again though none is missing, as the
	// Dashboard does it.
	keysAge = 5 * time.Minute

	// idleAge is when they are too old to make sessions with that other replicas
	// are to open: nobody has asked for them in between.
	idleAge = 2 * keysAge

	// maxWaiting is how many callers of Reload may wait: anybody can present a
	// session that no key opens.
	maxWaiting = 64
)

var errNoLoad = errors.New("dashboard: KeyHolder has no Load: set it")

// Format implements [fmt.Formatter]: the keys are not printed, and may change
// meanwhile.
func (k *KeyHolder) Format(f fmt.State, verb rune) { io.WriteString(f, "dashboard.KeyHolder") }

// Keys implements [jwt.KeySet]. The error is that of Load, and says when to come
// back: see [token.RetryAfter].
func (k *KeyHolder) Keys(ctx context.Context, keyID string) ([]jwt.Key, error) {
	keys, age, failing, err := k.have()
	switch {
	case err != nil:
		return nil, err
	case keys == nil, age >= idleAge && !failing:
		if err := k.reload(ctx); err != nil && keys == nil {
			return nil, err
		}
		if keys, _, _, err = k.have(); keys == nil {
			return nil, errors.Join(errors.New("dashboard: KeyHolder has no keys yet"), err)
		}
	case age >= keysAge:
		k.begin(ctx)
	}
	return keys.Keys(ctx, keyID)
}

// have returns the keys at hand, how old they are, and whether the last call of
// Load failed.
func (k *KeyHolder) have() (keys jwt.Keys, age time.Duration, failing bool, err error) {
	if k.Load == nil {
		return nil, 0, false, errNoLoad
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.keys, time.Since(k.loaded), k.err != nil, nil
}

// Reload reads the keys anew, unless it did so less than 10 seconds ago, and
// waits for it until ctx is done. A [Server] calls it when no key opens a session.
// The error is why it is not known which keys there are: those from before stay in
// use. One is that 64 callers wait already.
func (k *KeyHolder) Reload(ctx context.Context) error {
	defer k.waiting.Add(-1)
	if k.waiting.Add(1) > maxWaiting {
		return &keysError{errors.New("dashboard: too many are waiting for KeyHolder.Load: try again later"), time.Second}
	}
	return k.reload(ctx)
}

// reload is Reload, for any number of callers.
func (k *KeyHolder) reload(ctx context.Context) error {
	if k.Load == nil {
		return errNoLoad
	}
	if l := k.begin(ctx); l != nil {
		select {
		case <-l.done:
		case <-ctx.Done():
			return fmt.Errorf("dashboard: still waiting for the keys: %w", ctx.Err())
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err == nil {
		return nil
	}
	return &keysError{k.err, max(0, k.pause()-time.Since(k.tried))}
}

// A keysError says that keys cannot be had, and nothing of any session.
type keysError struct {
	err  error
	wait time.Duration
}

func (e *keysError) Error() string { return e.err.Error() }
func (e *keysError) Unwrap() error { return e.err }

// RetryAfter returns how long it takes until they are read again.
func (e *keysError) RetryAfter() time.Duration { return e.wait }
