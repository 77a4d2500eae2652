package jwe

import (
	"context"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// A Decrypter opens compact JWEs, for [jwt.Policy]'s Decrypt. What it opens is
// only as good as what is inside: see the package comment.
//
// The fields must be set before first use. A Decrypter is then safe for
// concurrent use.
type Decrypter struct {
	// Keys finds the keys that decrypt: private keys and shared secrets.
	// Required.
	Keys jwt.KeySet

	// Algorithms are the algorithms accepted. Nil means the one that each key's
	// alg names, and for a key without alg the usual ones of its kind: see the
	// package comment. Keys without alg can be used with any that is listed here
	// and fits their kind; a key's alg always holds.
	Algorithms []string
}

var _ jwt.Decrypter = (*Decrypter)(nil)

// Decrypt returns what sealed was made of. It implements [jwt.Decrypter].
//
// The error matches [token.ErrMalformed] if sealed is no compact JWE, and
// [token.ErrSignature] if it is not decrypted. An error of Keys is returned as
// it is, but for one that matches [token.ErrInvalid]: see [token.Refused].
func (d *Decrypter) Decrypt(ctx context.Context, sealed token.Secret) ([]byte, error) {
	if err := incomplete("Decrypter", d.Keys, checkAlgorithms(d.Algorithms, secret, rsaKey, ecKey)); err != nil {
		return nil, err
	}
	c, err := parseCompact(sealed.Reveal())
	if err != nil {
		return nil, err
	}
	return c.decrypt(ctx, d.Keys, d.Algorithms)
}
