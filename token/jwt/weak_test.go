package jwt

import (
	"crypto/ed25519"
	"fmt"
	"testing"
)

// For each point of small order there is a signature that crypto/ed25519 takes,
// soon found by whoever has no key: s is 0, r the neutral point.
func TestSmallOrder(t *testing.T) {
	t.Parallel()
	if len(smallOrder) != 7 {
		t.Errorf("%d points, of which there are 5 and two other spellings", len(smallOrder))
	}
	for y := range smallOrder {
		for _, sign := range []byte{0, 0x80} {
			key := ed25519.PublicKey(append([]byte{}, y[:]...))
			key[31] |= sign
			forged := false
			for i := 0; i < 1000 && !forged; i++ {
				signature := make([]byte, ed25519.SignatureSize)
				signature[0] = 1
				forged = ed25519.Verify(key, fmt.Appendf(nil, "message %d", i), signature)
			}
			if !forged {
				t.Errorf("%x: not forged", key)
			}
			if weakEd25519(key) == "" {
				t.Errorf("%x: taken", key)
			}
		}
	}
	for range 100 {
		public, _, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		if why := weakEd25519(public); why != "" {
			t.Errorf("%x: %s", public, why)
		}
	}
}
