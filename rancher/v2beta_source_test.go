package rancher_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/token"
)

// Each call brings another token; the one before stays good, and the one before
// that does not.
func TestV2BetaSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newV2BetaWorld("user")
		var all []token.Token
		for i := range 4 {
			tok, err := w.source.Token(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, tok)
			synctest.Wait() // for the logout
			for j, tok := range all {
				probe, err := w.source.Client.Probe(t.Context(), tok.Value)
				if want := j >= i-1; err != nil || probe.Live != want {
					t.Errorf("after login %d, token %d: live %t, %v; want %t", i, j, probe.Live, err, want)
				}
			}
			if tok.ExpiresIn != 16*time.Hour {
				t.Errorf("expires in %v", tok.ExpiresIn)
			}
		}
		if err := w.source.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if n := w.fake.Live("robot"); n != 0 {
			t.Errorf("%d live tokens after Close", n)
		}
		w.source.Credentials = func(context.Context) (rancher.Credentials, error) {
			t.Error("credentials are asked for after Close")
			return rancher.Credentials{}, nil
		}
		if _, err := w.source.Token(t.Context()); err == nil || w.fake.Live("robot") != 0 || !strings.Contains(err.Error(), "closed") {
			t.Errorf("a token after Close: %v", err)
		}
		if err := w.source.Close(t.Context()); err != nil || w.count(v2betaLogout) != 4 {
			t.Errorf("closed again: %v, after %d logouts", err, w.count(v2betaLogout))
		}
	})
}

// A logout that fails is made up for after the next login, and by Close.
func TestV2BetaSourceLogoutFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newV2BetaWorld("user")
		w.fake.SetFault(ranchertest.On(v2betaLogout, ranchertest.Status(503)))
		for range 5 {
			if _, err := w.source.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if err := w.source.Close(t.Context()); !errors.Is(err, rancher.ErrUnavailable) || w.fake.Live("robot") != 5 {
			t.Errorf("close: %v, with %d live tokens", err, w.fake.Live("robot"))
		}
		w.fake.SetFault(nil)
		if err := w.source.Close(t.Context()); err != nil || w.fake.Live("robot") != 0 {
			t.Errorf("close: %v, with %d live tokens", err, w.fake.Live("robot"))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w := newV2BetaWorld("user")
		w.fake.SetFault(ranchertest.On(v2betaLogout, ranchertest.First(2, ranchertest.Drop)))
		for range 5 {
			if _, err := w.source.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if n := w.fake.Live("robot"); n != 2 {
			t.Errorf("%d live tokens, want 2", n)
		}
	})
}

// A server that never logs out is not given ever more to log out.
func TestV2BetaSourceBound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newV2BetaWorld("user")
		w.fake.SetFault(ranchertest.On(v2betaLogout, ranchertest.Status(503)))
		for range 40 {
			if _, err := w.source.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		w.fake.SetFault(nil)
		before := w.count(v2betaLogout)
		if err := w.source.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if n := w.count(v2betaLogout) - before; n != 32 {
			t.Errorf("%d logouts, want 32", n)
		}
	})
}

// Where a login ends all other sessions there is nothing to log out, and where
// that cannot be read there may be.
func TestV2BetaSourceConcurrentSessions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind    string
		logouts int // after four logins
	}{{"admin", 0}, {"user", 2}} {
		t.Run(tt.kind, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newV2BetaWorld(tt.kind)
				w.fake.Set("api.auth.restrict.concurrent.sessions", "true")
				for range 4 {
					if _, err := w.source.Token(t.Context()); err != nil {
						t.Fatal(err)
					}
					synctest.Wait()
				}
				if n := w.count(v2betaLogout); n != tt.logouts {
					t.Errorf("%d logouts, want %d", n, tt.logouts)
				}
				if n := w.fake.Live("robot"); n != 1 {
					t.Errorf("%d live tokens", n)
				}
				if err := w.source.Close(t.Context()); err != nil || w.fake.Live("robot") != 0 {
					t.Errorf("close: %v", err)
				}
			})
		})
	}
}

// Who asks while there is a login gets the token of that, or goes when its time is
// over; the login goes on for the others.
func TestV2BetaSourceShares(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newV2BetaWorld("user")
		w.fake.SetFault(ranchertest.On(v2betaLogin, ranchertest.Slow(5*time.Second)))
		var all sync.WaitGroup
		ask := func(patience time.Duration, want error) {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				began := time.Now()
				tok, err := w.source.Token(ctx)
				if !errors.Is(err, want) || (want == nil) == tok.IsZero() {
					t.Errorf("patience %v: %v, want %v", patience, err, want)
				}
				if took := time.Since(began); took != min(patience, 5*time.Second) {
					t.Errorf("patience %v: took %v", patience, took)
				}
			})
		}
		ask(time.Second, context.DeadlineExceeded) // whose login it is
		synctest.Wait()
		for range 10 {
			ask(time.Minute, nil)
		}
		all.Wait()
		synctest.Wait()
		if logins, most := w.count(v2betaLogin), w.fake.AtOnce(v2betaLogin); logins != 1 || most != 1 {
			t.Errorf("%d logins, %d at once", logins, most)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := w.source.Token(gone); !errors.Is(err, context.Canceled) || w.count(v2betaLogin) != 1 {
			t.Errorf("for somebody who has gone: %v, %d logins", err, w.count(v2betaLogin))
		}
	})
}

// Close waits for a login under way and logs it out; if it does not wait, the
// login logs itself out.
func TestV2BetaSourceCloseDuringLogin(t *testing.T) {
	t.Parallel()
	for i, patience := range []time.Duration{time.Second, time.Minute, time.Second, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			w := newV2BetaWorld("admin")
			w.fake.Set("api.auth.restrict.concurrent.sessions", fmt.Sprint(i >= 2))
			w.fake.SetFault(ranchertest.On(v2betaLogin, ranchertest.Slow(5*time.Second)))
			var all sync.WaitGroup
			all.Go(func() {
				if tok, err := w.source.Token(t.Context()); err == nil || !tok.IsZero() {
					t.Error("a token of a closed source")
				}
			})
			time.Sleep(time.Second)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			err := w.source.Close(ctx)
			if want := patience < 4*time.Second; errors.Is(err, context.DeadlineExceeded) != want || !want && err != nil {
				t.Errorf("close: %v", err)
			}
			all.Wait()
			synctest.Wait()
			if n := w.fake.Live("robot"); n != 0 || w.count(v2betaLogin) != 1 {
				t.Errorf("%d live tokens of %d logins", n, w.count(v2betaLogin))
			}
		})
	}
}

// A closed source does not begin a login for credentials that come late.
func TestV2BetaSourceCloseBeforeLogin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newV2BetaWorld("user")
		w.source.Credentials = func(ctx context.Context) (rancher.Credentials, error) {
			time.Sleep(5 * time.Second)
			return robot(ctx)
		}
		go w.source.Token(t.Context())
		time.Sleep(time.Second)
		if err := w.source.Close(t.Context()); err != nil || w.count(v2betaLogin) != 0 {
			t.Errorf("%v, %d logins", err, w.count(v2betaLogin))
		}
	})
}

// A password that is wrong is not sent again for a while, so that nobody is locked
// out; another one is.
func TestV2BetaSourceWrongPassword(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newV2BetaWorld("user")
		var password atomic.Value
		password.Store("wrong")
		w.source.Credentials = func(context.Context) (rancher.Credentials, error) {
			return rancher.Credentials{Username: "robot", Password: token.NewSecret(password.Load().(string))}, nil
		}
		began := time.Now()
		var asked []time.Duration
		for time.Since(began) < 4*time.Hour {
			before := w.count(v2betaLogin)
			_, err := w.source.Token(t.Context())
			if !errors.Is(err, rancher.ErrCredentials) || !errors.Is(err, token.ErrRefused) || errors.Is(err, token.ErrInvalid) {
				t.Fatalf("%v", err)
			}
			if w.count(v2betaLogin) > before {
				asked = append(asked, time.Since(began))
			} else if text := err.Error(); !strings.Contains(text, "; it was not asked again, and will be in ") || !strings.HasPrefix(text, "rancher: log in: ") {
				t.Errorf("%v", err)
			}
			time.Sleep(time.Second)
		}
		want := []time.Duration{0, time.Minute, 11 * time.Minute, 71 * time.Minute, 131 * time.Minute, 191 * time.Minute}
		if fmt.Sprint(asked) != fmt.Sprint(want) {
			t.Errorf("asked after %v, want %v", asked, want)
		}

		// Another wrong one is asked about at once, and has pauses of its own.
		password.Store("wrong, too")
		before := w.count(v2betaLogin)
		w.source.Token(t.Context())
		w.source.Token(t.Context())
		time.Sleep(time.Minute)
		w.source.Token(t.Context())
		if n := w.count(v2betaLogin) - before; n != 2 {
			t.Errorf("%d logins with the second password, want 2", n)
		}

		password.Store("pa:ss")
		if _, err := w.source.Token(t.Context()); err != nil {
			t.Errorf("the right one: %v", err)
		}
		password.Store("wrong")
		before = w.count(v2betaLogin)
		for range 2 {
			w.source.Token(t.Context())
			time.Sleep(time.Minute)
		}
		if n := w.count(v2betaLogin) - before; n != 2 {
			t.Errorf("%d logins in the first minute after a success, want 2", n)
		}
	})
}

// Two wrong passwords by turns are two that are not sent again for a while.
func TestV2BetaSourceWrongByTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newV2BetaWorld("user")
		n := 0
		w.source.Credentials = func(context.Context) (rancher.Credentials, error) {
			n++
			return rancher.Credentials{Username: "robot", Password: token.NewSecret(fmt.Sprint("wrong ", n%2))}, nil
		}
		for range 50 {
			if _, err := w.source.Token(t.Context()); !errors.Is(err, rancher.ErrCredentials) {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		if n := w.count(v2betaLogin); n != 2 {
			t.Errorf("%d logins in 50 s, want 2", n)
		}

		// Eight are remembered, and no more.
		w.source.Credentials = func(context.Context) (rancher.Credentials, error) {
			return rancher.Credentials{Username: "robot", Password: token.NewSecret(fmt.Sprint("other ", n))}, nil
		}
		for _, step := range []struct{ password, logins int }{{1, 3}, {2, 4}, {3, 5}, {4, 6}, {5, 7}, {6, 8}, {7, 9}, {8, 10}, {1, 10}, {9, 11}, {2, 11}, {1, 12}} {
			n = step.password
			w.source.Token(t.Context())
			if got := w.count(v2betaLogin); got != step.logins {
				t.Errorf("%d logins after password %d, want %d", got, n, step.logins)
			}
		}
	})
}

// Credentials of another user do not have the tokens of the first forgotten,
// where a login ends the other sessions of the same user.
func TestV2BetaSourceAnotherUser(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newV2BetaWorld("admin")
		w.fake.AddUser("robot2", "pa:ss", "admin")
		w.fake.Set("api.auth.restrict.concurrent.sessions", "true")
		username := "robot"
		w.source.Credentials = func(context.Context) (rancher.Credentials, error) {
			return rancher.Credentials{Username: username, Password: token.NewSecret("pa:ss")}, nil
		}
		for _, username = range []string{"robot", "robot2", "robot2"} {
			if _, err := w.source.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if n := w.fake.Live("robot"); n != 0 {
			t.Errorf("%d live tokens of the first user", n)
		}
	})
}

// Credentials that come in the very moment in which they are given up do not
// bring a token of which nobody knows.
func TestV2BetaSourceLateCredentials(t *testing.T) {
	t.Parallel()
	for range 200 {
		synctest.Test(t, func(t *testing.T) {
			w := newV2BetaWorld("user")
			w.source.Timeout = time.Second
			w.source.Credentials = func(ctx context.Context) (rancher.Credentials, error) {
				time.Sleep(time.Second + 100*time.Millisecond)
				return robot(ctx)
			}
			w.source.Token(t.Context())
			time.Sleep(time.Minute)
			if err := w.source.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if n := w.fake.Live("robot"); n != 0 {
				t.Fatalf("%d live tokens after Close", n)
			}
		})
	}
}

// What is no verdict on the password does not keep from asking again.
func TestV2BetaSourceAgain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		fault ranchertest.Fault
		want  error
	}{
		{"away", ranchertest.Status(503), rancher.ErrUnavailable},
		{"broken", ranchertest.Drop, rancher.ErrUnavailable},
		{"lost", ranchertest.DropAfter, rancher.ErrUnavailable},
		{"page", ranchertest.Page, rancher.ErrNotRancher},
		{"redirect", ranchertest.Redirect("https://elsewhere.example/"), rancher.ErrNotRancher},
		{"endless", ranchertest.Endless, rancher.ErrNotRancher},
		{"truncated", ranchertest.Truncate, rancher.ErrNotRancher},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newV2BetaWorld("user")
			w.fake.SetFault(ranchertest.On(v2betaLogin, ranchertest.First(2, tt.fault)))
			for range 2 {
				_, err := w.source.Token(t.Context())
				if !errors.Is(err, tt.want) || errors.Is(err, token.ErrInvalid) {
					t.Errorf("%v, want %v", err, tt.want)
				}
				if err != nil && strings.Contains(err.Error(), "pa:ss") {
					t.Error("the password is in the error")
				}
			}
			if tok, err := w.source.Token(t.Context()); err != nil || tok.IsZero() {
				t.Errorf("the third time: %v", err)
			}
		})
	}
}

// Whatever Credentials do, callers get an error, and the next call works.
func TestV2BetaSourceCredentials(t *testing.T) {
	t.Parallel()
	const secret = "correct horse battery staple"
	wait := func(ctx context.Context) (rancher.Credentials, error) {
		<-ctx.Done()
		return rancher.Credentials{}, context.Cause(ctx)
	}
	for _, tt := range []struct {
		name string
		f    func(context.Context) (rancher.Credentials, error)
		took time.Duration
		want string
	}{
		{"an error", func(context.Context) (rancher.Credentials, error) { return rancher.Credentials{}, io.ErrNoProgress }, 0,
			"rancher: no credentials to log in with: multiple Read calls return no data or error"},
		{"an ErrInvalid", func(context.Context) (rancher.Credentials, error) { return rancher.Credentials{}, token.ErrExpired }, 0,
			"rancher: no credentials to log in with: token: invalid: expired"},
		{"a panic", func(context.Context) (rancher.Credentials, error) { panic(secret) }, 0,
			"rancher: no credentials to log in with: V2BetaSource.Credentials panicked in "},
		{"a Goexit", func(context.Context) (rancher.Credentials, error) {
			runtime.Goexit()
			return robot(context.Background())
		}, 0,
			"rancher: runtime.Goexit called in V2BetaSource.Credentials, which must return"},
		{"none", func(context.Context) (rancher.Credentials, error) { return rancher.Credentials{}, nil }, 0,
			"rancher: log in: Credentials.Username is empty"},
		{"none in time", wait, 30 * time.Second, "rancher: no credentials to log in with: no answer within 30s (V2BetaSource.Timeout)"},
		{"none, and no end", func(context.Context) (rancher.Credentials, error) {
			time.Sleep(time.Hour)
			return robot(context.Background())
		}, 30*time.Second + 100*time.Millisecond,
			"rancher: no return from V2BetaSource.Credentials after 30s: it ignores its context"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newV2BetaWorld("user")
				var calls atomic.Int32
				w.source.Credentials = func(ctx context.Context) (rancher.Credentials, error) {
					if calls.Add(1) == 1 {
						return tt.f(ctx)
					}
					return robot(ctx)
				}
				began := time.Now()
				tok, err := w.source.Token(t.Context())
				if err == nil || !strings.HasPrefix(err.Error(), tt.want) || !tok.IsZero() {
					t.Errorf("%v, want %s", err, tt.want)
				}
				if errors.Is(err, token.ErrInvalid) || strings.Contains(fmt.Sprintf("%+v", err), secret) {
					t.Errorf("%+v", err)
				}
				if took := time.Since(began); took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
				if _, err := w.source.Token(t.Context()); err != nil {
					t.Errorf("the next call: %v", err)
				}
				time.Sleep(2 * time.Hour) // for credentials that come late
				if n := w.count(v2betaLogin); n != 1 {
					t.Errorf("%d logins, want 1", n)
				}
			})
		})
	}
}

// A login under way when its time is over is waited for: there is no second one
// beside it. A Server without a bound is bounded by the source.
func TestV2BetaSourceTimeout(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ timeout, want time.Duration }{
		{0, 30 * time.Second}, {time.Minute, time.Minute}, {-1, time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newV2BetaWorld("user")
			w.source.Client.Server.Timeout = -1
			w.source.Timeout = tt.timeout
			w.fake.SetFault(ranchertest.On(v2betaLogin, ranchertest.Slow(time.Hour)))
			began := time.Now()
			_, err := w.source.Token(t.Context())
			if took := time.Since(began); took != tt.want || (err == nil) != (tt.timeout < 0) {
				t.Errorf("%v after %v, want %v", err, took, tt.want)
			}
			if err != nil && !strings.Contains(err.Error(), "(V2BetaSource.Timeout)") {
				t.Errorf("%v", err)
			}
		})
	}
}

// What is missing is named.
func TestV2BetaSourceConfigured(t *testing.T) {
	t.Parallel()
	client := &rancher.V2Beta{Server: &rancher.Server{URL: "https://rancher.example"}}
	for _, tt := range []struct {
		source *rancher.V2BetaSource
		want   string
	}{
		{&rancher.V2BetaSource{Credentials: robot}, "rancher: V2BetaSource.Client is nil: "},
		{&rancher.V2BetaSource{Client: client}, "rancher: V2BetaSource.Credentials is nil: "},
		{&rancher.V2BetaSource{Client: client, Credentials: robot, Lifetime: -1}, "rancher: V2BetaSource.Lifetime is negative: "},
		{&rancher.V2BetaSource{Client: &rancher.V2Beta{}, Credentials: robot}, "rancher: log in: the Server is nil: "},
	} {
		if _, err := tt.source.Token(t.Context()); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%v, want %s", err, tt.want)
		}
		if err := tt.source.Close(t.Context()); err != nil {
			t.Errorf("close: %v", err)
		}
	}
}

// A lifetime that is given spares the question for it.
func TestV2BetaSourceLifetime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newV2BetaWorld("admin")
		w.source.Lifetime = 8 * time.Hour
		tok, err := w.source.Token(t.Context())
		if err != nil || tok.ExpiresIn != 8*time.Hour {
			t.Errorf("expires in %v, %v", tok.ExpiresIn, err)
		}
		if got := w.fake.Requests(); len(got) != 1 {
			t.Errorf("requests %q", got)
		}
	})
}

// A setting that cannot be read at the first attempt is read at another: a token
// taken for longer than it lives would be sent when it is dead.
func TestV2BetaSourceLifetimeLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newV2BetaWorld("admin")
		w.fake.Set("api.auth.jwt.token.expiry", "5400000")
		w.fake.SetFault(ranchertest.On("GET /v2-beta/settings/api.auth.jwt.token.expiry", ranchertest.First(2, ranchertest.Drop)))
		tok, err := w.source.Token(t.Context())
		if err != nil || tok.ExpiresIn > 90*time.Minute || tok.ExpiresIn < 89*time.Minute {
			t.Errorf("expires in %v, %v", tok.ExpiresIn, err)
		}
	})
}

// A source prints neither passwords nor tokens.
func TestV2BetaSourceSilent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newV2BetaWorld("user")
		tok, err := w.source.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.fake.SetPassword("robot", "other")
		w.source.Token(t.Context())
		synctest.Wait()
		v2betaSilent(t, w.source, "pa:ss", tok.Value.Reveal())
	})
}

// A transport of the user's that panics is an error.
func TestV2BetaSourceTransportPanics(t *testing.T) {
	t.Parallel()
	source := &rancher.V2BetaSource{Credentials: robot, Client: &rancher.V2Beta{Server: &rancher.Server{
		URL:  "https://rancher.example",
		HTTP: &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) { panic("pa:ss") })},
	}}}
	if _, err := source.Token(t.Context()); err == nil || strings.Contains(err.Error(), "pa:ss") {
		t.Errorf("%v", err)
	}
}

// A transport that ignores its context does not bring about a second login beside
// the first.
func TestV2BetaSourceDeafTransport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newV2BetaWorld("user")
		var sent atomic.Int32
		w.source.Client.Server.HTTP.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			sent.Add(1)
			time.Sleep(time.Hour)
			return nil, io.ErrUnexpectedEOF
		})
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			if _, err := w.source.Token(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v", err)
			}
			cancel()
		}
		if n := sent.Load(); n != 1 {
			t.Errorf("%d logins under way", n)
		}
		time.Sleep(time.Hour)
	})
}
