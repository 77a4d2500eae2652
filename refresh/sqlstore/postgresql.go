package sqlstore

import (
	"context"
	"database/sql"
	"strings"
	"sync/atomic"
	"time"
)

// PostgreSQL is a [refresh.Store] in a table of a PostgreSQL database (12 or
// newer), for any number of processes on any number of machines. It is a
// [refresh.Locker].
//
// DB must connect to the primary: what a standby has is of some time ago, so
// that a connection that can only read is refused. If a standby takes over that
// had not got everything, since it follows asynchronously, a rotation or a
// revocation may be undone.
//
// It must not be copied after first use.
type PostgreSQL struct {
	// DB is the database. Required.
	DB *sql.DB

	// Table is the name of the table: a to z, 0 to 9 and _, at most 50 of
	// them. "" means "tokenlife". It is looked for in the search_path of the
	// connection.
	Table string

	table table
	locks atomic.Int64 // connections that Lock has
}

// Get implements [refresh.Store].
func (p *PostgreSQL) Get(ctx context.Context, key string) ([]byte, error) {
	return p.table.get(ctx, &postgreSQL, p.DB, p.Table, key)
}

// Swap implements [refresh.Store].
func (p *PostgreSQL) Swap(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
	return p.table.swap(ctx, &postgreSQL, p.DB, p.Table, key, old, new, expires)
}

var postgreSQL = dialect{
	name: "PostgreSQL",
	words: strings.NewReplacer(
		"{blob}", "BYTEA",
		// Else a table with columns of other types has the server try to read a
		// value as one of those, and quote it in its error.
		"{bytes}", "::bytea",
		"{now}", "(extract(epoch FROM now()) * 1000)::bigint",
		"{readonly}", "current_setting('transaction_read_only') = 'on'",
		// For the transaction of this statement, and before it commits.
		"{durable}", "RETURNING CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', true) END",
		"{skip}", "FOR UPDATE SKIP LOCKED",
		"{$}", "$",
	),
	present:   `SELECT to_regclass('{table}') IS NOT NULL`,
	exec:      execPostgreSQL,
	transient: isSerialization,
}

func execPostgreSQL(ctx context.Context, db *sql.DB, statement string, args ...any) (sql.Result, error) {
	return db.ExecContext(ctx, statement, args...)
}

func isSerialization(err error) bool {
	state := sqlState(err)
	return state == serializationFailure || state == deadlockDetected
}
