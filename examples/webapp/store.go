package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/redis/go-redis/v9"
	_ "modernc.org/sqlite"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/redisstore"
	"github.com/tokenlife/tokenlife/refresh/sqlstore"
)

// openStore returns the store at url. It is an error if it cannot be read.
func openStore(ctx context.Context, url string) (store refresh.Store, close func() error, err error) {
	kind, rest, isURL := strings.Cut(url, ":")
	switch {
	case !isURL || len(kind) == 1: // a drive of Windows
		store, close, err = openSQLite(url)
	case !strings.HasPrefix(rest, "//"): // it may have a password, which an error of SQLite would show
		err = fmt.Errorf("the store: its URL cannot be read: behind %q there must be //, and the name of a file has no colon", kind+":")
	case kind == "postgres" || kind == "postgresql":
		store, close, err = openPostgreSQL(url)
	case kind == "redis" || kind == "rediss":
		store, close, err = openRedis(url)
	default:
		err = fmt.Errorf("what is a store of the kind %q? -h tells what there is", kind)
	}
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if _, err := store.Get(ctx, "none"); err != nil {
		close()
		return nil, nil, fmt.Errorf("the store: %w", err)
	}
	return store, close, nil
}

func openSQLite(name string) (refresh.Store, func() error, error) {
	if strings.Contains(name, "?") {
		return nil, nil, errors.New("the store: its file has a ? in its name, behind which the driver looks for settings: give it another")
	}
	// Before the driver does, which would let others read it.
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("the store: %w", err)
	}
	f.Close()
	db, err := sql.Open("sqlite", name+"?_pragma=journal_mode(WAL)")
	if err != nil {
		return nil, nil, err
	}
	return &sqlstore.SQLite{DB: db}, db.Close, nil
}

func openPostgreSQL(url string) (refresh.Store, func() error, error) {
	db, err := sql.Open("pgx", url)
	if err != nil {
		return nil, nil, errors.New("the store: its URL cannot be read")
	}
	return &sqlstore.PostgreSQL{DB: db}, db.Close, nil
}

func openRedis(url string) (refresh.Store, func() error, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, nil, errors.New("the store: its URL cannot be read") // the error has the password
	}
	redis.SetLogger(silent{})
	options.ContextTimeoutEnabled = true // else go-redis does not look at deadlines
	c := redis.NewClient(options)
	do := func(ctx context.Context, args ...any) (any, error) { return c.Do(ctx, args...).Result() }
	return &redisstore.Store{Do: do, Prefix: "webapp/"}, c.Close, nil
}

// silent has the client say nothing on standard error: it returns what it says.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}
