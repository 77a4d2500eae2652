package jwe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/internal/jose"
	"github.com/tokenlife/tokenlife/skew"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// A Policy says which tokens to accept that are claims encrypted under a shared
// secret. It is a [token.Verifier].
//
// The fields must be set before first use. A Policy is then safe for concurrent
// use.
type Policy struct {
	// Keys finds the secrets. Required. Keys of other kinds are not used.
	Keys jwt.KeySet

	// Issuer, Audience, MaxAge, Leeway, Clock and Now are as those of
	// [jwt.Policy], and so are AnyIssuer and AnyAudience.
	Issuer      string
	AnyIssuer   bool
	Audience    []string
	AnyAudience bool

	// Algorithms are the algorithms accepted: dir, A128KW, A192KW and A256KW.
	// Nil means the one that each key's alg names, and dir for a key without
	// alg. Keys without alg can be used with any that is listed here and fits
	// their size; a key's alg always holds.
	Algorithms []string

	// Type is the typ that a token's header must have, as in [jwt.Policy]. Empty
	// means any.
	Type string

	MaxAge time.Duration
	Leeway jwt.Leeway
	Clock  *skew.Clock
	Now    func() time.Time
}

// Verify returns the claims of a token that the Policy accepts. It implements
// [token.Verifier].
//
// The token is looked at in this order, and the error is of the first fault:
// its form, its typ included ([token.ErrMalformed]); its algorithm and key
// ([token.ErrSignature]); the form of the claims ([token.ErrMalformed]); and the
// claims, as [jwt.Policy.CheckClaims] does, exp being required.
//
// A token that names no key is tried with all that fit its algorithm, up to 16.
// An error of Keys is returned as it is, but for one that matches
// [token.ErrInvalid]: see [token.Refused].
func (p *Policy) Verify(ctx context.Context, presented token.Secret) (token.Claims, error) {
	if err := p.complete(); err != nil {
		return token.Claims{}, err
	}
	claims, err := p.open(ctx, presented.Reveal())
	if err == nil {
		err = p.rules().CheckClaims(claims)
	}
	if err == nil {
		return claims, nil
	}
	if fault := p.Check(); fault != nil { // not the token's, then
		err = fault
	}
	return token.Claims{}, err
}

// Check reports what is missing or wrong in the Policy, so that a program can
// fail at its start rather than with its first token. It does not look at the
// keys themselves.
func (p *Policy) Check() error {
	if err := p.complete(); err != nil {
		return err
	}
	// Rules that lack something say so of any claims.
	if err := p.rules().CheckClaims(token.Claims{}); !errors.Is(err, token.ErrInvalid) {
		return err
	}
	return nil
}

// complete is Check but for the rules of claims.
func (p *Policy) complete() error {
	if p == nil {
		return errors.New("jwe: the Policy is nil")
	}
	return incomplete("Policy", p.Keys, checkAlgorithms(p.Algorithms, secret))
}

// rules are those that claims are judged by.
func (p *Policy) rules() *jwt.Policy {
	return &jwt.Policy{
		Issuer: p.Issuer, AnyIssuer: p.AnyIssuer,
		Audience: p.Audience, AnyAudience: p.AnyAudience,
		MaxAge: p.MaxAge, Leeway: p.Leeway, Clock: p.Clock, Now: p.Now,
	}
}

// open returns the claims in a token, whatever they are.
func (p *Policy) open(ctx context.Context, text string) (token.Claims, error) {
	c, err := parseCompact(text)
	if err != nil {
		return token.Claims{}, err
	}
	switch a := algorithms[c.header.Algorithm]; {
	case jose.SameType(c.header.ContentType, "JWT"):
		return token.Claims{}, malformed("header", errors.New("cty: JWT, so there is a token in it: use the Policy of package jwt, with a Decrypter as its Decrypt"))
	case p.Type != "" && !jose.SameType(c.header.Type, p.Type):
		return token.Claims{}, malformed("header", fmt.Errorf("typ: not the %.100q that this Policy asks for: is it a token of another kind?", p.Type))
	case a != nil && a.kind != secret:
		return token.Claims{}, notDecrypted("alg: " + a.name + ", which encrypts under a public key, and whoever has that could have made the token: it must be signed inside, and judged by the Policy of package jwt")
	}
	plaintext, err := c.decrypt(ctx, p.Keys, p.Algorithms)
	if err != nil {
		return token.Claims{}, err
	}
	return token.ParseClaims(plaintext)
}
