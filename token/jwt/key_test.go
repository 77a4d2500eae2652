//lint:file-ignore SA1019 Keys that no library makes are put together by hand.

package jwt_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

func TestKeysByID(t *testing.T) {
	t.Parallel()
	ks := jwt.Keys{{ID: "a", Use: "1"}, {ID: "b", Use: "2"}, {Use: "3"}, {ID: "a", Use: "4"}}
	for id, want := range map[string]string{"": "1234", "a": "134", "b": "23", "c": "3", "A": "3"} {
		found, err := ks.Keys(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, k := range found {
			got += k.Use
		}
		if got != want {
			t.Errorf("%q: keys %s, want %s", id, got, want)
		}
	}
	if found, err := (jwt.Keys{{ID: "a"}}).Keys(t.Context(), "b"); len(found) > 0 || err != nil {
		t.Errorf("%v, %v", found, err)
	}
	if want := []string{"1", "2", "3", "4"}; ks[0].Use != want[0] || ks[1].Use != want[1] || ks[2].Use != want[2] || ks[3].Use != want[3] {
		t.Errorf("looking changed the keys: %v", ks)
	}
}

func TestKeysAllocateNothing(t *testing.T) {
	ks := jwt.Keys{{ID: "a"}, {ID: "b"}, {ID: "c"}}
	if n := testing.AllocsPerRun(100, func() { ks.Keys(t.Context(), "b") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestKeyString(t *testing.T) {
	t.Parallel()
	rsaKey, _ := makerOf(t, "RS256").key.(*rsa.PrivateKey)
	ecKey, _ := makerOf(t, "ES256").key.(*ecdsa.PrivateKey)
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		key  jwt.Key
		want string
	}{
		{jwt.Key{}, "key (nothing in it)"},
		{jwt.Key{ID: "1", Public: &rsaKey.PublicKey, Algorithm: "RS256", Use: "sig"}, `key "1" (RSA 2048 bits, alg "RS256", use "sig")`},
		{jwt.Key{Public: &rsaKey.PublicKey, Private: rsaKey, Operations: []string{"decrypt"}}, `key (RSA 2048 bits and private, key_ops ["decrypt"])`},
		{jwt.Key{Public: &ecKey.PublicKey, Operations: []string{}}, `key (P-256, key_ops none)`},
		{jwt.Key{Private: ecKey}, `key (private)`},
		{jwt.Key{Private: x25519}, `key (private)`},
		{jwt.Key{Public: makerOf(t, "EdDSA").public.Public}, `key (Ed25519)`},
		{jwt.Key{Shared: token.NewSecret("x")}, `key (shared secret)`},
		{jwt.Key{Public: 7}, `key (int)`},
		{jwt.Key{Public: (*rsa.PublicKey)(nil)}, `key (*rsa.PublicKey)`},
		{jwt.Key{Public: &ecdsa.PublicKey{}}, `key (*ecdsa.PublicKey)`},
		{jwt.Key{ID: "\x1b[31m\n" + strings.Repeat("x", 1000)}, `key "\x1b[31m\n` + strings.Repeat("x", 58) + `" (nothing in it)`},
	} {
		if diff := cmp.Diff(test.want, test.key.String()); diff != "" {
			t.Error(diff)
		}
	}
}

// Nothing of a private or a shared key is seen, however a Key is printed and
// wherever it sits.
func TestKeysDoNotPrint(t *testing.T) {
	t.Parallel()
	d, ok := new(big.Int).SetString("deadbeefcafef00d0123456789abcdef", 16)
	if !ok {
		t.Fatal("no number")
	}
	x, y := elliptic.P256().Params().Gx, elliptic.P256().Params().Gy
	const shared = "xyzzy4711plugh"
	keys := jwt.Keys{
		{ID: "1", Private: &ecdsa.PrivateKey{PublicKey: ecdsa.PublicKey{Curve: elliptic.P256(), X: x, Y: y}, D: d}},
		{ID: "2", Private: &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: d, E: 3}, D: d, Primes: []*big.Int{d, d}}},
		{ID: "3", Shared: token.NewSecret(shared)},
		{ID: "4", Private: ed25519.PrivateKey(shared)}, // not for this field, and all the same
	}
	type holder struct {
		Key   jwt.Key
		Ptr   *jwt.Key
		Keys  jwt.Keys
		Any   any
		inner jwt.Keys // where fmt calls no methods
	}
	forms := []string{d.String(), fmt.Sprintf("%x", d), shared, fmt.Sprintf("%x", shared), b64(shared)[:16],
		strings.Trim(fmt.Sprint([]byte(shared)), "[]"), fmt.Sprintf("%x", d.Bytes())[:16], fmt.Sprint(uint64(0x0123456789abcdef))}
	check := func(how, out string) {
		t.Helper()
		plain := strings.ToLower(strings.NewReplacer(",", "", "0x", "", "\n", "", " ", "").Replace(out))
		for _, form := range forms {
			if strings.Contains(strings.ToLower(out), strings.ToLower(form)) || strings.Contains(plain, strings.ToLower(strings.ReplaceAll(form, " ", ""))) {
				t.Errorf("%s prints a secret", how) // and the test does not
			}
		}
	}
	for i := range keys {
		k := keys[i]
		h := holder{Key: k, Ptr: &k, Keys: keys[:3], Any: k, inner: keys[:3]}
		for name, v := range map[string]any{"Key": k, "*Key": &k, "Keys": keys, "*Keys": &keys, "the three": keys[:3], "holder": h, "*holder": &h, "[]any": []any{k, &k}, "map": map[string]jwt.Key{"a": k}} {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%w", "%T", "%10.3v"} {
				if verb == "%w" && k.ID == "4" || verb == "%w" && (name == "Keys" || name == "*Keys") {
					continue // for a verb that is wrong fmt calls no methods
				}
				check(name+" "+verb, fmt.Sprintf(verb, v))
			}
			var out bytes.Buffer
			slog.New(slog.NewTextHandler(&out, nil)).Info("m", "k", v)
			slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "k", v, slog.Group("g", "k", v))
			check(name+" slog", out.String())
			text, err := json.Marshal(v)
			if err != nil {
				t.Errorf("%s: JSON: %v", name, err)
			}
			check(name+" JSON", string(text))
			text, _ = xml.Marshal(v)
			check(name+" XML", string(text))
		}
	}
	if v := slog.AnyValue(keys[2]).Resolve(); v.Kind() != slog.KindString || v.String() != `key "3" (shared secret)` {
		t.Errorf("slog: %v", v)
	}
	if text, _ := json.Marshal(keys[2]); string(text) != `"key \"3\" (shared secret)"` {
		t.Errorf("JSON: %s", text)
	}
}
