package seal_test

import (
	"encoding/base64"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

var update = flag.Bool("update", false, "write testdata/v1.json, of which nothing may change once it is released")

// A golden is what version 1 sealed once, and must open for ever.
type golden struct {
	Secret, Purpose, Place, Plaintext []byte // in base64
	Sealed                            string
	Key                               []byte // of Keyring.Key
}

const goldenFile = "testdata/v1.json"

func goldens(t testing.TB) (all []golden) {
	text, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &all); err != nil || len(all) == 0 {
		t.Fatal(len(all), err)
	}
	return all
}

func TestGolden(t *testing.T) {
	t.Parallel()
	if *update {
		var all []golden
		for _, g := range []golden{
			{Secret: []byte("0123456789abcdef0123456789abcdef"), Purpose: []byte("cookie/session"), Place: []byte("0"), Plaintext: []byte(`{"sub":"mira"}`)},
			{Secret: []byte("0123456789abcdef0123456789abcdef"), Purpose: []byte("store"), Place: []byte("pair/\x00\xff"), Plaintext: []byte{}},
			{Secret: []byte("a longer secret is hashed whole: 0123456789abcdef0123456789abcdef0123456789abcdef"), Purpose: []byte("csrf/é"), Place: []byte{}, Plaintext: []byte("\x00\x01\x02")},
		} {
			ring := &seal.Keyring{Keys: []token.Secret{token.NewSecret(string(g.Secret))}}
			g.Sealed = mustSeal(t, ring, string(g.Purpose), string(g.Place), string(g.Plaintext))
			key, err := ring.Key(t.Context(), kidOf(t, g.Sealed), string(g.Purpose))
			if err != nil {
				t.Fatal(err)
			}
			g.Key = []byte(key.Reveal())
			all = append(all, g)
		}
		text, err := json.MarshalIndent(all, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(goldenFile, append(text, '\n'), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for i, g := range goldens(t) {
		ring := &seal.Keyring{Keys: []token.Secret{secret('x'), token.NewSecret(string(g.Secret))}}
		got, err := ring.Open(t.Context(), string(g.Purpose), string(g.Place), g.Sealed)
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		if diff := cmp.Diff(g.Plaintext, got); diff != "" {
			t.Errorf("%d: (-want +got):\n%s", i, diff)
		}
		want := `{"alg":"dir","ctx":"` + base64.RawURLEncoding.EncodeToString(g.Place) + `","enc":"A256GCM","kid":"` + kidOf(t, g.Sealed) + `"}`
		if diff := cmp.Diff(want, headerOf(t, g.Sealed)); diff != "" {
			t.Errorf("%d: header (-want +got):\n%s", i, diff)
		}
		key, err := ring.Key(t.Context(), kidOf(t, g.Sealed), string(g.Purpose))
		if err != nil || key.Reveal() != string(g.Key) {
			t.Errorf("%d: another key, %v", i, err)
		}
	}
}
