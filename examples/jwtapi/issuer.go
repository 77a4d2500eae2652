package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	gojwt "github.com/golang-jwt/jwt/v5"

	"github.com/tokenlife/tokenlife/token"
)

// An issuer signs tokens and publishes its key, as an OpenID Connect provider
// does. It can replace its key, and be down.
type issuer struct {
	url string

	mu      sync.Mutex
	key     *ecdsa.PrivateKey
	rotated int // how often
	down    bool
}

// rotate gives the issuer a new key, and withdraws the old one.
func (i *issuer) rotate() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.key = key
	i.rotated++
	return nil
}

// setDown has the issuer fail, or answer again.
func (i *issuer) setDown(down bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.down = down
}

// ServeHTTP answers with the discovery document and the key set.
func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.down {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		json.NewEncoder(w).Encode(map[string]string{"issuer": i.url, "jwks_uri": i.url + "/keys"})
	case "/keys":
		json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
			{Key: &i.key.PublicKey, KeyID: i.kid(), Algorithm: "ES256", Use: "sig"},
		}})
	default:
		http.NotFound(w, r)
	}
}

// kid names the key. The caller holds mu.
func (i *issuer) kid() string { return fmt.Sprintf("key-%d", i.rotated) }

// mint returns a token for alice that the API takes for an hour, but for what
// changes say.
func (i *issuer) mint(changes gojwt.MapClaims) token.Secret {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.sign(gojwt.SigningMethodES256, i.key, changes)
}

// sign returns a token signed in any way. The caller holds mu.
func (i *issuer) sign(method gojwt.SigningMethod, key any, changes gojwt.MapClaims) token.Secret {
	now := time.Now()
	claims := gojwt.MapClaims{
		"iss": i.url, "sub": "alice", "aud": audience, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	maps.Copy(claims, changes)
	t := gojwt.NewWithClaims(method, claims)
	t.Header["kid"] = i.kid()
	text, err := t.SignedString(key)
	if err != nil {
		panic(err) // the keys are made for the methods
	}
	return token.NewSecret(text)
}
