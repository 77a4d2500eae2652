package oidcprovider

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// newKey makes a signing key with a new kid, as a private JWK.
func newKey(algorithm string) (json.RawMessage, error) {
	var key any
	var err error
	switch algorithm {
	case "ES256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "RS256":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "EdDSA":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		err = fmt.Errorf("no algorithm %q; there are ES256, RS256 and EdDSA", algorithm)
	}
	if err != nil {
		return nil, fmt.Errorf("making a key for node-oidc-provider: %w", err)
	}
	return json.Marshal(jose.JSONWebKey{Key: key, KeyID: rand.Text(), Algorithm: algorithm, Use: "sig"})
}
