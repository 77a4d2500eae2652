package jwt_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/token/jwt"
)

// A Remote in front of an issuer that changes its keys and often fails, with
// callers that come and go as they like.
func TestRemoteStress(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &stress{rand: rand.New(rand.NewPCG(seed, 1)), interval: time.Second, maxAge: 60}
				s.run(t, 5*time.Minute)
			})
		})
	}
}

// A stress is an issuer that publishes the key "always" and a few that are
// numbered, of which it adds and withdraws one after the other, and what is
// known of the Remote that fetches them.
type stress struct {
	interval time.Duration // MinInterval
	maxAge   int           // seconds
	slack    time.Duration // how exact the clock is

	mu           sync.Mutex
	rand         *rand.Rand
	healthy      bool
	first, after int       // of the keys that are published now
	replied      int       // the first key of the last good reply
	fetched      int       // the first key of the last set that a fetch ended with, once there is one
	there        bool      // whether there is one
	under        int       // requests under way
	began        time.Time // the last of them
	faults       []string
}

func (s *stress) fault(format string, args ...any) {
	s.faults = append(s.faults, fmt.Sprintf(format, args...))
}

// chance reports true once in n times. The caller holds mu.
func (s *stress) chance(n int) bool { return s.rand.IntN(n) == 0 }

// upTo returns a duration of up to d. The caller holds mu.
func (s *stress) upTo(d time.Duration) time.Duration { return time.Duration(s.rand.Int64N(int64(d))) }

func (s *stress) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	if s.under++; s.under > 1 {
		s.fault("%d requests at a time", s.under)
	}
	if gap := time.Since(s.began); gap < s.interval-s.slack {
		s.fault("a request %v after the one before", gap)
	}
	s.began = time.Now()
	ids := []string{"always"}
	for id := s.first; id < s.after; id++ {
		ids = append(ids, fmt.Sprint(id))
	}
	first, latency, status, hangs := s.first, s.upTo(s.interval), 200, !s.healthy && s.chance(20)
	if !s.healthy && s.chance(3) {
		status = 503
	}
	s.mu.Unlock()

	if hangs {
		latency = time.Hour
	}
	var err error
	select {
	case <-time.After(latency):
	case <-r.Context().Done():
		err = r.Context().Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.under--
	if err != nil {
		return nil, err
	}
	s.replied = first
	return answer(r, status, http.Header{"Cache-Control": {fmt.Sprintf("max-age=%d", s.maxAge)}}, jwks(ids...)), nil
}

func (s *stress) onFetch(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.there, s.fetched = true, s.replied
	}
}

// rotate adds a key or withdraws one, now and then both.
func (s *stress) rotate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.chance(2) {
		s.after++
	}
	if s.first < s.after && s.chance(2) {
		s.first++
	}
}

// call asks for one key, and checks the answer by what was known before and
// after.
func (s *stress) call(r *jwt.Remote) {
	s.mu.Lock()
	id := s.first - 2 + s.rand.IntN(s.after-s.first+4)
	name, patience := fmt.Sprint(id), s.upTo(4*s.interval)
	if s.chance(4) {
		name = "always"
	}
	there, withdrawn, published := s.there, id < s.fetched, s.first <= id && id < s.after
	s.mu.Unlock()

	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	start := time.Now()
	keys, err := r.Keys(ctx, name)
	took := time.Since(start)

	s.mu.Lock()
	defer s.mu.Unlock()
	found := slices.ContainsFunc(keys, func(k jwt.Key) bool { return k.ID == name })
	published = published && s.first <= id
	switch {
	case took > patience+s.slack:
		s.fault("%s: a call with %v to wait took %v", name, patience, took)
	case name == "always" && there && (took > s.slack || !found):
		s.fault("%s: found: %t after %v, %v", name, found, took, err)
	case name != "always" && found && withdrawn:
		s.fault("%s: found, and it had been withdrawn", name)
	case name != "always" && published && !found && err == nil:
		s.fault("%s: not there, and it was all the time", name)
	}
}

func (s *stress) run(t *testing.T, long time.Duration) {
	r := &jwt.Remote{URL: siteURL, Client: &http.Client{Transport: s}, MinInterval: s.interval, OnFetch: s.onFetch}
	end := time.Now().Add(long)
	var all sync.WaitGroup
	all.Go(func() {
		for time.Now().Before(end) {
			s.rotate()
			s.mu.Lock()
			pause := s.upTo(5 * s.interval)
			s.mu.Unlock()
			time.Sleep(pause)
		}
	})
	for range 20 {
		all.Go(func() {
			for time.Now().Before(end) {
				s.call(r)
				s.mu.Lock()
				pause := s.upTo(s.interval)
				s.mu.Unlock()
				time.Sleep(pause)
			}
		})
	}
	all.Wait()

	// Once the issuer is well, every key is found after the longest pause, which
	// may yet begin: at the end of the Timeout of a fetch that hangs by now.
	s.mu.Lock()
	s.healthy = true
	s.after++
	newest := fmt.Sprint(s.after - 1)
	s.mu.Unlock()
	time.Sleep(10*time.Second + time.Minute)
	if got, took, err := find(t, r, newest); got != newest || took > 3*s.interval+10*time.Second || err != nil {
		t.Errorf("after all: %q after %v, %v", got, took, err)
	}
	for _, fault := range s.faults {
		t.Error(fault)
	}
}
