package rancher

import (
	"context"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// A V2BetaSource logs in to Rancher 1.6 on each call. It is a [token.Source];
// wrap it in refresh.New, which calls it ahead of the token's expiry.
//
// Set its fields before first use; it must not be copied afterwards.
type V2BetaSource struct {
	Client *V2Beta // required

	// Credentials are what to log in with. They are asked for at each login, so
	// that nothing need keep a password in between. Required.
	Credentials func(ctx context.Context) (Credentials, error)

	// Lifetime is how long a token is good; 0 means what the server's setting
	// api.auth.jwt.token.expiry says, if the user may read that, and 16 hours
	// otherwise, which is its default.
	Lifetime time.Duration
}

// Token implements [token.Source].
func (s *V2BetaSource) Token(ctx context.Context) (token.Token, error) {
	return token.Token{}, errTODO
}

// Close revokes the tokens that s has got and that may still be good.
func (s *V2BetaSource) Close(ctx context.Context) error { return errTODO }
