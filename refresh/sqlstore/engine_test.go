package sqlstore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
)

// An engine is a database for package database/sql that knows the statements of
// this package, and no others, and can fail them. What the statements mean is
// tested on real databases, in internal/e2e/stores.
type engine struct {
	// before and after fail a statement, before or after it has done its work.
	before, after func(statement string) error

	mu       sync.Mutex
	values   map[string][]byte
	absent   bool // there is no table
	readOnly bool
	locked   map[int64]int // connections by the number of the lock they hold
	level    int           // PRAGMA synchronous
	log      []string      // statements, each after the number of its connection
	opened   int           // connections
	closed   int
}

// openEngine opens a database with the engine.
func openEngine(tb testing.TB, e *engine) *sql.DB {
	db := sql.OpenDB(e)
	tb.Cleanup(func() { db.Close() })
	return db
}

// run does what a statement says. It returns a row, or how many rows it changed.
func (e *engine) run(conn int, statement string, args []driver.NamedValue) (row []driver.Value, rows int64, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.log = append(e.log, fmt.Sprintf("%d %.18s", conn, statement))
	if e.before != nil {
		if err := e.before(statement); err != nil {
			return nil, 0, err
		}
	}
	if e.values == nil {
		e.values = make(map[string][]byte)
	}
	value := func(i int) []byte { v, _ := args[i].Value.([]byte); return v }
	var key string
	if len(args) > 0 {
		key = string(value(0))
	}
	old, there := e.values[key]
	switch {
	case strings.HasPrefix(statement, "SELECT EXISTS"), strings.HasPrefix(statement, "SELECT to_regclass"):
		row = []driver.Value{!e.absent}
	case strings.HasPrefix(statement, "CREATE TABLE"):
		e.absent = false
	case strings.Contains(statement, "(SELECT v FROM"):
		row = []driver.Value{e.readOnly, nil}
		if there {
			row[1] = old
		}
	case strings.HasPrefix(statement, "INSERT"):
		if !there {
			e.values[key], rows = value(1), 1
		}
	case strings.HasPrefix(statement, "UPDATE"):
		if there && string(old) == string(value(3)) {
			e.values[key], rows = value(1), 1
		}
	case strings.HasPrefix(statement, "DELETE") && len(args) == 2:
		if there && string(old) == string(value(1)) {
			delete(e.values, key)
			rows = 1
		}
	case strings.HasPrefix(statement, "DELETE"): // the sweep
	case statement == "PRAGMA synchronous":
		row = []driver.Value{int64(e.level)}
	case statement == "PRAGMA synchronous = EXTRA":
		e.level = 3
	case strings.HasPrefix(statement, "PRAGMA synchronous = "):
		fmt.Sscanf(statement, "PRAGMA synchronous = %d", &e.level)
	case strings.HasPrefix(statement, "BEGIN"):
	case strings.Contains(statement, "pg_try_advisory_xact_lock"):
		number := args[0].Value.(int64)
		if e.locked == nil {
			e.locked = make(map[int64]int)
		}
		holder, taken := e.locked[number]
		if !taken {
			e.locked[number] = conn
		}
		row = []driver.Value{e.readOnly, !taken || holder == conn, ""}
	case statement == "ROLLBACK":
		e.release(conn)
	default:
		return nil, 0, fmt.Errorf("engine: no such statement: %s", statement)
	}
	if e.after != nil {
		err = e.after(statement)
	}
	return row, rows, err
}

func (e *engine) release(conn int) {
	for number, holder := range e.locked {
		if holder == conn {
			delete(e.locked, number)
		}
	}
}

// statements returns what was run since it was last asked.
func (e *engine) statements() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	log := e.log
	e.log = nil
	return log
}

// Connect implements driver.Connector.
func (e *engine) Connect(context.Context) (driver.Conn, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.opened++
	return &engineConn{e, e.opened}, nil
}

// Driver implements driver.Connector.
func (e *engine) Driver() driver.Driver { return e }

// Open implements driver.Driver.
func (e *engine) Open(string) (driver.Conn, error) { return e.Connect(context.Background()) }

type engineConn struct {
	engine *engine
	number int
}

func (c *engineConn) QueryContext(_ context.Context, statement string, args []driver.NamedValue) (driver.Rows, error) {
	row, _, err := c.engine.run(c.number, statement, args)
	return &engineRows{row: row}, err
}

func (c *engineConn) ExecContext(_ context.Context, statement string, args []driver.NamedValue) (driver.Result, error) {
	_, rows, err := c.engine.run(c.number, statement, args)
	return driver.RowsAffected(rows), err
}

func (c *engineConn) Close() error {
	c.engine.mu.Lock()
	defer c.engine.mu.Unlock()
	c.engine.closed++
	c.engine.release(c.number)
	return nil
}

func (c *engineConn) Prepare(string) (driver.Stmt, error) {
	return nil, errors.New("engine: no Prepare")
}
func (c *engineConn) Begin() (driver.Tx, error) { return nil, errors.New("engine: no Begin") }

// engineRows is a row, or none.
type engineRows struct{ row []driver.Value }

func (r *engineRows) Columns() []string { return make([]string, len(r.row)) }
func (r *engineRows) Close() error      { return nil }
func (r *engineRows) Next(dest []driver.Value) error {
	if r.row == nil {
		return io.EOF
	}
	copy(dest, r.row)
	r.row = nil
	return nil
}
