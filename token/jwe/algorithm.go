package jwe

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"slices"

	"github.com/tokenlife/tokenlife/token/jwt"
)

// An algorithm is a way to come by the key that the content is encrypted with
// (RFC 7518, section 4.1).
type algorithm struct {
	name  string
	usual bool // what a key without alg is taken to be for
	kind  kind
	size  int  // of a secret, in bytes; 0: as the encryption has it
	agree bool // on a key, so that there is no encrypted one
}

// A kind is a kind of key.
type kind int

const (
	secret kind = iota
	rsaKey
	ecKey
)

// algorithms are all that there are. What is not here is never opened, whatever
// a Policy or Decrypter lists.
var algorithms = byName([]algorithm{
	{name: "dir", usual: true, kind: secret, agree: true},
	{name: "A128KW", kind: secret, size: 16},
	{name: "A192KW", kind: secret, size: 24},
	{name: "A256KW", kind: secret, size: 32},

	{name: "RSA-OAEP-256", usual: true, kind: rsaKey},
	{name: "RSA-OAEP", kind: rsaKey}, // with SHA-1

	// What is agreed on depends on the algorithm's name, so that one key may be
	// used with all.
	{name: "ECDH-ES", usual: true, kind: ecKey, agree: true},
	{name: "ECDH-ES+A128KW", usual: true, kind: ecKey},
	{name: "ECDH-ES+A192KW", usual: true, kind: ecKey},
	{name: "ECDH-ES+A256KW", usual: true, kind: ecKey},
}, func(a *algorithm) string { return a.name })

// An encryption is a way to encrypt the content (RFC 7518, section 5.1). Sizes
// are in bytes.
type encryption struct {
	name         string
	gcm          bool // the usual one for secrets of its size
	key, iv, tag int
}

var encryptions = byName([]encryption{
	{name: "A128GCM", gcm: true, key: 16, iv: 12, tag: 16},
	{name: "A192GCM", gcm: true, key: 24, iv: 12, tag: 16},
	{name: "A256GCM", gcm: true, key: 32, iv: 12, tag: 16},
	{name: "A128CBC-HS256", key: 32, iv: 16, tag: 16},
	{name: "A192CBC-HS384", key: 48, iv: 16, tag: 24},
	{name: "A256CBC-HS512", key: 64, iv: 16, tag: 32},
}, func(e *encryption) string { return e.name })

func byName[T any](list []T, name func(*T) string) map[string]*T {
	m := make(map[string]*T, len(list))
	for i := range list {
		m[name(&list[i])] = &list[i]
	}
	return m
}

// fit returns what of k decrypts what was encrypted with a and e: a []byte,
// *rsa.PrivateKey or *ecdsa.PrivateKey. Or else it says why k must not. listed
// says that a need not be the usual algorithm of keys like k.
func (a *algorithm) fit(e *encryption, k *jwt.Key, listed bool) (key any, unfit string) {
	if unfit = a.unfitUse(e, k, listed, a.decrypting()); unfit != "" {
		return nil, unfit
	}
	return a.private(e, k)
}

// unfitUse says why k must not be used by what is said of it. operations are
// the key_ops of which it must have one.
func (a *algorithm) unfitUse(e *encryption, k *jwt.Key, listed bool, operations []string) string {
	switch {
	case k.Use != "" && k.Use != "enc":
		return "its use is not enc"
	case k.Operations != nil && !slices.ContainsFunc(k.Operations, func(op string) bool { return slices.Contains(operations, op) }):
		return "its key_ops lack " + operations[0]
	case a.name == "dir" && k.Algorithm == e.name: // RFC 7520, section 5.6
		return ""
	case k.Algorithm != "" && k.Algorithm != a.name:
		return "its own alg is another"
	case k.Algorithm == "" && !a.usual && !listed:
		return "it has no alg, and for its kind this one must be listed in Algorithms"
	case a.name == "dir" && !e.gcm:
		return "its alg is not this enc"
	}
	return ""
}

// decrypting and encrypting return the key_ops (RFC 7517, section 4.3) of keys
// for a. RSA keys say either.
func (a *algorithm) decrypting() []string {
	switch {
	case a.kind == ecKey:
		return []string{"deriveKey", "deriveBits"}
	case a.kind == rsaKey:
		return []string{"unwrapKey", "decrypt"}
	case a.agree:
		return []string{"decrypt"}
	}
	return []string{"unwrapKey"}
}

func (a *algorithm) encrypting() []string {
	switch {
	case a.kind == ecKey:
		return []string{"deriveKey", "deriveBits"}
	case a.kind == rsaKey:
		return []string{"wrapKey", "encrypt"}
	case a.agree:
		return []string{"encrypt"}
	}
	return []string{"wrapKey"}
}

// private returns what of k decrypts, or else says why nothing does.
func (a *algorithm) private(e *encryption, k *jwt.Key) (key any, unfit string) {
	switch a.kind {
	case rsaKey:
		private, ok := k.Private.(*rsa.PrivateKey)
		if !ok || private == nil {
			return nil, otherKind
		}
		return private, unfitRSA(&private.PublicKey)
	case ecKey:
		switch private := k.Private.(type) {
		case *ecdsa.PrivateKey:
			if private == nil {
				return nil, otherKind
			}
			return private, unfitCurve(private.Curve)
		case *ecdh.PrivateKey:
			return fromECDH(private)
		}
		return nil, otherKind
	}
	shared := []byte(k.Shared.Reveal())
	return shared, a.unfitSecret(e, len(shared))
}

// public returns what of k encrypts, or else says why nothing does: a []byte,
// *rsa.PublicKey or *ecdsa.PublicKey.
func (a *algorithm) public(e *encryption, k *jwt.Key) (key any, unfit string) {
	switch public := k.Public.(type) {
	case *rsa.PublicKey:
		if a.kind == rsaKey && public != nil {
			return public, unfitRSA(public)
		}
	case *ecdsa.PublicKey:
		if a.kind == ecKey && public != nil {
			return public, unfitCurve(public.Curve)
		}
	}
	key, unfit = a.private(e, k)
	switch private := key.(type) {
	case *rsa.PrivateKey:
		key = &private.PublicKey
	case *ecdsa.PrivateKey:
		key = &private.PublicKey
	}
	return key, unfit
}

const (
	otherKind  = "it is a key of another kind"
	otherCurve = "it is on a curve that is not known here"
)

func (a *algorithm) unfitSecret(e *encryption, size int) string {
	want := a.size
	if want == 0 {
		want = e.key
	}
	switch size {
	case 0:
		return otherKind
	case want:
		return ""
	}
	return "it is a secret of another size"
}

func unfitCurve(c elliptic.Curve) string {
	if c == elliptic.P256() || c == elliptic.P384() || c == elliptic.P521() {
		return ""
	}
	return otherCurve
}

// fromECDH returns a key as go-jose takes it, which has no X25519.
func fromECDH(k *ecdh.PrivateKey) (key any, unfit string) {
	curves := map[ecdh.Curve]elliptic.Curve{
		ecdh.P256(): elliptic.P256(), ecdh.P384(): elliptic.P384(), ecdh.P521(): elliptic.P521(),
	}
	if k == nil {
		return nil, otherKind
	}
	private, err := ecdsa.ParseRawPrivateKey(curves[k.Curve()], k.Bytes())
	if err != nil {
		return nil, otherCurve
	}
	return private, ""
}

// RSA keys have at least as many bits as RFC 7518, section 4.3, asks for, and at
// most as many as jwt.ParseKeys reads: with a larger one each token is expensive.
const minRSA, maxRSA = 2048, 4096

func unfitRSA(k *rsa.PublicKey) string {
	if k.N == nil {
		return otherKind
	}
	switch bits := k.N.BitLen(); {
	case bits < minRSA:
		return "it is an RSA key of less than 2048 bits"
	case bits > maxRSA:
		return "it is an RSA key of more than 4096 bits"
	case k.E < 3 || k.E%2 == 0:
		return "it is an RSA key with an exponent that nobody may have"
	}
	return ""
}
