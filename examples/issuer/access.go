package main

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"time"

	gojwt "github.com/golang-jwt/jwt/v5"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// What the service calls itself as an issuer, and its API.
const (
	issuerName = "https://issuer.example"
	audience   = "https://api.example"
)

// lifetime is that of an access token. Nobody asks the store about one, so that
// it outlives a logout by up to this.
const lifetime = 5 * time.Minute

// accessTokens are JSON Web Tokens, authenticated with a key derived from the
// first of the keys, and taken if it is one of any.
type accessTokens []jwt.Key

func newAccessTokens(keys []token.Secret) (accessTokens, error) {
	var a accessTokens
	for _, k := range keys {
		id, err := hkdf.Key(sha256.New, []byte(k.Reveal()), nil, "access token key ID", 6)
		if err != nil {
			return nil, err
		}
		key, err := hkdf.Key(sha256.New, []byte(k.Reveal()), nil, "access tokens", 32)
		if err != nil {
			return nil, err
		}
		a = append(a, jwt.Key{ID: hex.EncodeToString(id), Algorithm: "HS256", Shared: token.NewSecret(string(key))})
	}
	return a, nil
}

// policy says which are taken.
func (a accessTokens) policy() *jwt.Policy {
	return &jwt.Policy{Issuer: issuerName, Audience: []string{audience}, Keys: jwt.Keys(a)}
}

// mint makes one.
func (a accessTokens) mint(_ context.Context, g refresh.Grant) (token.Token, error) {
	now := time.Now()
	t := gojwt.NewWithClaims(gojwt.SigningMethodHS256, gojwt.MapClaims{
		"iss": issuerName, "sub": g.Subject, "aud": g.Audience, "scope": g.Scope, "sid": g.Session,
		"iat": now.Unix(), "exp": now.Add(lifetime).Unix(), "jti": rand.Text(), // no two are the same
	})
	t.Header["kid"] = a[0].ID
	text, err := t.SignedString([]byte(a[0].Shared.Reveal()))
	return token.Token{Value: token.NewSecret(text), ExpiresIn: lifetime}, err
}
