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

var faults = map[string]storetest.Fault{
	"fail":        storetest.Fail,
	"hang":        storetest.Hang,
	"apply, fail": storetest.ApplyFail,
	"apply, hang": storetest.ApplyHang,
	"apply, deny": storetest.ApplyFalse,
	"late":        storetest.Late,
	"late, hang":  storetest.LateHang,
}

// script returns the script of a Store whose n-th Swap, and so many after it,
// has a fault.
func faultAt(n, times int, f storetest.Fault) func(storetest.Call) storetest.Fault {
	return func(c storetest.Call) storetest.Fault {
		if c.Swap && c.N >= n && c.N < n+times {
			return f
		}
		return storetest.None
	}
}

// One fault of the Store, at any step, costs neither a second request nor an
// error: it is not believed, but looked into.
func TestRotatorStoreFaults(t *testing.T) {
	t.Parallel()
	for name, fault := range faults {
		for n, step := range map[int]string{1: "claim", 2: "pair"} {
			t.Run(step+": "+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					a := &authority{}
					memory := new(refresh.Memory)
					store := &storetest.Faulty{Store: memory, Script: faultAt(n, 1, fault)}
					r := &refresh.Rotator{Exchanger: a, Initial: a.due(), Store: store, Key: "k"}
					expect(t, r, "access-2")
					store.Land() // what was still on its way comes too late to do harm
					if c := stored(t, memory); c.Claim != nil || c.Access.Value != "access-2" || c.Unknown {
						t.Errorf("the Store holds %+v", c)
					}
					expect(t, r, "access-2")
					if got := a.requests(); len(got) != 1 {
						t.Errorf("%d requests", len(got))
					}
				})
			})
		}
	}
}

// A fault when the claim is given back leaves a claim, which is the holder's own.
func TestRotatorFaultsAtRelease(t *testing.T) {
	t.Parallel()
	for name, fault := range faults {
		for _, unknown := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, unknown %t", name, unknown), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					defer outlive()
					a := &authority{}
					a.script = func(n int, _ context.Context, act func() (refresh.Pair, error)) (refresh.Pair, error) {
						if n > 1 {
							return act()
						}
						if unknown {
							act()
							return refresh.Pair{}, errors.New("cut off")
						}
						return refresh.Pair{}, &refresh.ExchangeError{Outcome: refresh.Transient, Err: errors.New("busy")}
					}
					store := &storetest.Faulty{Store: new(refresh.Memory), Script: faultAt(2, 1, fault)}
					var j journal
					r := &refresh.Rotator{Exchanger: a, Initial: a.due(), Store: store, Key: "k", OnEvent: j.add}
					if _, err := r.Token(t.Context()); err == nil {
						t.Fatal("no error")
					}
					landed := fault == storetest.ApplyFail || fault == storetest.ApplyHang || fault == storetest.ApplyFalse
					if n := j.count(refresh.StoreFailed); (n == 0) != landed {
						t.Errorf("events %v", j.events)
					}
					time.Sleep(2 * time.Second)
					began := time.Now()
					if unknown {
						refuses(t, r, refresh.ErrLost)
					} else {
						expect(t, r, "access-2")
					}
					if took := time.Since(began); took != 0 {
						t.Errorf("waited %v for its own claim", took)
					}
					store.Land()
					if c := stored(t, store); c.Claim != nil || len(a.requests()) != 2 {
						t.Errorf("claim %v, %d requests", c.Claim, len(a.requests()))
					}
				})
			})
		}
	}
}

// A Store that does not take a claim is asked a few times, and nothing is sent to
// the issuer. Then there is a pause; and then it may work.
func TestRotatorStoreTakesNoClaim(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]storetest.Fault{"fail": storetest.Fail, "hang": storetest.Hang, "late": storetest.Late} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := &authority{}
				var down atomic.Bool
				down.Store(true)
				store := &storetest.Faulty{Store: new(refresh.Memory), Script: func(c storetest.Call) storetest.Fault {
					if down.Load() && c.Swap {
						return fault
					}
					return storetest.None
				}}
				r := &refresh.Rotator{Exchanger: a, Initial: a.due(), Store: store, Key: "k"}
				tok, err := r.Token(t.Context())
				if err == nil || !tok.IsZero() || token.RetryAfter(err) <= 0 || len(a.requests()) != 0 {
					t.Errorf("error %v, to be retried after %v, %d requests", err, token.RetryAfter(err), len(a.requests()))
				}
				_, swaps := store.Count()
				for range 100 {
					if _, err := r.Token(t.Context()); err == nil {
						t.Fatal("no error during the pause")
					}
				}
				if _, after := store.Count(); swaps != 3 || after != swaps {
					t.Errorf("%d claims were sent, and %d during the pause", swaps, after-swaps)
				}
				down.Store(false)
				store.Land()
				time.Sleep(time.Second)
				began := time.Now()
				expect(t, r, "access-2")
				if took := time.Since(began); took != 0 {
					t.Errorf("waited %v, maybe for its own claim", took)
				}
				if c := stored(t, store); c.Unknown || len(a.requests()) != 1 {
					t.Errorf("unknown %t, %d requests", c.Unknown, len(a.requests()))
				}
			})
		})
	}
}

// A Store that cannot be read is an error, unless a good token is at hand. It
// says nothing about the token of a caller, whatever its error says.
func TestRotatorStoreCannotBeRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{}
		var j journal
		down := false
		store := &storetest.Faulty{Store: new(refresh.Memory), Script: func(c storetest.Call) storetest.Fault {
			if down {
				return storetest.Fail
			}
			return storetest.None
		}}
		r := &refresh.Rotator{Exchanger: a, Initial: a.due(), Store: store, Key: "k", OnEvent: j.add}
		expect(t, r, "access-2")
		down = true
		expect(t, r, "access-2")
		if j.count(refresh.StoreFailed) != 1 {
			t.Errorf("events %v", j.events)
		}
		time.Sleep(59 * time.Minute)
		expect(t, r, "access-2")
		time.Sleep(time.Minute)
		refuses(t, r, storetest.ErrFault)
		down = false
		expect(t, r, "access-3")
	})
	for _, err := range []error{token.ErrSignature, token.Refused(errors.New("our vault login is over"))} {
		r := &refresh.Rotator{Exchanger: &authority{}, Store: brokenStore{func() error { return err }}, Key: "k"}
		_, got := r.Token(t.Context())
		if got == nil || errors.Is(got, token.ErrInvalid) || errors.Is(got, token.ErrRefused) || !strings.Contains(got.Error(), err.Error()) {
			t.Errorf("%v became %v", err, got)
		}
	}
}

type brokenStore struct{ err func() error }

func (b brokenStore) Get(context.Context, string) ([]byte, error) { return nil, b.err() }
func (b brokenStore) Swap(context.Context, string, []byte, []byte, time.Time) (bool, error) {
	return false, b.err()
}
func (b brokenStore) Lock(context.Context, string) (func(), error) { return nil, b.err() }

// A panic in what the user brings is an error, and repeats no secret.
func TestRotatorPanics(t *testing.T) {
	t.Parallel()
	boom := func() error { panic("correct horse battery staple") }
	for name, r := range map[string]*refresh.Rotator{
		"Store":  {Store: brokenStore{boom}, Key: "k"},
		"Lock":   {Store: locking2{new(refresh.Memory), boom}, Key: "k"},
		"unlock": {Store: locking2{new(refresh.Memory), nil}, Key: "k"},
		"Exchanger": {Exchanger: refresh.ExchangerFunc(func(context.Context, token.Secret) (refresh.Pair, error) {
			return refresh.Pair{}, boom()
		})},
		"OnEvent": {OnEvent: func(refresh.Event) { boom() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := &authority{}
				if r.Exchanger == nil {
					r.Exchanger = a
				}
				r.Initial = a.due()
				tok, err := r.Token(t.Context())
				if name == "OnEvent" || name == "unlock" {
					if err != nil || tok.IsZero() {
						t.Errorf("got %v", err)
					}
					return
				}
				if err == nil || strings.Contains(err.Error(), "staple") || !strings.Contains(err.Error(), "panicked") || errors.Is(err, token.ErrRefused) {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

type locking2 struct {
	refresh.Store
	lock func() error
}

func (l locking2) Lock(context.Context, string) (func(), error) {
	if l.lock == nil {
		return func() { panic("correct horse battery staple") }, nil
	}
	return nil, l.lock()
}

// An Exchanger that ignores its context does not hold up anybody for ever, and
// the pair that it brings in the end is kept.
func TestRotatorBelatedPair(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{}
		a.script = func(_ int, _ context.Context, act func() (refresh.Pair, error)) (refresh.Pair, error) {
			p, err := act()
			time.Sleep(time.Minute)
			return p, err
		}
		store := new(refresh.Memory)
		r := &refresh.Rotator{Exchanger: a, Initial: a.due(), Store: store, Key: "k"}
		began := time.Now()
		_, err := r.Token(t.Context())
		if took := time.Since(began); err == nil || took < 10*time.Second || took > 11*time.Second {
			t.Errorf("error %v after %v", err, took)
		}
		if c := stored(t, store); !c.Unknown || c.Claim != nil {
			t.Errorf("the Store holds %+v", c)
		}
		time.Sleep(time.Minute) // and nobody calls
		if c := stored(t, store); c.Unknown || c.Access.Value != "access-2" {
			t.Errorf("the Store holds %+v", c)
		}
		expect(t, r, "access-2")
		if len(a.requests()) != 1 {
			t.Errorf("%d requests", len(a.requests()))
		}
	})
}
