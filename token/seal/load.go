package seal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/token"
)

const (
	// interval is the least time between two calls of Load, so that made-up
	// key IDs do no harm to where it reads. While there are no keys at all,
	// nothing works, and it is emptyInterval.
	interval      = 10 * time.Second
	emptyInterval = time.Second

	// maxAge is when keys are read again though none is missing.
	maxAge = 5 * time.Minute

	loadTimeout = 10 * time.Second
)

// A load is one call of Load, which any number of callers wait for.
type load struct{ done chan struct{} }

// newer returns the ring after one more call of Load, if that is allowed; it
// waits for it until ctx is done. The error is why what Load returns is not
// known: the ring is then the one before.
func (k *Keyring) newer(ctx context.Context) (*ring, error) {
	if l := k.begin(ctx); l != nil {
		select {
		case <-l.done:
		case <-ctx.Done():
			return k.ring.Load(), fmt.Errorf("seal: still waiting for the keys: %w", ctx.Err())
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.ring.Load(), k.err
}

// begin returns the load under way, and begins one if that is allowed. It
// returns nil if there is nothing to wait for.
func (k *Keyring) begin(ctx context.Context) *load {
	k.mu.Lock()
	defer k.mu.Unlock()
	pause := interval
	if k.ring.Load() == nil {
		pause = emptyInterval
	}
	if k.load == nil && (k.tried.IsZero() || time.Since(k.tried) >= pause) {
		k.tried = time.Now()
		k.load = &load{make(chan struct{})}
		go k.run(context.WithoutCancel(ctx), k.load, k.tried)
	}
	return k.load
}

// run makes the call of Load that is l, and ends it whatever happens.
func (k *Keyring) run(ctx context.Context, l *load, began time.Time) {
	err := errors.New("it called runtime.Goexit, and must return")
	var next *ring
	defer func() {
		if value := recover(); value != nil {
			err = panics.Error("it", value)
		}
		k.mu.Lock()
		k.load = nil
		if k.err = failed(err); err == nil {
			k.ring.Store(next)
		}
		k.mu.Unlock()
		close(l.done)
	}()
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	secrets, loadErr := k.Load(ctx)
	if err = loadErr; err != nil {
		return
	}
	if next, err = newRing(secrets, k.ring.Load()); err == nil {
		next.loaded = began
	}
}

// failed returns err as an error of Load, which says nothing of what was to be
// opened, whatever it says of a token that Load presented elsewhere.
func failed(err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("seal: no keys from Load: %w", err)
	if errors.Is(err, token.ErrInvalid) {
		return token.Refused(err)
	}
	return err
}
