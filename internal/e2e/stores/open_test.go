// Package stores holds the Stores of sqlstore and redisstore to their contract,
// on the databases that they are for.
package stores

import (
	"context"
	"database/sql"
	"testing"
	"time"

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

// redisClient returns a client that waits for a server that is slow: by itself it
// would send a command once more after a few seconds, and so write twice.
func redisClient(tb testing.TB, options goredis.Options) *goredis.Client {
	const patience = 2 * time.Minute
	options.DialTimeout = patience
	if options.ReadTimeout == 0 {
		options.ReadTimeout = patience // and to write, and for a connection
	}
	client := goredis.NewClient(&options)
	tb.Cleanup(func() { client.Close() })
	return client
}

func redisStore(tb testing.TB, options goredis.Options) *redisstore.Store {
	client := redisClient(tb, options)
	return &redisstore.Store{
		Do:     func(ctx context.Context, args ...any) (any, error) { return client.Do(ctx, args...).Result() },
		Prefix: "test/",
	}
}
