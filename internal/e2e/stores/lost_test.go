package stores

import (
	"net/url"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/tokenlife/tokenlife/internal/e2e/postgres"
	"github.com/tokenlife/tokenlife/internal/e2e/redis"
	"github.com/tokenlife/tokenlife/refresh"
)

// TestPostgreSQLLostAnswer and TestRedisLostAnswer cut the connection once the
// server has answered a Swap, and before the client knows.
func TestPostgreSQLLostAnswer(t *testing.T) {
	t.Parallel()
	server, err := url.Parse(postgres.Start(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	p := newProxy(t, server.Host)
	server.Host = p.addr
	s := postgresStore(t, server.String())
	s.DB.SetMaxOpenConns(1)
	// A connection that was idle for a second is tried first: on a machine that was
	// busy meanwhile it is that answer which is cut, and the Swap goes over another.
	for try := 1; ; try++ {
		ok, err := lostAnswer(t, p, s)
		if err != nil {
			return
		}
		if !ok || try == 5 {
			t.Fatalf("Swap said %t, want an error", ok)
		}
	}
}

func TestRedisLostAnswer(t *testing.T) {
	t.Parallel()
	p := newProxy(t, redis.Start(t).Addr)
	if ok, err := lostAnswer(t, p, redisStore(t, goredis.Options{Addr: p.addr, MaxRetries: -1})); err == nil {
		t.Errorf("Swap said %t, want an error", ok)
	}
	// By default this client sends a command again, so that a write that landed
	// says false.
	if ok, err := lostAnswer(t, p, redisStore(t, goredis.Options{Addr: p.addr})); err != nil || ok {
		t.Errorf("Swap said %t, %v of a write that landed and was sent again; want false: does the documentation still hold?", ok, err)
	}
}

// lostAnswer returns what is said of a Swap that landed and whose answer was
// lost.
func lostAnswer(t *testing.T, p *proxy, s refresh.Store) (bool, error) {
	key := t.Name() + time.Now().String()
	for _, value := range []string{"1", "2"} { // what is prepared for a connection is by then
		var old []byte
		if value == "2" {
			old = []byte("1")
		}
		if ok, err := s.Swap(t.Context(), key, old, []byte(value), time.Time{}); err != nil || !ok {
			t.Fatalf("Swap: %t, %v", ok, err)
		}
	}
	p.cut.Store(true)
	ok, err := s.Swap(t.Context(), key, []byte("2"), []byte("3"), time.Time{})
	if p.cut.Load() {
		t.Fatal("the answer was not cut")
	}
	if got, err := s.Get(t.Context(), key); err != nil || string(got) != "3" {
		t.Errorf("Get = %q, %v; want what the Swap wrote, 3", got, err)
	}
	return ok, err
}
