package seal_test

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/tokenlife/tokenlife/token"
)

// Any JOSE library with the key opens what was sealed.
func TestGoJoseOpens(t *testing.T) {
	t.Parallel()
	ring := newRing("ab")
	sealed := mustSeal(t, ring, "cookie/session", "pair/é", "plaintext")
	jwe, err := jose.ParseEncryptedCompact(sealed, []jose.KeyAlgorithm{jose.DIRECT}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := jwe.Header.ExtraHeaders["ctx"], base64.RawURLEncoding.EncodeToString([]byte("pair/é")); got != want {
		t.Errorf("ctx %v, want %v", got, want)
	}
	key, err := ring.Key(t.Context(), jwe.Header.KeyID, "cookie/session")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := jwe.Decrypt([]byte(key.Reveal())); err != nil || string(got) != "plaintext" {
		t.Errorf("%q, %v", got, err)
	}
	other, err := ring.Key(t.Context(), jwe.Header.KeyID, "csrf/session")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := jwe.Decrypt([]byte(other.Reveal())); err == nil {
		t.Errorf("with the key of another purpose: %q", got)
	}
}

// What a JOSE library sealed with the key opens here, if the header is the same.
func TestGoJoseSeals(t *testing.T) {
	t.Parallel()
	ring := newRing("ab")
	for _, kid := range []string{
		kidOf(t, mustSeal(t, ring, "p", "", "")),
		kidOf(t, mustSeal(t, newRing("b"), "p", "", "")), // a salt that is new here
	} {
		key, err := ring.Key(t.Context(), kid, "cookie/session")
		if err != nil {
			t.Fatal(err)
		}
		options := new(jose.EncrypterOptions).WithHeader("ctx", base64.RawURLEncoding.EncodeToString([]byte("0")))
		encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.DIRECT, Key: []byte(key.Reveal()), KeyID: kid}, options)
		if err != nil {
			t.Fatal(err)
		}
		jwe, err := encrypter.Encrypt([]byte("plaintext"))
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := jwe.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ring.Open(t.Context(), "cookie/session", "0", sealed); err != nil || string(got) != "plaintext" {
			t.Errorf("%q, %v", got, err)
		}
	}
}

func TestKeyRefuses(t *testing.T) {
	t.Parallel()
	ring := newRing("a")
	kid := kidOf(t, mustSeal(t, ring, "p", "", ""))
	for _, test := range []struct {
		kid  string
		want error
	}{
		{"", token.ErrMalformed},
		{"../../etc/passwd", token.ErrMalformed},
		{kid + "AAAA", token.ErrMalformed},
		{strings.Repeat("\n", len(kid)), token.ErrMalformed},
		{kidOf(t, mustSeal(t, newRing("b"), "p", "", "")), token.ErrSignature},
	} {
		if key, err := ring.Key(t.Context(), test.kid, "p"); !errors.Is(err, test.want) || !key.IsZero() || strings.Contains(err.Error(), "kid: kid") {
			t.Errorf("%q: %v, want %v", test.kid, err, test.want)
		}
	}
}

// The keys are what the package comment says.
func TestDerivation(t *testing.T) {
	t.Parallel()
	ring := newRing("a")
	kid := kidOf(t, mustSeal(t, ring, "cookie/session", "", ""))
	id, err := base64.RawURLEncoding.DecodeString(kid)
	if err != nil || len(id) != 18 {
		t.Fatalf("kid %q: %v", kid, err)
	}
	master := []byte(secret('a').Reveal())
	name, err := hkdf.Key(sha256.New, master, nil, "tokenlife key id/1", 6)
	if err != nil || string(name) != string(id[:6]) {
		t.Errorf("name %x, want %x", id[:6], name)
	}
	want, err := hkdf.Key(sha256.New, master, id[6:], "tokenlife/1 cookie/session", 32)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ring.Key(t.Context(), kid, "cookie/session"); err != nil || got.Reveal() != string(want) {
		t.Errorf("another key than documented, %v", err)
	}
}
