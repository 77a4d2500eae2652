package stores

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/tokenlife/tokenlife/internal/e2e/redis"
)

// TestRedisEviction shows that a server that throws entries away is refused.
func TestRedisEviction(t *testing.T) {
	t.Parallel()
	server := redis.Start(t, "--maxmemory-policy", "allkeys-lru")
	client := redisClient(t, goredis.Options{Addr: server.Addr})
	s := redisStore(t, goredis.Options{Addr: server.Addr})
	for range 2 {
		_, err := s.Get(t.Context(), "k")
		refusedFor(t, err, "noeviction")
		_, err = s.Swap(t.Context(), "k", nil, []byte("v"), never)
		refusedFor(t, err, `"allkeys-lru"`)
	}
	if n, err := client.DBSize(t.Context()).Result(); err != nil || n != 0 {
		t.Errorf("it holds %d keys (%v)", n, err)
	}
	if err := client.ConfigSet(t.Context(), "maxmemory-policy", "noeviction").Err(); err != nil {
		t.Fatal(err)
	}
	swap(t, s, "k", nil, []byte("v"), never)
}

// TestRedisWithoutInfo shows that a user who may do nothing but what the Store
// needs can use it.
func TestRedisWithoutInfo(t *testing.T) {
	t.Parallel()
	server := redis.Start(t)
	client := redisClient(t, goredis.Options{Addr: server.Addr})
	err := client.Do(t.Context(), "ACL", "SETUSER", "app", "on", ">secret", "~test/*", "+eval", "+get", "+set", "+del").Err()
	if err != nil {
		t.Fatal(err)
	}
	s := redisStore(t, goredis.Options{Addr: server.Addr, Username: "app", Password: "secret"})
	swap(t, s, "k", nil, []byte("v"), time.Now().Add(time.Hour))
	swap(t, s, "k", []byte("v"), nil, never)
	if v, err := s.Get(t.Context(), "k"); err != nil || v != nil {
		t.Errorf("Get = %q, %v", v, err)
	}
	s.Prefix = "elsewhere/"
	_, err = s.Swap(t.Context(), "k", nil, []byte("v"), never)
	refusedFor(t, err, "NOPERM")
}

// TestRedisFull shows that a server whose memory is full refuses to write, which
// is an error, and still has what it had.
func TestRedisFull(t *testing.T) {
	t.Parallel()
	server := redis.Start(t)
	client := redisClient(t, goredis.Options{Addr: server.Addr})
	s := redisStore(t, goredis.Options{Addr: server.Addr})
	swap(t, s, "k", nil, []byte("v"), never)
	if err := client.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	_, err := s.Swap(t.Context(), "k", []byte("v"), []byte("w"), never)
	refusedFor(t, err, "OOM")
	if v, err := s.Get(t.Context(), "k"); err != nil || string(v) != "v" {
		t.Errorf("Get = %q, %v; want v", v, err)
	}
}

// TestRedisWithoutEval shows that a server that does not know the command, and
// quotes what came with it, quotes no value.
func TestRedisWithoutEval(t *testing.T) {
	t.Parallel()
	server := redis.Start(t, "--rename-command", "EVAL", "")
	s := redisStore(t, goredis.Options{Addr: server.Addr})
	for _, old := range [][]byte{nil, []byte("the value")} {
		_, err := s.Swap(t.Context(), "k", old, []byte("the value"), never)
		refusedFor(t, err, "unknown command")
		if err != nil && strings.Contains(err.Error(), "the value") {
			t.Errorf("the error has the value in it: %v", err)
		}
	}
}

// TestRedisForeign shows that a key that holds something else is an error.
func TestRedisForeign(t *testing.T) {
	t.Parallel()
	server := redis.Start(t)
	client := redisClient(t, goredis.Options{Addr: server.Addr})
	if err := client.LPush(t.Context(), "test/k", "list").Err(); err != nil {
		t.Fatal(err)
	}
	s := redisStore(t, goredis.Options{Addr: server.Addr})
	_, err := s.Get(t.Context(), "k")
	refusedFor(t, err, "WRONGTYPE")
	_, err = s.Swap(t.Context(), "k", nil, []byte("v"), never)
	refusedFor(t, err, "WRONGTYPE")
}

// TestRedisExpiry shows that entries go by themselves, and that the server knows
// when.
func TestRedisExpiry(t *testing.T) {
	t.Parallel()
	server := redis.Start(t)
	client := redisClient(t, goredis.Options{Addr: server.Addr})
	s := redisStore(t, goredis.Options{Addr: server.Addr})
	end := time.Now().Add(time.Hour)
	swap(t, s, "k", nil, []byte("v"), end)
	if ms, err := client.Do(t.Context(), "PEXPIRETIME", "test/k").Result(); err != nil || ms != end.UnixMilli() {
		t.Errorf("it goes at %v (%v), want %d", ms, err, end.UnixMilli())
	}
	for name, past := range map[string]time.Time{"epoch": time.Unix(0, 0), "before": time.Unix(-1e9, 0)} {
		swap(t, s, name, nil, []byte("v"), past)
	}
	keys := client.Keys(t.Context(), "*").Val()
	if strings.Join(keys, " ") != "test/k" {
		t.Errorf("the keys are %q", keys)
	}
}

// TestRedisHangs shows that a call ends with its context when the server says
// nothing.
func TestRedisHangs(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	// The client by itself would wait for hours.
	s := redisStore(t, goredis.Options{Addr: l.Addr().String(), ContextTimeoutEnabled: true, ReadTimeout: time.Hour})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := s.Get(ctx, "k"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Get: %v, want context.DeadlineExceeded", err)
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %v", took)
	}
}
