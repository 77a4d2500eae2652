package refresh_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// A deaf Store never hears that a context is done.
type deaf struct {
	refresh.Memory
	gets, swaps  atomic.Bool // hang
	calls, stuck atomic.Int64
	over         chan struct{}
}

func (s *deaf) hang(on *atomic.Bool) {
	s.calls.Add(1)
	if on.Load() {
		s.stuck.Add(1)
		<-s.over
	}
}

func (s *deaf) Get(ctx context.Context, key string) ([]byte, error) {
	s.hang(&s.gets)
	return s.Memory.Get(context.WithoutCancel(ctx), key)
}

func (s *deaf) Swap(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
	s.hang(&s.swaps)
	return s.Memory.Swap(context.WithoutCancel(ctx), key, old, new, expires)
}

// Whatever the Store does, every caller leaves when its own time is up.
func TestRotatorStoreIsDeaf(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(context.Context, *refresh.Rotator) error{
		"Token": func(ctx context.Context, r *refresh.Rotator) error {
			_, err := r.Token(ctx)
			return err
		},
		"Replace": func(ctx context.Context, r *refresh.Rotator) error {
			return r.Replace(ctx, pairNumber(7, 0))
		},
		"Forget": func(ctx context.Context, r *refresh.Rotator) error { return r.Forget(ctx) },
	} {
		for _, gets := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					a, s := &authority{}, &deaf{over: make(chan struct{})}
					defer close(s.over)
					s.gets.Store(gets)
					s.swaps.Store(!gets)
					r := &refresh.Rotator{Exchanger: a, Store: s, Key: "k", Initial: a.due()}
					ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
					defer cancel()
					began := time.Now()
					err := call(ctx, r)
					if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != 3*time.Second {
						t.Errorf("after %v: %v", took, err)
					}
				})
			})
		}
	}
}

// Calls that a Store never comes back from are a few, however often it is asked.
func TestRotatorDeafStoreIsNotAskedForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, s := &authority{}, &deaf{over: make(chan struct{})}
		r := &refresh.Rotator{Exchanger: a, Store: s, Key: "k", Initial: a.due()}
		expect(t, r, "access-2")
		s.gets.Store(true)
		for range 200 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if tok, err := r.Token(ctx); err != nil || tok.Value.Reveal() != "access-2" {
				t.Fatalf("the good token is not handed out: %v", err)
			}
			cancel()
		}
		if n := s.stuck.Load(); n != 64 {
			t.Errorf("%d calls hang", n)
		}
		time.Sleep(2 * time.Hour)
		if _, err := r.Token(context.Background()); err == nil || !strings.Contains(err.Error(), "ignores its context") {
			t.Errorf("got %v", err)
		}
		s.gets.Store(false)
		close(s.over)
		synctest.Wait()
		expect(t, r, "access-3")
	})
}

// Goexit in OnEvent, as t.FailNow calls it, costs neither the pair nor those who
// wait.
func TestRotatorGoexitInOnEvent(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]error{
		"exchanged": nil,
		"failed":    &refresh.ExchangeError{Outcome: refresh.Transient, Err: errors.New("busy")},
		"uncertain": errors.New("cut"),
		"died":      errUsedBefore,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := &authority{grace: time.Minute}
				a.script = func(n int, _ context.Context, act func() (refresh.Pair, error)) (refresh.Pair, error) {
					if n == 1 && script != nil {
						return refresh.Pair{}, script
					}
					return act()
				}
				r := &refresh.Rotator{Exchanger: a, Store: new(refresh.Memory), Key: "k", Initial: a.due(), OnEvent: func(refresh.Event) { runtime.Goexit() }}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				_, err := r.Token(ctx)
				if errors.Is(err, context.DeadlineExceeded) {
					t.Fatalf("it waits for ever: %v", err)
				}
				time.Sleep(time.Minute)
				_, err = r.Token(t.Context())
				if (err == nil) == (name == "died") {
					t.Errorf("then: %v", err)
				}
			})
		})
	}
}

// Nobody who leaves goes without the good token that is there.
func TestRotatorLeavesWithTheGoodToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{takes: 4 * time.Second}
		r := &refresh.Rotator{Exchanger: a, Store: new(refresh.Memory), Key: "k", Initial: a.login()}
		expect(t, r, "access-1")
		time.Sleep(55 * time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		tok, err := r.Token(ctx)
		if err != nil || tok.Value.Reveal() != "access-1" {
			t.Fatalf("it is good for five minutes more, and the caller got %v", err)
		}
		time.Sleep(time.Minute)
		expect(t, r, "access-2")
		r.Invalidate(pairNumber(2, 0).Access)
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if tok, err := r.Token(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a refused token: %t, %v", !tok.IsZero(), err)
		}
		time.Sleep(time.Minute)
	})
}

// The advice is given once.
func TestRotatorTellsToLogInOnce(t *testing.T) {
	t.Parallel()
	for _, reason := range []string{"x: log in again", "x; log in again", "x", "log in again: x"} {
		a := &authority{script: func(int, context.Context, func() (refresh.Pair, error)) (refresh.Pair, error) {
			return refresh.Pair{}, &refresh.ExchangeError{Outcome: refresh.Terminal, Err: errors.New(reason)}
		}}
		r := &refresh.Rotator{Exchanger: a, Initial: a.due()}
		_, err := r.Token(t.Context())
		const want = "refresh: pair: the refresh token was refused for good: "
		if err == nil || err.Error() != want+strings.TrimRight(strings.TrimSuffix(reason, "log in again"), ":; ")+"; log in again" {
			t.Errorf("%q reads: %v", reason, err)
		}
	}
}

// A new login is not answered with the token of the one before, which may be
// somebody else's.
func TestRotatorLeavesWithoutTheFormerLogin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, store := &authority{takes: 4 * time.Second}, new(refresh.Memory)
		expect(t, &refresh.Rotator{Exchanger: a, Store: store, Key: "k", Initial: a.login()}, "access-1")
		r := &refresh.Rotator{Exchanger: a, Store: store, Key: "k", Initial: a.due()}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if tok, err := r.Token(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got a token: %t, %v", !tok.IsZero(), err)
		}
		expect(t, r, "access-3")
	})
}

// Goexit in Revoke or in the Store is an error like any other.
func TestRotatorGoexitInForget(t *testing.T) {
	t.Parallel()
	a := &authority{}
	for name, r := range map[string]*refresh.Rotator{
		"Revoke": {Exchanger: a, Initial: a.login(), Revoke: func(context.Context, token.Secret) error {
			runtime.Goexit()
			return nil
		}},
		"Store": {Exchanger: a, Initial: a.login(), Key: "k", Store: brokenStore{func() error {
			runtime.Goexit()
			return nil
		}}},
	} {
		if err := r.Forget(t.Context()); err == nil || !strings.Contains(err.Error(), "Goexit") {
			t.Errorf("%s: Forget: %v", name, err)
		}
	}
	r := &refresh.Rotator{Exchanger: a, Initial: a.login(), Key: "k", Store: brokenStore{func() error {
		runtime.Goexit()
		return nil
	}}}
	if _, err := r.Token(t.Context()); err == nil || !strings.Contains(err.Error(), "Goexit") {
		t.Errorf("Token: %v", err)
	}
}

// A lock that is not needed any more is not waited for either.
func TestRotatorStopsWaitingForTheLock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, memory := &authority{}, new(refresh.Memory)
		store := &taken{Memory: memory}
		other := &refresh.Rotator{Exchanger: a, Store: memory, Key: "k"} // without a lock
		if err := other.Replace(t.Context(), a.due()); err != nil {
			t.Fatal(err)
		}
		r := &refresh.Rotator{Exchanger: a, Store: store, Key: "k"}
		time.AfterFunc(time.Minute, func() {
			if err := other.Replace(t.Context(), a.login()); err != nil {
				t.Error(err)
			}
		})
		expect(t, r, "access-2")
		synctest.Wait()
		if n := store.waiting.Load(); n != 0 {
			t.Errorf("%d wait for the lock", n)
		}
		store.over.Store(true)
	})
}

// A taken Store has a lock that somebody else has.
type taken struct {
	*refresh.Memory
	waiting atomic.Int64
	over    atomic.Bool
}

func (s *taken) Lock(ctx context.Context, _ string) (func(), error) {
	s.waiting.Add(1)
	defer s.waiting.Add(-1)
	for !s.over.Load() {
		if err := sleep(ctx, time.Second); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("it is taken")
}
