package storetest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/storetest"
)

// A locker is a Locker with another Lock.
type locker struct {
	refresh.Store
	lock func(ctx context.Context, key string) (func(), error)
}

func (l locker) Lock(ctx context.Context, key string) (func(), error) { return l.lock(ctx, key) }

// locking is a Locker that is right, but for what change does to its Lock.
func locking(change func(l *storetest.Locking, ctx context.Context, key string) (func(), error)) refresh.Store {
	l := &storetest.Locking{Store: new(refresh.Memory)}
	return locker{l, func(ctx context.Context, key string) (func(), error) { return change(l, ctx, key) }}
}

// brokenLocks are the ways in which a lock can be wrong.
var brokenLocks = []struct {
	name string
	open func() refresh.Store
}{
	{"excludes nobody", func() refresh.Store {
		return locking(func(l *storetest.Locking, ctx context.Context, _ string) (func(), error) { return func() {}, ctx.Err() })
	}},
	{"is never given up", func() refresh.Store {
		return locking(func(l *storetest.Locking, ctx context.Context, key string) (func(), error) {
			_, err := l.Lock(ctx, key)
			return func() {}, err
		})
	}},
	{"waits for ever", func() refresh.Store {
		return locking(func(l *storetest.Locking, ctx context.Context, key string) (func(), error) {
			return l.Lock(context.WithoutCancel(ctx), key)
		})
	}},
	{"does not look at the context", func() refresh.Store {
		return locking(func(l *storetest.Locking, ctx context.Context, key string) (func(), error) {
			if ctx.Err() != nil {
				ctx = context.WithoutCancel(ctx)
			}
			return l.Lock(ctx, key)
		})
	}},
	{"has an error of its own", func() refresh.Store {
		return locking(func(l *storetest.Locking, ctx context.Context, key string) (func(), error) {
			unlock, err := l.Lock(ctx, key)
			if err != nil {
				err = errors.New("locked")
			}
			return unlock, err
		})
	}},
	{"is one for all keys", func() refresh.Store {
		return locking(func(l *storetest.Locking, ctx context.Context, _ string) (func(), error) { return l.Lock(ctx, "k") })
	}},
	{"is given up with another's unlock", func() refresh.Store {
		return locking(func(l *storetest.Locking, ctx context.Context, key string) (func(), error) {
			_, err := l.Lock(ctx, key)
			return func() { l.Die(key) }, err
		})
	}},
	{"ends with the context", func() refresh.Store {
		return locking(func(l *storetest.Locking, ctx context.Context, key string) (func(), error) {
			unlock, err := l.Lock(ctx, key)
			if err == nil {
				context.AfterFunc(ctx, unlock)
			}
			return unlock, err
		})
	}},
	{"is taken by who has stopped waiting", func() refresh.Store {
		return locking(func(l *storetest.Locking, ctx context.Context, key string) (func(), error) {
			got := make(chan func(), 1)
			go func() {
				unlock, _ := l.Lock(context.WithoutCancel(ctx), key)
				got <- unlock
			}()
			select {
			case unlock := <-got:
				return unlock, ctx.Err()
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		})
	}},
	{"keeps Swap waiting", func() refresh.Store {
		l := &storetest.Locking{Store: new(refresh.Memory)}
		return locker{swapper{l, func(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
			unlock, err := l.Lock(ctx, key)
			if err != nil {
				return false, err
			}
			defer unlock()
			return l.Swap(ctx, key, old, new, expires)
		}}, l.Lock}
	}},
	{"takes any key", func() refresh.Store {
		return locking(func(l *storetest.Locking, ctx context.Context, key string) (func(), error) {
			return l.Lock(ctx, (key + ".")[:min(len(key)+1, 256)])
		})
	}},
}

// The one that is right passes.
func TestLocking(t *testing.T) {
	t.Parallel()
	runAll(t, func() refresh.Store { return &storetest.Locking{Store: new(refresh.Memory)} })
}
