package token_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// A token of 1.1 kB that has been seen before, beside the signature check that
// it saves.
func BenchmarkVerifierCache(b *testing.B) {
	text := strings.Repeat("x", 1100)
	claims, err := token.ParseClaims([]byte(`{"iss":"i","sub":"s","aud":["a","b"],"exp":253402300799}`))
	if err != nil {
		b.Fatal(err)
	}
	c := &token.VerifierCache{TTL: time.Hour, Verifier: token.VerifierFunc(func(_ context.Context, presented token.Secret) (token.Claims, error) {
		if presented.Reveal()[0] == 'b' {
			return token.Claims{}, token.ErrSignature
		}
		return claims, nil
	})}
	presented := token.NewSecret(text)
	hit := func(b *testing.B, presented token.Secret) {
		if _, err := c.Verify(context.Background(), presented); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("hit", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			hit(b, presented)
		}
	})
	b.Run("hit in parallel", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				hit(b, presented)
			}
		})
	})
	b.Run("hit among 64 goroutines", func(b *testing.B) {
		b.SetParallelism(32)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				hit(b, presented)
			}
		})
	})
	b.Run("hit among 1000 tokens", func(b *testing.B) {
		var tokens []token.Secret
		for i := range 1000 {
			tokens = append(tokens, token.NewSecret(fmt.Sprint(i, text)))
		}
		i := 0
		for b.Loop() {
			hit(b, tokens[i])
			i = (i + 1) % len(tokens)
		}
	})
	b.Run("miss", func(b *testing.B) {
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			i++
			c.Verify(context.Background(), token.NewSecret(fmt.Sprint("bad", i, text)))
		}
	})
	b.Run("RS256 signature", func(b *testing.B) {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			b.Fatal(err)
		}
		sum := sha256.Sum256([]byte(text))
		signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			sum := sha256.Sum256([]byte(text))
			if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], signature); err != nil {
				b.Fatal(err)
			}
		}
	})
}
