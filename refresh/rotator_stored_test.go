package refresh_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/storetest"
	"github.com/tokenlife/tokenlife/token"
)

// What is stored is returned as it is now, by one look and without an exchange,
// also while somebody claims it and when the access token is dead.
func TestRotatorStored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{takes: time.Second}
		store := &storetest.Faulty{Store: new(refresh.Memory)}
		initial := a.login()
		initial.Refresh.ExpiresIn = 24 * time.Hour
		r := holder(a, store, initial)
		expect(t, r, "access-1")
		restarted := holder(a, store, refresh.Pair{})
		looks := func(r *refresh.Rotator, access, refresh string, left, refreshLeft time.Duration) {
			t.Helper()
			gets, swaps := store.Count()
			p, err := r.Stored(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if p.Access.Value.Reveal() != access || p.Refresh.Value.Reveal() != refresh {
				t.Errorf("got %s, %s, want %s, %s", p.Access.Value.Reveal(), p.Refresh.Value.Reveal(), access, refresh)
			}
			// One that was not there when it came allows for the clocks of others.
			if p.Access.ExpiresIn > left || p.Access.ExpiresIn < left-time.Minute || p.Refresh.ExpiresIn != refreshLeft {
				t.Errorf("%v and %v are left, want %v and %v", p.Access.ExpiresIn, p.Refresh.ExpiresIn, left, refreshLeft)
			}
			if g, s := store.Count(); g != gets+1 || s != swaps {
				t.Errorf("%d looks and %d writes", g-gets, s-swaps)
			}
		}
		looks(r, "access-1", "refresh-1", time.Hour, 24*time.Hour)
		looks(restarted, "access-1", "refresh-1", time.Hour, 24*time.Hour)
		time.Sleep(2 * time.Hour)
		looks(r, "access-1", "refresh-1", -time.Hour, 22*time.Hour)
		looks(restarted, "access-1", "refresh-1", -time.Hour, 22*time.Hour)
		if len(a.requests()) != 0 {
			t.Fatalf("presented %v", a.requests())
		}

		done := make(chan struct{})
		go func() { defer close(done); r.Token(t.Context()) }()
		synctest.Wait()
		if stored(t, store).Claim == nil {
			t.Fatal("nobody claims it")
		}
		looks(restarted, "access-1", "refresh-1", -time.Hour, 22*time.Hour)
		<-done
		looks(r, "access-2", "refresh-2", time.Hour-time.Second, 0)
		looks(restarted, "access-2", "refresh-2", time.Hour, 0)
		time.Sleep(time.Hour)
		if len(a.requests()) != 1 {
			t.Errorf("presented %v", a.requests())
		}
	})
}

// What Stored returns has no access token if there is none.
func TestRotatorStoredHalf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{}
		r := holder(a, new(refresh.Memory), refresh.Pair{})
		if err := r.Replace(t.Context(), a.due()); err != nil {
			t.Fatal(err)
		}
		p, err := r.Stored(t.Context())
		if err != nil || !p.Access.IsZero() || p.Refresh.Value.Reveal() != "refresh-1" {
			t.Errorf("an access token: %t, a refresh token: %t, error %v", !p.Access.IsZero(), !p.Refresh.IsZero(), err)
		}
	})
}

// An access token that came again, with another pair, is as good as it was said to be
// then.
func TestRotatorStoredAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{}
		a.script = func(_ int, _ context.Context, act func() (refresh.Pair, error)) (refresh.Pair, error) {
			p, err := act()
			p.Access.Value = token.NewSecret("access-1")
			return p, err
		}
		store := new(refresh.Memory)
		r := holder(a, store, a.login())
		expect(t, r, "access-1")
		time.Sleep(time.Hour)
		expect(t, holder(a, store, refresh.Pair{}), "access-1")
		p, err := r.Stored(t.Context())
		if err != nil || p.Refresh.Value.Reveal() != "refresh-2" || p.Access.ExpiresIn < 59*time.Minute {
			t.Errorf("%v left, %v", p.Access.ExpiresIn, err)
		}
	})
}

// A pair that the Store has yet to get is not in it.
func TestRotatorStoredIsDurable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{}
		memory := new(refresh.Memory)
		store := &storetest.Faulty{Store: memory}
		r := holder(a, store, a.login())
		expect(t, r, "access-1")
		time.Sleep(time.Hour)
		var stuck atomic.Bool
		stuck.Store(true)
		store.Script = func(c storetest.Call) storetest.Fault {
			if stuck.Load() && c.Swap && len(a.requests()) > 0 {
				return storetest.Fail
			}
			return storetest.None
		}
		expect(t, r, "access-2")
		if p, err := r.Stored(t.Context()); err != nil || p.Refresh.Value.Reveal() != "refresh-1" {
			t.Errorf("got %s, %v, want the pair in the Store", p.Refresh.Value.Reveal(), err)
		}
		stuck.Store(false)
		time.Sleep(time.Minute)
		if p, err := r.Stored(t.Context()); err != nil || p.Refresh.Value.Reveal() != "refresh-2" {
			t.Errorf("got %s, %v", p.Refresh.Value.Reveal(), err)
		}
	})
}

// If there is no login, or a dead one, the error is that of Token.
func TestRotatorStoredErrors(t *testing.T) {
	t.Parallel()
	a := &authority{}
	memory := new(refresh.Memory)
	store := &storetest.Faulty{Store: memory}
	r := holder(a, store, refresh.Pair{})
	fails := func(what string, r *refresh.Rotator, want error) error {
		t.Helper()
		p, err := r.Stored(t.Context())
		if err == nil || want != nil && !errors.Is(err, want) || errors.Is(err, token.ErrInvalid) || !p.Access.IsZero() || !p.Refresh.IsZero() {
			t.Errorf("%s: an access token: %t, a refresh token: %t, error %v; want %v", what, !p.Access.IsZero(), !p.Refresh.IsZero(), err, want)
		}
		return err
	}
	asToken := func(what string, want error) {
		t.Helper()
		got := fails(what, r, want)
		if _, err := r.Token(t.Context()); fmt.Sprint(err) != fmt.Sprint(got) {
			t.Errorf("%s: %v, and of Token %v", what, got, err)
		}
	}
	asToken("nothing", token.ErrRefused)
	if err := r.Replace(t.Context(), a.due()); err != nil {
		t.Fatal(err)
	}
	a.over = true
	refuses(t, r, refresh.ErrReused)
	asToken("dead", refresh.ErrReused)
	if err := r.Forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	asToken("a logout", token.ErrRefused)

	force(t, memory, []byte("correct horse battery staple"))
	if err := fails("something else", r, nil); errors.Is(err, token.ErrRefused) || strings.Contains(err.Error(), "staple") {
		t.Errorf("got %v", err)
	}
	store.Script = func(storetest.Call) storetest.Fault { return storetest.Fail }
	if err := fails("the Store is away", r, storetest.ErrFault); errors.Is(err, token.ErrRefused) {
		t.Errorf("got %v", err)
	}
	if err := fails("no Exchanger", &refresh.Rotator{}, nil); !strings.Contains(err.Error(), "Rotator.Exchanger is nil") {
		t.Errorf("got %v", err)
	}
}

// An Initial that the Store has not been told of is not in it, whatever else is; and
// what is there is then no longer what Token goes on with.
func TestRotatorStoredInitial(t *testing.T) {
	t.Parallel()
	a := &authority{}
	memory := new(refresh.Memory)
	store := &storetest.Faulty{Store: memory}
	var stuck atomic.Bool
	store.Script = func(c storetest.Call) storetest.Fault {
		if stuck.Load() && c.Swap {
			return storetest.Fail
		}
		return storetest.None
	}
	yet := func(what string, r *refresh.Rotator) {
		t.Helper()
		p, err := r.Stored(t.Context())
		if err == nil || errors.Is(err, token.ErrRefused) || !strings.Contains(err.Error(), "the Store has not got Initial yet") || !p.Refresh.IsZero() {
			t.Errorf("%s: got %v", what, err)
		}
	}
	r := holder(a, store, a.login())
	yet("nothing", r)
	expect(t, r, "access-1")
	for range 2 {
		if p, err := r.Stored(t.Context()); err != nil || p.Access.Value.Reveal() != "access-1" {
			t.Errorf("got %v", err)
		}
		r = holder(a, store, pairNumber(1, 0)) // a restart
	}
	next := holder(a, store, a.login())
	yet("another login", next)
	stuck.Store(true)
	next.Token(t.Context())
	yet("another login that cannot be stored", next)
	stuck.Store(false)
	if err := next.Forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := next.Stored(t.Context()); !errors.Is(err, token.ErrRefused) {
		t.Errorf("after a logout: %v", err)
	}
}

// A caller does not wait for a Store that takes no notice of its context.
func TestRotatorStoredLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		defer close(end)
		r := holder(&authority{}, deafStore(end), refresh.Pair{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if _, err := r.Stored(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}

type deafStore chan struct{}

func (d deafStore) Get(context.Context, string) ([]byte, error) { <-d; return nil, nil }
func (d deafStore) Swap(context.Context, string, []byte, []byte, time.Time) (bool, error) {
	<-d
	return false, nil
}
