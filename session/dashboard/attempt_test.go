package dashboard

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
)

// Whoever comes while there is a login or a refresh under way gets its token.
func TestOneAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDouble()
		s := d.source(token.SourceFunc(func(context.Context) (token.Token, error) {
			time.Sleep(time.Second)
			return token.Token{Value: token.NewSecret("bearer-1")}, nil
		}))
		for _, want := range []string{loginRequest, refreshRequest} {
			var wg sync.WaitGroup
			tokens := make([]token.Token, 50)
			for i := range tokens {
				wg.Go(func() { tokens[i] = mustToken(t, t.Context(), s) })
			}
			wg.Wait()
			for _, tok := range tokens {
				if !tok.Equal(tokens[0]) {
					t.Fatal("two sessions at a time")
				}
			}
			if n := d.count(want); n != 1 {
				t.Errorf("%s %d times", want, n)
			}
			d.do(func() {
				d.instead = func(w http.ResponseWriter, r *http.Request) bool { time.Sleep(time.Second); return false }
			})
		}
	})
}

// Callers leave on their own deadline, and what they waited for goes on.
func TestCallersLeave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDouble()
		s := d.source(token.SourceFunc(func(context.Context) (token.Token, error) {
			time.Sleep(10 * time.Second)
			return token.Token{Value: token.NewSecret("bearer-1")}, nil
		}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if _, err := s.Token(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		mustToken(t, t.Context(), s)
		if time.Since(start) != 10*time.Second || d.count(loginRequest) != 1 {
			t.Errorf("after %v: %v", time.Since(start), d.requests)
		}
		_, err := s.Token(ctx)
		if synctest.Wait(); !errors.Is(err, context.DeadlineExceeded) || len(d.requests) != 2 {
			t.Errorf("somebody who has gone already: %v, %v", err, d.requests)
		}
	})
}

// A Login or a Dashboard that hangs ends in an error, and the next call works.
func TestHanging(t *testing.T) {
	t.Parallel()
	stuck := func(ctx context.Context) { <-ctx.Done() }
	for _, test := range []struct {
		name  string
		login func(ctx context.Context, done chan struct{})
		hangs bool
		after time.Duration
		want  string
	}{
		{"Login, until its context ends", func(ctx context.Context, _ chan struct{}) { stuck(ctx) }, false, attemptTimeout, "no credential to log in with"},
		{"Login, deaf", func(_ context.Context, done chan struct{}) { <-done }, false, attemptTimeout + overrun, "does not return"},
		{"the Dashboard", func(context.Context, chan struct{}) {}, true, attemptTimeout, "no end to it within 30s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, done, hang := newDouble(), make(chan struct{}), true
				s := d.source(token.SourceFunc(func(ctx context.Context) (token.Token, error) {
					if hang {
						test.login(ctx, done)
					}
					return token.Token{Value: token.NewSecret("bearer-1")}, ctx.Err()
				}))
				if test.hangs {
					d.instead = func(w http.ResponseWriter, r *http.Request) bool { stuck(r.Context()); return true }
				}
				start := time.Now()
				_, err := s.Token(t.Context())
				if err == nil || !strings.Contains(err.Error(), test.want) || time.Since(start) != test.after {
					t.Errorf("%v after %v", err, time.Since(start))
				}
				synctest.Wait()
				hang = false
				d.do(func() { d.instead = nil })
				mustToken(t, t.Context(), s)
				close(done) // what comes now comes too late
				synctest.Wait()
				if h := s.atHand(); h == nil || s.attempt != nil {
					t.Error("the late one has changed something")
				}
				mustToken(t, t.Context(), s)
			})
		})
	}
}

// What goes wrong in the code of others is an error, and the next call works.
func TestBrokenParts(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		breakIt func(s *Source)
		want    string
	}{
		"Login panics": {func(s *Source) {
			s.Login = token.SourceFunc(func(context.Context) (token.Token, error) { panic("s3cret") })
		}, "Source.Login panicked"},
		"Login exits": {func(s *Source) {
			s.Login = token.SourceFunc(func(context.Context) (token.Token, error) { runtime.Goexit(); return token.Token{}, nil })
		}, "Goexit"},
		"Login gives nothing": {func(s *Source) {
			s.Login = token.SourceFunc(func(context.Context) (token.Token, error) { return token.Token{}, nil })
		}, "empty token and no error"},
		"Login gives a dead token": {func(s *Source) {
			s.Login = token.SourceFunc(func(context.Context) (token.Token, error) {
				return token.Token{Value: token.NewSecret("bearer-1"), ExpiresIn: -1}, nil
			})
		}, "has expired"},
		"Login gives white space":  {func(s *Source) { s.Login = bearerSource(" ") }, "has a space in it"},
		"Login gives a line break": {func(s *Source) { s.Login = bearerSource("bearer-1\r\nX: y") }, "has a space in it"},
		"Login has none": {func(s *Source) {
			s.Login = token.SourceFunc(func(context.Context) (token.Token, error) { return token.Token{}, token.ErrExpired })
		}, "no credential to log in with"},
		"Transport panics": {func(s *Source) {
			s.Client = &http.Client{Transport: tripper(func(*http.Request) (*http.Response, error) { panic("s3cret") })}
		}, "the Transport of Source.Client panicked"},
		"Transport gives nothing": {func(s *Source) {
			s.Client = &http.Client{Transport: tripper(func(*http.Request) (*http.Response, error) { return nil, nil })}
		}, "cannot answer now"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDouble()
				s := d.source(bearerSource("bearer-1"))
				client, login := s.Client, s.Login
				test.breakIt(s)
				_, err := s.Token(t.Context())
				if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "s3cret") || !strings.HasPrefix(err.Error(), "dashboard: ") {
					t.Errorf("%v", err)
				}
				if errors.Is(err, token.ErrInvalid) {
					t.Errorf("it speaks of a token that was presented: %v", err)
				}
				if d.count(loginRequest) != 0 {
					t.Error(d.requests)
				}
				s.Client, s.Login = client, login
				mustToken(t, t.Context(), s)
			})
		})
	}
}

// A session that comes when nobody waits for it any more does not take the place of
// the one that was got meanwhile.
func TestLateSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, release := newDouble(), make(chan struct{})
		var deaf atomic.Bool
		deaf.Store(true)
		s := d.source(bearerSource("bearer-1"))
		told := record(s)
		base := s.Client.Transport
		s.Client = &http.Client{Transport: tripper(func(r *http.Request) (*http.Response, error) {
			if deaf.Load() && r.Method == http.MethodPost {
				<-release
			}
			return base.RoundTrip(r.WithContext(context.WithoutCancel(r.Context())))
		})}
		start := time.Now()
		if _, err := s.Token(t.Context()); err == nil || !strings.Contains(err.Error(), "does not return") || time.Since(start) != attemptTimeout+overrun {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		synctest.Wait()
		deaf.Store(false)
		second := mustToken(t, t.Context(), s)
		close(release)
		synctest.Wait()
		if h := s.atHand(); h == nil || !h.token.Equal(second) {
			t.Error("the late session is at hand")
		}
		if n := d.count(loginRequest); n != 2 {
			t.Errorf("%d logins", n)
		}
		if diff := cmp.Diff([]string{"logged in 2.x", "failed 2.x"}, told()); diff != "" {
			t.Error(diff)
		}
	})
}
