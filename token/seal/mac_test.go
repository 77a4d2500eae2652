package seal

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/tokenlife/tokenlife/token"
)

// ringOfBytes returns a Keyring of keys made of one byte each.
func ringOfBytes(keys string) *Keyring {
	k := new(Keyring)
	for _, b := range []byte(keys) {
		k.Keys = append(k.Keys, token.NewSecret(strings.Repeat(string(b), 32)))
	}
	return k
}

// What version 1 made once is made, and checked, for ever. The values come from
// another implementation of what the package comment says.
func TestMACGolden(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ secret, purpose, message, name, mac string }{
		{strings.Repeat("k", 32), "refresh-issuer", "", "3ddb0dcc2d43", "d46d5c0e98d7a379c83f1fb169e962e02289551bcf7f3c092641484d0c2f7eaa"},
		{"0123456789abcdef0123456789abcdef", "csrf/é", "\x00\x01 message", "2fcd6d6c4824", "373427398574542c2e428c55dec264f6ea2aec312c8a96546dcd5315b9406da7"},
	} {
		k := &Keyring{Keys: []token.Secret{token.NewSecret(test.secret)}}
		id, mac, err := k.MAC(t.Context(), test.purpose, []byte(test.message))
		if err != nil || hex.EncodeToString(id[:]) != test.name || hex.EncodeToString(mac[:]) != test.mac {
			t.Errorf("%s: %x %x, %v", test.purpose, id, mac, err)
		}
		if err := k.CheckMAC(t.Context(), test.purpose, id, []byte(test.message), mac); err != nil {
			t.Error(err)
		}
	}
}

func TestMAC(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	message := []byte("message")
	id, mac, err := ringOfBytes("ab").MAC(ctx, "p", message)
	if err != nil {
		t.Fatal(err)
	}
	otherID, otherMAC, err := ringOfBytes("b").MAC(ctx, "p", message)
	if err != nil || id == otherID || mac == otherMAC {
		t.Fatal("two keys are one", err)
	}
	changed := mac
	changed[31] ^= 1
	for _, test := range []struct {
		name, keys, purpose string
		id                  [6]byte
		message             string
		mac                 [32]byte
		want                error
	}{
		{"good", "ab", "p", id, "message", mac, nil},
		{"of a previous key", "xya", "p", id, "message", mac, nil},
		{"of the second key", "ab", "p", otherID, "message", otherMAC, nil},
		{"another purpose", "ab", "q", id, "message", mac, token.ErrSignature},
		{"another message", "ab", "p", id, "messagf", mac, token.ErrSignature},
		{"a longer message", "ab", "p", id, "message\x00", mac, token.ErrSignature},
		{"no message", "ab", "p", id, "", mac, token.ErrSignature},
		{"a changed MAC", "ab", "p", id, "message", changed, token.ErrSignature},
		{"no MAC", "ab", "p", id, "message", [32]byte{}, token.ErrSignature},
		{"another key", "ab", "p", otherID, "message", mac, token.ErrSignature},
		{"a key that is not there", "b", "p", id, "message", mac, token.ErrSignature},
		{"no key", "ab", "p", [6]byte{}, "message", mac, token.ErrSignature},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			k := ringOfBytes(test.keys)
			for range 2 { // derived, and kept
				if err := k.CheckMAC(ctx, test.purpose, test.id, []byte(test.message), test.mac); !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
					t.Errorf("%v; want %v", err, test.want)
				}
			}
		})
	}
}

// The name of the key is in the MAC: a key that another ring has under this name
// is not all that would tell.
func TestMACHasItsKeyID(t *testing.T) {
	t.Parallel()
	k := ringOfBytes("a")
	id, mac, err := k.MAC(t.Context(), "p", []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	m := k.ring.Load().masters[0]
	m.name[0] ^= 1
	id[0] ^= 1
	if err := k.CheckMAC(t.Context(), "p", id, []byte("x"), mac); !errors.Is(err, token.ErrSignature) {
		t.Error(err)
	}
}

// No MAC can be made with a key that seals, nor with what a Keyring gives away.
func TestMACKeyIsItsOwn(t *testing.T) {
	t.Parallel()
	k := ringOfBytes("a")
	id, mac, err := k.MAC(t.Context(), "p", []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	kid := base64.RawURLEncoding.EncodeToString(append(id[:], make([]byte, saltSize)...))
	for _, purpose := range []string{"p", "mac/1 p", "/1 p", macInfo + "p", strings.TrimPrefix(macInfo, "tokenlife") + "p"} {
		key, err := k.Key(t.Context(), kid, purpose)
		if err != nil {
			t.Fatal(err)
		}
		h := hmac.New(sha256.New, []byte(key.Reveal()))
		h.Write(id[:])
		h.Write([]byte("x"))
		if hmac.Equal(h.Sum(nil), mac[:]) {
			t.Errorf("%q: the key seals as well", purpose)
		}
	}
}

func TestMACMisuse(t *testing.T) {
	t.Parallel()
	for name, k := range map[string]*Keyring{
		"no keys": {}, "a short key": {Keys: []token.Secret{token.NewSecret("short")}},
		"Load fails": {Load: func(context.Context) ([]token.Secret, error) { return nil, token.ErrExpired }},
	} {
		_, _, err := k.MAC(t.Context(), "p", nil)
		for _, err := range []error{err, k.CheckMAC(t.Context(), "p", [6]byte{}, nil, [32]byte{})} {
			if err == nil || errors.Is(err, token.ErrInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	k := ringOfBytes("a")
	_, _, err := k.MAC(t.Context(), "", nil)
	for _, err := range []error{err, k.CheckMAC(t.Context(), "", [6]byte{}, nil, [32]byte{})} {
		if err == nil || !strings.Contains(err.Error(), "purpose") || errors.Is(err, token.ErrInvalid) {
			t.Error(err)
		}
	}
}

// A key that is not known is looked for, once.
func TestMACLoads(t *testing.T) {
	t.Parallel()
	loads := 0
	k := &Keyring{Load: func(context.Context) ([]token.Secret, error) {
		loads++
		return ringOfBytes("ab"[:min(loads, 2)]).Keys, nil
	}}
	id, mac, err := ringOfBytes("b").MAC(t.Context(), "p", []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if err := k.CheckMAC(t.Context(), "p", id, []byte("x"), mac); !errors.Is(err, token.ErrSignature) || loads != 1 {
		t.Errorf("%d loads: %v", loads, err)
	}
	k.mu.Lock()
	k.tried = k.tried.Add(-interval)
	k.mu.Unlock()
	if err := k.CheckMAC(t.Context(), "p", id, []byte("x"), mac); err != nil || loads != 2 {
		t.Errorf("%d loads: %v", loads, err)
	}
}

// Keys of purposes are kept, and not without end.
func TestMACsAreBounded(t *testing.T) {
	t.Parallel()
	k := ringOfBytes("a")
	for i := range 2*maxDerived + 1 {
		if _, _, err := k.MAC(t.Context(), fmt.Sprint("p", i), nil); err != nil {
			t.Fatal(err)
		}
	}
	m := k.ring.Load().masters[0]
	if n := len(m.macs); n == 0 || n > maxDerived {
		t.Errorf("%d kept", n)
	}
	first, err := m.macers("p")
	if second, _ := m.macers("p"); first != second || err != nil {
		t.Error("derived again", err)
	}
}

// A MAC costs nothing that is thrown away. It is the best of many that counts:
// under the race detector a sync.Pool loses things at random.
func TestMACAllocations(t *testing.T) {
	k := ringOfBytes("a")
	message := make([]byte, 41)
	least := math.Inf(1)
	for range 50 {
		least = min(least, testing.AllocsPerRun(1, func() {
			id, mac, err := k.MAC(t.Context(), "p", message)
			if err == nil {
				err = k.CheckMAC(t.Context(), "p", id, message, mac)
			}
			if err != nil {
				t.Fatal(err)
			}
		}))
	}
	if least > 0 {
		t.Errorf("%v allocations", least)
	}
}

func TestMACConcurrent(t *testing.T) {
	t.Parallel()
	k := ringOfBytes("a")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 200 {
				purpose, message := fmt.Sprint("p", (i+j)%3), fmt.Append(nil, i, j)
				id, mac, err := k.MAC(t.Context(), purpose, message)
				if err == nil {
					err = ringOfBytes("a").CheckMAC(t.Context(), purpose, id, message, mac)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkMAC(b *testing.B) {
	k := ringOfBytes("a")
	message := make([]byte, 41)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := k.MAC(b.Context(), "p", message); err != nil {
			b.Fatal(err)
		}
	}
}
