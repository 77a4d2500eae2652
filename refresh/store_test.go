package refresh_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Run(t, func(*testing.T) refresh.Store { return new(refresh.Memory) })
}

func TestMemoryExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m refresh.Memory
		ctx := t.Context()
		if ok, err := m.Swap(ctx, "k", nil, []byte("v"), time.Now().Add(time.Hour)); !ok || err != nil {
			t.Fatalf("Swap = %t, %v", ok, err)
		}
		time.Sleep(time.Hour - time.Nanosecond)
		if v, err := m.Get(ctx, "k"); string(v) != "v" || err != nil {
			t.Errorf("a moment before it expires: %q, %v", v, err)
		}
		time.Sleep(time.Nanosecond)
		if v, err := m.Get(ctx, "k"); v != nil || err != nil {
			t.Errorf("when it expires: %q, %v", v, err)
		}
	})
}

// Expired values are swept by the writes of others, so that a Memory in which
// every key is used once does not grow for ever.
func TestMemorySweeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m refresh.Memory
		ctx := context.Background()
		for i := range 10_000 {
			key := time.Now().String()
			if ok, err := m.Swap(ctx, key, nil, []byte("v"), time.Now().Add(10*time.Second)); !ok || err != nil {
				t.Fatalf("Swap %d = %t, %v", i, ok, err)
			}
			time.Sleep(time.Second)
		}
		if n := refresh.MemoryLen(&m); n > 100 {
			t.Errorf("%d entries are left of 10000 that each lived for ten writes", n)
		}
	})
}

// A Memory that was full once does not stay as large, or as slow: each write
// would look through all the room there was for the few entries that are left.
func TestMemoryShrinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m refresh.Memory
		ctx := context.Background()
		const many = 10_000
		for i := range many {
			if ok, err := m.Swap(ctx, fmt.Sprint(i), nil, []byte("v"), time.Now().Add(time.Second)); !ok || err != nil {
				t.Fatalf("Swap %d = %t, %v", i, ok, err)
			}
		}
		time.Sleep(time.Second)
		var old []byte
		for i := range many {
			next := fmt.Append(nil, i)
			if ok, err := m.Swap(ctx, "kept", old, next, time.Time{}); !ok || err != nil {
				t.Fatalf("Swap %d = %t, %v", i, ok, err)
			}
			old = next
		}
		if n, room := refresh.MemoryLen(&m), refresh.MemoryRoom(&m); n != 1 || room > many/8 {
			t.Errorf("%d entries in room for %d", n, room)
		}
		if got, err := m.Get(ctx, "kept"); string(got) != string(old) || err != nil {
			t.Errorf("%q, %v; want %q", got, err, old)
		}
	})
}

// What a Memory holds is secret.
func TestMemoryDoesNotPrint(t *testing.T) {
	t.Parallel()
	m := new(refresh.Memory)
	if ok, err := m.Swap(t.Context(), "key", nil, []byte{201, 202, 203}, time.Time{}); !ok || err != nil {
		t.Fatal(ok, err)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if got := fmt.Sprintf(format, m); got != "refresh.Memory" {
			t.Errorf("%s: %s", format, got)
		}
	}
}
