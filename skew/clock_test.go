package skew

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestZeroClockIsLocal(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]*Clock{"zero": {}, "nil": nil} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				check := func() {
					t.Helper()
					if got, want := c.Now(), time.Now(); !got.Equal(want) {
						t.Errorf("Now = %v, want %v", got, want)
					}
					if earliest, latest := c.Bounds(); !earliest.Equal(time.Now()) || !latest.Equal(time.Now()) {
						t.Errorf("Bounds = %v, %v, want both %v", earliest, latest, time.Now())
					}
					if earliest, latest := c.BoundsAt(at(7)); !earliest.Equal(at(7)) || !latest.Equal(at(7)) {
						t.Errorf("BoundsAt = %v, %v, want both %v", earliest, latest, at(7))
					}
					if diff := cmp.Diff(Estimate{}, c.Estimate()); diff != "" {
						t.Errorf("Estimate (-want +got):\n%s", diff)
					}
				}
				check()
				time.Sleep(1000 * time.Hour)
				check()
				if c == nil {
					c.Observe(Observation{Sent: time.Now(), Received: time.Now(), Remote: at(0)})
					if got := c.Transport(nil).(*transport).base; got != http.DefaultTransport {
						t.Errorf("a nil Clock's Transport has base %v", got)
					}
					check()
				}
			})
		})
	}
}

// Without a monotonic reading, which a synctest bubble does not have.
func TestObserveInBubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c Clock
		sent := time.Now()
		time.Sleep(100 * time.Millisecond)
		remote := time.Now().Add(10 * time.Minute)
		time.Sleep(100 * time.Millisecond)
		c.Observe(Observation{Sent: sent, Received: time.Now(), Remote: remote})
		want := Estimate{Offset: 10 * time.Minute, Error: 100*time.Millisecond + 10*time.Microsecond, Samples: 1}
		if diff := cmp.Diff(want, c.Estimate(), cmp.Transformer("rounded", round)); diff != "" {
			t.Errorf("Estimate (-want +got):\n%s", diff)
		}
		// 100 parts in a million of ten hours are 3.6 s.
		time.Sleep(10 * time.Hour)
		want.Error += 3600 * time.Millisecond
		if diff := cmp.Diff(want, c.Estimate(), cmp.Transformer("rounded", round)); diff != "" {
			t.Errorf("Estimate ten hours later (-want +got):\n%s", diff)
		}
		now := time.Now()
		earliest, latest := c.Bounds()
		earliestAt, latestAt := c.BoundsAt(now)
		if !earliest.Equal(earliestAt) || !latest.Equal(latestAt) {
			t.Errorf("Bounds = %v, %v, but BoundsAt = %v, %v", earliest, latest, earliestAt, latestAt)
		}
	})
}

func round(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }

// No observation is lost among many at once.
func TestObserveConcurrently(t *testing.T) {
	t.Parallel()
	const each = 20_000
	var c Clock
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range each {
				c.Observe(Observation{Received: at(0), Remote: at(1), AtLeast: true})
			}
		})
	}
	wg.Wait()
	if got := c.Estimate().Samples; got != 4*each {
		t.Errorf("%d samples, want %d", got, 4*each)
	}
}

// Readers and writers at once, for the race detector; and a hook that reads the
// clock it belongs to must not hang.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	var c Clock
	c.OnIgnored = func(Observation, error) {
		c.Now()
		c.Observe(Observation{Received: time.Now(), Remote: time.Now(), AtLeast: true})
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 500 {
				now := time.Now()
				c.Observe(Observation{Sent: now, Received: now, Remote: now.Add(time.Duration(i) * time.Hour * 4)})
				if earliest, latest := c.Bounds(); latest.Before(earliest) {
					t.Errorf("Bounds = %v, %v", earliest, latest)
				}
				c.Now()
				c.Estimate()
			}
		})
	}
	wg.Wait()
}

func TestReadingAllocatesNothing(t *testing.T) {
	var c Clock
	now := time.Now()
	c.Observe(Observation{Sent: now, Received: now, Remote: now})
	c.Observe(Observation{Sent: now, Received: now, Remote: now.Add(time.Hour)}) // a rival, too
	if n := testing.AllocsPerRun(100, func() { c.Now(); c.Bounds(); c.BoundsAt(now); c.Estimate() }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
