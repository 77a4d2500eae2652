package refresh_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/storetest"
	"github.com/tokenlife/tokenlife/token"
)

// A Store that fails for long after the exchange costs nobody a token: it is
// handed out from memory, and stored as soon as the Store works again.
func TestRotatorStoreFailsAfterTheExchange(t *testing.T) {
	t.Parallel()
	for name, down := range map[string]time.Duration{"ten minutes": 10 * time.Minute, "half a day": 12 * time.Hour} {
		for _, reads := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					a := &authority{life: 48 * time.Hour}
					memory := new(refresh.Memory)
					var works atomic.Bool
					works.Store(true)
					store := &storetest.Faulty{Store: memory, Script: func(c storetest.Call) storetest.Fault {
						if works.Load() || reads && !c.Swap {
							return storetest.None
						}
						return storetest.Fail
					}}
					a.script = func(_ int, _ context.Context, act func() (refresh.Pair, error)) (refresh.Pair, error) {
						works.Store(false)
						return act()
					}
					var j journal
					r := &refresh.Rotator{Exchanger: a, Initial: a.due(), Store: store, Key: "k", OnEvent: j.add}
					began := time.Now()
					expect(t, r, "access-2")
					if took := time.Since(began); took != 0 {
						t.Errorf("waited %v for the Store", took)
					}
					if j.count(refresh.Unsaved) != 1 || j.count(refresh.StoreFailed) != 0 || !strings.Contains(j.events[0].Err.Error(), "lost if this process ends now") {
						t.Errorf("events %v", j.events)
					}
					for time.Since(began) < down {
						expect(t, r, "access-2")
						time.Sleep(time.Minute)
					}
					if c := stored(t, memory); c.Claim == nil {
						t.Errorf("the Store holds %+v", c)
					}
					works.Store(true)
					if down > time.Hour {
						expect(t, r, "access-2") // the Rotator tries again when it is called
					}
					time.Sleep(time.Minute + time.Second)
					if c := stored(t, memory); c.Claim != nil || c.Access == nil || c.Access.Value != "access-2" {
						t.Errorf("the Store holds %+v", c)
					}
					expect(t, r, "access-2")
					if len(a.requests()) != 1 {
						t.Errorf("%d requests", len(a.requests()))
					}
					// The first hour is tried in the background, and not in a hurry.
					if _, swaps := store.Count(); swaps > 80+3*int(down/time.Minute) {
						t.Errorf("%d writes", swaps)
					}
				})
			})
		}
	}
}

// A pair in memory that is due cannot be exchanged before it has been stored.
func TestRotatorExchangesNoPairThatIsNotStored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{life: time.Minute}
		memory := new(refresh.Memory)
		var works atomic.Bool
		works.Store(true)
		store := &storetest.Faulty{Store: memory, Script: func(c storetest.Call) storetest.Fault {
			if works.Load() || !c.Swap {
				return storetest.None
			}
			return storetest.Fail
		}}
		a.script = func(n int, _ context.Context, act func() (refresh.Pair, error)) (refresh.Pair, error) {
			works.Store(n != 1)
			return act()
		}
		r := &refresh.Rotator{Exchanger: a, Initial: a.due(), Store: store, Key: "k"}
		expect(t, r, "access-2")
		time.Sleep(time.Minute)
		began := time.Now()
		if _, err := r.Token(t.Context()); !errors.Is(err, storetest.ErrFault) || time.Since(began) != 0 {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
		if len(a.requests()) != 1 {
			t.Errorf("%d requests", len(a.requests()))
		}
		works.Store(true)
		// The pair is stored after a pause of a minute at most. By then its access token
		// is dead, which is a failure, with a pause of a second at most.
		time.Sleep(time.Minute + time.Second)
		expect(t, r, "access-3")
	})
}

// With a lock, it is held until the pair is stored: nobody else has anything but
// a spent refresh token to exchange.
func TestRotatorKeepsTheLockUntilThePairIsStored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{}
		locks := &storetest.Locking{Store: new(refresh.Memory)}
		var works atomic.Bool
		works.Store(true)
		faulty := &storetest.Faulty{Store: locks.Store, Script: func(storetest.Call) storetest.Fault {
			if works.Load() {
				return storetest.None
			}
			return storetest.Fail
		}}
		a.script = func(_ int, _ context.Context, act func() (refresh.Pair, error)) (refresh.Pair, error) {
			works.Store(false)
			return act()
		}
		first := &refresh.Rotator{Exchanger: a, Initial: a.due(), Store: locking{faulty, locks}, Key: "k"}
		second := &refresh.Rotator{Exchanger: a, Store: locks, Key: "k"}
		expect(t, first, "access-2")
		time.AfterFunc(20*time.Minute, func() { works.Store(true) })
		began := time.Now()
		expect(t, second, "access-2")
		if took := time.Since(began); took < 20*time.Minute || len(a.requests()) != 1 {
			t.Errorf("after %v, %d requests", took, len(a.requests()))
		}
	})
}

// A holder that was frozen for longer than its lease has a pair in hand. It
// stores that over whatever was made of the pair it spent: a claim, a death.
func TestRotatorPairInHand(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		thaws time.Duration
		found func(content) bool // before it thaws
		grace time.Duration
	}{
		"over a claim":                    {18 * time.Second, func(c content) bool { return c.Claim != nil && c.Unknown }, 0},
		"over a death":                    {40 * time.Second, func(c content) bool { return c.Dead != nil && c.Dead.Lost }, 0},
		"at the lease":                    {15 * time.Second, func(c content) bool { return c.Claim != nil }, 0},
		"that another holder got as well": {40 * time.Second, func(c content) bool { return c.Refresh.Value == "refresh-2" && c.Claim == nil }, time.Minute},
		"in good order":                   {5 * time.Second, func(c content) bool { return c.Claim != nil && !c.Unknown }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := &authority{grace: test.grace}
				memory := new(refresh.Memory)
				var frozen atomic.Bool
				frozen.Store(true)
				faulty := &storetest.Faulty{Store: memory, Script: func(c storetest.Call) storetest.Fault {
					if frozen.Load() && c.Swap && c.N > 1 {
						return storetest.Hang
					}
					return storetest.None
				}}
				a.script = func(n int, ctx context.Context, act func() (refresh.Pair, error)) (refresh.Pair, error) {
					p, err := act()
					if n == 1 {
						time.Sleep(test.thaws) // ignores ctx, as the frozen do
						if !test.found(stored(t, memory)) {
							t.Errorf("when it thaws the Store holds %+v", stored(t, memory))
						}
						frozen.Store(false)
						return p, err
					}
					time.Sleep(5 * time.Second)
					return p, err
				}
				first := &refresh.Rotator{Exchanger: a, Initial: a.due(), Store: faulty, Key: "k"}
				second := &refresh.Rotator{Exchanger: a, Store: memory, Key: "k"}
				go first.Token(t.Context())
				synctest.Wait()
				go second.Token(t.Context())
				time.Sleep(2 * time.Minute)
				expect(t, first, "access-2")
				expect(t, second, "access-2")
				if c := stored(t, memory); c.Dead != nil || c.Claim != nil || c.Unknown {
					t.Errorf("in the end the Store holds %+v", c)
				}
			})
		})
	}
}

// A pair in hand does not displace a new login, nor survive a logout.
func TestRotatorPairInHandGivesWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, logout := range []bool{false, true} {
			for _, same := range []bool{false, true} {
				a := &authority{}
				store := new(refresh.Memory)
				first := &refresh.Rotator{Exchanger: a, Initial: a.due(), Store: store, Key: "k", Revoke: a.Revoke}
				second := first
				if !same {
					second = &refresh.Rotator{Exchanger: a, Store: store, Key: "k", Revoke: a.Revoke}
				}
				a.script = func(n int, ctx context.Context, act func() (refresh.Pair, error)) (refresh.Pair, error) {
					p, err := act()
					if n > 1 {
						return p, err
					}
					if logout {
						err = second.Forget(ctx)
					} else {
						err = second.Replace(ctx, a.login())
					}
					if err != nil {
						t.Error(err)
					}
					return p, nil
				}
				if logout {
					refuses(t, first, token.ErrRefused)
					refuses(t, second, token.ErrRefused)
					if got := strings.Join(a.revoked, " "); got != "refresh-1 refresh-2" {
						t.Errorf("revoked %s", got)
					}
					if raw := string(contents(t, store)); strings.Contains(raw, "refresh-") || strings.Contains(raw, "access-") {
						t.Errorf("after a logout the Store holds %s", raw)
					}
				} else {
					expect(t, first, "access-3")
					expect(t, second, "access-3")
					if len(a.revoked) > 0 {
						t.Errorf("revoked %v", a.revoked)
					}
				}
			}
		}
	})
}

// Nor does it displace another pair that only has the same number.
func TestRotatorPairInHandLooksTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{}
		store := new(refresh.Memory)
		a.script = func(_ int, _ context.Context, act func() (refresh.Pair, error)) (refresh.Pair, error) {
			force(t, store, []byte(strings.Replace(string(contents(t, store)), "refresh-1", "another", 1)))
			return act()
		}
		expect(t, &refresh.Rotator{Exchanger: a, Initial: a.login(), Store: store, Key: "k"}, "access-1")
		time.Sleep(time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		holder(a, store, refresh.Pair{}).Token(ctx)
		if c := stored(t, store); c.Refresh.Value == "refresh-2" {
			t.Errorf("the Store holds %+v", c)
		}
	})
}

// A Store that has lost writes gets them back, whatever is in it now.
func TestRotatorRollback(t *testing.T) {
	t.Parallel()
	for name, back := range map[string]func(old []byte) []byte{
		"an older pair": func(old []byte) []byte { return old },
		"a claim": func(old []byte) []byte {
			return []byte(strings.Replace(string(old), `"seeds"`, `"claim":{"rotator":"r","holder":"h","lease":15},"seeds"`, 1))
		},
		"a death": func(old []byte) []byte {
			return []byte(strings.Replace(string(old), `"seeds"`, `"dead":{"reason":"r"},"seeds"`, 1))
		},
		"nothing": func([]byte) []byte { return nil },
	} {
		for _, due := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					a := &authority{}
					store := new(refresh.Memory)
					var j journal
					r := &refresh.Rotator{Exchanger: a, Initial: a.login(), Store: store, Key: "k", OnEvent: j.add}
					expect(t, r, "access-1")
					older := contents(t, store)
					time.Sleep(time.Hour)
					expect(t, r, "access-2")
					number := stored(t, store).Pair
					force(t, store, back(older))
					if due {
						time.Sleep(time.Hour)
						expect(t, r, "access-3")
						number++
					} else {
						expect(t, r, "access-2")
						synctest.Wait()
					}
					if c := stored(t, store); c.Pair != number || c.Claim != nil || c.Dead != nil || j.count(refresh.RolledBack) != 1 {
						t.Errorf("the Store holds %+v; events %v", c, j.events)
					}
					if a.isOver() {
						t.Errorf("presented %v", a.requests())
					}
				})
			})
		}
	}
}

// What is restored keeps the claim that another holder has of it.
func TestRotatorRollbackKeepsAClaim(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{takes: time.Second}
		store := new(refresh.Memory)
		first := &refresh.Rotator{Exchanger: a, Initial: a.login(), Store: store, Key: "k"}
		second := &refresh.Rotator{Exchanger: a, Store: store, Key: "k"}
		expect(t, first, "access-1")
		older := contents(t, store)
		time.Sleep(time.Hour)
		expect(t, first, "access-2")
		time.Sleep(time.Hour)
		go second.Token(t.Context())
		synctest.Wait() // the second has claimed it
		go first.Token(t.Context())
		synctest.Wait() // the first has seen that
		force(t, store, older)
		expect(t, first, "access-3")
		if len(a.requests()) != 2 {
			t.Errorf("presented %v", a.requests())
		}
	})
}
