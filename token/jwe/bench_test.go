package jwe_test

import (
	"strings"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwe"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// Claims of 539 bytes, as in a service account's token, in dir with A256GCM:
// verified, decrypted, and decrypted by go-jose.
func BenchmarkVerify(b *testing.B) {
	long := strings.Replace(claims, `"sub"`, `"kubernetes.io":{"namespace":"`+strings.Repeat("n", 539-len(claims)-len(`"kubernetes.io":{"namespace":""},`))+`"},"sub"`, 1)
	if len(long) != 539 {
		b.Fatal(len(long))
	}
	text := encrypt(b, jwt.Key{ID: "1", Shared: shared.Shared}, long, jwe.Header{Type: "JWT"})
	b.Run("verified", func(b *testing.B) {
		p := policy(jwt.Key{ID: "1", Shared: shared.Shared})
		presented := token.NewSecret(text)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := p.Verify(b.Context(), presented); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decrypted", func(b *testing.B) {
		d := &jwe.Decrypter{Keys: jwt.Keys{{ID: "1", Shared: shared.Shared}}}
		presented := token.NewSecret(text)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := d.Decrypt(b.Context(), presented); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decrypted by go-jose", func(b *testing.B) {
		key := []byte(shared.Shared.Reveal())
		b.ReportAllocs()
		for b.Loop() {
			j, err := gojose.ParseEncryptedCompact(text, []gojose.KeyAlgorithm{gojose.DIRECT}, []gojose.ContentEncryption{gojose.A256GCM})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := j.Decrypt(key); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDashboard(b *testing.B) {
	d := dashboard()
	presented := token.NewSecret(sealed(b, d))
	b.Run("Open", func(b *testing.B) {
		for b.Loop() {
			if _, err := d.Open(b.Context(), presented); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Seal", func(b *testing.B) {
		for b.Loop() {
			sealed(b, d)
		}
	})
}
