package jwt

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"slices"
)

// useless says why k can neither verify nor decrypt anything, and nothing if it
// can do one of them.
func (k *Key) useless() error {
	why := "nothing is verified with its alg, and it does not decrypt"
	if a := k.algorithm(); a != nil {
		why = a.unfit(k, true)
	}
	if why == "" || k.decrypts() {
		return nil
	}
	return errors.New(why)
}

// algorithm returns what k verifies: what its alg says, or else the usual
// algorithm of its kind; nil if that is none.
func (k *Key) algorithm() *algorithm {
	if k.Algorithm != "" {
		return algorithms[k.Algorithm]
	}
	switch pub := k.Public.(type) {
	case *rsa.PublicKey:
		return algorithms["RS256"]
	case ed25519.PublicKey:
		return algorithms["EdDSA"]
	case *ecdsa.PublicKey:
		switch pub.Curve {
		case elliptic.P384():
			return algorithms["ES384"]
		case elliptic.P521():
			return algorithms["ES512"]
		}
		return algorithms["ES256"]
	}
	if !k.Shared.IsZero() {
		return algorithms["HS256"]
	}
	return nil
}

// decrypting are the key_ops of which a key that decrypts has one (RFC 7517,
// section 4.3).
var decrypting = []string{"decrypt", "unwrapKey", "deriveKey", "deriveBits"}

// minShared is the shortest key, in bytes, of any algorithm that encrypts under
// a shared one: of A128GCM and A128KW.
const minShared = 16

// decrypts reports whether k might be for decrypting. Whether it fits an
// algorithm is for those to say who decrypt.
func (k *Key) decrypts() bool {
	switch {
	case k.Use != "" && k.Use != "enc":
		return false
	case k.Operations != nil && !slices.ContainsFunc(k.Operations, func(op string) bool { return slices.Contains(decrypting, op) }):
		return false
	case algorithms[k.Algorithm] != nil:
		return false
	}
	switch private := k.Private.(type) {
	case *rsa.PrivateKey:
		return weakRSA(&private.PublicKey) == ""
	case *ecdsa.PrivateKey:
		return slices.Contains([]elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()}, private.Curve)
	case *ecdh.PrivateKey:
		return true
	}
	return len(k.Shared.Reveal()) >= minShared
}
