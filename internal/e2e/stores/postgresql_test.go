package stores

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/internal/e2e/postgres"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/sqlstore"
)

var never time.Time

// swap fails the test unless the Swap says true.
func swap(t *testing.T, s refresh.Store, key string, old, new []byte, expires time.Time) {
	t.Helper()
	if ok, err := s.Swap(t.Context(), key, old, new, expires); err != nil || !ok {
		t.Fatalf("Swap: %t, %v", ok, err)
	}
}

// refusedFor fails the test unless err has text.
func refusedFor(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("got %v, want %q", err, text)
	}
}

// TestPostgreSQLBehaviour runs tests on one server, each with a database of its
// own.
func TestPostgreSQLBehaviour(t *testing.T) {
	t.Parallel()
	server := postgres.Start(t)
	admin := open(t, "pgx", server.URL)
	for i, test := range []struct {
		name string
		run  func(t *testing.T, url string)
	}{
		{"creators", creators},
		{"privileges", privileges},
		{"columns", columns},
		{"timeout", timeout},
		{"sweep", func(t *testing.T, url string) {
			s := postgresStore(t, url)
			sweeps(t, s.DB, func() refresh.Store { return &sqlstore.PostgreSQL{DB: s.DB} })
		}},
		{"sweep beside others", sweepBesideOthers},
		{"lock outlives settings", lockOutlivesSettings},
		{"lock of a dead connection", lockOfDeadConnection},
		{"lock keeps connections", lockKeepsConnections},
		{"lock of a table", lockOfTable},
	} {
		name := fmt.Sprint("test", i)
		if _, err := admin.Exec("CREATE DATABASE " + name); err != nil {
			t.Fatal(err)
		}
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, strings.Replace(server.URL, "/postgres?", "/"+name+"?", 1))
		})
	}
}

// TestPostgreSQLReadOnly shows that a connection that cannot write is refused,
// also for reading.
func TestPostgreSQLReadOnly(t *testing.T) {
	t.Parallel()
	server := postgres.Start(t)
	s := postgresStore(t, server.URL)
	swap(t, s, "k", nil, []byte("v"), never)

	check := func(s *sqlstore.PostgreSQL) {
		t.Helper()
		_, err := s.Get(t.Context(), "k")
		refusedFor(t, err, "connect to the primary")
		for _, values := range [][2][]byte{{nil, []byte("w")}, {[]byte("v"), []byte("w")}, {[]byte("v"), nil}, {nil, nil}} {
			_, err = s.Swap(t.Context(), "k", values[0], values[1], never)
			refusedFor(t, err, "connect to the primary")
		}
	}
	check(postgresStore(t, server.URL+"&default_transaction_read_only=on"))
	s.DB.SetMaxIdleConns(0) // the server ends those that it has
	server.Standby(t)
	check(s) // which knows the table
	check(postgresStore(t, server.URL))
	_, err := s.Lock(t.Context(), "k")
	refusedFor(t, err, "connect to the primary")
	other := postgresStore(t, server.URL)
	other.Table = "other"
	check(other)
}

// creators has many programs make the table at once.
func creators(t *testing.T, url string) {
	for round := range 5 {
		var wg sync.WaitGroup
		for range 8 {
			s := postgresStore(t, url)
			s.Table = fmt.Sprint("round_", round)
			wg.Go(func() {
				if _, err := s.Get(t.Context(), "k"); err != nil {
					t.Error(err)
				}
				s.DB.Close()
			})
		}
		wg.Wait()
	}
	var tables, indexes int
	err := open(t, "pgx", url).QueryRow(`SELECT count(DISTINCT tablename), count(*) FROM pg_indexes WHERE tablename LIKE 'round%'`).Scan(&tables, &indexes)
	if err != nil || tables != 5 || indexes != 10 {
		t.Errorf("there are %d tables with %d indexes (%v), want 5 and 10", tables, indexes, err)
	}
}

// privileges shows that a role that may not make tables uses one
// that it was given, made as the documentation says.
func privileges(t *testing.T, url string) {
	db := open(t, "pgx", url)
	if _, err := db.Exec(`CREATE ROLE app LOGIN`); err != nil {
		t.Fatal(err)
	}
	s := postgresStore(t, strings.Replace(url, "postgres@", "app@", 1))
	_, err := s.Get(t.Context(), "k")
	refusedFor(t, err, "permission denied")
	if _, err := db.Exec(`CREATE TABLE tokenlife (k BYTEA PRIMARY KEY, v BYTEA NOT NULL, expires BIGINT);
		CREATE INDEX tokenlife_expires ON tokenlife (expires);
		GRANT SELECT, INSERT, UPDATE, DELETE ON tokenlife TO app`); err != nil {
		t.Fatal(err)
	}
	swap(t, s, "k", nil, []byte("v"), never)
	unlock, err := s.Lock(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}

// columns shows that a table with columns of other types is refused, by errors
// that have no value in them.
func columns(t *testing.T, url string) {
	db := open(t, "pgx", url)
	const value = "the value"
	quoted := fmt.Sprintf("%x", value)
	for _, kind := range []string{"BIGINT", "UUID", "TIMESTAMP"} {
		for _, table := range []string{"(k BYTEA PRIMARY KEY, v " + kind + ", expires BIGINT)", "(k " + kind + " PRIMARY KEY, v BYTEA, expires BIGINT)"} {
			if _, err := db.Exec("DROP TABLE IF EXISTS tokenlife; CREATE TABLE tokenlife " + table); err != nil {
				t.Fatal(err)
			}
			for _, mode := range []string{"cache_statement", "exec", "simple_protocol"} {
				s := postgresStore(t, url+"&default_query_exec_mode="+mode)
				for _, values := range [][2][]byte{{nil, []byte(value)}, {[]byte(value), []byte(value)}, {[]byte(value), nil}} {
					_, err := s.Swap(t.Context(), value, values[0], values[1], never)
					refusedFor(t, err, "bytea")
					if err != nil && (strings.Contains(err.Error(), value) || strings.Contains(err.Error(), quoted)) {
						t.Errorf("%s, %s: the error has the value in it: %v", table, mode, err)
					}
				}
				s.DB.Close()
			}
		}
	}
}

// timeout shows that a statement that the server gave up is an
// error, and no false.
func timeout(t *testing.T, url string) {
	patient := postgresStore(t, url)
	swap(t, patient, "k", nil, []byte("v"), never)
	s := postgresStore(t, url+"&statement_timeout=1s")

	other, err := open(t, "pgx", url).BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec("SELECT 1 FROM tokenlife FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	_, err = s.Swap(t.Context(), "k", []byte("v"), []byte("w"), never)
	refusedFor(t, err, "statement timeout")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if ok, err := s.Swap(ctx, "k", []byte("v"), []byte("w"), never); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Swap said %t, %v; want context.DeadlineExceeded", ok, err)
	}
	other.Rollback()
	// The server may have done after all what it was no longer asked for.
	if _, err := patient.Swap(t.Context(), "k", []byte("v"), []byte("w"), never); err != nil {
		t.Error(err)
	}
	if v, err := patient.Get(t.Context(), "k"); err != nil || string(v) != "w" {
		t.Errorf("Get = %q, %v; want w", v, err)
	}
}

// tries is how often something is tried that a sweep does: one that takes more than
// a second, as it may on a busy machine, is given up for the next to do.
const tries = 5

// sweeps shows that what has expired is deleted, a bounded number at a time, and
// that it is absent before. Store returns a new Store in db each time.
func sweeps(t *testing.T, db *sql.DB, store func() refresh.Store) {
	for try := 1; ; try++ {
		wrong := trySweeps(t, db, store())
		if wrong == "" {
			return
		}
		if try == tries {
			t.Fatal(wrong)
		}
		t.Logf("try %d: %s", try, wrong)
		if _, err := db.Exec("DELETE FROM tokenlife"); err != nil {
			t.Fatal(err)
		}
	}
}

// trySweeps returns what is wrong with the number of rows.
func trySweeps(t *testing.T, db *sql.DB, s refresh.Store) (wrong string) {
	count := func() (rows int) {
		t.Helper()
		if err := db.QueryRow("SELECT count(*) FROM tokenlife").Scan(&rows); err != nil {
			t.Fatal(err)
		}
		return rows
	}
	past, future := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	swap(t, s, "stays", nil, []byte("v"), never)
	swap(t, s, "stays a while", nil, []byte("v"), future)
	for i := range 61 {
		swap(t, s, fmt.Sprint("goes ", i), nil, []byte("v"), past)
	}
	if rows := count(); rows != 63 {
		return fmt.Sprintf("after 63 writes there are %d rows, want 63", rows)
	}
	swap(t, s, "goes 0", nil, []byte("w"), future) // an expired row that came to life
	swap(t, s, "goes 61", nil, []byte("v"), past)
	if rows := count(); rows != 4 {
		return fmt.Sprintf("after the 65th write there are %d rows, want 4", rows)
	}
	if _, err := db.Exec("DELETE FROM tokenlife"); err != nil {
		t.Fatal(err)
	}
	for i := range 400 {
		if _, err := db.Exec("INSERT INTO tokenlife VALUES ($1, $1, 1)", fmt.Appendf(nil, "old %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 64 {
		swap(t, s, fmt.Sprint("new ", i), nil, []byte("v"), never)
	}
	if rows := count(); rows != 400-256+64 {
		return fmt.Sprintf("after one sweep there are %d rows, want %d", rows, 400-256+64)
	}
	if _, err := db.Exec("INSERT INTO tokenlife VALUES ($1, $2, 1)", []byte("gone"), []byte("v")); err != nil {
		t.Fatal(err)
	}
	for _, value := range [][]byte{nil, []byte("w")} {
		if ok, err := s.Swap(t.Context(), "gone", []byte("v"), value, never); err != nil || ok {
			t.Errorf("Swap of a value that has expired: %t, %v", ok, err)
		}
	}
	return ""
}

// sweepBesideOthers shows that a sweep does not wait for a row that another is
// at, and deletes the others.
func sweepBesideOthers(t *testing.T, url string) {
	if _, err := postgresStore(t, url).Get(t.Context(), "k"); err != nil { // makes the table
		t.Fatal(err)
	}
	db := open(t, "pgx", url)
	if _, err := db.Exec("INSERT INTO tokenlife VALUES ('busy', 'v', 1), ('idle', 'v', 1)"); err != nil {
		t.Fatal(err)
	}
	other, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Rollback()
	if _, err := other.Exec("SELECT 1 FROM tokenlife WHERE k = 'busy' FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	for try := 1; ; try++ {
		key := fmt.Sprint("k", try)
		swap(t, postgresStore(t, url), key, nil, []byte("v"), never)
		var busy, idle, written bool
		if err := db.QueryRow(`SELECT count(*) FILTER (WHERE k = 'busy') = 1, count(*) FILTER (WHERE k = 'idle') = 1, count(*) FILTER (WHERE k = $1) = 1
			FROM tokenlife`, []byte(key)).Scan(&busy, &idle, &written); err != nil || !busy || !written {
			t.Fatalf("busy is there: %t, %s: %t (%v); want both", busy, key, written, err)
		}
		if !idle {
			return
		}
		if try == tries {
			t.Fatal("idle is there still")
		}
	}
}
