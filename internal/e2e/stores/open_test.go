// Package stores holds the Stores of sqlstore and redisstore to their contract,
// on the databases that they are for.
package stores

import (
	"context"
	"database/sql"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	goredis "github.com/redis/go-redis/v9"
	_ "modernc.org/sqlite"

	"github.com/tokenlife/tokenlife/refresh/redisstore"
	"github.com/tokenlife/tokenlife/refresh/sqlstore"
)

// open opens a database: driver is pgx or sqlite.
func open(tb testing.TB, driver, source string) *sql.DB {
	tb.Helper()
	db, err := sql.Open(driver, source)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	return db
}

func sqliteStore(tb testing.TB, path string) *sqlstore.SQLite {
	return &sqlstore.SQLite{DB: open(tb, "sqlite", "file:"+path)}
}

func postgresStore(tb testing.TB, url string) *sqlstore.PostgreSQL {
	return &sqlstore.PostgreSQL{DB: open(tb, "pgx", url)}
}

func redisStore(tb testing.TB, options goredis.Options) *redisstore.Store {
	client := goredis.NewClient(&options)
	tb.Cleanup(func() { client.Close() })
	return &redisstore.Store{
		Do:     func(ctx context.Context, args ...any) (any, error) { return client.Do(ctx, args...).Result() },
		Prefix: "test/",
	}
}
