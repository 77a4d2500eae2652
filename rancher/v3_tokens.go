package rancher

import (
	"context"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// A V3Token is what Rancher 2.x keeps of a token. The secret is not in it.
type V3Token struct {
	Name        string // "token-7d9xk"; no secret
	UserID      string
	Provider    string
	Description string
	Cluster     string // the only cluster it is good for; empty means all

	Created   time.Time
	Lifetime  time.Duration // granted; 0 is for ever
	ExpiresAt time.Time     // by the server's clock, computed if it does not say; zero is never

	Current bool // it is the token that asks
	Derived bool // it was made with another token, rather than by a login
	Expired bool
	Enabled bool

	LastUsed   time.Time // 2.10 and later; zero if it was not, or is not known
	LastActive time.Time // 2.11 and later: when a UserActivity was last recorded; zero if never

	Ext bool // it is one of ext.cattle.io
}

// A V3Request asks for a token.
type V3Request struct {
	Description string
	Cluster     string // the only cluster it is to be good for; empty means all

	// Lifetime is how long the token should live; 0 means 24 hours. The server
	// shortens it to its setting auth-token-max-ttl-minutes without a word: the
	// token says what was granted.
	Lifetime time.Duration

	// AnyLifetime asks for a token that lives for ever, which the server gives
	// if it has no maximum. Lifetime must be 0.
	AnyLifetime bool
}

// Create makes a token with the one that authorizes the call (POST /v3/tokens).
// Its secret is in the [token.Token], and not to be had again.
func (c *V3) Create(ctx context.Context, r V3Request) (token.Token, V3Token, error) {
	return token.Token{}, V3Token{}, errTODO
}

// Tokens lists the tokens of the user who asks, those of logins and expired ones
// among them (GET /v3/tokens). Those of ext.cattle.io are not.
func (c *V3) Tokens(ctx context.Context) ([]V3Token, error) { return nil, errTODO }

// Get returns one of the user's tokens (GET /v3/tokens/NAME).
func (c *V3) Get(ctx context.Context, name string) (V3Token, error) { return V3Token{}, errTODO }

// Delete revokes one of the user's tokens (DELETE /v3/tokens/NAME). One that is
// gone already is no error.
func (c *V3) Delete(ctx context.Context, name string) error { return errTODO }
