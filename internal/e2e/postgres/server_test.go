package postgres

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
)

func open(tb testing.TB, url string) *sql.DB {
	tb.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	return db
}

// TestServer shows that a server has the settings asked for, keeps its data over
// a crash, and leaves nothing behind.
func TestServer(t *testing.T) {
	t.Parallel()
	var dir string
	t.Run("", func(t *testing.T) {
		began := time.Now()
		s := Start(t, "work_mem=5MB")
		dir = s.dir
		t.Logf("ready after %v", time.Since(began).Round(time.Millisecond))
		db := open(t, s.URL)
		db.SetMaxIdleConns(0) // one that the server has cut is found out too late, if it was in use a moment ago
		var mem string
		if err := db.QueryRow("SHOW work_mem").Scan(&mem); err != nil || mem != "5MB" {
			t.Errorf("work_mem is %q (%v), want 5MB", mem, err)
		}
		if _, err := db.Exec("CREATE TABLE t (n int); INSERT INTO t VALUES (7)"); err != nil {
			t.Fatal(err)
		}
		s.Stop()
		s.Stop()
		if err := db.Ping(); err == nil {
			t.Error("a stopped server answers")
		}
		began = time.Now()
		s.Restart(t)
		t.Logf("back after %v", time.Since(began).Round(time.Millisecond))
		s.Restart(t) // a running one
		var n int
		if err := db.QueryRow("SELECT n FROM t").Scan(&n); err != nil || n != 7 {
			t.Errorf("after a crash it holds %d (%v), want 7", n, err)
		}
		s.Standby(t)
		if err := db.QueryRow("SELECT n FROM t").Scan(&n); err != nil || n != 7 {
			t.Errorf("as a standby it holds %d (%v), want 7", n, err)
		}
		if _, err := db.Exec("INSERT INTO t VALUES (8)"); err == nil {
			t.Error("a standby takes a write")
		}
	})
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its folder is still there (%v)", err)
	}
}

// TestBadSetting shows that a server that cannot start says why, at once.
func TestBadSetting(t *testing.T) {
	t.Parallel()
	Start(t).Stop() // or skip
	s, err := Run("no_such_setting=1")
	if err == nil {
		s.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "no_such_setting") {
		t.Errorf("got %v, want the setting named", err)
	}
}

// TestOrphan shows that a server ends when the test that started it is killed.
// It runs itself in another process, as that test.
func TestOrphan(t *testing.T) {
	t.Parallel()
	if os.Getenv("POSTGRES_ORPHAN") != "" {
		s := Start(t)
		fmt.Printf("\nserver %s %s\n", s.URL, s.dir)
		select {}
	}
	Start(t).Stop() // or skip
	test := exec.Command(os.Args[0], "-test.run=^TestOrphan$")
	test.Env = append(os.Environ(), "POSTGRES_ORPHAN=1")
	stdout, err := test.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := test.Start(); err != nil {
		t.Fatal(err)
	}
	var url, dir string
	for lines := bufio.NewScanner(stdout); url == "" && lines.Scan(); {
		fmt.Sscanf(lines.Text(), "server %s %s", &url, &dir)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	db := open(t, url)
	if err := db.Ping(); err != nil {
		t.Errorf("the server does not run: %v", err)
	}
	test.Process.Kill()
	test.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for db.PingContext(ctx) == nil {
		<-time.After(10 * time.Millisecond)
	}
	if ctx.Err() != nil {
		t.Error("the server still runs a minute after its test was killed")
	}
}
