package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// SQLite is a [refresh.Store] in a table of an SQLite database (3.24 or newer),
// for any number of processes on one machine. The database is a file: with
// ":memory:" each connection has another.
//
//	db, err := sql.Open("sqlite", "file:tokens.db?_pragma=journal_mode(WAL)")
//	...
//	store := &sqlstore.SQLite{DB: db}
//
// A file that another connection has locked is waited for until ctx is done; no
// busy_timeout is needed. With journal_mode OFF or MEMORY a process that is
// killed may leave a file that cannot be read: use neither.
//
// It must not be copied after first use.
type SQLite struct {
	// DB is the database. Required.
	DB *sql.DB

	// Table is the name of the table: a to z, 0 to 9 and _, at most 50 of
	// them. "" means "tokenlife".
	Table string

	table table
}

// Get implements [refresh.Store].
func (s *SQLite) Get(ctx context.Context, key string) ([]byte, error) {
	return s.table.get(ctx, &sqlite, s.DB, s.Table, key)
}

// Swap implements [refresh.Store].
func (s *SQLite) Swap(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
	return s.table.swap(ctx, &sqlite, s.DB, s.Table, key, old, new, expires)
}

var sqlite = dialect{
	name: "SQLite",
	words: strings.NewReplacer(
		"{blob}", "BLOB",
		"{bytes}", "",
		"{now}", "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
		"{readonly}", "0",
		"{durable}", "",
		"{skip}", "",
		"{$}", "?",
	),
	present:   `SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = '{name}_expires')`,
	exec:      execSQLite,
	transient: isLocked,
}

// execSQLite runs a statement with PRAGMA synchronous at EXTRA, and leaves the
// connection as it was. At FULL, with the journal_mode that is the default, a
// power cut just after it may undo what was committed, since the end of the
// journal is not on disk.
func execSQLite(ctx context.Context, db *sql.DB, statement string, args ...any) (sql.Result, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	const extra = 3
	var level int
	if err := conn.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&level); err != nil {
		return nil, err
	}
	if level < extra {
		if _, err := conn.ExecContext(ctx, "PRAGMA synchronous = EXTRA"); err != nil {
			return nil, err
		}
		defer conn.ExecContext(context.WithoutCancel(ctx), fmt.Sprintf("PRAGMA synchronous = %d", level))
	}
	return conn.ExecContext(ctx, statement, args...)
}

// isLocked reports whether err is SQLITE_BUSY or SQLITE_LOCKED. Drivers whose
// errors have no Code still say it as SQLite does.
func isLocked(err error) bool {
	const busy, locked = 5, 6
	var e interface{ Code() int }
	if errors.As(err, &e) {
		code := e.Code() & 0xff // the rest says more exactly why
		return code == busy || code == locked
	}
	return err != nil && (strings.Contains(err.Error(), "database is locked") || strings.Contains(err.Error(), "database table is locked"))
}
