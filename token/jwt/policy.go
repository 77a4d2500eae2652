package jwt

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tokenlife/tokenlife/skew"
	"github.com/tokenlife/tokenlife/token"
)

// A Policy says which JWTs to accept. It is a [token.Verifier].
//
// The fields must be set before first use. A Policy is then safe for concurrent
// use.
type Policy struct {
	// Keys finds the keys that verify signatures. Required.
	Keys KeySet

	// Issuer is the iss that a token must have, to the letter. Required, unless
	// AnyIssuer.
	Issuer    string
	AnyIssuer bool

	// Audience lists the names of this service; one of them must be in a
	// token's aud. Required, unless AnyAudience: a token for another service
	// could be sent here by that service.
	Audience    []string
	AnyAudience bool

	// Algorithms are the signature algorithms accepted, such as "RS256". Nil
	// means the one that each key's alg names, and for a key without alg the
	// usual one of its kind: RS256, ES256 on P-256, ES384 on P-384, ES512 on
	// P-521, HS256, and on Ed25519 EdDSA, under that name or as Ed25519 (RFC
	// 9864). Keys without alg can be used with any that is listed here and fits
	// their kind; a key's alg always holds.
	Algorithms []string

	// Type is the typ that a token's header must have, such as "at+jwt" (RFC
	// 9068), in any case and with or without "application/"; for an encrypted
	// token it is the header of the signed one inside. Empty means any. Set it
	// where the issuer signs several kinds of tokens with one key: without it an
	// ID token passes for an access token.
	Type string

	// Decrypt opens tokens that are encrypted around a signed one (RFC 7519,
	// appendix A.2), and say so with a cty of "JWT"; nil refuses them. Package
	// token/jwe has one. A token that is encrypted and not signed is always
	// refused: whoever has the public key could have made it.
	Decrypt Decrypter

	// MaxAge refuses tokens issued longer ago, by iat, however late they
	// expire; 0 and less mean any age. With it iat is required.
	MaxAge time.Duration

	// Leeway is how far the issuer's clock may be from Now, claim by claim.
	Leeway Leeway

	// Clock, if not nil, is an estimate of the issuer's clock, which can only
	// refuse: a token must be good by Now and by Clock too, where Clock counts
	// as at most 5 minutes from Now. It must not learn from anything that those
	// who present tokens can influence.
	Clock *skew.Clock

	// Now tells the time; nil means [time.Now].
	Now func() time.Time
}

// Leeway says, claim by claim, how far a clock may be off before a token is
// outside its lifetime. Zero means [skew.DefaultLeeway], negative means none.
//
// Kubernetes allows a minute each way: a service that must accept what its API
// server accepts sets all three to [KubernetesLeeway].
type Leeway struct {
	Expiry    time.Duration // how long after exp, and past MaxAge
	NotBefore time.Duration // how long before nbf
	IssuedAt  time.Duration // how long before iat
}

// KubernetesLeeway is the leeway of kube-apiserver, for each claim.
const KubernetesLeeway = time.Minute

// A Decrypter opens compact JWEs (RFC 7516).
type Decrypter interface {
	// Decrypt returns what sealed was made of. The error matches
	// [token.ErrInvalid] if sealed is at fault.
	Decrypt(ctx context.Context, sealed token.Secret) (plaintext []byte, err error)
}

// Verify returns the claims of a token that the Policy accepts. It implements
// [token.Verifier].
//
// The token is looked at in this order, and the error is of the first fault:
// its form, its typ included ([token.ErrMalformed]); its algorithm, key and
// signature ([token.ErrSignature]); its dates ([token.ErrMalformed] if they are
// missing or contradict each other, [token.ErrExpired], [token.ErrNotYetValid]);
// its issuer ([token.ErrIssuer]); its audience ([token.ErrAudience]). So
// whatever is said of the claims is said of a token that the issuer signed.
//
// No key is asked for before the form and the algorithm are known to be good. A
// token that names no key is tried with all that fit its algorithm, up to 16.
// Where its header says that a key could be found (jku, jwk, x5u, x5c), nobody
// looks.
//
// An error of Keys is returned as it is, but for one that matches
// [token.ErrInvalid], which could be taken for a verdict: see [token.Refused].
// The context is for Keys and Decrypt.
func (p *Policy) Verify(ctx context.Context, presented token.Secret) (token.Claims, error) {
	if err := p.complete(true); err != nil {
		return token.Claims{}, err
	}
	return p.verify(ctx, presented)
}

// CheckClaims applies to c what the Policy says of claims: dates, Issuer,
// Audience and MaxAge, with the errors of Verify. It is for claims that have
// been authenticated in some other way; it needs no Keys.
func (p *Policy) CheckClaims(c token.Claims) error {
	if err := p.complete(false); err != nil {
		return err
	}
	return p.checkClaims(&c)
}

// checkClaims is CheckClaims of a Policy that is complete.
func (p *Policy) checkClaims(c *token.Claims) error {
	if err := p.checkDates(c); err != nil {
		return err
	}
	if !p.AnyIssuer && c.Issuer != p.Issuer {
		return fmt.Errorf("%w: %+.100q, and this Policy is for %+.100q", token.ErrIssuer, c.Issuer, p.Issuer)
	}
	if p.AnyAudience {
		return nil
	}
	for _, name := range c.Audience {
		if slices.Contains(p.Audience, name) {
			return nil
		}
	}
	return fmt.Errorf("%w: %s, and this Policy is for %s", token.ErrAudience, few(c.Audience), few(p.Audience))
}

// few prints the first of what may be many strings of any length.
func few(list []string) string {
	const most = 3
	switch n := len(list); {
	case n == 0:
		return "none"
	case n > most:
		return fmt.Sprintf("%+.100q and %d more", list[:most], n-most)
	}
	return fmt.Sprintf("%+.100q", list)
}
