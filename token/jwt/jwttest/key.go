package jwttest

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"

	gojwt "github.com/golang-jwt/jwt/v5"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// A key signs for one algorithm. The private part is out of reach of what
// prints, within sign.
type key struct {
	jwt.Key // to verify
	sign    func(text string) ([]byte, error)
}

// newKey makes a key for the algorithm.
func newKey(id, algorithm string) (*key, error) {
	method := gojwt.GetSigningMethod(algorithm)
	public, private, err := generate(method)
	if err != nil {
		return nil, fmt.Errorf("jwttest: a key for Algorithm %q: %w", algorithm, err)
	}
	k := &key{
		Key:  jwt.Key{ID: id, Algorithm: algorithm, Use: "sig", Public: public},
		sign: func(text string) ([]byte, error) { return method.Sign(text, private) },
	}
	if secret, ok := private.([]byte); ok {
		k.Shared = token.NewSecret(string(secret))
	}
	return k, nil
}

// generate makes what method signs with. There is no public part to a
// symmetric key.
func generate(method gojwt.SigningMethod) (public crypto.PublicKey, private any, err error) {
	switch m := method.(type) {
	case *gojwt.SigningMethodECDSA:
		curve := map[int]elliptic.Curve{256: elliptic.P256(), 384: elliptic.P384(), 521: elliptic.P521()}[m.CurveBits]
		private, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			return nil, nil, err
		}
		return &private.PublicKey, private, nil
	case *gojwt.SigningMethodRSA, *gojwt.SigningMethodRSAPSS:
		private, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, nil, err
		}
		return &private.PublicKey, private, nil
	case *gojwt.SigningMethodEd25519:
		return ed25519.GenerateKey(rand.Reader)
	case *gojwt.SigningMethodHMAC:
		secret := make([]byte, m.Hash.Size()) // RFC 7518, section 3.2: no less
		rand.Read(secret)
		return nil, secret, nil
	}
	return nil, nil, errors.New("golang-jwt has no such signing method")
}

// Rotate replaces the key, as after a theft: the old one is published no more,
// and tokens it signed are no longer good.
func (i *Issuer) Rotate() {
	i.tb.Helper()
	i.AddKey()
	i.Withdraw()
}

// AddKey makes a new key, which signs from now on. The old ones are still
// published until [Issuer.Withdraw].
func (i *Issuer) AddKey() {
	i.tb.Helper()
	i.signer() // or there is no old one
	i.mu.Lock()
	defer i.mu.Unlock()
	if err := i.add(); err != nil {
		i.tb.Fatal(err)
	}
}

// Withdraw ends the publication of all keys but the newest.
func (i *Issuer) Withdraw() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if n := len(i.kept); n > 1 {
		i.kept = i.kept[n-1:]
	}
}

// Keys returns the keys that are good now, as the Issuer knows them, without a
// request and whether it is up or down. It implements [jwt.KeySet], for tests
// of what needs some key set, and for symmetric keys, which no issuer
// publishes.
func (i *Issuer) Keys(_ context.Context, keyID string) ([]jwt.Key, error) {
	kept, err := i.all()
	if err != nil {
		return nil, err
	}
	var found []jwt.Key
	for _, k := range kept {
		if keyID == "" || k.ID == keyID {
			found = append(found, k.Key)
		}
	}
	return found, nil
}

// signer returns the key that signs.
func (i *Issuer) signer() *key {
	i.tb.Helper()
	kept, err := i.all()
	if err != nil {
		i.tb.Fatal(err)
	}
	return kept[len(kept)-1]
}

// all returns the keys that are good, and sees to it that there is one.
func (i *Issuer) all() ([]*key, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.kept) == 0 {
		if err := i.add(); err != nil {
			return nil, err
		}
	}
	return i.kept, nil
}

// add makes a key. The caller holds mu.
func (i *Issuer) add() error {
	i.made++
	algorithm := i.Algorithm
	if algorithm == "" {
		algorithm = "ES256"
	}
	k, err := newKey(fmt.Sprintf("key-%d", i.made), algorithm)
	if err != nil {
		return err
	}
	i.kept = append(i.kept, k)
	return nil
}
