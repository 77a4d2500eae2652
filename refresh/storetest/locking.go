package storetest

import (
	"context"
	"fmt"
	"sync"

	"github.com/tokenlife/tokenlife/refresh"
)

// Locking makes a [refresh.Locker] of a Store, with locks in memory, for tests
// of those who use one. It may be used in a synctest bubble.
type Locking struct {
	refresh.Store

	mu    sync.Mutex
	locks map[string]chan struct{} // by key; closed when the holder is gone
}

// Lock implements [refresh.Locker].
func (l *Locking) Lock(ctx context.Context, key string) (unlock func(), err error) {
	if len(key) < 1 || len(key) > 256 {
		return nil, fmt.Errorf("storetest: a key of %d bytes: it must have 1 to 256", len(key))
	}
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		l.mu.Lock()
		held, locked := l.locks[key]
		if !locked {
			if l.locks == nil {
				l.locks = make(map[string]chan struct{})
			}
			held = make(chan struct{})
			l.locks[key] = held
			l.mu.Unlock()
			return func() { l.release(key, held) }, nil
		}
		l.mu.Unlock()
		select {
		case <-held:
		case <-ctx.Done():
		}
	}
}

// Die takes the lock of key from its holder, as the end of its process does,
// and reports whether there was one.
func (l *Locking) Die(key string) bool {
	l.mu.Lock()
	held := l.locks[key]
	l.mu.Unlock()
	return held != nil && l.release(key, held)
}

// release gives up the lock of key if it is the one that held stands for.
func (l *Locking) release(key string, held chan struct{}) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.locks[key] != held {
		return false
	}
	delete(l.locks, key)
	close(held)
	return true
}
