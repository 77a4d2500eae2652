package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"

	gojwt "github.com/golang-jwt/jwt/v5"

	"github.com/tokenlife/tokenlife/token"
)

// What someone can make who has no key of the issuer, but knows all that it
// publishes.

// none is no token at all.
var none token.Secret

// tampered returns a signed token with one word of its claims replaced.
func tampered(t token.Secret, old, new string) token.Secret {
	part := strings.Split(t.Reveal(), ".")
	claims, err := base64.RawURLEncoding.DecodeString(part[1])
	if err != nil {
		panic(err)
	}
	part[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(claims), old, new, 1)))
	return token.NewSecret(strings.Join(part, "."))
}

// strangers returns a token signed with another key under the same kid.
func (i *issuer) strangers() token.Secret {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.sign(gojwt.SigningMethodES256, key, nil)
}

// unsigned returns a token that says that it needs no signature.
func (i *issuer) unsigned() token.Secret {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.sign(gojwt.SigningMethodNone, gojwt.UnsafeAllowNoneSignatureType, nil)
}

// confused returns a token whose alg asks to take the public key for a secret,
// which everybody knows.
func (i *issuer) confused() token.Secret {
	i.mu.Lock()
	defer i.mu.Unlock()
	der, err := x509.MarshalPKIXPublicKey(&i.key.PublicKey)
	if err != nil {
		panic(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	return i.sign(gojwt.SigningMethodHS256, public, nil)
}
