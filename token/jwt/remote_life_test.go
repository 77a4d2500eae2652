package jwt_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// The life of a set, by what its issuer says.
func TestRemoteLife(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		cacheControl string
		maxAge, want time.Duration
	}{
		{"max-age=600", 0, 10 * time.Minute},
		{"max-age=1", 0, time.Minute},
		{"no-store", 0, time.Minute},
		{"max-age=31536000", 0, 24 * time.Hour},
		{"", 0, time.Hour},
		{"", 10 * time.Minute, 10 * time.Minute},
		{"max-age=600", 20 * time.Minute, 10 * time.Minute},
		{"", -1, time.Minute},
		{"", 100 * time.Hour, 100 * time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite()
			s.latency = 100 * time.Millisecond
			s.publishWith(http.Header{"Cache-Control": {test.cacheControl}}, "a")
			r := s.remote()
			r.MaxAge = test.maxAge
			start := time.Now()
			find(t, r, "a")
			s.publish("a", "b")

			due := start.Add(test.want / 5 * 4)
			time.Sleep(time.Until(due) - time.Nanosecond)
			wantFound(t, r, "a", "a")
			synctest.Wait()
			if got := len(s.fetches()); got != 1 {
				t.Errorf("%q: %d fetches just before %v", test.cacheControl, got, time.Since(start))
			}
			// One call of many starts the fetch, and none waits for it.
			time.Sleep(time.Nanosecond)
			for range 10 {
				wantFound(t, r, "a", "a")
			}
			time.Sleep(s.latency - time.Nanosecond)
			wantFound(t, r, "", "a")
			synctest.Wait()
			if got := len(s.fetches()); got != 2 {
				t.Errorf("%q: %d fetches after %v", test.cacheControl, got, time.Since(start))
			}
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			wantFound(t, r, "", "a b")
		})
	}
}

// The life of a set counts from before it was asked for.
func TestRemoteLifeCountsFromTheRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite("a")
		s.latency = 9 * time.Second
		r := s.remote()
		r.MaxAge = time.Minute
		find(t, r, "a")
		time.Sleep(40 * time.Second) // 49 s after the request
		wantFound(t, r, "a", "a")
		synctest.Wait()
		wantFetches(t, s, 2)
		time.Sleep(time.Minute)
	})
}

// A set that nobody asked for when it was due is not used after its end, if it
// can be helped.
func TestRemoteAfterTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite("a", "b")
		s.latency = time.Second
		r := s.remote()
		find(t, r, "a")
		s.publish("b")
		time.Sleep(time.Hour)
		if got, took, err := find(t, r, "a"); got != "" || took != s.latency || err != nil {
			t.Errorf("a withdrawn key: %q after %v, %v", got, took, err)
		}
		wantFetches(t, s, 2)

		time.Sleep(time.Hour)
		s.say(500, nil, "")
		if got, took, err := find(t, r, "b"); got != "b" || took != s.latency || err != nil {
			t.Errorf("the issuer is down: %q after %v, %v", got, took, err)
		}
		// Its word is not waited for again, for an hour.
		time.Sleep(time.Hour - 2)
		wantFound(t, r, "b", "b")
		time.Sleep(time.Hour + time.Second)
		if _, took, _ := find(t, r, "b"); took != s.latency {
			t.Errorf("waited %v", took)
		}
		// A caller that does not wait so long gets no old keys instead.
		time.Sleep(2 * time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if keys, err := r.Keys(ctx, "b"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%q, %v", ids(keys), err)
		}
		time.Sleep(time.Minute)
	})
}

// The end of a set that was due is not moved forward by a failure.
func TestRemoteFailureDoesNotShortenLife(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite()
		s.latency = time.Second
		s.publishWith(http.Header{"Cache-Control": {"max-age=86400"}}, "a")
		r := s.remote()
		find(t, r, "a")
		s.say(500, nil, "")
		if _, _, err := find(t, r, "b"); err == nil {
			t.Error("a fetch that fails says that there is no key")
		}
		time.Sleep(10 * time.Hour)
		wantFound(t, r, "a", "a")
		time.Sleep(time.Minute)
	})
}
