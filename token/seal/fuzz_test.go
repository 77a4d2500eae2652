package seal_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// Whatever is presented, Open does not panic, opens nothing but what was
// sealed, and says of everything else that it is invalid without repeating it.
func FuzzOpen(f *testing.F) {
	g := goldens(f)[0]
	ring := &seal.Keyring{Keys: []token.Secret{token.NewSecret(string(g.Secret))}}
	for _, text := range []string{
		g.Sealed, "", "....", g.Sealed + ".", g.Sealed + "=", g.Sealed + "\n",
		strings.Replace(g.Sealed, "..", ".QUFB.", 1),
		reseal(f, g.Sealed, func(string) string { return `{"alg":"dir","ctx":"","enc":"A256GCM","kid":""}` }),
		reseal(f, g.Sealed, func(h string) string { return strings.Replace(h, "alg", "zip", 1) }),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ring.Open(t.Context(), string(g.Purpose), string(g.Place), text)
		switch {
		case err == nil && (text != g.Sealed || string(got) != string(g.Plaintext)):
			t.Errorf("opened: %q", got)
		case err == nil:
		case got != nil || !errors.Is(err, token.ErrMalformed) && !errors.Is(err, token.ErrSignature):
			t.Errorf("%q, %v", got, err)
		case len(err.Error()) > 200:
			t.Errorf("a long error: %v", err)
		}
	})
}
