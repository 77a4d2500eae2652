package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// An api decides which requests [hello] gets to see, as a [token.Verifier]. Once,
// from revokeAt on, it revokes a good token when it sees one.
type api struct {
	issuer   *issuer
	story    *story
	revokeAt time.Time

	refused atomic.Int64 // requests answered 401
	revoked atomic.Bool
}

// Verify implements [token.Verifier].
func (a *api) Verify(ctx context.Context, presented token.Secret) (token.Claims, error) {
	claims, err := a.issuer.Verify(ctx, presented)
	if err == nil && !time.Now().Before(a.revokeAt) && a.revoked.CompareAndSwap(false, true) {
		a.issuer.revoke(presented)
		a.story.tell("api", red, "revokes the token in use: 401 to whoever brings it")
		err = token.ErrRevoked
	}
	if errors.Is(err, token.ErrInvalid) {
		a.refused.Add(1)
	}
	return claims, err
}

// hello is all there is to the API. Only requests with a good token get here.
func hello(w http.ResponseWriter, r *http.Request) {
	claims, _ := token.FromContext(r.Context())
	fmt.Fprintf(w, "hello, %s\n", claims.Subject)
}
