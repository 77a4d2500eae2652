package stores

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/tokenlife/tokenlife/internal/e2e/postgres"
	"github.com/tokenlife/tokenlife/internal/e2e/redis"
	"github.com/tokenlife/tokenlife/refresh"
)

// TestPostgreSQLCrash has the server crash, again and again, in the middle of
// writes. It would keep what was committed to itself for ten seconds if the
// Store did not tell it otherwise.
func TestPostgreSQLCrash(t *testing.T) {
	t.Parallel()
	server := postgres.Start(t, "synchronous_commit=off", "wal_writer_delay=10s")
	crashes(t, postgresStore(t, server.URL), server.Stop, func() { server.Restart(t) })
}

func TestRedisCrash(t *testing.T) {
	t.Parallel()
	server := redis.Start(t)
	crashes(t, redisStore(t, goredis.Options{Addr: server.Addr}), server.Stop, func() { server.Restart(t) })
}

// crashes has goroutines append to values of their own while the server stops
// and starts. Whatever a Swap said, it must have been the truth: after an error
// either value may be there, and after true the new one alone.
func crashes(t *testing.T, s refresh.Store, stop, start func()) {
	const workers, rounds = 4, 5
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	var swapped, failed atomic.Int64
	for w := range workers {
		wg.Go(func() {
			key := fmt.Sprint("crash/", w)
			var old, new []byte
			unsure := true
			for n := 0; ctx.Err() == nil; n++ {
				if unsure {
					got, err := s.Get(ctx, key)
					if err != nil {
						continue
					}
					if !bytes.Equal(got, old) && !bytes.Equal(got, new) {
						t.Errorf("%s holds %q, want %q or %q", key, got, old, new)
						return
					}
					old, unsure = got, false
				}
				new = fmt.Appendf(nil, "value %d", n)
				ok, err := s.Swap(ctx, key, old, new, time.Time{})
				switch {
				case err != nil:
					failed.Add(1)
					unsure = true
				case !ok:
					// The write before it had landed, or this one was sent twice.
					unsure = true
				default:
					swapped.Add(1)
					old = new
				}
			}
		})
	}
	for round := range rounds {
		before := swapped.Load()
		for deadline := time.Now().Add(time.Minute); swapped.Load() < before+50 && !t.Failed(); {
			if time.Now().After(deadline) {
				t.Fatalf("round %d: nothing much was written in a minute", round)
			}
			<-time.After(time.Millisecond)
		}
		stop() // while they write
		start()
	}
	cancel()
	wg.Wait()
	t.Logf("%d Swaps said true and %d failed", swapped.Load(), failed.Load())
}
