package sqlstore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/sqlstore"
)

var (
	_ refresh.Store  = (*sqlstore.SQLite)(nil)
	_ refresh.Locker = (*sqlstore.PostgreSQL)(nil)

	ctx   = context.Background()
	never time.Time
)

// each runs a test on both kinds of Store.
func each(t *testing.T, test func(t *testing.T, e *engine, open func(db *sql.DB, table string) refresh.Store)) {
	for name, open := range map[string]func(db *sql.DB, table string) refresh.Store{
		"SQLite":     func(db *sql.DB, table string) refresh.Store { return &sqlstore.SQLite{DB: db, Table: table} },
		"PostgreSQL": func(db *sql.DB, table string) refresh.Store { return &sqlstore.PostgreSQL{DB: db, Table: table} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, &engine{level: 2}, open)
		})
	}
}

// A sqlError is an error of a driver, by PostgreSQL's code; a codeError by
// SQLite's.
type (
	sqlError  string
	codeError int
)

func (e sqlError) Error() string    { return "ERROR (SQLSTATE " + string(e) + ")" }
func (e sqlError) SQLState() string { return string(e) }
func (e codeError) Error() string   { return fmt.Sprintf("error %d", int(e)) }
func (e codeError) Code() int       { return int(e) }

// failing returns a func that fails the first statements with a beginning.
func failing(times int, beginning string, err error) func(string) error {
	return func(statement string) error {
		if times > 0 && strings.HasPrefix(statement, beginning) {
			times--
			return err
		}
		return nil
	}
}

func TestNoDB(t *testing.T) {
	t.Parallel()
	_, err := new(sqlstore.SQLite).Get(ctx, "k")
	refused(t, err, "SQLite.DB is not set")
	_, err = new(sqlstore.PostgreSQL).Swap(ctx, "k", nil, []byte("v"), never)
	refused(t, err, "PostgreSQL.DB is not set")
	_, err = new(sqlstore.PostgreSQL).Lock(ctx, "k")
	refused(t, err, "PostgreSQL.DB is not set")
}

func refused(t *testing.T, err error, text string) {
	t.Helper()
	if err == nil || !strings.HasPrefix(err.Error(), "sqlstore: ") || !strings.Contains(err.Error(), text) {
		t.Errorf("got %v, want %q", err, text)
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, e *engine, open func(*sql.DB, string) refresh.Store) {
		db := openEngine(t, e)
		for _, table := range []string{"", "a", "_", "order", "tokens_2", strings.Repeat("x", 50)} {
			if _, err := open(db, table).Get(ctx, "k"); err != nil {
				t.Errorf("Table %q: %v", table, err)
			}
		}
		for _, table := range []string{"2a", "A", "a b", "a-b", "a.b", `a"`, "a;b", "ä", "a\x00", strings.Repeat("x", 51)} {
			_, err := open(db, table).Get(ctx, "k")
			refused(t, err, "Table")
		}
	})
}

// TestLimits shows that what a Store need not take is not sent.
func TestLimits(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, e *engine, open func(*sql.DB, string) refresh.Store) {
		s := open(openEngine(t, e), "")
		for _, key := range []string{"", strings.Repeat("k", 257)} {
			_, err := s.Get(ctx, key)
			refused(t, err, "1 to 256")
			_, err = s.Swap(ctx, key, nil, []byte("v"), never)
			refused(t, err, "1 to 256")
		}
		v := []byte("v")
		for _, values := range [][2][]byte{{v, {}}, {{}, v}, {v, make([]byte, 64<<10+1)}, {make([]byte, 64<<10+1), v}} {
			_, err := s.Swap(ctx, "k", values[0], values[1], never)
			refused(t, err, "value")
		}
		if log := e.statements(); log != nil {
			t.Errorf("it sent %q", log)
		}
	})
}

// TestGivenUp shows which errors are known to mean that nothing was written:
// those statements are sent again, and all others are errors.
func TestGivenUp(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		postgres bool
		err      error
		again    bool
	}{
		{true, sqlError("40001"), true},
		{true, sqlError("40P01"), true},
		{true, fmt.Errorf("wrapped: %w", sqlError("40001")), true},
		{true, sqlError("57014"), false}, // query_canceled
		{true, sqlError("40003"), false}, // statement_completion_unknown
		{true, sqlError("23505"), false}, // unique_violation
		{true, sqlError("08006"), false}, // connection_failure
		{true, codeError(5), false},
		{true, errors.New("database is locked"), false},
		{false, codeError(5), true},
		{false, codeError(6), true},
		{false, codeError(5 | 2<<8), true}, // SQLITE_BUSY_SNAPSHOT
		{false, fmt.Errorf("wrapped: %w", codeError(6)), true},
		{false, codeError(10), false}, // SQLITE_IOERR
		{false, codeError(9), false},  // SQLITE_INTERRUPT
		{false, errors.New("database is locked"), true},
		{false, errors.New("sqlite3: database table is locked: tokenlife"), true},
		{false, sqlError("40001"), false},
		{false, errors.New("disk I/O error"), false},
	} {
		t.Run(fmt.Sprintf("%t %v", test.postgres, test.err), func(t *testing.T) {
			t.Parallel()
			for _, beginning := range []string{"SELECT ", "CREATE", "INSERT", "UPDATE", "DELETE FROM \"tokenlife\" WHERE k"} {
				e := &engine{level: 2, absent: true, before: failing(3, beginning, test.err)}
				db := openEngine(t, e)
				var s refresh.Store = &sqlstore.SQLite{DB: db}
				if test.postgres {
					s = &sqlstore.PostgreSQL{DB: db}
				}
				_, err := s.Get(ctx, "k")
				for _, values := range [][2][]byte{{nil, []byte("v")}, {[]byte("v"), []byte("w")}, {[]byte("w"), nil}} {
					if err == nil {
						var ok bool
						if ok, err = s.Swap(ctx, "k", values[0], values[1], never); err == nil && !ok {
							t.Errorf("%s: Swap said false", beginning)
						}
					}
				}
				if test.again && err != nil || !test.again && !errors.Is(err, test.err) {
					t.Errorf("%s: %v, want it sent again: %t", beginning, err, test.again)
				}
			}
		})
	}
}

// TestPatience shows that a statement is sent again until ctx is done, with
// pauses that grow, and that the error says both why and what for.
func TestPatience(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := &engine{level: 2}
		s := &sqlstore.SQLite{DB: openEngine(t, e)}
		if _, err := s.Get(ctx, "k"); err != nil {
			t.Fatal(err)
		}
		e.before = failing(1e9, "INSERT", codeError(5))
		e.statements()
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		began := time.Now()
		ok, err := s.Swap(ctx, "k", nil, []byte("v"), never)
		if ok || !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, codeError(5)) {
			t.Errorf("Swap said %t, %v; want context.DeadlineExceeded and the driver's error", ok, err)
		}
		refused(t, err, "writing to table tokenlife: context deadline exceeded: error 5")
		if took := time.Since(began); took != time.Second {
			t.Errorf("it took %v, want the second it had", took)
		}
		sent := len(slices.DeleteFunc(e.statements(), func(s string) bool { return !strings.Contains(s, "INSERT") }))
		if sent < 10 || sent > 30 {
			t.Errorf("it was sent %d times in a second", sent)
		}
	})
}

// TestDeadline shows that a deadline on the wire, which may be a little sooner
// than the context knows, is taken for the context's.
func TestDeadline(t *testing.T) {
	t.Parallel()
	timeout := errors.New("i/o timeout")
	each(t, func(t *testing.T, e *engine, open func(*sql.DB, string) refresh.Store) {
		s := open(openEngine(t, e), "")
		e.before = failing(1, "INSERT", timeout)
		ok, err := s.Swap(passed{ctx}, "k", nil, []byte("v"), never)
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, timeout) {
			t.Errorf("Swap said %t, %v; want context.DeadlineExceeded and the driver's error", ok, err)
		}
	})
}

// passed is a context whose deadline has passed, and which is about to notice.
type passed struct{ context.Context }

func (passed) Deadline() (time.Time, bool) { return time.Now().Add(-time.Nanosecond), true }

// TestUnknown shows that a write whose answer was lost is an error. If the
// driver says that the connection was bad before it sent anything, and that is
// not so, package database/sql sends it again, and it says false.
func TestUnknown(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, e *engine, open func(*sql.DB, string) refresh.Store) {
		s := open(openEngine(t, e), "")
		if ok, err := s.Swap(ctx, "k", nil, []byte("1"), never); err != nil || !ok {
			t.Fatalf("Swap: %t, %v", ok, err)
		}
		lost := errors.New("connection reset by peer")
		e.after = failing(1, "UPDATE", lost)
		if ok, err := s.Swap(ctx, "k", []byte("1"), []byte("2"), never); !errors.Is(err, lost) {
			t.Errorf("Swap said %t, %v; want the error", ok, err)
		}
		if v, err := s.Get(ctx, "k"); err != nil || string(v) != "2" {
			t.Errorf("Get = %q, %v; want 2", v, err)
		}
		e.after = failing(1, "UPDATE", driver.ErrBadConn)
		if _, sqlite := s.(*sqlstore.SQLite); sqlite {
			return // has a connection of its own for a write, which is not sent on another
		}
		if ok, err := s.Swap(ctx, "k", []byte("2"), []byte("3"), never); err != nil || ok {
			t.Errorf("Swap said %t, %v; want false: does the documentation still hold?", ok, err)
		}
	})
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	e := &engine{readOnly: true}
	s := &sqlstore.PostgreSQL{DB: openEngine(t, e)}
	_, err := s.Get(ctx, "k")
	refused(t, err, "connect to the primary")
	_, err = s.Swap(ctx, "k", nil, nil, never)
	refused(t, err, "connect to the primary")
	_, err = s.Lock(ctx, "k")
	refused(t, err, "connect to the primary")
	if s.DB.Stats().InUse != 0 {
		t.Error("Lock kept the connection")
	}
	e.before = failing(1, "INSERT", sqlError("25006"))
	_, err = s.Swap(ctx, "k", nil, []byte("v"), never)
	refused(t, err, "connect to the primary")
}

// TestSynchronous shows that SQLite writes at level EXTRA, on the
// connection where that was made sure of, which is then put back.
func TestSynchronous(t *testing.T) {
	t.Parallel()
	for level := range 4 {
		e := &engine{level: level}
		s := &sqlstore.SQLite{DB: openEngine(t, e)}
		if _, err := s.Get(ctx, "k"); err != nil {
			t.Fatal(err)
		}
		seen := -1
		var failure error
		e.before = func(statement string) error {
			if strings.HasPrefix(statement, "INSERT") {
				seen = e.level
				return failure
			}
			return nil
		}
		for _, failure = range []error{nil, errors.New("full")} {
			e.statements()
			if _, err := s.Swap(ctx, "k", nil, []byte("v"), never); !errors.Is(err, failure) {
				t.Errorf("level %d: %v, want %v", level, err, failure)
			}
			if seen != 3 {
				t.Errorf("level %d: it wrote at level %d", level, seen)
			}
			if e.level != level {
				t.Errorf("level %d: it was left at level %d", level, e.level)
			}
		}
		want := []string{"1 PRAGMA synchronous", "1 INSERT INTO \"token"}
		if level < 3 {
			want = []string{"1 PRAGMA synchronous", "1 PRAGMA synchronous", "1 INSERT INTO \"token", "1 PRAGMA synchronous"}
		}
		if diff := cmp.Diff(want, e.statements()); diff != "" {
			t.Errorf("level %d (-want +got):\n%s", level, diff)
		}
	}
	e := &engine{level: 1, before: failing(1, "PRAGMA synchronous = EXTRA", errors.New("no"))}
	s := &sqlstore.SQLite{DB: openEngine(t, e)}
	if ok, err := s.Swap(ctx, "k", nil, []byte("v"), never); err == nil {
		t.Errorf("Swap said %t at a level below EXTRA", ok)
	}
	e = &engine{level: 1, before: failing(1, "PRAGMA synchronous", errors.New("no"))}
	s = &sqlstore.SQLite{DB: openEngine(t, e)}
	if ok, err := s.Swap(ctx, "k", nil, []byte("v"), never); err == nil {
		t.Errorf("Swap said %t at a level it does not know", ok)
	}
}

// TestCreate shows that the table is looked for once and made if it is not
// there, and that it does not matter who made it.
func TestCreate(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, e *engine, open func(*sql.DB, string) refresh.Store) {
		e.absent = true
		db := openEngine(t, e)
		s := open(db, "")
		duplicate := errors.New("duplicate key value violates unique constraint")
		e.before = failing(1, "CREATE", duplicate)
		if _, err := s.Get(ctx, "k"); !errors.Is(err, duplicate) {
			t.Errorf("got %v, want the error of CREATE TABLE", err)
		}
		if _, err := s.Get(ctx, "k"); err != nil { // tries again
			t.Error(err)
		}
		e.statements()
		s.Get(ctx, "k")
		if log := e.statements(); len(log) != 1 {
			t.Errorf("a later call sent %q", log)
		}
		open(db, "").Get(ctx, "k")
		if log := e.statements(); len(log) != 2 || strings.Contains(log[1], "CREATE") {
			t.Errorf("the first call on a table that is there sent %q", log)
		}
		e.absent = true
		e.before = func(statement string) error {
			if strings.HasPrefix(statement, "CREATE") {
				e.absent = false // another was faster
				return duplicate
			}
			return nil
		}
		if _, err := open(db, "").Get(ctx, "k"); err != nil {
			t.Error(err)
		}
	})
}

// TestSweep shows that the first write and every 64th after it sweeps, and that
// a sweep that fails does no harm.
func TestSweep(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, e *engine, open func(*sql.DB, string) refresh.Store) {
		s := open(openEngine(t, e), "")
		var swept []int
		n := 0
		e.before = func(statement string) error {
			if strings.Contains(statement, "LIMIT 256") {
				swept = append(swept, n)
				return errors.New("too slow")
			}
			return nil
		}
		for n = range 130 {
			if ok, err := s.Swap(ctx, fmt.Sprint(n), nil, []byte("v"), never); err != nil || !ok {
				t.Errorf("Swap: %t, %v", ok, err)
			}
		}
		if diff := cmp.Diff([]int{0, 64, 128}, swept); diff != "" {
			t.Errorf("writes with a sweep (-want +got):\n%s", diff)
		}
	})
}

// TestErrorText shows that an error has no key and no value in it, and not all
// of what a server may say.
func TestErrorText(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, e *engine, open func(*sql.DB, string) refresh.Store) {
		s := open(openEngine(t, e), "")
		e.before = failing(1, "INSERT", errors.New(strings.Repeat("x", 1e6)))
		_, err := s.Swap(ctx, "the key", nil, []byte("the value"), never)
		refused(t, err, "writing to table tokenlife: xxx")
		if text := err.Error(); len(text) > 400 || strings.Contains(text, "the ") {
			t.Errorf("the error has %d bytes: %.400s", len(text), text)
		}
	})
}

// TestContract runs what the engine can of the contract: it knows nothing of
// time.
func TestContract(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, e *engine, open func(*sql.DB, string) refresh.Store) {
		s := open(openEngine(t, e), "")
		for _, step := range []struct {
			old, new string
			want     bool
		}{
			{"1", "2", false}, {"1", "", false}, {"", "", true}, {"", "1", true}, {"", "", false}, {"", "2", false},
			{"2", "3", false}, {"1", "2", true}, {"1", "", false}, {"2", "", true}, {"", "", true},
		} {
			var old, new []byte
			if step.old != "" {
				old = []byte(step.old)
			}
			if step.new != "" {
				new = []byte(step.new)
			}
			if ok, err := s.Swap(ctx, "k", old, new, never); err != nil || ok != step.want {
				t.Errorf("Swap %q -> %q: %t, %v; want %t", step.old, step.new, ok, err, step.want)
			}
		}
	})
}
