package jwt_test

import (
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestRemoteOutage(t *testing.T) {
	t.Parallel()
	for name, down := range map[string]func(*site){
		"error": func(s *site) {
			s.answer(func(*http.Request) (*http.Response, error) { return nil, errors.New("refused") })
		},
		"status":  func(s *site) { s.say(503, nil, jwks("b")) },
		"empty":   func(s *site) { s.say(200, nil, `{"keys":[]}`) },
		"unknown": func(s *site) { s.say(200, nil, `{"keys":[{"kty":"none of these"}]}`) },
		"garbage": func(s *site) { s.say(200, nil, "<html>") },
		"cut off": func(s *site) { s.say(200, nil, jwks("b")[:40]) },
		"hanging": func(s *site) {
			s.answer(func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() })
		},
		"panic": func(s *site) { s.answer(func(*http.Request) (*http.Response, error) { panic("hunter2") }) },
		"exit": func(s *site) {
			s.answer(func(*http.Request) (*http.Response, error) { runtime.Goexit(); return nil, nil })
		},
		"deaf": func(s *site) {
			s.answer(func(*http.Request) (*http.Response, error) { time.Sleep(time.Hour); return nil, nil })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newSite("a")
				r := s.remote()
				var outcomes outcomes
				r.OnFetch = outcomes.add
				wantFound(t, r, "a", "a")
				down(s)

				// For three hours the old keys are there at once.
				for began := time.Now(); time.Since(began) < 3*time.Hour; time.Sleep(time.Second) {
					wantFound(t, r, "a", "a")
				}
				// From 48 minutes on it is tried about once a minute.
				if n := len(s.fetches()); n < 100 || n > 300 {
					t.Errorf("%d fetches", n)
				}
				for i, at := range s.fetches()[1:] {
					gap := at.Sub(s.fetches()[i])
					if i == 0 {
						continue
					}
					d := min(time.Second<<min(i-1, 10), time.Minute)
					if name != "hanging" && name != "deaf" && (gap < max(d/2, time.Second) || gap > d+2*time.Second) {
						t.Errorf("attempt %d after %v, want between %v and %v", i, gap, d/2, d)
					}
				}
				// What is not among them nobody knows.
				_, took, err := find(t, r, "b")
				var later interface{ RetryAfter() time.Duration }
				if took > 11*time.Second || !errors.As(err, &later) || later.RetryAfter() <= 0 || later.RetryAfter() > time.Minute {
					t.Errorf("an unknown key: %v after %v", err, took)
				}
				if strings.Contains(fmt.Sprint(err), "hunter2") || !strings.Contains(fmt.Sprint(err), siteURL) && name != "panic" && name != "exit" && name != "deaf" {
					t.Errorf("error %v", err)
				}
				time.Sleep(time.Minute)

				s.publish("b")
				if err := r.Fetch(t.Context()); err != nil {
					t.Error(err)
				}
				wantFound(t, r, "", "b")
				told := outcomes.all()
				if n := len(told); n != len(s.fetches()) || told[0] != nil || told[1] == nil || told[n-1] != nil {
					t.Errorf("OnFetch was called %d times for %d fetches", n, len(s.fetches()))
				}
				if name == "deaf" {
					time.Sleep(2 * time.Hour) // until the last of them ends
				}
			})
		})
	}
}

// Without a set there is nothing but the error, which callers get at once while
// it holds.
func TestRemoteDownAtFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite()
		s.say(503, nil, "hunter2")
		r := s.remote()
		_, took, err := find(t, r, "a")
		want := fmt.Sprintf("jwt: fetching keys: GET %s: status 503 Service Unavailable; next attempt in ", siteURL)
		if took != 0 || err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error %v after %v", err, took)
		}
		var later, now interface{ RetryAfter() time.Duration }
		errors.As(err, &later)
		time.Sleep(499 * time.Millisecond)
		for range 3 {
			if _, took, again := find(t, r, ""); took != 0 || !errors.As(again, &now) || !strings.HasPrefix(again.Error(), want) {
				t.Fatalf("error %v after %v", again, took)
			}
		}
		if got, want := now.RetryAfter(), later.RetryAfter()-499*time.Millisecond; got != want {
			t.Errorf("half a second later: in %v, want %v", got, want)
		}
		wantFetches(t, s, 1)
		time.Sleep(time.Second)
		s.publish("a")
		wantFound(t, r, "a", "a")
	})
}

func TestRemoteRetryAfter(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		header http.Header
		want   time.Duration
	}{
		{http.Header{"Retry-After": {"90"}}, 90 * time.Second},
		{http.Header{"Retry-After": {"86400"}}, 5 * time.Minute},
		{http.Header{"Retry-After": {"Wed, 21 Oct 2015 07:30:00 GMT"}, "Date": {"Wed, 21 Oct 2015 07:28:00 GMT"}}, 2 * time.Minute},
		{http.Header{"Retry-After": {"Wed, 21 Oct 2015 07:30:00 GMT"}}, 0},
		{http.Header{"Retry-After": {"Wed, 21 Oct 2015 07:28:00 GMT"}, "Date": {"Wed, 21 Oct 2015 07:30:00 GMT"}}, 0},
		{http.Header{"Retry-After": {"-5"}}, 0},
		{http.Header{"Retry-After": {"soon"}}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite()
			s.say(503, test.header, "")
			_, _, err := find(t, s.remote(), "")
			var later interface{ RetryAfter() time.Duration }
			if !errors.As(err, &later) {
				t.Fatal(err)
			}
			if got := later.RetryAfter(); test.want != 0 && got != test.want || test.want == 0 && (got < 500*time.Millisecond || got > time.Second) {
				t.Errorf("%v: in %v, want %v", test.header, got, test.want)
			}
		})
	}
}

// Failures are counted from the last success on.
func TestRemoteBackoffStartsAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite("a")
		r := s.remote()
		for range 2 {
			s.say(500, nil, "")
			for range 10 {
				r.Fetch(t.Context())
			}
			s.publish("a")
			if err := r.Fetch(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.say(500, nil, "")
			var later interface{ RetryAfter() time.Duration }
			if err := r.Fetch(t.Context()); !errors.As(err, &later) || later.RetryAfter() > time.Second {
				t.Errorf("error %v", err)
			}
		}
	})
}

// The k-th pause goes by MinInterval, but is neither very short nor, unless
// MinInterval is, very long.
func TestRemotePause(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		interval time.Duration
		want     [4]time.Duration
	}{
		{0, [4]time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}},
		{time.Millisecond, [4]time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}},
		{-time.Second, [4]time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}},
		{20 * time.Second, [4]time.Duration{20 * time.Second, 40 * time.Second, time.Minute, time.Minute}},
		{10 * time.Minute, [4]time.Duration{10 * time.Minute, 10 * time.Minute, 10 * time.Minute, 10 * time.Minute}},
	} {
		shortest, longest := test.want, [4]time.Duration{}
		for range 20 {
			synctest.Test(t, func(t *testing.T) {
				s := newSite()
				s.say(500, nil, "")
				r := s.remote()
				r.MinInterval = test.interval
				for k, d := range test.want {
					var later interface{ RetryAfter() time.Duration }
					if err := r.Fetch(t.Context()); !errors.As(err, &later) {
						t.Fatal(err)
					}
					pause := later.RetryAfter()
					if pause < d/2 || pause > d {
						t.Errorf("MinInterval %v: pause %d is %v, want between %v and %v", test.interval, k, pause, d/2, d)
					}
					shortest[k], longest[k] = min(shortest[k], pause), max(longest[k], pause)
				}
			})
		}
		// They are random: of 20 the extremes are a quarter apart.
		for k, d := range test.want {
			if longest[k]-shortest[k] < d/8 {
				t.Errorf("MinInterval %v: pause %d is always between %v and %v", test.interval, k, shortest[k], longest[k])
			}
		}
	}
}
