package seal_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// secret returns a key made of one byte.
func secret(b byte) token.Secret { return token.NewSecret(strings.Repeat(string(b), 32)) }

// newRing returns a Keyring of keys made of one byte each.
func newRing(keys string) *seal.Keyring {
	ring := new(seal.Keyring)
	for _, b := range []byte(keys) {
		ring.Keys = append(ring.Keys, secret(b))
	}
	return ring
}

func mustSeal(t testing.TB, ring *seal.Keyring, purpose, place, plaintext string) string {
	t.Helper()
	sealed, err := ring.Seal(t.Context(), purpose, place, []byte(plaintext))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// headerOf returns the header of a sealed text.
func headerOf(t testing.TB, sealed string) string {
	t.Helper()
	segment, _, _ := strings.Cut(sealed, ".")
	header, err := base64.RawURLEncoding.DecodeString(segment)
	if err != nil {
		t.Fatal(err)
	}
	return string(header)
}

// reseal returns a sealed text with another header.
func reseal(t testing.TB, sealed string, change func(header string) string) string {
	t.Helper()
	header := change(headerOf(t, sealed))
	_, rest, _ := strings.Cut(sealed, ".")
	return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + rest
}

func kidOf(t testing.TB, sealed string) string {
	t.Helper()
	var header struct{ Kid string }
	if err := json.Unmarshal([]byte(headerOf(t, sealed)), &header); err != nil {
		t.Fatal(err)
	}
	return header.Kid
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	ring := newRing("a")
	for _, place := range []string{"", "0", "pair/é", "\x00\xff", strings.Repeat("k", 256), `","enc":"A256GCM","kid":"`} {
		for _, plaintext := range []string{"", "p", strings.Repeat("long", 20_000)} {
			sealed := mustSeal(t, ring, "store", place, plaintext)
			got, err := ring.Open(t.Context(), "store", place, sealed)
			if err != nil || string(got) != plaintext {
				t.Errorf("place %q, %d bytes: %d bytes, %v", place, len(plaintext), len(got), err)
			}
			if got == nil {
				t.Errorf("place %q, %d bytes: nil", place, len(plaintext))
			}
		}
	}
	if a, b := mustSeal(t, ring, "store", "", "p"), mustSeal(t, ring, "store", "", "p"); a == b {
		t.Error("sealed twice, and the same twice")
	}
}

func TestPreviousKeys(t *testing.T) {
	t.Parallel()
	sealed := mustSeal(t, newRing("b"), "p", "", "x")
	for _, test := range []struct {
		keys string
		want bool
	}{{"b", true}, {"ab", true}, {"acb", true}, {"bb", true}, {"abb", true}, {"a", false}, {"ac", false}} {
		got, err := newRing(test.keys).Open(t.Context(), "p", "", sealed)
		if test.want && (err != nil || string(got) != "x") || !test.want && !errors.Is(err, token.ErrSignature) {
			t.Errorf("keys %s: %q, %v", test.keys, got, err)
		}
	}
	_, err := newRing("a").Open(t.Context(), "p", "", sealed)
	if name := kidOf(t, sealed)[:8]; err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("the error does not say that it is %s which is not there: %v", name, err)
	}
	ring := newRing("ab")
	if got, err := newRing("a").Open(t.Context(), "p", "", mustSeal(t, ring, "p", "", "x")); err != nil {
		t.Errorf("the first key does not seal: %q, %v", got, err)
	}
}

// Two keys with one name never meet, but if they do, the wrong one is refused.
func TestKeyOfAnother(t *testing.T) {
	t.Parallel()
	a, b := newRing("a"), newRing("b")
	kid := kidOf(t, mustSeal(t, b, "p", "", "x"))
	forged := reseal(t, mustSeal(t, a, "p", "", "x"), func(h string) string {
		return strings.Replace(h, kidOf(t, mustSeal(t, a, "p", "", "x")), kid, 1)
	})
	if got, err := b.Open(t.Context(), "p", "", forged); !errors.Is(err, token.ErrSignature) || got != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	ring := newRing("a")
	good := mustSeal(t, ring, "cookie/session", "0", "plaintext")
	part := strings.Split(good, ".")
	join := func(i int, text string) string {
		p := append([]string(nil), part...)
		p[i] = text
		return strings.Join(p, ".")
	}
	header := func(old, new string) string {
		return reseal(t, good, func(h string) string {
			if !strings.Contains(h, old) {
				t.Errorf("no %s in %s", old, h)
			}
			return strings.Replace(h, old, new, 1)
		})
	}
	kid := kidOf(t, good)
	for _, test := range []struct {
		name, sealed string
		want         error
	}{
		{"empty", "", token.ErrMalformed},
		{"dots", "....", token.ErrMalformed},
		{"a million dots", strings.Repeat(".", 1_000_000), token.ErrMalformed},
		{"4 segments", strings.Join(part[:4], "."), token.ErrMalformed},
		{"6 segments", good + ".", token.ErrMalformed},
		{"a JWS", "eyJhbGciOiJIUzI1NiJ9.e30.c2ln", token.ErrMalformed},
		{"10 MB", join(3, strings.Repeat("A", 10<<20)), token.ErrMalformed},
		{"a key", join(1, "QUFB"), token.ErrMalformed},
		{"iv of 9 bytes", join(2, part[2][:12]), token.ErrMalformed},
		{"iv of 15 bytes", join(2, part[2]+"QUFB"), token.ErrMalformed},
		{"no iv", join(2, ""), token.ErrMalformed},
		{"tag of 12 bytes", join(4, part[4][:16]), token.ErrMalformed},
		{"tag of 18 bytes", join(4, part[4]+"QU"), token.ErrMalformed},
		{"no tag", join(4, ""), token.ErrMalformed},
		{"stray bits", join(4, part[4][:21]+"_"), token.ErrMalformed},
		{"padded", good + "==", token.ErrMalformed},
		{"padded header", join(0, part[0]+"="), token.ErrMalformed},
		{"line break at the end", good + "\n", token.ErrMalformed},
		{"line break within", join(3, part[3][:4]+"\r\n"+part[3][4:]), token.ErrMalformed},
		{"space before", " " + good, token.ErrMalformed},
		{"standard base64", join(2, "+/++"+part[2][4:]), token.ErrMalformed},

		{"no header", join(0, ""), token.ErrMalformed},
		{"alg", header(`"dir"`, `"A256KW"`), token.ErrMalformed},
		{"enc", header(`"A256GCM"`, `"A128GCM"`), token.ErrMalformed},
		{"zip", header(`"enc"`, `"zip":"DEF","enc"`), token.ErrMalformed},
		{"crit", header(`"}`, `","crit":["exp"]}`), token.ErrMalformed},
		{"two kid", header(`"}`, `","kid":"`+kid+`"}`), token.ErrMalformed},
		{"space", header(`{`, `{ `), token.ErrMalformed},
		{"another order", header(`"alg":"dir",`, ``), token.ErrMalformed},
		{"no begin", header(`{"alg":"dir","ctx":"`, ``), token.ErrMalformed},
		{"no end", header(`"}`, ``), token.ErrMalformed},
		{"no middle", header(`","enc":"A256GCM","kid":"`, ``), token.ErrMalformed},
		{"more behind", header(`"}`, `"} `), token.ErrMalformed},
		{"kid too short", header(kid, kid[4:]), token.ErrMalformed},
		{"kid too long", header(kid, kid+"AAAA"), token.ErrMalformed},
		{"kid with an escape", header(kid, `\u0041`+kid[6:]), token.ErrMalformed},
		{"kid padded", header(kid, kid[:23]+"="), token.ErrMalformed},
		{"ctx not base64", header(`"MA"`, `"0"`), token.ErrMalformed},
		{"ctx with stray bits", header(`"MA"`, `"MB"`), token.ErrMalformed},

		{"another key", header(kid, "AAAAAAAA"+kid[8:]), token.ErrSignature},
		{"another salt", header(kid, kid[:8]+strings.Repeat("A", 16)), token.ErrSignature},
		{"another place", header(`"MA"`, `"MQ"`), token.ErrSignature},
		{"another iv", join(2, strings.Repeat("A", 16)), token.ErrSignature},
		{"another tag", join(4, strings.Repeat("A", 22)), token.ErrSignature},
		{"no ciphertext", join(3, ""), token.ErrSignature},
		{"a shorter ciphertext", join(3, part[3][:4]), token.ErrSignature},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := ring.Open(t.Context(), "cookie/session", "0", test.sealed)
			if got != nil || !errors.Is(err, test.want) {
				t.Errorf("%q, %v; want %v", got, err, test.want)
			}
		})
	}
}

// A changed place is refused also where the changed one is expected: it is
// authenticated.
func TestOpenElsewhere(t *testing.T) {
	t.Parallel()
	ring := newRing("a")
	sealed := mustSeal(t, ring, "cookie/session", "0", "plaintext")
	moved := reseal(t, sealed, func(h string) string { return strings.Replace(h, `"MA"`, `"MQ"`, 1) })
	for _, test := range []struct{ purpose, place, sealed string }{
		{"cookie/session", "1", sealed},
		{"cookie/session", "", sealed},
		{"cookie/session", "1", moved},
		{"cookie/sessio", "0", sealed},
		{"csrf/session", "0", sealed},
	} {
		if got, err := ring.Open(t.Context(), test.purpose, test.place, test.sealed); got != nil || !errors.Is(err, token.ErrSignature) {
			t.Errorf("%s %s: %q, %v", test.purpose, test.place, got, err)
		}
	}
}

// No letter of a sealed text can be another.
func TestEveryLetter(t *testing.T) {
	t.Parallel()
	ring := newRing("a")
	sealed := mustSeal(t, ring, "p", "q", "plain")
	for i := range sealed {
		for _, c := range []byte("AQgw-_.\n=") {
			if sealed[i] == c {
				continue
			}
			changed := sealed[:i] + string(c) + sealed[i+1:]
			if got, err := ring.Open(t.Context(), "p", "q", changed); got != nil || !errors.Is(err, token.ErrInvalid) {
				t.Errorf("%q for %q at %d: %q, %v", c, sealed[i], i, got, err)
			}
		}
	}
}

// Faults of the program are not blamed on what it was given.
func TestMisuse(t *testing.T) {
	t.Parallel()
	good := newRing("a")
	sealed := mustSeal(t, good, "p", "", "x")
	for _, test := range []struct {
		name    string
		ring    *seal.Keyring
		purpose string
		want    string
	}{
		{"no keys", &seal.Keyring{}, "p", "set Keys"},
		{"short key", &seal.Keyring{Keys: []token.Secret{secret('a'), token.NewSecret(strings.Repeat("s", 31))}}, "p", "seal: Keyring.Keys: key 2 of 2 has 31 bytes"},
		{"17 keys", newRing("abcdefghijklmnopq"), "p", "17 keys"},
		{"both", &seal.Keyring{Keys: good.Keys, Load: func(context.Context) ([]token.Secret, error) { return good.Keys, nil }}, "p", "both"},
		{"no purpose", good, "", "purpose"},
	} {
		_, sealErr := test.ring.Seal(t.Context(), test.purpose, "", nil)
		_, openErr := test.ring.Open(t.Context(), test.purpose, "", sealed)
		_, keyErr := test.ring.Key(t.Context(), kidOf(t, sealed), test.purpose)
		for _, err := range []error{sealErr, openErr, keyErr} {
			if err == nil || errors.Is(err, token.ErrInvalid) || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "sss") {
				t.Errorf("%s: %v; want %q", test.name, err, test.want)
			}
		}
	}
}

func TestSize(t *testing.T) {
	t.Parallel()
	ring := newRing("a")
	overhead := len(mustSeal(t, ring, "p", "", ""))
	most := ((1 << 20) - overhead) * 3 / 4
	sealed, err := ring.Seal(t.Context(), "p", "", make([]byte, most))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ring.Open(t.Context(), "p", "", sealed); err != nil || len(got) != most {
		t.Errorf("the most that can be sealed: %d bytes, %v", len(got), err)
	}
	if _, err := ring.Seal(t.Context(), "p", "", make([]byte, most+1)); err == nil || errors.Is(err, token.ErrInvalid) {
		t.Errorf("a byte more: %v", err)
	}
}

// To open a text costs no more memory than its plaintext is in, and to seal one
// no more than the text and the box that it is made of.
func TestAllocations(t *testing.T) {
	ring := newRing("a")
	sealed := mustSeal(t, ring, "p", "pair/0123456789abcdef", strings.Repeat("p", 500))
	if n := testing.AllocsPerRun(100, func() {
		if _, err := ring.Open(t.Context(), "p", "pair/0123456789abcdef", sealed); err != nil {
			t.Fatal(err)
		}
	}); n > 1 {
		t.Errorf("Open: %v allocations", n)
	}
	plaintext := bytes.Repeat([]byte("p"), 500)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := ring.Seal(t.Context(), "p", "pair/0123456789abcdef", plaintext); err != nil {
			t.Fatal(err)
		}
	}); n > 2 {
		t.Errorf("Seal: %v allocations", n)
	}
}

func TestNothingPrints(t *testing.T) {
	t.Parallel()
	ring := newRing("S")
	mustSeal(t, ring, "p", "", "x")
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("ring", "ring", map[string]any{"keys": ring.Keys})
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %q %x", ring, ring, ring, ring.Keys, ring.Keys), log.String()} {
		// In hexadecimal more of it than the fraction of a second in the log could be.
		if strings.Contains(text, "SSS") || strings.Contains(text, strings.Repeat("53", 8)) {
			t.Error(text)
		}
	}
}

func TestConcurrent(t *testing.T) {
	t.Parallel()
	ring := newRing("ab")
	other := newRing("b")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 200 {
				purpose := fmt.Sprint("p", (i+j)%4)
				from := ring
				if j%2 == 0 {
					from = other
				}
				if got, err := ring.Open(t.Context(), purpose, "q", mustSeal(t, from, purpose, "q", purpose)); err != nil || string(got) != purpose {
					t.Errorf("%q, %v", got, err)
				}
			}
		})
	}
	wg.Wait()
	// All goroutines began with one salt.
	if a, b := kidOf(t, mustSeal(t, ring, "p", "", "")), kidOf(t, mustSeal(t, ring, "q", "", "")); a != b {
		t.Errorf("%s, %s", a, b)
	}
}
