// Package sessions runs replicas of a site on package session, each as a process
// of its own would be, on the databases that they share.
package sessions

import (
	"context"
	"database/sql"
	"net/url"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	goredis "github.com/redis/go-redis/v9"

	"github.com/tokenlife/tokenlife/internal/e2e/postgres"
	"github.com/tokenlife/tokenlife/internal/e2e/redis"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/redisstore"
	"github.com/tokenlife/tokenlife/refresh/sqlstore"
)

// A backend is a database server.
type backend struct {
	addr    string
	open    func(t *testing.T, addr string) refresh.Store // with connections of its own
	stop    func()                                        // as a crash does
	restart func(t *testing.T)
}

// onBackends runs a test on each, with a server of its own.
func onBackends(t *testing.T, test func(t *testing.T, b backend)) {
	t.Parallel()
	for name, start := range map[string]func(*testing.T) backend{"PostgreSQL": startPostgreSQL, "Redis": startRedis} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, start(t))
		})
	}
}

func startPostgreSQL(t *testing.T) backend {
	server := postgres.Start(t)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return backend{
		addr: u.Host,
		open: func(t *testing.T, addr string) refresh.Store {
			at := *u
			at.Host = addr
			db, err := sql.Open("pgx", at.String())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			return &sqlstore.PostgreSQL{DB: db}
		},
		stop:    server.Stop,
		restart: func(t *testing.T) { server.Restart(t) },
	}
}

// The client is as it is by default, which takes no notice of the deadline of a
// call.
func startRedis(t *testing.T) backend {
	server := redis.Start(t)
	return backend{
		addr: server.Addr,
		open: func(t *testing.T, addr string) refresh.Store {
			client := goredis.NewClient(&goredis.Options{Addr: addr})
			t.Cleanup(func() { client.Close() })
			return &redisstore.Store{Do: func(ctx context.Context, args ...any) (any, error) { return client.Do(ctx, args...).Result() }}
		},
		stop:    server.Stop,
		restart: func(t *testing.T) { server.Restart(t) },
	}
}
