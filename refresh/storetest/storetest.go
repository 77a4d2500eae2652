// Package storetest checks that a [refresh.Store] keeps its contract.
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) refresh.Store { return mystore.New(t.TempDir()) })
//	}
//
// [Processes] is for a Store that several processes share. [Faulty] and
// [Locking] are for tests of what uses a Store.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
)

// Run checks the Stores that open returns. It calls open once for each part of
// the contract; the Stores may share what they keep it in, since every part
// uses keys of its own. If they are Lockers, what that promises is checked too.
func Run(t *testing.T, open func(t *testing.T) refresh.Store) {
	for _, part := range []struct {
		name  string
		check func(*testing.T, store)
	}{
		{"absent", absent},
		{"create", create},
		{"replace", replace},
		{"delete", remove},
		{"expire", expire},
		{"keys", keys},
		{"values", values},
		{"aliasing", aliasing},
		{"cancelled", cancelled},
		{"contention", contention},
		{"repeat", repeat},
		{"late", late},
		{"cut off", cutOff},
		{"lock", lock},
	} {
		t.Run(part.name, func(t *testing.T) {
			part.check(t, newStore(t, open(t)))
		})
	}
}

// A store is a Store under test and a prefix for the keys of one part.
type store struct {
	t *testing.T
	refresh.Store
	prefix string
}

func newStore(t *testing.T, s refresh.Store) store {
	return store{t, s, fmt.Sprintf("%.60s/%x", t.Name(), rand.Uint64())}
}

// holds fails the test unless key holds want; nil is absent.
func (s store) holds(key string, want []byte) {
	s.t.Helper()
	got, err := s.Get(context.Background(), key)
	if err != nil {
		s.t.Errorf("Get(%.40q): %v", key, err)
	} else if !bytes.Equal(got, want) || (got == nil) != (want == nil) {
		s.t.Errorf("Get(%.40q) = %.40q (nil: %t), want %.40q (nil: %t)", key, got, got == nil, want, want == nil)
	}
}

// swaps fails the test unless the Swap reports want.
func (s store) swaps(key string, old, new []byte, expires time.Time, want bool) {
	s.t.Helper()
	if got := s.swapped(key, old, new, expires); got != want {
		s.t.Errorf("Swap(%.40q, %.40q, %.40q) = %t, want %t", key, old, new, got, want)
	}
}

// swapped is what Swap says.
func (s store) swapped(key string, old, new []byte, expires time.Time) bool {
	s.t.Helper()
	ok, err := s.Swap(context.Background(), key, old, new, expires)
	if err != nil {
		s.t.Errorf("Swap(%.40q, %.40q, %.40q): %v", key, old, new, err)
	}
	return ok
}

var (
	one, two, three = []byte("one"), []byte("two"), []byte("three")
	always          time.Time
)

func absent(t *testing.T, s store) {
	s.holds(s.prefix, nil)
	s.swaps(s.prefix, one, two, always, false)
	s.holds(s.prefix, nil)
	s.swaps(s.prefix, one, nil, always, false)
	s.swaps(s.prefix, nil, nil, always, true) // as it is
	s.holds(s.prefix, nil)
}

func create(t *testing.T, s store) {
	s.swaps(s.prefix, nil, one, always, true)
	s.holds(s.prefix, one)
	s.swaps(s.prefix, nil, two, always, false)
	s.holds(s.prefix, one)
	s.holds(s.prefix+"x", nil)
}

func replace(t *testing.T, s store) {
	s.swaps(s.prefix, nil, one, always, true)
	s.swaps(s.prefix, one, two, always, true)
	s.holds(s.prefix, two)
	s.swaps(s.prefix, one, three, always, false)
	s.holds(s.prefix, two)
	// A prefix of the value, or more than it, is another value.
	s.swaps(s.prefix, two[:2], three, always, false)
	s.swaps(s.prefix, bytes.ToUpper(two), three, always, false)
	s.swaps(s.prefix, append(two[:3:3], 0), three, always, false)
	s.swaps(s.prefix, append(two[:3:3], ' '), three, always, false)
	s.holds(s.prefix, two)
}

func remove(t *testing.T, s store) {
	s.swaps(s.prefix, nil, one, always, true)
	s.swaps(s.prefix, two, nil, always, false)
	s.swaps(s.prefix, nil, nil, always, false)
	s.holds(s.prefix, one)
	s.swaps(s.prefix, one, nil, always, true)
	s.holds(s.prefix, nil)
	s.swaps(s.prefix, nil, two, always, true)
	s.holds(s.prefix, two)
}

// expire uses times a minute back and an hour on, since the Store may go by another
// clock and be slow, but for what can only be seen when the time has come.
func expire(t *testing.T, s store) {
	past, future := time.Now().Add(-time.Minute), time.Now().Add(time.Hour)
	far := time.Now().AddDate(100, 0, 0)
	s.swaps(s.prefix, nil, one, future, true)
	s.holds(s.prefix, one)
	s.swaps(s.prefix, one, two, past, true)
	s.holds(s.prefix, nil)
	s.swaps(s.prefix, two, three, always, false)
	s.swaps(s.prefix, two, nil, always, false)
	s.swaps(s.prefix, nil, three, always, true)
	s.holds(s.prefix, three)
	s.swaps(s.prefix, three, two, far, true)
	s.holds(s.prefix, two)
	s.swaps(s.prefix, two, three, always, true)
	// The zero time lifts an expiry.
	s.swaps(s.prefix, three, one, future, true)
	s.swaps(s.prefix, one, two, always, true)
	s.holds(s.prefix, two)
	// Also if the value stays the same.
	s.swaps(s.prefix, two, two, past, true)
	s.holds(s.prefix, nil)

	var soon time.Time
	var gone, stays string
	for wait := 1500 * time.Millisecond; !t.Failed(); wait *= 4 {
		soon = time.Now().Add(wait)
		gone, stays = fmt.Sprintf("%s/gone/%v", s.prefix, wait), fmt.Sprintf("%s/stays/%v", s.prefix, wait)
		s.swaps(stays, nil, one, soon, true)
		kept := s.swapped(stays, one, two, always)
		s.swaps(gone, nil, one, soon, true)
		if s.swapped(gone, one, two, soon) && kept {
			break
		}
		// On a slow machine it may have expired before its turn came.
		if late := time.Now().After(soon); !late || wait > 10*time.Second {
			t.Errorf("Swap of a value that expires in %v said false", wait)
		}
	}
	for !t.Failed() {
		if v, err := s.Get(context.Background(), gone); err != nil {
			t.Errorf("Get: %v", err)
		} else if v == nil {
			break
		}
		if time.Since(soon) > patience {
			t.Errorf("a value is there %v after it expired, or the clocks differ by more", patience)
		}
		<-time.After(10 * time.Millisecond)
	}
	s.holds(stays, two)
}

func keys(t *testing.T, s store) {
	odd := []string{
		"", "a/b", "a//b", "../" + s.prefix, "/", ".", " ", "+", "\x00", "\x00x", "\xff\xfe", "\xfe", "\ufffd", "é", "e\u0301", "A", "a", "%2F", "'; --", "*", "a\nb",
	}
	for i, k := range odd {
		odd[i] = s.prefix + k // apart from other tests
	}
	longest := s.prefix + strings.Repeat("k", 256-len(s.prefix))
	odd = append(odd, " "+s.prefix, "/"+s.prefix, longest, longest[:255], longest[:255]+"l")
	for i, k := range odd {
		s.swaps(k, nil, []byte(strconv.Itoa(i)), always, true)
	}
	for i, k := range odd {
		s.holds(k, []byte(strconv.Itoa(i)))
	}
	for _, k := range []string{"", strings.Repeat("k", 257)} {
		if _, err := s.Get(context.Background(), k); err == nil {
			t.Errorf("Get with a key of %d bytes succeeded, want an error", len(k))
		}
		if _, err := s.Swap(context.Background(), k, nil, one, always); err == nil {
			t.Errorf("Swap with a key of %d bytes succeeded, want an error", len(k))
		}
	}
}

func values(t *testing.T, s store) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	var old []byte
	most := 64 << 10
	if m, less := s.Store.(interface{ MaxValue() int }); less {
		most = m.MaxValue()
	}
	for _, v := range [][]byte{{0}, {' '}, []byte(" v"), []byte("v \r\n"), []byte("v"), every, bytes.Repeat([]byte{0xff}, most)} {
		s.swaps(s.prefix, old, v, always, true)
		s.holds(s.prefix, v)
		old = v
	}
	for _, v := range [][]byte{{}, make([]byte, most+1)} {
		if _, err := s.Swap(context.Background(), s.prefix, old, v, always); err == nil {
			t.Errorf("Swap of a value of %d bytes succeeded, want an error", len(v))
		}
	}
	if _, err := s.Swap(context.Background(), s.prefix+"e", []byte{}, one, always); err == nil {
		t.Error("Swap with an empty old value succeeded, want an error: absent is nil")
	}
	s.holds(s.prefix, old)
}

func aliasing(t *testing.T, s store) {
	v := []byte("value")
	s.swaps(s.prefix, nil, v, always, true)
	v[0] = 'X'
	s.holds(s.prefix, []byte("value"))
	got, err := s.Get(context.Background(), s.prefix)
	if err != nil || len(got) == 0 {
		t.Fatalf("Get = %q, %v", got, err)
	}
	got[0] = 'Y'
	s.holds(s.prefix, []byte("value"))
}

func cancelled(t *testing.T, s store) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Get(ctx, s.prefix); !errors.Is(err, context.Canceled) {
		t.Errorf("Get with a cancelled context: %v, want context.Canceled", err)
	}
	if _, err := s.Swap(ctx, s.prefix, nil, one, always); !errors.Is(err, context.Canceled) {
		t.Errorf("Swap with a cancelled context: %v, want context.Canceled", err)
	}
	s.holds(s.prefix, nil)
}
