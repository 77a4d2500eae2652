package jwe_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"time"

	gojwt "github.com/golang-jwt/jwt/v5"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwe"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// Claims that two services which share a secret hide from everybody else.
func ExamplePolicy() {
	ctx := context.Background()
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	secret := make([]byte, 32)
	rand.Read(secret)
	key := jwt.Key{ID: "2026-11", Shared: token.NewSecret(string(secret))}

	claims := `{"iss":"https://login.example","aud":"billing","sub":"mira","exp":1795352400}` // 13:00
	tok, err := jwe.Encrypt(key, []byte(claims), jwe.Header{Type: "JWT"})
	if err != nil {
		fmt.Println(err)
		return
	}

	p := &jwe.Policy{
		Keys:     jwt.Keys{key},
		Issuer:   "https://login.example",
		Audience: []string{"billing"},
		Now:      func() time.Time { return noon },
	}
	c, err := p.Verify(ctx, tok)
	fmt.Println(c.Subject, err)

	p.Now = func() time.Time { return noon.Add(2 * time.Hour) }
	_, err = p.Verify(ctx, tok)
	fmt.Println("expired:", errors.Is(err, token.ErrExpired))

	// Output:
	// mira <nil>
	// expired: true
}

// A signed token, encrypted for the one service that may read it.
func ExampleDecrypter() {
	ctx := context.Background()
	issuer, issuerKey, _ := ed25519.GenerateKey(rand.Reader)
	serviceKey, _ := rsa.GenerateKey(rand.Reader, 2048)

	// The issuer signs, then encrypts.
	signed, err := gojwt.NewWithClaims(gojwt.SigningMethodEdDSA, gojwt.MapClaims{
		"iss": "https://login.example", "aud": "billing", "sub": "mira",
		"exp": time.Now().Add(time.Hour).Unix(),
	}).SignedString(issuerKey)
	if err != nil {
		fmt.Println(err)
		return
	}
	tok, err := jwe.Encrypt(jwt.Key{Public: &serviceKey.PublicKey}, []byte(signed), jwe.Header{ContentType: "JWT"})
	if err != nil {
		fmt.Println(err)
		return
	}

	// The service decrypts, then verifies.
	p := &jwt.Policy{
		Decrypt:  &jwe.Decrypter{Keys: jwt.Keys{{Private: serviceKey}}},
		Keys:     jwt.Keys{{Public: issuer}},
		Issuer:   "https://login.example",
		Audience: []string{"billing"},
	}
	c, err := p.Verify(ctx, tok)
	fmt.Println(c.Subject, err)

	// What is encrypted and not signed anybody could have made.
	tok, err = jwe.Encrypt(jwt.Key{Public: &serviceKey.PublicKey}, []byte(`{"sub":"mira"}`), jwe.Header{ContentType: "JWT"})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = p.Verify(ctx, tok)
	fmt.Println(errors.Is(err, token.ErrSignature))

	// Output:
	// mira <nil>
	// true
}

// A session of the Kubernetes Dashboard, refreshed.
func ExampleDashboard() {
	ctx := context.Background()
	clock := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	key, _ := rsa.GenerateKey(rand.Reader, 2048)
	d := &jwe.Dashboard{
		Keys: jwt.Keys{{Private: key}},
		TTL:  15 * time.Minute,
		Now:  func() time.Time { return clock },
	}
	tok, err := d.Seal(ctx, token.NewSecret(`{"LocationOfOrigin":"","token":"a-bearer-token"}`))
	if err != nil {
		fmt.Println(err)
		return
	}

	clock = clock.Add(10 * time.Minute)
	session, err := d.Open(ctx, tok)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("until", session.Expiry.Format(time.TimeOnly))
	next, err := d.Seal(ctx, session.Credential)
	if err != nil {
		fmt.Println(err)
		return
	}

	clock = clock.Add(10 * time.Minute)
	_, err = d.Open(ctx, tok)
	fmt.Println("expired:", errors.Is(err, token.ErrExpired))
	session, err = d.Open(ctx, next)
	fmt.Println("until", session.Expiry.Format(time.TimeOnly), err)

	// Output:
	// until 12:15:00
	// expired: true
	// until 12:25:00 <nil>
}
