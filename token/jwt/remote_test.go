package jwt_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// Callers share one fetch, which belongs to none of them.
func TestRemoteSharedFetch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite("a")
		s.latency = time.Second
		r := s.remote()

		leader, cancel := context.WithCancel(t.Context())
		var callers sync.WaitGroup
		callers.Go(func() {
			if _, err := r.Keys(leader, "a"); !errors.Is(err, context.Canceled) || time.Since(s.fetches()[0]) != 100*time.Millisecond {
				t.Errorf("the leader: %v", err)
			}
		})
		synctest.Wait()
		for range 1000 {
			callers.Go(func() {
				if got, took, err := find(t, r, "a"); got != "a" || took != time.Second || err != nil {
					t.Errorf("%q after %v, %v", got, took, err)
				}
			})
		}
		callers.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			_, err := r.Keys(ctx, "a")
			if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, token.ErrInvalid) || time.Since(s.fetches()[0]) != 50*time.Millisecond {
				t.Errorf("an impatient caller: %v", err)
			}
		})
		time.Sleep(100 * time.Millisecond)
		cancel()
		callers.Wait()
		wantFetches(t, s, 1)
	})
}

func TestRemoteTimeout(t *testing.T) {
	t.Parallel()
	for timeout, want := range map[time.Duration]time.Duration{0: 10 * time.Second, time.Second: time.Second, -1: time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite("a")
			s.latency = time.Hour
			r := s.remote()
			r.Timeout = timeout
			if _, took, err := find(t, r, "a"); took != want || (err == nil) != (timeout < 0) {
				t.Errorf("%v: %v after %v, want after %v", timeout, err, took, want)
			}
		})
	}
}

func TestRemoteFetch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite("a")
		s.latency = 100 * time.Millisecond
		r := s.remote()
		fetch := func(want time.Duration) error {
			t.Helper()
			began := time.Now()
			err := r.Fetch(t.Context())
			if took := time.Since(began); took != want {
				t.Errorf("took %v, want %v: %v", took, want, err)
			}
			return err
		}
		if err := fetch(100 * time.Millisecond); err != nil {
			t.Fatal(err)
		}
		if err := fetch(time.Second); err != nil { // MinInterval
			t.Fatal(err)
		}
		wantFetches(t, s, 2)
		// All that come meanwhile wait for the one.
		time.Sleep(time.Minute)
		var callers sync.WaitGroup
		for range 10 {
			callers.Go(func() { fetch(100 * time.Millisecond) })
		}
		callers.Wait()
		wantFetches(t, s, 3)

		s.say(500, http.Header{"Retry-After": {"60"}}, "")
		time.Sleep(time.Minute)
		if err := fetch(100 * time.Millisecond); err == nil {
			t.Error("no error")
		}
		// A Fetch does not wait for the end of the pause, others do.
		s.publish("a", "b")
		if _, took, err := find(t, r, "b"); err == nil || took != 0 {
			t.Errorf("during the pause: %v after %v", err, took)
		}
		time.Sleep(time.Second)
		if err := fetch(100 * time.Millisecond); err != nil {
			t.Error(err)
		}
		wantFound(t, r, "b", "b")
		// And after a success nothing of the pause is left.
		time.Sleep(time.Second)
		if got, _, err := find(t, r, "c"); got != "" || err != nil {
			t.Errorf("c: %q, %v", got, err)
		}

		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := r.Fetch(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		time.Sleep(time.Minute)
	})
}

// OnFetch may do what it likes, but for taking long.
func TestRemoteOnFetch(t *testing.T) {
	t.Parallel()
	for name, hook := range map[string]func(*jwt.Remote){
		"panic": func(*jwt.Remote) { panic("in OnFetch") },
		"exit":  func(*jwt.Remote) { runtime.Goexit() },
		"keys":  func(r *jwt.Remote) { r.Keys(context.Background(), "a") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite("a")
				r := s.remote()
				r.OnFetch = func(error) { hook(r) }
				wantFound(t, r, "a", "a")
				time.Sleep(50 * time.Minute)
				wantFound(t, r, "a", "a")
				synctest.Wait()
				wantFetches(t, s, 2)
				if got, _, err := find(t, r, "b"); got != "" || err != nil {
					t.Errorf("%q, %v", got, err)
				}
				wantFetches(t, s, 3)
			})
		})
	}
}

// OnFetch is told before those who wait go on.
func TestRemoteOnFetchComesFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite("a")
		r := s.remote()
		var told outcomes
		r.OnFetch = func(err error) {
			time.Sleep(time.Millisecond)
			told.add(err)
		}
		find(t, r, "a")
		s.say(404, nil, "")
		_, _, err := find(t, r, "b")
		if got := told.all(); len(got) != 2 || got[0] != nil || got[1] != err {
			t.Errorf("OnFetch was told %v, the caller %v", got, err)
		}
	})
}

func TestRemoteUnset(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		remote *jwt.Remote
		want   string
	}{
		{&jwt.Remote{}, "jwt: Remote has neither URL nor Issuer: set one, to where the keys are or to who signs"},
		{&jwt.Remote{URL: "https://u:hunter2@issuer.example/"}, "jwt: Remote.URL is not of the form https://host[:port]/path, without user, password and fragment"},
		{&jwt.Remote{URL: "https://issuer.example/#hunter2"}, "jwt: Remote.URL is not of the form"},
		{&jwt.Remote{URL: "https://issuer.example/hunter2%zz"}, "jwt: Remote.URL is not of the form"},
		{&jwt.Remote{URL: "https://:443/hunter2"}, "jwt: Remote.URL is not of the form"},
		{&jwt.Remote{URL: "https:hunter2"}, "jwt: Remote.URL is not of the form"},
		{&jwt.Remote{URL: "/hunter2"}, "jwt: Remote.URL is not of the form"},
		{&jwt.Remote{URL: "issuer.example:443/hunter2"}, "jwt: Remote.URL is not of the form"},
		{&jwt.Remote{URL: "ftp://issuer.example/hunter2", Insecure: true}, "jwt: Remote.URL is neither https nor http"},
		{&jwt.Remote{URL: "ftp://127.0.0.1/hunter2"}, "jwt: Remote.URL is neither https nor http"},
		{&jwt.Remote{URL: "http://issuer.example/hunter2"}, "jwt: Remote.URL is http, and whoever is on the way could put in other keys: use https, or a loopback address such as 127.0.0.1, or set Remote.Insecure"},
		{&jwt.Remote{URL: "http://localhost/hunter2"}, "jwt: Remote.URL is http, "},
		{&jwt.Remote{Issuer: "https://u:hunter2@issuer.example"}, "jwt: Remote.Issuer is not of the form"},
		{&jwt.Remote{Issuer: "https://issuer.example?hunter2"}, "jwt: Remote.Issuer has a query, which the URL of an issuer has not"},
		{&jwt.Remote{Issuer: "https://issuer.example#hunter2"}, "jwt: Remote.Issuer is not of the form"},
		{&jwt.Remote{Issuer: "issuer.example"}, "jwt: Remote.Issuer is not of the form"},
		{&jwt.Remote{Issuer: "http://issuer.example"}, "jwt: Remote.Issuer is http, "},
		{&jwt.Remote{URL: "http://issuer.example", Issuer: "https://issuer.example"}, "jwt: Remote.URL is http, "},
	} {
		test.remote.Client = newSite("a").client()
		test.remote.OnFetch = func(error) { t.Error("a fetch") }
		_, err := test.remote.Keys(t.Context(), "a")
		if err == nil || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") || errors.Is(err, token.ErrInvalid) {
			t.Errorf("error %v, want %s", err, test.want)
		}
		if again := test.remote.Fetch(t.Context()); fmt.Sprint(again) != fmt.Sprint(err) {
			t.Errorf("Fetch: %v", again)
		}
	}
}

// Where http is permitted.
func TestRemoteInsecure(t *testing.T) {
	t.Parallel()
	for _, r := range []*jwt.Remote{
		{URL: "http://127.0.0.1/jwks"}, {URL: "http://[::1]:8080/jwks"}, {URL: "http://issuer.example/jwks", Insecure: true}, {URL: "HTTPS://issuer.example"},
	} {
		r.Client = newSite("a").client()
		if err := r.Fetch(t.Context()); err != nil {
			t.Errorf("%s: %v", r.URL, err)
		}
	}
}
