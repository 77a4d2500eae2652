package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
)

// A dialect is what SQLite and PostgreSQL have each their own way of.
type dialect struct {
	name    string            // of the type
	words   *strings.Replacer // see statements
	present string            // asks whether the table and its index are there

	// exec runs a statement that writes, in a transaction of its own, and
	// returns when that is on disk.
	exec func(ctx context.Context, db *sql.DB, statement string, args ...any) (sql.Result, error)

	// transient reports whether err means that the statement was given up for
	// the sake of another and wrote nothing.
	transient func(err error) bool
}

// A table does the work of a Store.
type table struct {
	ready  atomic.Pointer[statements] // nil until the table is known to be there
	writes atomic.Uint64
}

// sweepEvery is after how many writes one deletes what has expired. A write adds
// one row at most, and a sweep takes more than these.
const sweepEvery = 64

func (t *table) get(ctx context.Context, d *dialect, db *sql.DB, name, key string) ([]byte, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	s, err := t.open(ctx, d, db, name)
	if err != nil {
		return nil, err
	}
	var readOnly bool
	var value []byte
	err = retry(ctx, d.transient, func() error {
		return db.QueryRowContext(ctx, s.get, []byte(key)).Scan(&readOnly, &value)
	})
	if err != nil {
		return nil, failed(ctx, "reading", s.table, err)
	}
	if readOnly {
		return nil, failed(ctx, "reading", s.table, errReadOnly)
	}
	return value, nil
}

func (t *table) swap(ctx context.Context, d *dialect, db *sql.DB, name, key string, old, new []byte, expires time.Time) (bool, error) {
	for _, err := range []error{checkKey(key), checkValue(old), checkValue(new)} {
		if err != nil {
			return false, err
		}
	}
	if old == nil && new == nil {
		v, err := t.get(ctx, d, db, name, key)
		return err == nil && v == nil, err
	}
	s, err := t.open(ctx, d, db, name)
	if err != nil {
		return false, err
	}
	t.sweep(ctx, db, s)

	var end any // NULL is never
	if !expires.IsZero() {
		end = expires.UnixMilli()
	}
	var statement string
	var args []any
	switch {
	case old == nil:
		statement, args = s.insert, []any{[]byte(key), new, end}
	case new == nil:
		statement, args = s.delete, []any{[]byte(key), old}
	default:
		statement, args = s.update, []any{[]byte(key), new, end, old}
	}
	var rows int64
	err = retry(ctx, d.transient, func() error {
		result, err := d.exec(ctx, db, statement, args...)
		if err == nil {
			rows, err = result.RowsAffected()
		}
		return err
	})
	if err != nil {
		return false, failed(ctx, "writing to", s.table, err)
	}
	return rows > 0, nil
}

// open returns the statements once the table is there, and makes it if it is
// not. Programs that do so at the same time get in each other's way: what counts
// is that it is there in the end.
func (t *table) open(ctx context.Context, d *dialect, db *sql.DB, name string) (*statements, error) {
	if s := t.ready.Load(); s != nil {
		return s, nil
	}
	if db == nil {
		return nil, fmt.Errorf("sqlstore: %s.DB is not set", d.name)
	}
	s, err := newStatements(name, d)
	if err != nil {
		return nil, err
	}
	err = retry(ctx, d.transient, func() error {
		there, err := isThere(ctx, db, s)
		if there || err != nil {
			return err
		}
		_, failure := db.ExecContext(ctx, s.create)
		if failure == nil {
			return nil
		}
		if there, err = isThere(ctx, db, s); there && err == nil {
			return nil
		}
		return failure
	})
	if err != nil {
		return nil, failed(ctx, "making", s.table, err)
	}
	t.ready.Store(s)
	return s, nil
}

func isThere(ctx context.Context, db *sql.DB, s *statements) (there bool, err error) {
	err = db.QueryRowContext(ctx, s.present).Scan(&there)
	return there, err
}

// sweep deletes some of the rows that have expired, at every 64th call and at
// the first, for the sake of programs that write once. That it fails does not
// matter to the write that it goes before.
func (t *table) sweep(ctx context.Context, db *sql.DB, s *statements) {
	if t.writes.Add(1)%sweepEvery != 1 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	db.ExecContext(ctx, s.sweep)
}
