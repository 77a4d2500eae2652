package jwt

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// String says what kind of key k is and what it is for, as in
// `key "2026-11" (RSA 2048 bits, alg "RS256", use "sig")`, and nothing of the key
// itself.
func (k Key) String() string {
	var b strings.Builder
	b.WriteString("key ")
	if k.ID != "" {
		fmt.Fprintf(&b, "%.64q ", k.ID)
	}
	b.WriteString("(" + k.material())
	if k.Algorithm != "" {
		fmt.Fprintf(&b, ", alg %.32q", k.Algorithm)
	}
	if k.Use != "" {
		fmt.Fprintf(&b, ", use %.32q", k.Use)
	}
	if k.Operations != nil {
		b.WriteString(", key_ops " + few(k.Operations))
	}
	b.WriteString(")")
	return b.String()
}

// material says what kind of key k is.
func (k *Key) material() string {
	var has []string
	if k.Public != nil {
		has = append(has, materialOf(k.Public))
	}
	if k.Private != nil {
		has = append(has, materialOf(k.Private))
	}
	if !k.Shared.IsZero() {
		has = append(has, "shared secret")
	}
	if has == nil {
		return "nothing in it"
	}
	return strings.Join(has, " and ")
}

func materialOf(key any) string {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if key != nil && key.N != nil {
			return fmt.Sprintf("RSA %d bits", key.N.BitLen())
		}
	case *ecdsa.PublicKey:
		if key != nil && key.Curve != nil {
			return key.Params().Name
		}
	case ed25519.PublicKey:
		return "Ed25519"
	case *rsa.PrivateKey, *ecdsa.PrivateKey, *ecdh.PrivateKey, ed25519.PrivateKey:
		return "private"
	}
	return fmt.Sprintf("%T", key)
}

// Format implements [fmt.Formatter]: every verb prints what [Key.String]
// returns.
func (k Key) Format(f fmt.State, _ rune) { io.WriteString(f, k.String()) }

// LogValue implements [slog.LogValuer].
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText implements [encoding.TextMarshaler], for encoders that would
// otherwise take the fields one by one. There is no way back.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
