package token

import "context"

// A Verifier decides whether a presented token is good and whom it speaks for.
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
	return f(ctx, presented)
}
