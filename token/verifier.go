package token

import (
	"context"
	"errors"
)

// A Verifier decides whether a presented token is good and whom it speaks for.
//
// To ask more of tokens than a Verifier does, wrap it in a [VerifierFunc], and
// return errors that match [ErrInvalid] for what the token is at fault for.
type Verifier interface {
	// Verify returns the claims of a good token. The error matches
	// [ErrInvalid] if the token is at fault; any other error means that no
	// answer could be had. Verify is safe for concurrent use.
	Verify(ctx context.Context, presented Secret) (Claims, error)
}

// VerifierFunc is a function used as a [Verifier].
type VerifierFunc func(ctx context.Context, presented Secret) (Claims, error)

// Verify calls f.
func (f VerifierFunc) Verify(ctx context.Context, presented Secret) (Claims, error) {
	if f == nil {
		return Claims{}, errors.New("token: the VerifierFunc is nil")
	}
	return f(ctx, presented)
}
