package jwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"slices"

	gojwt "github.com/golang-jwt/jwt/v5"
)

// An algorithm is a signature algorithm that a Policy can accept (RFC 7518,
// section 3.1; RFC 8037; RFC 9864).
type algorithm struct {
	name   string
	usual  bool // what a key without alg is taken to be for
	method gojwt.SigningMethod

	kind  kind
	curve elliptic.Curve // for ecPublic
	size  int            // for secret: the least number of bytes
}

// A kind is a kind of key.
type kind int

const (
	secret kind = iota
	rsaPublic
	ecPublic
	edPublic
)

// algorithms are all that there are. What is not here is never accepted,
// whatever a Policy lists: "none" above all.
var algorithms = func() map[string]*algorithm {
	list := []algorithm{
		// RFC 7518, section 3.2: a secret must be at least as long as the hash.
		{name: "HS256", usual: true, method: gojwt.SigningMethodHS256, kind: secret, size: 32},
		{name: "HS384", method: gojwt.SigningMethodHS384, kind: secret, size: 48},
		{name: "HS512", method: gojwt.SigningMethodHS512, kind: secret, size: 64},

		{name: "RS256", usual: true, method: gojwt.SigningMethodRS256, kind: rsaPublic},
		{name: "RS384", method: gojwt.SigningMethodRS384, kind: rsaPublic},
		{name: "RS512", method: gojwt.SigningMethodRS512, kind: rsaPublic},
		{name: "PS256", method: strictPSS(gojwt.SigningMethodPS256), kind: rsaPublic},
		{name: "PS384", method: strictPSS(gojwt.SigningMethodPS384), kind: rsaPublic},
		{name: "PS512", method: strictPSS(gojwt.SigningMethodPS512), kind: rsaPublic},

		{name: "ES256", usual: true, method: gojwt.SigningMethodES256, kind: ecPublic, curve: elliptic.P256()},
		{name: "ES384", usual: true, method: gojwt.SigningMethodES384, kind: ecPublic, curve: elliptic.P384()},
		{name: "ES512", usual: true, method: gojwt.SigningMethodES512, kind: ecPublic, curve: elliptic.P521()},

		// Two names of one algorithm: RFC 9864 deprecates the first.
		{name: "EdDSA", usual: true, method: gojwt.SigningMethodEdDSA, kind: edPublic},
		{name: "Ed25519", usual: true, method: gojwt.SigningMethodEdDSA, kind: edPublic},
	}
	m := make(map[string]*algorithm, len(list))
	for i := range list {
		m[list[i].name] = &list[i]
	}
	return m
}()

// strictPSS returns m for salts as long as the hash, as RFC 7518, section 3.5,
// asks. As it is, m takes a salt of any length.
func strictPSS(m *gojwt.SigningMethodRSAPSS) *gojwt.SigningMethodRSAPSS {
	options := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
	return &gojwt.SigningMethodRSAPSS{SigningMethodRSA: m.SigningMethodRSA, Options: options, VerifyOptions: options}
}

// unfit says why k must not verify what was signed with a, and nothing if it
// may. listed says that the Policy lists a, so that a need not be the usual
// algorithm of keys like k.
func (a *algorithm) unfit(k *Key, listed bool) string {
	if why := a.unfitMaterial(k); why != "" {
		return why
	}
	switch {
	case k.Use != "" && k.Use != "sig":
		return "its use is not sig"
	case k.Operations != nil && !slices.Contains(k.Operations, "verify"):
		return "its key_ops lack verify"
	case k.Algorithm != "" && k.Algorithm != a.name:
		return "its own alg is another"
	case k.Algorithm == "" && k.Public != nil && !k.Shared.IsZero():
		return "it is a public and a shared key, without the alg that tells which"
	case k.Algorithm == "" && !a.usual && !listed:
		return "it has no alg, and for its kind this one must be listed in Policy.Algorithms"
	}
	return ""
}

const otherKind = "it is a key of another kind"

// unfitMaterial is unfit by what the key is, rather than by what is said of it.
// That a point is on its curve is checked by crypto/ecdsa, each time.
func (a *algorithm) unfitMaterial(k *Key) string {
	switch a.kind {
	case secret:
		switch n := len(k.Shared.Reveal()); {
		case n == 0:
			return otherKind
		case n < a.size:
			return "it is a secret shorter than the algorithm's hash"
		}
	case rsaPublic:
		pub, ok := k.Public.(*rsa.PublicKey)
		if !ok || pub == nil || pub.N == nil {
			return otherKind
		}
		return weakRSA(pub)
	case ecPublic:
		pub, ok := k.Public.(*ecdsa.PublicKey)
		if !ok || pub == nil || pub.Curve == nil {
			return otherKind
		}
		if pub.Curve != a.curve {
			return "it is on another curve"
		}
	case edPublic:
		pub, ok := k.Public.(ed25519.PublicKey)
		if !ok || len(pub) != ed25519.PublicKeySize {
			return otherKind
		}
		return weakEd25519(pub)
	}
	return ""
}

// verify reports whether signature is that of signed under k, which fits.
func (a *algorithm) verify(signed string, signature []byte, k *Key) (good bool, err error) {
	defer func() {
		if recover() != nil { // what it says may have the key in it
			good, err = false, errPanic
		}
	}()
	var key crypto.PublicKey = k.Public
	if a.kind == secret {
		key = []byte(k.Shared.Reveal())
	}
	return a.method.Verify(signed, signature, key) == nil, nil
}
