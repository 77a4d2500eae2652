package refresh_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// A refused token is replaced at the next call; one that is not the token in the
// Store any more is no reason to.
func TestRotatorInvalidate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{}
		store := new(refresh.Memory)
		var j journal
		r := holder(a, store, a.login())
		r.OnEvent = j.add
		other := holder(a, store, refresh.Pair{})
		first, _ := r.Token(t.Context())
		expect(t, other, "access-1")
		time.Sleep(time.Minute)
		r.Invalidate(first)
		r.Invalidate(first)
		if len(a.requests()) != 0 || j.count(refresh.Refused) != 1 {
			t.Errorf("presented %v; events %v", a.requests(), j.events)
		}
		expect(t, r, "access-2")
		r.Invalidate(first)
		expect(t, r, "access-2")
		other.Invalidate(first) // it has not seen the second yet
		expect(t, other, "access-2")
		if len(a.requests()) != 1 {
			t.Errorf("presented %v", a.requests())
		}
	})
}

// What is refused before the first call is looked for in the Store.
func TestRotatorInvalidateFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{}
		store := new(refresh.Memory)
		first := a.login()
		expect(t, holder(a, store, first), "access-1")
		r := holder(a, store, first)
		r.Invalidate(first.Access)
		expect(t, r, "access-2")
		r = holder(a, store, first)
		r.Invalidate(first.Access)
		expect(t, r, "access-2")
	})
}

// A token that is refused while a caller is being given it is not given to it.
func TestRotatorInvalidateInBetween(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{}
		r := holder(a, new(refresh.Memory), a.due())
		r.OnEvent = func(e refresh.Event) {
			if e.Kind == refresh.Exchanged && len(a.requests()) == 1 {
				r.Invalidate(pairNumber(2, 0).Access)
			}
		}
		expect(t, r, "access-3")
	})
}

// Where every token is refused, the issuer is not flooded.
func TestRotatorInvalidateAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{}
		r := holder(a, new(refresh.Memory), a.login())
		for began := time.Now(); time.Since(began) < time.Hour; time.Sleep(time.Second) {
			tok, err := r.Token(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			r.Invalidate(tok)
		}
		if got := len(a.requests()); got < 60 || got > 130 {
			t.Errorf("%d requests in an hour", got)
		}
	})
}

// An issuer that hands out the same access token again is not asked for ever,
// however many holders have given it up.
func TestRotatorInvalidateTheSameAgain(t *testing.T) {
	t.Parallel()
	for _, first := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) { invalidateTheSameAgain(t, first) })
	}
}

func invalidateTheSameAgain(t *testing.T, first bool) {
	n := 0
	same := token.Token{Value: token.NewSecret("same"), ExpiresIn: time.Hour}
	a := refresh.ExchangerFunc(func(_ context.Context, _ token.Secret) (refresh.Pair, error) {
		n++
		return refresh.Pair{Access: same, Refresh: token.Token{Value: token.NewSecret(fmt.Sprint("refresh-", n))}}, nil
	})
	store := new(refresh.Memory)
	initial := pairNumber(0, 0)
	initial.Access = same
	var holders []*refresh.Rotator
	for range 3 {
		holders = append(holders, &refresh.Rotator{Exchanger: a, Initial: initial, Store: store, Key: "k"})
	}
	for _, r := range holders {
		if !first {
			expect(t, r, "same")
		}
	}
	for _, r := range holders {
		r.Invalidate(same)
	}
	for range 10 {
		for _, r := range holders {
			expect(t, r, "same")
		}
	}
	if n > 3 {
		t.Errorf("refused before the first call %t: %d requests", first, n)
	}
}

// A Source tells its Base, so that a refusal by a server gets through to the
// pair; and it gets a new token at once.
func TestRotatorUnderASource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{}
		src := refresh.New(holder(a, new(refresh.Memory), a.login()))
		first, err := src.Token(t.Context())
		if err != nil || first.Value.Reveal() != "access-1" {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		src.Invalidate(first)
		expect(t, src, "access-2")
		if len(a.requests()) != 1 {
			t.Errorf("presented %v", a.requests())
		}
		for began := time.Now(); time.Since(began) < 24*time.Hour; time.Sleep(10 * time.Second) {
			if _, err := src.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if got := len(a.requests()); got < 30 || got > 36 || a.isOver() {
			t.Errorf("%d requests in a day", got)
		}
	})
}

// A Base that panics when it is told does not take the Source with it.
func TestSourceInvalidatesAPanickingBase(t *testing.T) {
	t.Parallel()
	base := panicking{token.Static(token.Token{Value: token.NewSecret("x")})}
	src := refresh.New(base)
	tok, err := src.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	src.Invalidate(tok)
}

type panicking struct{ token.Source }

func (panicking) Invalidate(token.Token) { panic("no") }
