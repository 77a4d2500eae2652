package jwt

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"
	"unsafe"
)

// newSet returns a set of keys with the given IDs.
func newSet(asked time.Time, life time.Duration, ids ...string) *published {
	public := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public()
	var keys Keys
	for _, id := range ids {
		keys = append(keys, Key{ID: id, Public: public})
	}
	return publish(keys, asked, life)
}

// A key that is known is found without a lock, whoever holds it, and without an
// allocation; also while the set is due and another caller sees to that.
func TestKnownKeyTakesNoLock(t *testing.T) {
	for _, age := range []time.Duration{0, 50 * time.Minute} {
		r := &Remote{URL: "https://issuer.example/jwks.json"}
		p := newSet(time.Now().Add(-age), time.Hour, "a", "")
		p.renewing.Store(age > 0)
		r.published.Store(p)
		r.mu.Lock()
		for _, id := range []string{"a", ""} {
			allocs := testing.AllocsPerRun(100, func() {
				if keys, err := r.Keys(t.Context(), id); len(keys) != 2 || err != nil {
					t.Errorf("%d keys, %v", len(keys), err)
				}
			})
			if allocs != 0 {
				t.Errorf("%q at an age of %v: %v allocations", id, age, allocs)
			}
		}
		r.mu.Unlock()
	}
}

// A caller too many is sent away without a fetch being asked for.
func TestBusyStartsNothing(t *testing.T) {
	t.Parallel()
	r := &Remote{URL: "https://issuer.example/jwks.json"}
	r.published.Store(newSet(time.Now(), time.Hour, "a"))
	r.waiting.Store(maxWaiting)
	if _, err := r.Keys(t.Context(), "b"); err == nil || r.fetch != nil || r.waiting.Load() != maxWaiting {
		t.Errorf("%v, %d wait", err, r.waiting.Load())
	}
}

// A set is as old as the reading of the clock says that says more: the wall
// clock if the machine slept, the monotonic one if the other was set back.
func TestSince(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, test := range []struct{ wall, mono, want time.Duration }{
		{time.Minute, time.Minute, time.Minute},
		{time.Hour, time.Minute, time.Hour},
		{-time.Hour, time.Minute, time.Minute},
	} {
		then := now.Add(-test.wall)
		// Add moved both readings; there is no other way to move one alone.
		*(*int64)(unsafe.Add(unsafe.Pointer(&then), 8)) += int64(test.wall - test.mono)
		if got := now.Sub(then); got != test.mono {
			t.Fatalf("the monotonic readings are %v apart, want %v", got, test.mono)
		}
		if got := since(then, now); got != test.want {
			t.Errorf("%v by the wall clock, %v by the other: %v", test.wall, test.mono, got)
		}
	}
}

// A thousand keys, half of them without ID, are the worst that can come.
func TestLargeSet(t *testing.T) {
	t.Parallel()
	var ids []string
	for i := range maxKeys / 2 {
		ids = append(ids, fmt.Sprint(i), "")
	}
	p := newSet(time.Now(), time.Hour, ids...)
	if keys, known := p.find("7"); len(keys) != maxKeys/2+1 || !known {
		t.Errorf("%d keys, %t", len(keys), known)
	}
}

func BenchmarkRemoteKnownKey(b *testing.B) {
	r := new(Remote)
	r.published.Store(newSet(time.Now(), time.Hour, "a", "b"))
	ctx := b.Context()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if keys, err := r.Keys(ctx, "a"); len(keys) != 1 || err != nil {
				b.Fatal(err)
			}
		}
	})
}

// Whatever is published, what is taken verifies and is no secret.
func FuzzReadKeys(f *testing.F) {
	const ed = `"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"`
	for _, text := range []string{
		`{"keys":[{` + ed + `}]}`,
		`{"keys":[{` + ed + `,"kid":"1","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"},{` + ed + `,"use":"enc"}]}`,
		`{"keys":[{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]}`,
		`{"keys":[{"kty":"RSA","n":"","e":"AQAB","p":"AQ"}]}`,
		`{` + ed + `}`, `{"keys":{}}`, " {", "",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := readKeys(text)
		if (err == nil) == (len(keys) == 0) {
			t.Fatalf("%v, %v", keys, err)
		}
		if err != nil {
			return
		}
		for i := range keys {
			if k := &keys[i]; k.Public == nil || k.Private != nil || !k.Shared.IsZero() || k.algorithm().unfit(k, true) != "" {
				t.Fatal(k)
			}
		}
		var set struct{ Keys []map[string]any }
		if err := json.Unmarshal([]byte(text), &set); err != nil {
			t.Fatal(err)
		}
		public := slices.DeleteFunc(set.Keys, func(jwk map[string]any) bool { return jwk["d"] != nil || jwk["p"] != nil || jwk["k"] != nil })
		if len(keys) > len(public) {
			t.Fatalf("%d keys, and %d are public", len(keys), len(public))
		}
	})
}
