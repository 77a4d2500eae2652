package refresh

import (
	"context"
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/internal/panics"
)

// A lock of the Store, held or waited for.
type lock struct {
	done   chan struct{} // closed when it is held or cannot be had; nil before it is asked for
	cancel context.CancelFunc
	unlock func()
	err    error
}

// firstLock is how long a lock may take to come before the Store is looked into
// again.
const firstLock = 100 * time.Millisecond

func (t *rotation) locker() Locker {
	l, _ := t.r.store().(Locker)
	return l
}

// locked reports whether the lock is held. The first call asks for it; it is
// then held to the end of the rotation.
func (t *rotation) locked() bool {
	l := &t.lock
	if l.done == nil {
		ctx, cancel := context.WithCancel(t.ctx)
		l.done, l.cancel = make(chan struct{}), cancel
		go l.acquire(ctx, t.locker(), t.r.storeKey())
		timer := time.NewTimer(firstLock)
		defer timer.Stop()
		select {
		case <-l.done:
		case <-timer.C:
		}
	}
	select {
	case <-l.done:
		return l.err == nil
	default:
		return false
	}
}

func (l *lock) acquire(ctx context.Context, locker Locker, key string) {
	defer close(l.done)
	err := panics.Call("Store", func() (err error) {
		l.unlock, err = locker.Lock(ctx, key)
		return err
	})
	if err != nil {
		l.err = fmt.Errorf("waiting for the lock of %q in the Store: %w", key, err)
	}
}

// release gives up the lock, or the wait for it.
func (l *lock) release() {
	if l.done == nil {
		return
	}
	l.cancel()
	<-l.done
	if l.unlock != nil {
		_ = panics.Call("Store", func() error { l.unlock(); return nil })
	}
}
