package storetest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/storetest"
)

// Each fault does to a Swap and to a Get what it says.
func TestFaulty(t *testing.T) {
	t.Parallel()
	type outcome struct {
		OK     bool
		Err    string
		Took   time.Duration
		There  string // right after the call
		Landed int
		Later  string
	}
	const fault, late = "storetest: a fault, as the test asked for", "context deadline exceeded"
	for kind, want := range map[storetest.Fault]struct{ swap, get outcome }{
		storetest.None:       {outcome{true, "", 0, "new", 0, "new"}, outcome{OK: true}},
		storetest.Fail:       {outcome{false, fault, 0, "old", 0, "old"}, outcome{Err: fault}},
		storetest.Hang:       {outcome{false, late, time.Second, "old", 0, "old"}, outcome{Err: late, Took: time.Second}},
		storetest.ApplyFail:  {outcome{false, fault, 0, "new", 0, "new"}, outcome{Err: fault}},
		storetest.ApplyHang:  {outcome{false, late, time.Second, "new", 0, "new"}, outcome{Err: late, Took: time.Second}},
		storetest.ApplyFalse: {outcome{false, "", 0, "new", 0, "new"}, outcome{Err: fault}},
		storetest.Late:       {outcome{false, fault, 0, "old", 1, "new"}, outcome{Err: fault}},
		storetest.LateHang:   {outcome{false, late, time.Second, "old", 1, "new"}, outcome{Err: late, Took: time.Second}},
	} {
		synctest.Test(t, func(t *testing.T) {
			m := new(refresh.Memory)
			if ok, err := m.Swap(t.Context(), "k", nil, []byte("old"), time.Time{}); !ok || err != nil {
				t.Fatal(ok, err)
			}
			var calls []storetest.Call
			f := &storetest.Faulty{Store: m, Script: func(c storetest.Call) storetest.Fault {
				calls = append(calls, c)
				return kind
			}}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			began := time.Now()
			var got outcome
			var err error
			value := []byte("new")
			got.OK, err = f.Swap(ctx, "k", []byte("old"), value, time.Time{})
			got.Took = time.Since(began)
			if err != nil {
				got.Err = err.Error()
			}
			copy(value, "XXX") // it is the caller's again
			there := func() string {
				v, err := m.Get(t.Context(), "k")
				if err != nil {
					t.Fatal(err)
				}
				return string(v)
			}
			got.There = there()
			got.Landed = f.Land()
			got.Later = there()
			if diff := cmp.Diff(want.swap, got); diff != "" {
				t.Errorf("%d: Swap (-want +got):\n%s", kind, diff)
			}

			ctx, cancel = context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			began, got = time.Now(), outcome{}
			v, err := f.Get(ctx, "k")
			got.OK, got.Took = v != nil, time.Since(began)
			if err != nil {
				got.Err = err.Error()
			}
			if diff := cmp.Diff(want.get, got); diff != "" {
				t.Errorf("%d: Get (-want +got):\n%s", kind, diff)
			}
			if diff := cmp.Diff([]storetest.Call{{Swap: true, N: 1, Key: "k", Old: []byte("old"), New: []byte("new")}, {N: 1, Key: "k"}}, calls); diff != "" {
				t.Errorf("%d: calls (-want +got):\n%s", kind, diff)
			}
			if gets, swaps := f.Count(); gets != 1 || swaps != 1 {
				t.Errorf("%d: %d Gets, %d Swaps", kind, gets, swaps)
			}
		})
	}
}

// What lands late lands in the order in which it was sent, once, and only on what
// it expects.
func TestFaultyLand(t *testing.T) {
	t.Parallel()
	m := new(refresh.Memory)
	f := &storetest.Faulty{Store: m, Script: func(c storetest.Call) storetest.Fault {
		if c.Swap {
			return storetest.Late
		}
		return storetest.None
	}}
	ctx, cancel := context.WithCancel(t.Context())
	for _, write := range [][2]string{{"", "a"}, {"", "b"}, {"a", "c"}} {
		var old []byte
		if write[0] != "" {
			old = []byte(write[0])
		}
		if _, err := f.Swap(ctx, "k", old, []byte(write[1]), time.Time{}); !errors.Is(err, storetest.ErrFault) {
			t.Fatal(err)
		}
	}
	cancel() // they are on their way
	if n := f.Land(); n != 2 {
		t.Errorf("%d landed, want 2", n)
	}
	if v, err := f.Get(t.Context(), "k"); string(v) != "c" || err != nil {
		t.Errorf("Get = %q, %v", v, err)
	}
	if n := f.Land(); n != 0 {
		t.Errorf("%d landed again", n)
	}
}

// A Faulty without a Script is the Store it is around.
func TestFaultyNone(t *testing.T) {
	t.Parallel()
	runAll(t, func() refresh.Store { return &storetest.Faulty{Store: new(refresh.Memory)} })
}

// The death of a holder is the end of its lock, once.
func TestLockingDies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &storetest.Locking{Store: new(refresh.Memory)}
		if l.Die("k") {
			t.Error("nobody holds the lock, and somebody died")
		}
		unlock, err := l.Lock(t.Context(), "k")
		if err != nil {
			t.Fatal(err)
		}
		got := make(chan func())
		go func() {
			unlock, err := l.Lock(context.Background(), "k")
			if err != nil {
				t.Error(err)
			}
			got <- unlock
		}()
		synctest.Wait()
		if !l.Die("k") {
			t.Error("Die found no holder")
		}
		next := <-got
		unlock() // of the dead
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if _, err := l.Lock(ctx, "k"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Lock while another holds it: %v", err)
		}
		next()
	})
}
