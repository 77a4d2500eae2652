package jwt

import (
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/tokenlife/tokenlife/internal/jose"
	"github.com/tokenlife/tokenlife/internal/strictjson"
)

// jwkLimits leave room for maxKeys keys.
var jwkLimits = strictjson.Limits{Size: maxKeysSize, Count: 64 * maxKeys}

// parseJSON reads a set of keys, which has a member keys, or one key, which is
// not published alone.
func (p *keyParser) parseJSON(text string) error {
	isSet := false
	r := strictjson.NewReader(text, jwkLimits)
	for name := range r.Object() {
		if name != "keys" {
			continue
		}
		isSet = true
		for range r.Array() {
			if err := p.add(p.parseJWK(r.Raw())); err != nil {
				return err
			}
		}
	}
	if err := strictjson.Placed(r.End(), "keys"); err != nil {
		return fmt.Errorf("JSON: %w", err)
	}
	switch {
	case isSet:
		return nil
	case p.published:
		return errors.New("no JSON Web Key Set: it has no member keys")
	}
	return p.add(p.parseJWK(text))
}

// parseJWK reads one JSON Web Key. What says how it may be used is read here;
// of the rest, what a key is made of is given to go-jose, and nothing else: what
// is wrong with a certificate that comes along is no concern of ours.
func (p *keyParser) parseJWK(raw string) (Key, error) {
	var k Key
	made, secret := map[string]string{}, false
	r := strictjson.NewReader(raw, jwkLimits)
	for name := range r.Object() {
		switch name {
		case "kid":
			k.ID = r.Text()
		case "alg":
			k.Algorithm = r.Text()
		case "use":
			k.Use = r.Text()
		case "key_ops":
			k.Operations = r.Texts()
		case "kty", "crv":
			made[name] = r.Text()
		case "d", "p", "q", "dp", "dq", "qi", "k":
			secret = true
			fallthrough
		case "n", "e", "x", "y":
			made[name] = r.Text()
			if err := jose.Check(made[name]); err != nil {
				r.Fail(strictjson.Reason(err.Error()))
			}
		}
	}
	if err := strictjson.Placed(r.End(), "kty", "kid", "alg", "use", "key_ops", "crv",
		"n", "e", "d", "p", "q", "dp", "dq", "qi", "x", "y", "k"); err != nil {
		return Key{}, err
	}
	if secret && p.published {
		return Key{}, errors.New("it is published with its secret, so that anyone can sign with it: replace it")
	}
	material, err := parseMaterial(made)
	if err != nil {
		return Key{}, err
	}
	m, err := keyOf(material)
	k.Public, k.Private, k.Shared = m.Public, m.Private, m.Shared
	return k, err
}

// parseMaterial reads the members that a key is made of (RFC 7518, section 6;
// RFC 8037, section 2).
func parseMaterial(made map[string]string) (material any, err error) {
	switch made["kty"] {
	case "":
		return nil, errors.New("kty: missing or empty")
	case "RSA":
		n, _ := jose.Decode(nil, made["n"])
		if new(big.Int).SetBytes(n).BitLen() > maxRSA { // before anything is computed with it
			return nil, errors.New(largeRSA)
		}
	case "EC":
		if !slices.Contains([]string{"P-256", "P-384", "P-521"}, made["crv"]) {
			return nil, errors.New("crv: not known here")
		}
	case "oct":
	case "OKP":
		if made["crv"] != "Ed25519" {
			return nil, errors.New("crv: not known here")
		}
	default:
		return nil, errors.New("kty: not known here")
	}
	defer func() {
		if recover() != nil {
			material, err = nil, errNotKey
		}
	}()
	raw, err := json.Marshal(made)
	if err != nil {
		return nil, errNotKey
	}
	var jwk gojose.JSONWebKey
	if jwk.UnmarshalJSON(raw) != nil { // what it says may have the key in it
		return nil, errNotKey
	}
	if private, ok := jwk.Key.(*ecdsa.PrivateKey); ok && !matches(private) {
		return nil, errNotKey
	}
	return jwk.Key, nil
}

var errNotKey = errors.New("it is not a whole key of its kty, or not a good one (RFC 7518, section 6)")

// matches reports whether the two halves of a key are of each other, which
// go-jose leaves open.
func matches(private *ecdsa.PrivateKey) bool {
	d, err := private.ECDH()
	if err != nil {
		return false
	}
	public, err := private.PublicKey.ECDH()
	return err == nil && d.PublicKey().Equal(public)
}
