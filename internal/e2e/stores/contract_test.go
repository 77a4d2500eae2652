package stores

import (
	"path/filepath"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"github.com/tokenlife/tokenlife/internal/e2e/postgres"
	"github.com/tokenlife/tokenlife/internal/e2e/redis"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/storetest"
)

func TestSQLite(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]string{
		"default": "",
		"WAL":     "?_pragma=journal_mode(WAL)",
		"NORMAL":  "?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=busy_timeout(1000)",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(t *testing.T) refresh.Store {
				return sqliteStore(t, filepath.Join(t.TempDir(), "tokens.db")+options)
			})
		})
	}
}

func TestPostgreSQL(t *testing.T) {
	t.Parallel()
	server := postgres.Start(t)
	for name, options := range map[string]string{
		"default":         "",
		"repeatable read": "&default_transaction_isolation=repeatable%20read",
		"serializable":    "&default_transaction_isolation=serializable",
		"simple protocol": "&default_query_exec_mode=simple_protocol",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(t *testing.T) refresh.Store { return postgresStore(t, server.URL+options) })
		})
	}
}

func TestRedis(t *testing.T) {
	t.Parallel()
	server := redis.Start(t)
	for name, options := range map[string]goredis.Options{
		"default":  {},
		"RESP2":    {Protocol: 2},
		"deadline": {ContextTimeoutEnabled: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options.Addr = server.Addr
			storetest.Run(t, func(t *testing.T) refresh.Store { return redisStore(t, options) })
		})
	}
}

func TestSQLiteProcesses(t *testing.T) {
	storetest.Processes(t,
		func(t *testing.T) string { return filepath.Join(t.TempDir(), "tokens.db") },
		func(t *testing.T, place string) refresh.Store { return sqliteStore(t, place) })
}

func TestPostgreSQLProcesses(t *testing.T) {
	storetest.Processes(t,
		func(t *testing.T) string { return postgres.Start(t).URL },
		func(t *testing.T, place string) refresh.Store { return postgresStore(t, place) })
}

func TestRedisProcesses(t *testing.T) {
	storetest.Processes(t,
		func(t *testing.T) string { return redis.Start(t).Addr },
		func(t *testing.T, place string) refresh.Store { return redisStore(t, goredis.Options{Addr: place}) })
}
