package seal_test

import (
	"bytes"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

func BenchmarkSeal(b *testing.B) {
	ring := &seal.Keyring{Keys: []token.Secret{secret('a')}}
	plaintext := bytes.Repeat([]byte("p"), 539)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ring.Seal(b.Context(), "cookie/session", "0", plaintext); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	ring := &seal.Keyring{Keys: []token.Secret{secret('a')}}
	sealed, err := ring.Seal(b.Context(), "cookie/session", "0", bytes.Repeat([]byte("p"), 539))
	if err != nil {
		b.Fatal(err)
	}
	b.Run("tokenlife", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ring.Open(b.Context(), "cookie/session", "0", sealed); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("go-jose", func(b *testing.B) {
		key, err := ring.Key(b.Context(), kidOf(b, sealed), "cookie/session")
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			jwe, err := jose.ParseEncryptedCompact(sealed, []jose.KeyAlgorithm{jose.DIRECT}, []jose.ContentEncryption{jose.A256GCM})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := jwe.Decrypt([]byte(key.Reveal())); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("made-up salt", func(b *testing.B) {
		forged := reseal(b, sealed, func(header string) string {
			at := len(header) - len(`abcd"}`)
			return header[:at] + `____"}`
		})
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ring.Open(b.Context(), "cookie/session", "0", forged); err == nil {
				b.Fatal("opened")
			}
		}
	})
}
