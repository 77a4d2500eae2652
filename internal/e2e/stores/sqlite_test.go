package stores

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/sqlstore"
)

// TestSQLiteBusy shows that a locked file is waited for, with a busy_timeout or
// without, and that giving up is an error and no false.
func TestSQLiteBusy(t *testing.T) {
	t.Parallel()
	for _, options := range []string{"", "?_pragma=busy_timeout(10)"} {
		path := filepath.Join(t.TempDir(), "tokens.db")
		s := sqliteStore(t, path+options)
		swap(t, s, "k", nil, []byte("v"), never)
		other, err := open(t, "sqlite", "file:"+path).Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		if _, err := other.ExecContext(t.Context(), "BEGIN EXCLUSIVE"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if ok, err := s.Swap(ctx, "k", []byte("v"), []byte("w"), never); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Swap said %t, %v; want context.DeadlineExceeded", ok, err)
		}
		if v, err := s.Get(ctx, "k"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Get = %q, %v; want context.DeadlineExceeded", v, err)
		}
		var wg sync.WaitGroup
		wg.Go(func() { swap(t, s, "k", []byte("v"), []byte("w"), never) })
		<-time.After(50 * time.Millisecond)
		if _, err := other.ExecContext(t.Context(), "COMMIT"); err != nil {
			t.Error(err)
		}
		wg.Wait()
	}
}

// TestSQLiteSynchronous has a trigger note what PRAGMA synchronous is at each
// write: EXTRA. Afterwards the connection is as it was.
func TestSQLiteSynchronous(t *testing.T) {
	t.Parallel()
	const want = 3
	for _, level := range []string{"OFF", "NORMAL", "FULL", "EXTRA"} {
		path := filepath.Join(t.TempDir(), "tokens.db")
		s := sqliteStore(t, path+"?_pragma=synchronous("+level+")")
		s.DB.SetMaxOpenConns(1)
		if _, err := s.Get(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		_, err := s.DB.Exec(`CREATE TABLE seen (level);
			CREATE TRIGGER i AFTER INSERT ON tokenlife BEGIN INSERT INTO seen SELECT synchronous FROM pragma_synchronous; END;
			CREATE TRIGGER u AFTER UPDATE ON tokenlife BEGIN INSERT INTO seen SELECT synchronous FROM pragma_synchronous; END;
			CREATE TRIGGER d AFTER DELETE ON tokenlife BEGIN INSERT INTO seen SELECT synchronous FROM pragma_synchronous; END`)
		if err != nil {
			t.Fatal(err)
		}
		var before, after int
		s.DB.QueryRow("PRAGMA synchronous").Scan(&before)
		swap(t, s, "k", nil, []byte("v"), never)
		swap(t, s, "k", []byte("v"), []byte("w"), never)
		swap(t, s, "k", []byte("w"), nil, never)
		var writes, least int
		if err := s.DB.QueryRow("SELECT count(*), min(level) FROM seen").Scan(&writes, &least); err != nil || writes != 3 || least != want {
			t.Errorf("%s: %d writes at level %d or more (%v), want 3 at %d", level, writes, least, err, want)
		}
		if s.DB.QueryRow("PRAGMA synchronous").Scan(&after); after != before {
			t.Errorf("%s: the connection was at %d and is at %d", level, before, after)
		}
	}
}

// TestSQLiteCreators has many programs make the table at once.
func TestSQLiteCreators(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tokens.db")
	var wg sync.WaitGroup
	for i := range 8 {
		s := sqliteStore(t, path)
		wg.Go(func() {
			if ok, err := s.Swap(t.Context(), fmt.Sprint(i), nil, []byte("v"), never); err != nil || !ok {
				t.Errorf("Swap: %t, %v", ok, err)
			}
		})
	}
	wg.Wait()
}

func TestSQLiteSweep(t *testing.T) {
	t.Parallel()
	s := sqliteStore(t, filepath.Join(t.TempDir(), "tokens.db"))
	sweeps(t, s.DB, func() refresh.Store { return &sqlstore.SQLite{DB: s.DB} })
}
