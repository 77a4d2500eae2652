package rancher

import (
	"context"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// A V3Source renews a token of Rancher 2.x: before it expires it makes the next
// with it, tries that, goes over to it, and deletes the one before. It is a
// [token.Source]; wrap it in refresh.New.
//
// Set its fields before first use; it must not be copied afterwards.
type V3Source struct {
	Client *V3 // required; its Source is not used

	// First supplies the token that the chain begins with: token.Static of an
	// API key, or a login. It is asked when there is no token to go on with.
	// Its token is never deleted. Required, unless the Store has a token.
	First token.Source

	// Lifetime is how long each token should live; 0 means 24 hours, negative
	// is an error. AnyLifetime takes tokens that live for ever from a server
	// without a maximum.
	Lifetime    time.Duration
	AnyLifetime bool

	// Until is how long after it began the chain ends; 0 means 90 days,
	// negative means never.
	Until time.Duration

	// Cluster confines the tokens to a cluster.
	Cluster string

	// Description is what administrators see beside the tokens; empty means
	// "tokenlife". A nonce is put behind it.
	Description string

	// Store keeps the token under Key, with what is needed to clear up after a
	// crash. A nil Store keeps it in memory.
	Store refresh.Store
	Key   string

	// OnEvent, if not nil, is told what happens. It must not block.
	OnEvent func(V3Event)
}

// A V3Event is what a V3Source tells its OnEvent.
type V3Event struct{}

// Token implements [token.Source].
func (s *V3Source) Token(ctx context.Context) (token.Token, error) {
	return token.Token{}, errTODO
}

// Invalidate implements [token.Invalidator].
func (s *V3Source) Invalidate(t token.Token) {}

// Close deletes every token that s has made.
func (s *V3Source) Close(ctx context.Context) error { return errTODO }
