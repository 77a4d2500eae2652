package sqlstore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"sync"
	"time"
)

// Lock implements [refresh.Locker]. It waits, without a connection, until it
// holds an advisory lock, or ctx is done.
//
// While it is held it has a connection of DB to itself, idle in a transaction;
// locks never take the last one that DB.SetMaxOpenConns allows, which must be
// two or more. The lock ends with the connection: when the process ends, and
// within half a minute after its machine has gone. If the server ends the
// connection of a holder that lives on, because it is restarted, another may get
// the lock before the holder is done, and a refresh token may be presented twice.
//
// A pooler such as PgBouncer may be in between, in session or transaction mode.
func (p *PostgreSQL) Lock(ctx context.Context, key string) (unlock func(), err error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	s, err := p.table.open(ctx, &postgreSQL, p.DB, p.Table)
	if err != nil {
		return nil, err
	}
	const longest = 250 * time.Millisecond
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, longest) {
		conn, err := p.tryLock(ctx, lockNumber(s.table, key))
		if err != nil {
			return nil, failed(ctx, "locking a key of", s.table, err)
		}
		if conn != nil {
			return sync.OnceFunc(func() { p.unlock(conn) }), nil
		}
		select {
		case <-ctx.Done():
			return nil, failed(ctx, "locking a key of", s.table, errHeld)
		case <-time.After(pause):
		}
	}
}

var errHeld = errors.New("it is held by another")

// lockNumber is the number of a key's advisory lock. Two keys with the same
// number wait for each other, and nothing worse.
func lockNumber(table, key string) int64 {
	sum := sha256.Sum256([]byte("tokenlife\x00" + table + "\x00" + key))
	return int64(binary.BigEndian.Uint64(sum[:]))
}

// The lock is a transaction's, so that it is on one connection to the server
// also through a pooler. The settings are the transaction's too: it may be idle,
// and the server looks soon whether a client that says nothing is there.
const (
	beginText = `BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY`

	lockText = `SELECT pg_is_in_recovery(), pg_try_advisory_xact_lock($1), concat(
set_config('idle_in_transaction_session_timeout', '0', true),
CASE WHEN current_setting('transaction_timeout', true) IS NOT NULL THEN set_config('transaction_timeout', '0', true) END,
set_config('tcp_keepalives_idle', '10', true),
set_config('tcp_keepalives_interval', '5', true),
set_config('tcp_keepalives_count', '3', true))`
)

// tryLock returns the connection that holds the lock, or nil if another has it.
func (p *PostgreSQL) tryLock(ctx context.Context, number int64) (_ *sql.Conn, err error) {
	most := int64(p.DB.Stats().MaxOpenConnections) // 0 is any number
	if most == 1 {
		return nil, errors.New("DB.SetMaxOpenConns allows one connection, which would leave none beside the lock's: allow more")
	}
	if held := p.locks.Add(1); most > 0 && held >= most {
		p.locks.Add(-1)
		return nil, nil
	}
	conn, err := p.DB.Conn(ctx)
	if err != nil {
		p.locks.Add(-1)
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, beginText); err != nil {
		p.unlock(conn)
		return nil, err
	}
	var standby, locked bool
	var settings string
	err = conn.QueryRowContext(ctx, lockText, number).Scan(&standby, &locked, &settings)
	if err == nil && standby {
		err = errReadOnly
	}
	if err == nil && locked {
		return conn, nil
	}
	p.unlock(conn)
	return nil, err
}

// unlock ends the transaction and gives the connection back; or closes it, if it
// cannot be sure that the transaction has ended.
func (p *PostgreSQL) unlock(conn *sql.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if _, err := conn.ExecContext(ctx, "ROLLBACK"); err != nil {
		conn.Raw(func(any) error { return driver.ErrBadConn })
	}
	conn.Close()
	p.locks.Add(-1)
}
