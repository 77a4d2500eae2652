package jwt_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A token whose key is not known waits for a fetch that begins after it came,
// and that is a verdict.
func TestRemoteUnknownKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite("a")
		s.latency = 100 * time.Millisecond
		r := s.remote()
		find(t, r, "a")
		// Fetched 100 ms ago: the next may begin 900 ms from now.
		var callers sync.WaitGroup
		for i := range 64 {
			callers.Go(func() {
				if got, took, err := find(t, r, fmt.Sprint("made up ", i)); got != "" || took != time.Second || err != nil {
					t.Errorf("%q after %v, %v", got, took, err)
				}
			})
		}
		callers.Wait()
		wantFetches(t, s, 2)

		// One that comes while a fetch is under way is not content with that,
		// unless the key is in it.
		time.Sleep(time.Minute)
		s.publish("a", "b")
		callers.Go(func() { find(t, r, "made up") })
		synctest.Wait()
		time.Sleep(50 * time.Millisecond)
		s.publish("a", "b", "c")
		callers.Go(func() {
			if got, took, err := find(t, r, "b"); got != "b" || took != 50*time.Millisecond || err != nil {
				t.Errorf("b: %q after %v, %v", got, took, err)
			}
		})
		callers.Go(func() {
			if got, took, err := find(t, r, "c"); got != "c" || took != 1050*time.Millisecond || err != nil {
				t.Errorf("c: %q after %v, %v", got, took, err)
			}
		})
		callers.Go(func() {
			if got, took, err := find(t, r, "d"); got != "" || took != 1050*time.Millisecond || err != nil {
				t.Errorf("d: %q after %v, %v", got, took, err)
			}
		})
		callers.Wait()
		wantFetches(t, s, 4)
	})
}

// The same for the first set.
func TestRemoteUnknownKeyAtFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite("a")
		s.latency = 100 * time.Millisecond
		r := s.remote()
		if got, took, err := find(t, r, "b"); got != "" || took != s.latency || err != nil {
			t.Errorf("%q after %v, %v", got, took, err)
		}
		wantFetches(t, s, 1)
	})
}

// Callers beyond the 64th are told when to come back; those whose key is known
// are not concerned, nor are those that wait for the first set.
func TestRemoteWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite("a")
		s.latency = 100 * time.Millisecond
		r := s.remote()
		var callers sync.WaitGroup
		for range 200 {
			callers.Go(func() {
				if got, _, err := find(t, r, "a"); got != "a" || err != nil {
					t.Errorf("%q, %v", got, err)
				}
			})
		}
		callers.Wait()

		for round := range 2 {
			ctx, cancel := context.WithCancel(t.Context())
			for range 64 {
				callers.Go(func() {
					if _, err := r.Keys(ctx, "made up"); !errors.Is(err, context.Canceled) {
						t.Errorf("round %d: %v", round, err)
					}
				})
			}
			synctest.Wait()
			_, took, err := find(t, r, "made up")
			var later interface{ RetryAfter() time.Duration }
			if took != 0 || !errors.As(err, &later) || later.RetryAfter() != time.Second {
				t.Errorf("round %d: the 65th caller: %v after %v", round, err, took)
			}
			if want := "jwt: 64 callers wait already for keys that are not in the set; next attempt in 1s"; fmt.Sprint(err) != want {
				t.Errorf("round %d: %v", round, err)
			}
			wantFound(t, r, "a", "a")
			cancel() // who leaves makes room
			callers.Wait()
		}
		time.Sleep(time.Minute)
	})
}

// How long a caller too many is sent away goes by MinInterval.
func TestRemoteWaitingLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite("a")
		r := s.remote()
		r.MinInterval = time.Minute
		find(t, r, "a")
		time.Sleep(10 * time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		var callers sync.WaitGroup
		for range 64 {
			callers.Go(func() { r.Keys(ctx, "made up") })
		}
		synctest.Wait()
		_, _, err := find(t, r, "made up")
		var later interface{ RetryAfter() time.Duration }
		if !errors.As(err, &later) || later.RetryAfter() != 50*time.Second {
			t.Errorf("error %v", err)
		}
		cancel()
		callers.Wait()
		time.Sleep(time.Minute)
	})
}

func TestRemoteMinInterval(t *testing.T) {
	t.Parallel()
	for interval, want := range map[time.Duration]int{0: 11, 5 * time.Second: 3, -time.Second: 100} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite("a")
			s.latency = 100 * time.Millisecond
			r := s.remote()
			r.MinInterval = interval
			for began := time.Now(); time.Since(began) < 10*time.Second; {
				find(t, r, "made up")
			}
			wantFetches(t, s, want)
		})
	}
}
