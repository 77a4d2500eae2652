package storetest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
)

// How long is waited for what must not happen, and for what must.
const moment = 50 * time.Millisecond

// The latter is no measure of a Store: a busy machine may be slow.
var patience = 2 * time.Minute

// lock checks a Locker.
func lock(t *testing.T, s store) {
	l, ok := s.Store.(refresh.Locker)
	if !ok {
		t.Skip("the Store is not a Locker")
	}
	unlock := mustLock(t, l, s.prefix)
	excluded(t, l, s.prefix)

	// Nothing else waits for it: neither the keys beside it nor the entry.
	mustLock(t, l, s.prefix+"\x00")()
	mustLock(t, l, strings.ToUpper(s.prefix))()
	soon(t, "Swap of a key whose lock is held", func(ctx context.Context) error {
		_, err := s.Swap(ctx, s.prefix, nil, one, always)
		return err
	})
	s.holds(s.prefix, one)

	// Who waits gets it when it is given up, and keeps it if it is given up
	// twice. Those who stopped waiting do not get it.
	got := make(chan func())
	go func() {
		unlock, err := l.Lock(context.Background(), s.prefix)
		if err != nil {
			t.Errorf("Lock: %v", err)
		}
		got <- unlock
	}()
	unlock()
	select {
	case next := <-got:
		unlock()
		excluded(t, l, s.prefix)
		next()
	case <-time.After(patience):
		t.Fatal("who waited for the lock did not get it when it was given up")
	}
	mustLock(t, l, s.prefix)()

	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if unlock, err := l.Lock(cancelled, s.prefix); !errors.Is(err, context.Canceled) {
		t.Errorf("Lock with a cancelled context: %v, want context.Canceled", err)
		if unlock != nil {
			unlock()
		}
	}
	mustLock(t, l, s.prefix)()

	for _, k := range []string{"", strings.Repeat("k", 257)} {
		if unlock, err := l.Lock(context.Background(), k); err == nil {
			unlock()
			t.Errorf("Lock with a key of %d bytes succeeded, want an error", len(k))
		}
	}
	exclusion(t, l, s)
}

// exclusion has many goroutines hold the lock in turn.
func exclusion(t *testing.T, l refresh.Locker, s store) {
	var holders atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 3 {
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				unlock, err := l.Lock(ctx, s.prefix)
				cancel() // the lock outlives the context it was asked for with
				if err != nil {
					t.Errorf("Lock: %v", err)
					return
				}
				if n := holders.Add(1); n > 1 {
					t.Errorf("%d hold the lock", n)
				}
				s.holds(s.prefix, one)
				holders.Add(-1)
				unlock()
			}
		})
	}
	wg.Wait()
}

// mustLock takes the lock of key, which is free.
func mustLock(t *testing.T, l refresh.Locker, key string) (unlock func()) {
	t.Helper()
	soon(t, "Lock", func(ctx context.Context) (err error) {
		unlock, err = l.Lock(ctx, key)
		return err
	})
	return unlock
}

// excluded fails the test if the lock of key can be had.
func excluded(t *testing.T, l refresh.Locker, key string) {
	t.Helper()
	soon(t, "Lock", func(context.Context) error {
		ctx, cancel := context.WithTimeout(context.Background(), moment)
		defer cancel()
		unlock, err := l.Lock(ctx, key)
		if err == nil {
			unlock()
			t.Errorf("Lock of %.40q succeeded while another held it", key)
		} else if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Lock until its context ends: %v, want context.DeadlineExceeded", err)
		}
		return nil
	})
}

// soon ends the test if f fails or does not return.
func soon(t *testing.T, name string, f func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	select {
	case err := <-done:
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	case <-time.After(patience + time.Second):
		t.Fatalf("%s does not return, not even when its context ends", name)
	}
}
