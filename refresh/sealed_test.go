package refresh_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/storetest"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// ring returns a Keyring whose keys are made of these letters.
func ring(letters string) *seal.Keyring {
	keys := new(seal.Keyring)
	for _, letter := range letters {
		keys.Keys = append(keys.Keys, token.NewSecret(strings.Repeat(string(letter), 32)))
	}
	return keys
}

func TestSealed(t *testing.T) {
	t.Parallel()
	t.Run("Memory", func(t *testing.T) {
		storetest.Run(t, func(*testing.T) refresh.Store { return refresh.Sealed(new(refresh.Memory), ring("a")) })
	})
	t.Run("Dir", func(t *testing.T) {
		dir := t.TempDir()
		storetest.Run(t, func(*testing.T) refresh.Store { return refresh.Sealed(&refresh.Dir{Path: dir}, ring("a")) })
	})
}

func TestSealedProcesses(t *testing.T) {
	storetest.Processes(t,
		func(t *testing.T) string { return t.TempDir() },
		func(_ *testing.T, place string) refresh.Store {
			return refresh.Sealed(&refresh.Dir{Path: place}, ring("a"))
		})
}

// It is a Locker if what it seals for is one, and not otherwise.
func TestSealedLocker(t *testing.T) {
	t.Parallel()
	if _, ok := refresh.Sealed(new(refresh.Memory), ring("a")).(refresh.Locker); ok {
		t.Error("Memory has become a Locker")
	}
	if _, ok := refresh.Sealed(&storetest.Locking{Store: new(refresh.Memory)}, ring("a")).(refresh.Locker); !ok {
		t.Error("Locking is no Locker any more")
	}
}

// What lies in the Store is what the documentation says, and for no other eyes.
func TestSealedAtRest(t *testing.T) {
	t.Parallel()
	m, keys := new(refresh.Memory), ring("a")
	s := refresh.Sealed(m, keys)
	swap(t, s, "pair/k", "", "plaintext", time.Time{})
	text, err := m.Get(t.Context(), "pair/k")
	if err != nil || bytes.Contains(text, []byte("plaintext")) {
		t.Fatalf("there is %q, %v", text, err)
	}
	if v, err := keys.Open(t.Context(), "store", "pair/k", string(text)); string(v) != "plaintext" || err != nil {
		t.Errorf("opened: %q, %v", v, err)
	}
}

// The longest value under the longest key fits, and no longer one gets far.
func TestSealedSize(t *testing.T) {
	t.Parallel()
	f := &storetest.Faulty{Store: new(refresh.Memory)}
	s := refresh.Sealed(f, ring("a"))
	key, most := strings.Repeat("\xff", 256), strings.Repeat("v", refresh.MaxSealed)
	swap(t, s, key, "", most, time.Time{})
	holds(t, s, key, most)
	swap(t, s, key, most, most[1:], time.Time{})
	gets, swaps := f.Count()
	for _, old := range []string{most[1:], most + "v"} {
		if ok, err := s.Swap(t.Context(), key, []byte(old), []byte(most+"v"), time.Time{}); ok || err == nil {
			t.Errorf("Swap of a byte more = %t, %v", ok, err)
		}
	}
	if g, w := f.Count(); g != gets || w != swaps {
		t.Error("the Store was asked about a value that it cannot take")
	}
}

// What is around a Store that takes less takes less too.
func TestSealedSizeOfStore(t *testing.T) {
	t.Parallel()
	s := refresh.Sealed(refresh.Sealed(new(refresh.Memory), ring("b")), ring("a"))
	most := s.(interface{ MaxValue() int }).MaxValue()
	if most < 32<<10 {
		t.Errorf("it takes %d bytes", most)
	}
	key, value := strings.Repeat("\xff", 256), strings.Repeat("v", most)
	swap(t, s, key, "", value, time.Time{})
	holds(t, s, key, value)
	if ok, err := s.Swap(t.Context(), key, []byte(value), []byte(value+"v"), time.Time{}); ok || err == nil || !strings.Contains(err.Error(), "35649") {
		t.Errorf("Swap of a byte more = %t, %v", ok, err)
	}
}

// A key is replaced by every write; one that is not there any more opens nothing.
func TestSealedKeys(t *testing.T) {
	t.Parallel()
	m := new(refresh.Memory)
	swap(t, refresh.Sealed(m, ring("a")), "k", "", "v", time.Time{})
	swap(t, refresh.Sealed(m, ring("a")), "stays", "", "v", time.Time{})
	both := refresh.Sealed(m, ring("ba"))
	holds(t, both, "k", "v")
	swap(t, both, "k", "v", "v", time.Time{})
	holds(t, refresh.Sealed(m, ring("b")), "k", "v")
	if v, err := refresh.Sealed(m, ring("b")).Get(t.Context(), "stays"); v != nil || err == nil {
		t.Errorf("Get of what was sealed with a key that is gone = %q, %v", v, err)
	}
}

// What does not open is an error that names its key and blames nobody's token.
func TestSealedDoesNotOpen(t *testing.T) {
	t.Parallel()
	m, keys := new(refresh.Memory), ring("a")
	s := refresh.Sealed(m, keys)
	swap(t, s, "other", "", "v", time.Time{})
	other, err := m.Get(t.Context(), "other")
	if err != nil {
		t.Fatal(err)
	}
	sealed := func(purpose, value string) string {
		text, err := keys.Seal(t.Context(), purpose, "pair/\nk", []byte(value))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	good := sealed("store", "v")
	for what, text := range map[string]string{
		"in the clear":       `{"v":1,"refresh":"secret"}`,
		"of another key":     string(other),
		"of another purpose": sealed("cookie/session", "v"),
		"empty":              sealed("store", ""),
		"cut off":            good[:len(good)-1],
		"changed":            good[:len(good)-30] + "AAAA" + good[len(good)-26:],
	} {
		there, err := m.Get(t.Context(), "pair/\nk")
		if err != nil {
			t.Fatal(err)
		}
		swap(t, m, "pair/\nk", string(there), text, time.Time{})
		v, err := s.Get(t.Context(), "pair/\nk")
		ok, swapErr := s.Swap(t.Context(), "pair/\nk", nil, []byte("w"), time.Time{})
		if v != nil || ok {
			t.Errorf("%s: Get = %q, Swap = %t", what, v, ok)
		}
		for _, err := range []error{err, swapErr} {
			if err == nil || errors.Is(err, token.ErrInvalid) || !strings.Contains(err.Error(), `"pair/\nk"`) || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), token.ErrInvalid.Error()) {
				t.Errorf("%s: %v", what, err)
			}
		}
		holds(t, m, "pair/\nk", text)
	}
}

// Keys that cannot be had, and what was forgotten, are errors of their own.
func TestSealedCannot(t *testing.T) {
	t.Parallel()
	cause := errors.New("no such mount")
	m := new(refresh.Memory)
	swap(t, refresh.Sealed(m, ring("a")), "k", "", "v", time.Time{})
	none := &seal.Keyring{Load: func(context.Context) ([]token.Secret, error) { return nil, cause }}
	for name, s := range map[string]refresh.Store{
		"no keys to be had": refresh.Sealed(m, none),
		"no Store":          refresh.Sealed(nil, ring("a")),
		"no Keyring":        refresh.Sealed(m, nil),
		"an empty Keyring":  refresh.Sealed(m, new(seal.Keyring)),
	} {
		v, err := s.Get(t.Context(), "k")
		ok, swapErr := s.Swap(t.Context(), "new", nil, []byte("v"), time.Time{})
		if v != nil || ok {
			t.Errorf("%s: Get = %q, Swap = %t", name, v, ok)
		}
		for _, err := range []error{err, swapErr} {
			if err == nil || errors.Is(err, token.ErrInvalid) || !strings.HasPrefix(err.Error(), "refresh: ") || errors.Is(err, cause) != (name == "no keys to be had") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if v, err := m.Get(t.Context(), "new"); v != nil || err != nil {
		t.Errorf("there is %q, %v", v, err)
	}
}

// What somebody else writes between the Get and the Swap of a Swap counts by its
// plaintext, whatever it was sealed with; and a write that landed and said false
// is known by its text.
func TestSealedBetween(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		between string // what somebody else writes; "-" deletes
		fault   storetest.Fault
		new     string
		want    bool
		holds   string
		swaps   int
	}{
		"nothing":              {"", storetest.None, "new", true, "new", 1},
		"the same":             {"old", storetest.None, "new", true, "new", 2},
		"the same, and delete": {"old", storetest.None, "", true, "", 2},
		"another":              {"third", storetest.None, "new", false, "third", 1},
		"both delete":          {"-", storetest.None, "", false, "", 1},
		"the new one":          {"new", storetest.None, "new", false, "new", 1},
		"landed, said false":   {"", storetest.ApplyFalse, "new", true, "new", 1},
		"landed, no change":    {"", storetest.ApplyFalse, "old", true, "old", 1},
	} {
		m, keys := new(refresh.Memory), ring("a")
		swap(t, refresh.Sealed(m, keys), "k", "", "old", time.Time{})
		f := &storetest.Faulty{Store: m, Script: func(c storetest.Call) storetest.Fault {
			if !c.Swap || c.N > 1 {
				return storetest.None
			}
			if test.between != "" {
				swap(t, refresh.Sealed(m, keys), "k", "old", strings.TrimPrefix(test.between, "-"), time.Time{})
			}
			return test.fault
		}}
		var new []byte
		if test.new != "" {
			new = []byte(test.new)
		}
		ok, err := refresh.Sealed(f, keys).Swap(t.Context(), "k", []byte("old"), new, time.Time{})
		if ok != test.want || err != nil {
			t.Errorf("%s: Swap = %t, %v, want %t", name, ok, err, test.want)
		}
		holds(t, refresh.Sealed(m, keys), "k", test.holds)
		if _, swaps := f.Count(); swaps != test.swaps {
			t.Errorf("%s: %d Swaps, want %d", name, swaps, test.swaps)
		}
	}
}

// A Swap costs the Store a Get and a Swap, and one that cannot succeed a Get.
func TestSealedCosts(t *testing.T) {
	t.Parallel()
	f := &storetest.Faulty{Store: new(refresh.Memory)}
	s := refresh.Sealed(f, ring("a"))
	swap(t, s, "k", "", "v", time.Time{})
	if gets, swaps := f.Count(); gets != 1 || swaps != 1 {
		t.Errorf("%d Gets and %d Swaps, want 1 and 1", gets, swaps)
	}
	if ok, err := s.Swap(t.Context(), "k", []byte("w"), []byte("x"), time.Time{}); ok || err != nil {
		t.Errorf("Swap = %t, %v", ok, err)
	}
	if gets, swaps := f.Count(); gets != 2 || swaps != 1 {
		t.Errorf("%d Gets and %d Swaps, want 2 and 1", gets, swaps)
	}
}
