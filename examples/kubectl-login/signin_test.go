package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// TestFailedSince has a clock put back after a login that failed: nobody is kept from
// logging in until that time comes again.
func TestFailedSince(t *testing.T) {
	t.Parallel()
	g := newBench(t).getter(t)
	now := time.Now()
	for at, want := range map[time.Duration]bool{-time.Minute: false, -time.Millisecond: true, time.Hour: false} {
		raw, err := json.Marshal(failure{now.Add(at), "why"})
		if err == nil {
			err = g.store.update(t.Context(), "failed/"+g.Key, func([]byte) ([]byte, time.Time, error) { return raw, now.Add(2 * time.Hour), nil })
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := g.failedSince(t.Context(), now.Add(-time.Second)); (err != nil) != want {
			t.Errorf("a failure at %v: %v", at, err)
		}
	}
}

// TestNobodyToLogInFor has a kubectl gone before its turn comes to log in: no browser
// is opened for nobody.
func TestNobodyToLogInFor(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	g := b.getter(t)
	g.parent = "1 0" // a process that has ended
	if _, err := g.token(t.Context()); err == nil || !strings.Contains(err.Error(), "has ended") {
		t.Errorf("got %v, want an error that says that kubectl has ended", err)
	}
	b.saw(t, counts{})
}

// TestKeepMeetsLogout has a logout come between the two writes of a login: what is kept
// is in the list.
func TestKeepMeetsLogout(t *testing.T) {
	t.Parallel()
	g := newBench(t).getter(t)
	g.rotator.Store = unlisting{g}
	if err := g.keep(t.Context(), refresh.Pair{Refresh: token.Token{Value: token.NewSecret("refresh-1")}}); err != nil {
		t.Fatal(err)
	}
	if all, err := g.store.accounts(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("%d logins are in the list (%v), want the one that is kept", len(all), err)
	}
}

// unlisting is the store of a getter, whose login is taken off the list before its pair
// comes.
type unlisting struct{ *getter }

func (u unlisting) Get(ctx context.Context, key string) ([]byte, error) {
	return u.getter.store.Get(ctx, key)
}

func (u unlisting) Swap(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
	if err := u.getter.store.unlist(ctx, u.Key); err != nil {
		return false, err
	}
	return u.getter.store.Swap(ctx, key, old, new, expires)
}

func (u unlisting) Lock(ctx context.Context, key string) (func(), error) {
	return u.getter.store.Lock(ctx, key)
}
