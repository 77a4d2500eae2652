package sqlstore_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/refresh/sqlstore"
)

// TestLock shows that a lock has a connection to itself, that who waits has
// none, and that unlock gives it back once.
func TestLock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &engine{}
		s := &sqlstore.PostgreSQL{DB: openEngine(t, e)}
		unlock, err := s.Lock(ctx, "k")
		if err != nil {
			t.Fatal(err)
		}
		if unlockOther, err := s.Lock(ctx, "other"); err != nil {
			t.Error(err)
		} else {
			unlockOther()
		}
		short, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		if _, err := s.Lock(short, "k"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want context.DeadlineExceeded", err)
		}
		if n := len(e.statements()); n > 3*60*4+40 {
			t.Errorf("it sent %d statements in a minute", n)
		}
		got := make(chan func())
		go func() {
			unlock, err := s.Lock(ctx, "k")
			if err != nil {
				t.Error(err)
			}
			got <- unlock
		}()
		synctest.Wait()
		if n := s.DB.Stats().InUse; n != 1 {
			t.Errorf("%d connections are in use, want that of the lock", n)
		}
		unlock()
		next := <-got
		unlock()
		if n := s.DB.Stats().InUse; n != 1 {
			t.Errorf("%d connections are in use, want that of the lock", n)
		}
		next()
		if n := s.DB.Stats().InUse; n != 0 || e.closed != 0 {
			t.Errorf("%d connections are in use and %d were closed, want none", n, e.closed)
		}
	})
}

// TestLockSettings shows what the server is told for as long as the lock is held.
// That a holder is idle is seen on a real one, in internal/e2e/stores; that its
// machine is gone is not.
func TestLockSettings(t *testing.T) {
	t.Parallel()
	var said string
	e := &engine{before: func(statement string) error { said += statement + "\n"; return nil }}
	s := &sqlstore.PostgreSQL{DB: openEngine(t, e)}
	unlock, err := s.Lock(ctx, "k")
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	for _, setting := range []string{
		"'idle_in_transaction_session_timeout', '0', true",
		"'transaction_timeout', '0', true",
		"'tcp_keepalives_idle', '10', true",
		"'tcp_keepalives_interval', '5', true",
		"'tcp_keepalives_count', '3', true",
	} {
		if !strings.Contains(said, "set_config("+setting+")") {
			t.Errorf("%s is not among the settings:\n%s", setting, said)
		}
	}
}

// TestLockFails shows that no connection is kept, and none goes back to the pool
// with a transaction on it.
func TestLockFails(t *testing.T) {
	t.Parallel()
	failure := errors.New("connection reset by peer")
	for _, beginning := range []string{"BEGIN", "SELECT pg_is_in_recovery"} {
		e := &engine{before: failing(1, beginning, failure)}
		s := &sqlstore.PostgreSQL{DB: openEngine(t, e)}
		if _, err := s.Lock(ctx, "k"); !errors.Is(err, failure) {
			t.Errorf("%s: got %v, want %v", beginning, err, failure)
		}
		if n := s.DB.Stats().InUse; n != 0 {
			t.Errorf("%s: %d connections are in use", beginning, n)
		}
		if unlock, err := s.Lock(ctx, "k"); err != nil {
			t.Errorf("%s: %v", beginning, err)
		} else {
			unlock()
		}
	}

	e := &engine{before: failing(1, "ROLLBACK", failure)}
	s := &sqlstore.PostgreSQL{DB: openEngine(t, e)}
	unlock, err := s.Lock(ctx, "k")
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	if e.closed != 1 {
		t.Error("a connection with a transaction on it went back to the pool")
	}

	unlock, err = s.Lock(ctx, "k")
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.Lock(cancelled, "k"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

// TestLockLeavesOne shows that locks do not take the last connection that a pool
// may have.
func TestLockLeavesOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sqlstore.PostgreSQL{DB: openEngine(t, &engine{})}
		s.DB.SetMaxOpenConns(1)
		_, err := s.Lock(ctx, "k")
		refused(t, err, "SetMaxOpenConns")

		s.DB.SetMaxOpenConns(2)
		unlock, err := s.Lock(ctx, "k")
		if err != nil {
			t.Fatal(err)
		}
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if _, err := s.Lock(short, "other"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want context.DeadlineExceeded", err)
		}
		if _, err := s.Get(ctx, "k"); err != nil {
			t.Error(err)
		}
		unlock()
		unlock() // counts once
		unlock, err = s.Lock(ctx, "other")
		if err != nil {
			t.Fatal(err)
		}
		defer unlock()
		short, cancel = context.WithTimeout(ctx, time.Second)
		defer cancel()
		if _, err := s.Lock(short, "k"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want context.DeadlineExceeded", err)
		}
	})
}
