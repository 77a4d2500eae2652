package refresh_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/storetest"
	"github.com/tokenlife/tokenlife/token"
)

func holder(a *authority, store refresh.Store, initial refresh.Pair) *refresh.Rotator {
	return &refresh.Rotator{Exchanger: a, Initial: initial, Store: store, Key: "k", Revoke: a.Revoke}
}

// Initial is used when the Store is empty, and never again; another Initial is a
// new login, and is used whatever is stored.
func TestRotatorInitial(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{}
		store := new(refresh.Memory)
		first := a.login()
		expect(t, holder(a, store, first), "access-1")
		time.Sleep(time.Hour)
		old := holder(a, store, first)
		expect(t, old, "access-2")
		expect(t, holder(a, store, first), "access-2") // a restart
		expect(t, holder(a, store, refresh.Pair{}), "access-2")

		second := a.login()
		expect(t, holder(a, store, second), "access-3")
		expect(t, old, "access-3") // one that still has the first
		expect(t, holder(a, store, first), "access-3")
		time.Sleep(time.Hour)
		expect(t, holder(a, store, first), "access-4")
		expect(t, holder(a, store, second), "access-4")
		if got := strings.Join(a.requests(), " "); got != "refresh-1 refresh-3" {
			t.Errorf("presented %s", got)
		}

		// A new login ends a death.
		a.isOver()
		a.over = true
		time.Sleep(time.Hour)
		refuses(t, old, refresh.ErrReused)
		refuses(t, holder(a, store, second), refresh.ErrReused)
		third := a.login()
		expect(t, holder(a, store, third), "access-5")
		expect(t, old, "access-5")
	})
}

// A login is remembered for as long as somebody is started with it, however many
// others come.
func TestRotatorInitialIsRemembered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{}
		store := new(refresh.Memory)
		first := a.login()
		expect(t, holder(a, store, first), "access-1")
		for n := 2; n < 20; n++ {
			r := holder(a, store, first)
			if err := r.Replace(t.Context(), a.login()); err != nil {
				t.Fatal(err)
			}
			expect(t, r, fmt.Sprint("access-", n))
		}
		expect(t, holder(a, store, first), "access-19")
		if got := len(stored(t, store).Seeds); got != 8 {
			t.Errorf("%d logins are remembered, want 8", got)
		}
	})
}

// An Initial that is the pair in the Store, as one that was copied from there, is
// no new login: somebody may be exchanging it.
func TestRotatorInitialFromTheStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{takes: time.Second}
		store := new(refresh.Memory)
		r := holder(a, store, a.due())
		expect(t, r, "access-2")
		time.Sleep(time.Hour)
		go r.Token(t.Context())
		synctest.Wait()
		copied := holder(a, store, refresh.Pair{Refresh: pairNumber(2, 0).Refresh})
		expect(t, copied, "access-3")
		if got := a.requests(); len(got) != 2 {
			t.Errorf("presented %v", got)
		}
		// Nor is one that was copied from there some time ago.
		expect(t, holder(a, store, refresh.Pair{Refresh: pairNumber(1, 0).Refresh}), "access-3")
		expect(t, holder(a, store, refresh.Pair{Refresh: pairNumber(2, 0).Refresh}), "access-3")
	})
}

// Two that are started with the same login begin it once.
func TestRotatorInitialRace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{}
		memory := new(refresh.Memory)
		initial := a.due()
		other := holder(a, memory, initial)
		store := &storetest.Faulty{Store: memory}
		store.Script = func(c storetest.Call) storetest.Fault {
			if c.Swap && c.N == 1 {
				expect(t, other, "access-2") // faster
			}
			return storetest.None
		}
		expect(t, holder(a, store, initial), "access-2")
		if got := a.requests(); len(got) != 1 {
			t.Errorf("presented %v", got)
		}
	})
}

// Replace ends a claim, a death and a pause, for all holders.
func TestRotatorReplace(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]string{
		"nothing":        "",
		"something else": "not a pair",
		"a pair":         `{"v":1,"n":1,"nonce":"n","pair":946684800000,"refresh":{"v":1,"value":"old"}}`,
		"a claim":        `{"v":1,"n":1,"nonce":"n","pair":1946684800000,"refresh":{"v":1,"value":"old"},"claim":{"rotator":"r","holder":"h","lease":1000}}`,
		"a death":        `{"v":1,"n":1,"nonce":"n","pair":5,"refresh":{"v":1,"value":"old"},"dead":{"reason":"r"}}`,
		"a logout":       `{"v":1,"n":1,"nonce":"n","pair":5,"dead":{"reason":"r"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := &authority{}
				store := new(refresh.Memory)
				if state != "" {
					force(t, store, []byte(state))
				}
				r, other := holder(a, store, a.login()), holder(a, store, refresh.Pair{})
				if err := r.Replace(t.Context(), a.due()); err != nil {
					t.Fatal(err)
				}
				expect(t, other, "access-3")
				expect(t, r, "access-3")
				expect(t, holder(a, store, pairNumber(1, 0)), "access-3") // its Initial counts as used
				expect(t, holder(a, store, pairNumber(2, 0)), "access-3") // and so does the pair
				if c := stored(t, store); c.Claim != nil || c.Dead != nil || c.Pair <= 946684800000 {
					t.Errorf("the Store holds %+v", c)
				}
				if got := strings.Join(a.requests(), " "); got != "refresh-2" {
					t.Errorf("presented %s", got)
				}
			})
		})
	}
	if err := (&refresh.Rotator{Exchanger: &authority{}}).Replace(t.Context(), refresh.Pair{Access: pairNumber(1, 0).Access}); err == nil {
		t.Error("a pair without a refresh token: no error")
	}
}

// A login after a Store has lost everything is newer than what other holders
// remember.
func TestRotatorReplaceAfterALoss(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{}
		store := new(refresh.Memory)
		old := holder(a, store, a.login())
		for n := 1; n < 10; n++ {
			expect(t, old, fmt.Sprint("access-", n))
			time.Sleep(time.Hour)
		}
		force(t, store, nil)
		if err := holder(a, store, refresh.Pair{}).Replace(t.Context(), a.login()); err != nil {
			t.Fatal(err)
		}
		expect(t, old, "access-10")
	})
}

// Nor does it look older because of a clock that is behind.
func TestRotatorReplaceByAClockThatIsBehind(t *testing.T) {
	t.Parallel()
	behind := func() (wall, mono time.Time) { return time.Now().Add(-20 * time.Minute), time.Now() }
	for _, loss := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			a := &authority{}
			store := new(refresh.Memory)
			old := holder(a, store, a.login())
			expect(t, old, "access-1")
			r := holder(a, store, refresh.Pair{})
			refresh.SetClock(r, behind)
			expect(t, r, "access-2") // to it the first is from the future
			expect(t, old, "access-2")
			if loss {
				force(t, store, nil)
			} else {
				r = holder(a, store, refresh.Pair{}) // one that remembers nothing
				refresh.SetClock(r, behind)
			}
			if err := r.Replace(t.Context(), a.due()); err != nil {
				t.Fatal(err)
			}
			expect(t, old, "access-4")
		})
	}
}

// Forget has the refresh token revoked and leaves nothing secret, whether the
// revocation works or not; nobody goes on with the old login.
func TestRotatorForget(t *testing.T) {
	t.Parallel()
	for name, revoke := range map[string]func(context.Context, token.Secret) error{
		"":       nil,
		"fails":  func(context.Context, token.Secret) error { return fmt.Errorf("%w: of no use", token.ErrInvalid) },
		"hangs":  func(ctx context.Context, _ token.Secret) error { <-ctx.Done(); return ctx.Err() },
		"panics": func(context.Context, token.Secret) error { panic("correct horse battery staple") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := &authority{}
				store := new(refresh.Memory)
				initial := a.login()
				r, other := holder(a, store, initial), holder(a, store, initial)
				expect(t, r, "access-1")
				expect(t, other, "access-1")
				if revoke != nil {
					r.Revoke = revoke
				}
				err := r.Forget(t.Context())
				if (err != nil) != (revoke != nil) || errors.Is(err, token.ErrInvalid) || err != nil && strings.Contains(err.Error(), "staple") {
					t.Errorf("Forget: %v", err)
				}
				if revoke == nil && strings.Join(a.revoked, " ") != "refresh-1" {
					t.Errorf("revoked %v", a.revoked)
				}
				raw := contents(t, store)
				for _, s := range []string{"access-", "refresh-1"} {
					if strings.Contains(string(raw), s) {
						t.Errorf("the Store holds %s", raw)
					}
				}
				refuses(t, r, token.ErrRefused)
				refuses(t, other, token.ErrRefused)
				refuses(t, holder(a, store, initial), token.ErrRefused)
				if len(a.requests()) != 0 {
					t.Errorf("presented %v", a.requests())
				}
				if err := other.Forget(t.Context()); err != nil || len(a.revoked) > 1 {
					t.Errorf("once more: %v, revoked %v", err, a.revoked)
				}
				expect(t, holder(a, store, a.login()), "access-2")
				expect(t, r, "access-2")
			})
		})
	}
}

// A logout where nobody had logged in keeps Initial from being used.
func TestRotatorForgetFirst(t *testing.T) {
	t.Parallel()
	a := &authority{}
	r := holder(a, new(refresh.Memory), a.login())
	if err := r.Forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	refuses(t, r, token.ErrRefused)
	if strings.Join(a.revoked, " ") != "refresh-1" {
		t.Errorf("revoked %v", a.revoked)
	}
}

// A refresh token that is dead is not revoked.
func TestRotatorForgetTheDead(t *testing.T) {
	t.Parallel()
	a := &authority{}
	r := holder(a, new(refresh.Memory), a.due())
	a.over = true
	refuses(t, r, refresh.ErrReused)
	if err := r.Forget(t.Context()); err != nil || len(a.revoked) > 0 {
		t.Errorf("%v, revoked %v", err, a.revoked)
	}
	refuses(t, r, token.ErrRefused)
}

// A logout that has begun is finished, whether its caller waits or not. One that
// has not is not begun.
func TestRotatorForgetGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{}
		store := new(refresh.Memory)
		r := holder(a, store, a.login())
		expect(t, r, "access-1")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.Forget(ctx); !errors.Is(err, context.Canceled) || len(a.revoked) > 0 {
			t.Errorf("%v, revoked %v", err, a.revoked)
		}
		r.Revoke = func(ctx context.Context, _ token.Secret) error { return sleep(ctx, 5*time.Second) }
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Forget(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		time.Sleep(5 * time.Second)
		refuses(t, r, token.ErrRefused)
	})
}

// Replace and Forget are not misled by a Store that says false, or fails.
func TestRotatorReplaceFaults(t *testing.T) {
	t.Parallel()
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := &authority{}
				armed := false
				store := &storetest.Faulty{Store: new(refresh.Memory), Script: func(c storetest.Call) storetest.Fault {
					if armed && c.Swap {
						armed = false
						return fault
					}
					return storetest.None
				}}
				r := holder(a, store, refresh.Pair{})
				armed = true
				if err := r.Replace(t.Context(), a.login()); err != nil {
					t.Error(err)
				}
				store.Land()
				expect(t, r, "access-1")
				armed = true
				if err := r.Forget(t.Context()); err != nil {
					t.Error(err)
				}
				store.Land()
				refuses(t, r, token.ErrRefused)
			})
		})
	}
	down := &storetest.Faulty{Store: new(refresh.Memory), Script: func(storetest.Call) storetest.Fault { return storetest.Fail }}
	a := &authority{}
	if err := holder(a, down, refresh.Pair{}).Replace(t.Context(), a.login()); !errors.Is(err, storetest.ErrFault) {
		t.Errorf("Replace: %v", err)
	}
	if err := holder(a, down, refresh.Pair{}).Forget(t.Context()); !errors.Is(err, storetest.ErrFault) {
		t.Errorf("Forget: %v", err)
	}
}

// A value of a newer version is left alone by everybody.
func TestRotatorNewerVersion(t *testing.T) {
	t.Parallel()
	a := &authority{}
	store := new(refresh.Memory)
	const newer = `{"v":2,"secret":"correct horse battery staple"}`
	force(t, store, []byte(newer))
	r := holder(a, store, a.login())
	_, err := r.Token(t.Context())
	for _, err := range []error{err, r.Replace(t.Context(), a.login()), r.Forget(t.Context())} {
		if err == nil || !strings.Contains(err.Error(), "newer version") || strings.Contains(err.Error(), "staple") {
			t.Errorf("got %v", err)
		}
	}
	if got := string(contents(t, store)); got != newer {
		t.Errorf("the Store holds %s", got)
	}
}

// Something else under the key is named, not overwritten; a new login or a logout
// takes its place.
func TestRotatorSomethingElse(t *testing.T) {
	t.Parallel()
	a := &authority{}
	store := new(refresh.Memory)
	force(t, store, []byte("correct horse battery staple"))
	r := holder(a, store, a.login())
	if _, err := r.Token(t.Context()); err == nil || !strings.Contains(err.Error(), `"pair/k"`) || strings.Contains(err.Error(), "staple") {
		t.Errorf("got %v", err)
	}
	if got := string(contents(t, store)); got != "correct horse battery staple" {
		t.Errorf("the Store holds %s", got)
	}
	if err := r.Forget(t.Context()); err != nil {
		t.Error(err)
	}
	refuses(t, r, token.ErrRefused)
}

// The Store keeps a pair for a while longer than the refresh token is good, if
// that is known, and for good if not, or if it is dead.
func TestRotatorStoreExpiry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{}
		store := &expiries{Store: new(refresh.Memory)}
		initial := a.login()
		initial.Access = token.Token{}
		initial.Refresh.ExpiresIn = 30 * 24 * time.Hour
		r := holder(a, store, initial)
		expect(t, r, "access-2")
		want := time.Now().Add(31 * 24 * time.Hour)
		if len(store.set) != 2 || !store.set[0].Equal(want) || !store.set[1].IsZero() {
			t.Errorf("expiries %v, want %v for the claim of a refresh token that says how long it is good, and none for one that does not", store.set, want)
		}
		if err := r.Replace(t.Context(), initial); err != nil {
			t.Fatal(err)
		}
		if err := r.Forget(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(store.set) != 4 || !store.set[2].Equal(want) || !store.set[3].IsZero() {
			t.Errorf("expiries %v, want %v for a pair and none for a logout", store.set[2:], want)
		}
		// A refresh token that stays the same may be good for longer, for having
		// been used.
		a.script = func(int, context.Context, func() (refresh.Pair, error)) (refresh.Pair, error) {
			return refresh.Pair{Access: pairNumber(9, 0).Access}, nil
		}
		if err := r.Replace(t.Context(), initial); err != nil {
			t.Fatal(err)
		}
		expect(t, r, "access-9")
		if last := store.set[len(store.set)-1]; !last.IsZero() {
			t.Errorf("the Store is to keep it until %v", last)
		}
	})
}

type expiries struct {
	refresh.Store
	set []time.Time
}

func (e *expiries) Swap(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
	e.set = append(e.set, expires)
	return e.Store.Swap(ctx, key, old, new, expires)
}
