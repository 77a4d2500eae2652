package seal

import (
	"context"
	"errors"
	"fmt"
	"sync"
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

	// maxWaiting is how many callers may wait for keys that are not known: anyone
	// can name such keys.
	maxWaiting = 64

	// overrun is how much longer than loadTimeout Load may take to say itself
	// why it has no keys, before its callers go on without it.
	overrun = 100 * time.Millisecond
)

// A load is one call of Load, which any number of callers wait for.
type load struct {
	done chan struct{}
	end  func() // closes done, once
}

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
		done := make(chan struct{})
		k.load = &load{done, sync.OnceFunc(func() { close(done) })}
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
		err = failed(err)
		if k.err = err; err == nil {
			k.ring.Store(next)
		}
		k.mu.Unlock()
		defer l.end()
		k.tell(err)
	}()
	defer time.AfterFunc(loadTimeout+overrun, func() { k.giveUp(l) }).Stop()
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

// tell calls OnLoad, in which a panic must not keep callers waiting.
func (k *Keyring) tell(err error) {
	if k.OnLoad == nil {
		return
	}
	defer func() { _ = recover() }()
	k.OnLoad(err)
}

// giveUp lets those go who wait for l, if it has not ended. It stays under way:
// a Load that ignores its context is not called a second time beside the first.
func (k *Keyring) giveUp(l *load) {
	defer l.end()
	k.mu.Lock()
	if k.load != l {
		k.mu.Unlock()
		return
	}
	err := failed(fmt.Errorf("it ignores its context, and has not returned after %v", loadTimeout))
	k.err = err
	k.mu.Unlock()
	k.tell(err)
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
