package storetest

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
)

// Faulty is a Store around another that fails where a test wants it to, for
// tests of those who use a Store. It may be used in a synctest bubble.
//
//	store := &storetest.Faulty{Store: new(refresh.Memory), Script: func(c storetest.Call) storetest.Fault {
//		if c.Swap && c.N == 2 { // the pair after the claim
//			return storetest.ApplyFail
//		}
//		return storetest.None
//	}}
type Faulty struct {
	// Store is the one that works.
	Store refresh.Store

	// Script, if not nil, says for each call what goes wrong with it. It may
	// block: the call then waits for it.
	Script func(Call) Fault

	mu          sync.Mutex
	gets, swaps int
	late        []func() (bool, error)
}

// A Call is one call of a Faulty.
type Call struct {
	Swap     bool   // a Swap; else it is a Get
	N        int    // 1 for the first Get, and for the first Swap
	Key      string // of the entry
	Old, New []byte // of a Swap
}

// A Fault is what goes wrong with a call.
type Fault int

const (
	// None: nothing goes wrong.
	None Fault = iota

	// Fail: [ErrFault], and the Store was not reached.
	Fail

	// Hang: no answer until the context of the call is done, and then its
	// error. The Store was not reached.
	Hang

	// ApplyFail: the Store did as it was told, and the answer is [ErrFault].
	ApplyFail

	// ApplyHang: the Store did as it was told, and there is no answer until the
	// context is done.
	ApplyHang

	// ApplyFalse: the Store did as it was told, and Swap says false, as a
	// driver does that repeats a write whose answer it missed.
	ApplyFalse

	// Late: [ErrFault], and the write is still on its way: it reaches the Store
	// when the test calls [Faulty.Land].
	Late

	// LateHang: as Late, but there is no answer until the context is done.
	LateHang
)

// ErrFault is the error of a call that failed because a Script said so.
var ErrFault = errors.New("storetest: a fault, as the test asked for")

// Get implements [refresh.Store]. What can only go wrong with a write goes
// wrong as if it had not been applied.
func (f *Faulty) Get(ctx context.Context, key string) ([]byte, error) {
	switch f.fault(Call{Key: key}) {
	case None:
		return f.Store.Get(ctx, key)
	case Hang, ApplyHang, LateHang:
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return nil, ErrFault
}

// Swap implements [refresh.Store].
func (f *Faulty) Swap(ctx context.Context, key string, old, new []byte, expires time.Time) (bool, error) {
	old, new = bytes.Clone(old), bytes.Clone(new) // it may land after the call
	apply := func() (bool, error) {
		return f.Store.Swap(context.WithoutCancel(ctx), key, old, new, expires)
	}
	fault := f.fault(Call{Swap: true, Key: key, Old: bytes.Clone(old), New: bytes.Clone(new)})
	switch fault {
	case None:
		return f.Store.Swap(ctx, key, old, new, expires)
	case ApplyFail, ApplyHang, ApplyFalse:
		if _, err := apply(); err != nil {
			return false, err
		}
	case Late, LateHang:
		f.mu.Lock()
		f.late = append(f.late, apply)
		f.mu.Unlock()
	}
	switch fault {
	case ApplyFalse:
		return false, nil
	case Hang, ApplyHang, LateHang:
		<-ctx.Done()
		return false, ctx.Err()
	}
	return false, ErrFault
}

// Land lets the writes that are on their way reach the Store, in the order in
// which they were sent, and returns how many of them it took.
func (f *Faulty) Land() int {
	f.mu.Lock()
	late := f.late
	f.late = nil
	f.mu.Unlock()
	landed := 0
	for _, apply := range late {
		if ok, _ := apply(); ok {
			landed++
		}
	}
	return landed
}

// Count returns how many calls there were, faulty ones among them.
func (f *Faulty) Count() (gets, swaps int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.gets, f.swaps
}

// fault counts the call and asks the script.
func (f *Faulty) fault(c Call) Fault {
	f.mu.Lock()
	n := &f.gets
	if c.Swap {
		n = &f.swaps
	}
	*n++
	c.N = *n
	f.mu.Unlock()
	if f.Script == nil {
		return None
	}
	return f.Script(c)
}
