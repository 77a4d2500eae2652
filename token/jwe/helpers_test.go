package jwe_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwe"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// secret returns one of n bytes that are all the same.
func secret(n int, b byte) token.Secret { return token.NewSecret(strings.Repeat(string(b), n)) }

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// Two RSA keys, which take long to make: those of the Dashboard's tokens.
var (
	rsaKey   = sync.OnceValue(func() *rsa.PrivateKey { return readRSA("1-ttl900.json", "privateKeyPem") })
	otherRSA = sync.OnceValue(func() *rsa.PrivateKey { return readRSA("5-other-key.json", "encryptedWithPrivateKeyPem") })
)

func readRSA(file, member string) *rsa.PrivateKey {
	var v map[string]any
	if err := json.Unmarshal(must(os.ReadFile("testdata/dashboard/"+file)), &v); err != nil {
		panic(err)
	}
	block, _ := pem.Decode([]byte(v[member].(string)))
	return must(x509.ParsePKCS1PrivateKey(block.Bytes))
}

func ecKey(c elliptic.Curve) *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(c, rand.Reader)) }
func dhKey(c ecdh.Curve) *ecdh.PrivateKey      { return must(c.GenerateKey(rand.Reader)) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// sealDir returns a compact JWE with any header, encrypted with AES-GCM under
// key itself.
func sealDir(t testing.TB, key token.Secret, header, plaintext string) string {
	t.Helper()
	protected := b64([]byte(header))
	iv, box := seal(t, []byte(key.Reveal()), protected, plaintext)
	return strings.Join([]string{protected, "", b64(iv), b64(box[:len(box)-16]), b64(box[len(box)-16:])}, ".")
}

func seal(t testing.TB, key []byte, aad, plaintext string) (iv, box []byte) {
	t.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	iv = make([]byte, 12)
	rand.Read(iv)
	return iv, gcm.Seal(nil, iv, []byte(plaintext), []byte(aad))
}

// now is when the tests happen, and claims are good then.
var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const claims = `{"iss":"https://issuer.example","aud":"api","sub":"mira","iat":1795348740,"exp":1795352400}`

func policy(keys ...jwt.Key) *jwe.Policy {
	return &jwe.Policy{Keys: jwt.Keys(keys), Issuer: "https://issuer.example", Audience: []string{"api"}, Now: at(now)}
}

func encrypt(t testing.TB, k jwt.Key, plaintext string, h jwe.Header) string {
	t.Helper()
	s, err := jwe.Encrypt(k, []byte(plaintext), h)
	if err != nil {
		t.Fatal(err)
	}
	return s.Reveal()
}

// refused checks that a result is an error of one kind that says something.
func refused(t testing.TB, empty bool, err, kind error, says string) {
	t.Helper()
	switch {
	case !empty:
		t.Errorf("something beside the error %v", err)
	case err == nil || kind != nil && !errors.Is(err, kind) || kind == nil && errors.Is(err, token.ErrInvalid):
		t.Errorf("%v, want %v", err, kind)
	case !strings.Contains(err.Error(), says):
		t.Errorf("%v, want %q in it", err, says)
	case len(err.Error()) > 400:
		t.Errorf("a long error: %.500v", err)
	}
}

// failing is a KeySet that has no answer.
type failing struct{ err error }

func (f failing) Keys(context.Context, string) ([]jwt.Key, error) { return nil, f.err }

var errAway = errors.New("the keys are away")

var errOwn = fmt.Errorf("fetching keys: %w", token.ErrExpired)
