package refresh_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/storetest"
)

// A machine has clocks that can be set and that stop.
type machine struct{ wall, mono atomic.Int64 } // offsets from the bubble's

func (m *machine) read() (wall, mono time.Time) {
	now := time.Now()
	return now.Add(time.Duration(m.wall.Load())), now.Add(time.Duration(m.mono.Load()))
}

func (m *machine) step(d time.Duration)    { m.wall.Add(int64(d)) }
func (m *machine) suspend(d time.Duration) { time.Sleep(d); m.mono.Add(-int64(d)) }

// A request is sent only if it can be over before the lease is, by both clocks,
// counted from before the claim was sent. Otherwise the claim is made again.
func TestRotatorClaimsAgainWhenTimeIsShort(t *testing.T) {
	t.Parallel()
	for name, disturb := range map[string]func(m *machine){
		"slow Store":   func(m *machine) { time.Sleep(4 * time.Second) },
		"suspended":    func(m *machine) { m.suspend(time.Hour) },
		"clock is set": func(m *machine) { m.step(time.Hour) },
		"just in time": func(m *machine) { time.Sleep(3 * time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var m machine
				a := &authority{}
				store := &storetest.Faulty{Store: new(refresh.Memory)}
				store.Script = func(c storetest.Call) storetest.Fault {
					if c.Swap && c.N == 1 {
						disturb(&m)
					}
					return storetest.None
				}
				want := 2
				if name == "just in time" {
					want = 1
				}
				a.script = func(_ int, _ context.Context, act func() (refresh.Pair, error)) (refresh.Pair, error) {
					if _, swaps := store.Count(); swaps != want {
						t.Errorf("%d claims before the request, want %d", swaps, want)
					}
					return act()
				}
				r := &refresh.Rotator{Exchanger: a, Initial: a.due(), Store: plain{store}, Key: "k", Lease: 13 * time.Second}
				refresh.SetClock(r, m.read)
				expect(t, r, "access-2")
				if len(a.requests()) != 1 {
					t.Errorf("%d requests", len(a.requests()))
				}
			})
		})
	}
}

// A plain Store does as it is told, however long ago the context was done.
type plain struct{ *storetest.Faulty }

func (p plain) Swap(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
	return p.Faulty.Swap(context.WithoutCancel(ctx), key, old, new, expires)
}

// If the Store is always that slow, nothing is sent.
func TestRotatorStoreIsTooSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{}
		store := &storetest.Faulty{Store: new(refresh.Memory), Script: func(c storetest.Call) storetest.Fault {
			if c.Swap {
				time.Sleep(3001 * time.Millisecond)
			}
			return storetest.None
		}}
		r := &refresh.Rotator{Exchanger: a, Initial: a.due(), Store: plain{store}, Key: "k", Lease: 13 * time.Second}
		if _, err := r.Token(t.Context()); err == nil || len(a.requests()) != 0 {
			t.Errorf("error %v, %d requests", err, len(a.requests()))
		}
	})
}

// A claim is taken over once it has stood for a whole lease on one's own
// monotonic clock, whatever wall clocks say, here or there.
func TestRotatorTakesOverByItsOwnClock(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		meanwhile func(m *machine)
		after     time.Duration // counted as the bubble does
	}{
		"quiet":           {func(m *machine) {}, 15 * time.Second},
		"ahead":           {func(m *machine) { m.step(time.Hour) }, 15 * time.Second},
		"set ahead":       {func(m *machine) { time.Sleep(time.Second); m.step(time.Hour) }, 15 * time.Second},
		"set back":        {func(m *machine) { time.Sleep(time.Second); m.step(-time.Hour) }, 15 * time.Second},
		"suspended":       {func(m *machine) { time.Sleep(time.Second); m.suspend(10 * time.Second) }, 25 * time.Second},
		"claimed anew":    {nil, 15 * time.Second},
		"another's lease": {nil, 40 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				defer outlive()
				a := &authority{grace: time.Hour}
				store := new(refresh.Memory)
				first := newProcess(a, store, "before the request arrives")
				first.Initial = a.due()
				if name == "another's lease" {
					first.Lease = 40 * time.Second
				}
				var m machine
				var j journal
				second := &refresh.Rotator{Exchanger: a, Store: store, Key: "k", OnEvent: j.add}
				refresh.SetClock(second, m.read)
				ctx, kill := context.WithCancel(t.Context())
				go first.Token(ctx)
				first.outlived()
				kill()
				claim := contents(t, store)
				began := time.Now()
				switch {
				case test.meanwhile != nil:
					go test.meanwhile(&m)
				case name == "claimed anew":
					// Ten seconds on, it stands there with another nonce.
					go func() {
						time.Sleep(10 * time.Second)
						anew := append([]byte(nil), claim...)
						at := indexOf(anew, stored(t, store).Nonce)
						if anew[at] == 'X' {
							anew[at] = 'Y'
						} else {
							anew[at] = 'X'
						}
						force(t, store, anew)
					}()
					test.after += 10 * time.Second
				}
				expect(t, second, "access-2")
				if took := time.Since(began); took < test.after || took > test.after+time.Second {
					t.Errorf("took %v, want %v", took, test.after)
				}
				if j.count(refresh.TookOver) != 1 {
					t.Errorf("events %v", j.events)
				}
			})
		})
	}
}

func indexOf(b []byte, s string) int {
	for i := range b {
		if string(b[i:min(len(b), i+len(s))]) == s {
			return i
		}
	}
	return -1
}

// What has been waited for a claim is not waited again because the Store failed
// in between.
func TestRotatorWatchSurvivesFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		defer outlive()
		a := &authority{grace: time.Hour}
		memory := new(refresh.Memory)
		first := newProcess(a, memory, "after the request arrived")
		first.Initial = a.due()
		go first.Token(t.Context())
		first.outlived()
		var down atomic.Bool
		store := &storetest.Faulty{Store: memory, Script: func(storetest.Call) storetest.Fault {
			if down.Load() {
				return storetest.Fail
			}
			return storetest.None
		}}
		second := &refresh.Rotator{Exchanger: a, Store: store, Key: "k"}
		time.AfterFunc(12*time.Second, func() { down.Store(true) })
		began := time.Now()
		if _, err := second.Token(t.Context()); err == nil {
			t.Fatal("no error")
		}
		down.Store(false)
		time.Sleep(time.Second)
		expect(t, second, "access-2")
		if took := time.Since(began); took > 17*time.Second {
			t.Errorf("took %v in all", took)
		}
	})
}

// An access token of one's own exchange is as old as the older of two clocks
// says, counted from before it was asked for; one of another holder's is as old
// as the wall clocks say, with some allowance.
func TestRotatorCountsDown(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		pass func(m *machine)
		left time.Duration
	}{
		"time":         {func(m *machine) { time.Sleep(10 * time.Minute) }, 50*time.Minute - 3*time.Second},
		"suspend":      {func(m *machine) { m.suspend(10 * time.Minute) }, 50*time.Minute - 3*time.Second},
		"clock is set": {func(m *machine) { m.step(10 * time.Minute) }, 50*time.Minute - 3*time.Second},
		"set back":     {func(m *machine) { time.Sleep(10 * time.Minute); m.step(-10 * time.Minute) }, 50*time.Minute - 3*time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := &authority{}
				a.script = func(_ int, _ context.Context, act func() (refresh.Pair, error)) (refresh.Pair, error) {
					p, err := act()
					time.Sleep(3 * time.Second)
					return p, err
				}
				store := new(refresh.Memory)
				r := &refresh.Rotator{Exchanger: a, Initial: a.due(), Store: store, Key: "k"}
				var m machine
				refresh.SetClock(r, m.read)
				expect(t, r, "access-2")
				test.pass(&m)
				if tok, err := r.Token(t.Context()); err != nil || tok.ExpiresIn != test.left {
					t.Errorf("%v left, %v; want %v", tok.ExpiresIn, err, test.left)
				}
				if name != "time" {
					return
				}
				other := &refresh.Rotator{Exchanger: a, Store: store, Key: "k"}
				if tok, err := other.Token(t.Context()); err != nil || tok.ExpiresIn != test.left-30*time.Second {
					t.Errorf("at another holder %v left, %v; want %v", tok.ExpiresIn, err, test.left-30*time.Second)
				}
			})
		})
	}
}

// When a token is due is drawn once a holder, so that replicas do not all go at
// the same time, and none of them thinks again.
func TestRotatorDueIsDrawnOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{}
		store := new(refresh.Memory)
		expect(t, &refresh.Rotator{Exchanger: a, Initial: a.login(), Store: store, Key: "k"}, "access-1")
		seen := make(map[string]bool)
		for range 20 {
			r := &refresh.Rotator{Exchanger: a, Store: store, Key: "k"}
			first, err := r.Token(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for range 5 {
				if tok, _ := r.Token(t.Context()); tok.RefreshIn != first.RefreshIn {
					t.Errorf("due in %v, and then in %v", first.RefreshIn, tok.RefreshIn)
				}
			}
			seen[fmt.Sprint(first.RefreshIn)] = true
		}
		if len(seen) < 15 {
			t.Errorf("20 holders have %d opinions when it is due", len(seen))
		}
	})
}

// While a lock cannot be had, callers wait, each until its own deadline, and no
// lease makes the holder of the lock give way.
func TestRotatorWaitsForTheLock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &authority{}
		locks := &storetest.Locking{Store: new(refresh.Memory)}
		unlock, err := locks.Lock(t.Context(), "pair/k")
		if err != nil {
			t.Fatal(err)
		}
		r := &refresh.Rotator{Exchanger: a, Initial: a.due(), Store: locks, Key: "k"}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		began := time.Now()
		if _, err := r.Token(ctx); err == nil || time.Since(began) != 10*time.Minute || len(a.requests()) != 0 {
			t.Errorf("%v after %v, %d requests", err, time.Since(began), len(a.requests()))
		}
		time.AfterFunc(time.Minute, unlock)
		expect(t, r, "access-2")
		if took := time.Since(began); took < 11*time.Minute || took > 11*time.Minute+time.Second {
			t.Errorf("took %v", took)
		}
		again, err := locks.Lock(t.Context(), "pair/k")
		if err != nil {
			t.Fatalf("the lock was not given up: %v", err)
		}
		again()
	})
}
