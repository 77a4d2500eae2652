package stores

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

// lockOutlivesSettings shows that the time limits of the server do not end a
// lock, and that the connection is as it was afterwards.
func lockOutlivesSettings(t *testing.T, url string) {
	// For its connections alone: other tests are not to be broken by a machine that
	// has them wait for a second in the middle of a transaction.
	s := postgresStore(t, url+"&idle_in_transaction_session_timeout=1s")
	var unlock func()
	for try := 1; ; try++ {
		var err error
		if unlock, err = s.Lock(t.Context(), "k"); err == nil {
			break
		}
		// So it may be if this process is stopped for a second between the beginning of
		// the transaction and the statement that lifts the limit.
		if try == 5 {
			t.Fatal(err)
		}
	}
	<-time.After(2 * time.Second)
	if free(t, url, "k") {
		t.Error("the lock was lost while its holder was idle")
	}
	unlock()
	var timeout, keepalive string
	s.DB.SetMaxOpenConns(1)
	if err := s.DB.QueryRow("SELECT current_setting('idle_in_transaction_session_timeout'), current_setting('tcp_keepalives_idle')").Scan(&timeout, &keepalive); err != nil || timeout != "1s" || keepalive == "10" {
		t.Errorf("the connection has idle_in_transaction_session_timeout %s and tcp_keepalives_idle %s (%v)", timeout, keepalive, err)
	}
}

// free reports whether another gets the lock in 100 ms.
func free(t *testing.T, url, key string) bool {
	t.Helper()
	s := postgresStore(t, url)
	if _, err := s.Get(t.Context(), key); err != nil { // connects, which is slow
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	unlock, err := s.Lock(ctx, key)
	if err == nil {
		unlock()
		return true
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	return false
}

// lockOfDeadConnection shows that unlock does no harm when the connection is
// gone, and that the lock went with it.
func lockOfDeadConnection(t *testing.T, url string) {
	s := postgresStore(t, url)
	unlock, err := s.Lock(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, "pgx", url).Exec("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"); err != nil {
		t.Fatal(err)
	}
	if unlockOther, err := postgresStore(t, url).Lock(t.Context(), "k"); err == nil {
		unlockOther()
	} else {
		t.Error(err)
	}
	unlock()
	if unlock, err = s.Lock(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	unlock()
}

// lockKeepsConnections has more holders than connections. None of them may
// wait for one that another holder has.
func lockKeepsConnections(t *testing.T, url string) {
	s := postgresStore(t, url)
	s.DB.SetMaxOpenConns(3)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			key := fmt.Sprint(i)
			unlock, err := s.Lock(ctx, key)
			if err != nil {
				t.Error(err)
				return
			}
			defer unlock()
			if ok, err := s.Swap(ctx, key, nil, []byte("v"), never); err != nil || !ok {
				t.Errorf("Swap while a lock is held: %t, %v", ok, err)
			}
		})
	}
	wg.Wait()

	s.DB.SetMaxOpenConns(1)
	_, err := s.Lock(t.Context(), "k")
	refusedFor(t, err, "SetMaxOpenConns")
}

// lockOfTable shows that Stores with tables of their own do not wait for
// each other.
func lockOfTable(t *testing.T, url string) {
	s, other := postgresStore(t, url), postgresStore(t, url)
	other.Table = "other"
	unlock, err := s.Lock(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	unlockOther, err := other.Lock(ctx, "k")
	if err != nil {
		t.Fatal(err)
	}
	unlockOther()
}
