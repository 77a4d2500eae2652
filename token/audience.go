package token

import (
	"context"
	"fmt"
	"slices"
)

// HasAudience reports whether audience, to the letter, is one of c.Audience.
func (c Claims) HasAudience(audience string) bool {
	return slices.Contains(c.Audience, audience)
}

// ForAudience returns a Verifier that refuses, with [ErrAudience], what v
// approves for none of the given audiences, or without saying for whom. It is
// for a server whose routes have different audiences and one v that takes any:
//
//	v := &token.VerifierCache{Verifier: &jwt.Policy{AnyAudience: true, …}}
//	mux.Handle("/orders/", token.Require(token.ForAudience(v, "https://orders.example"), orders))
//	mux.Handle("/stock/", token.Require(token.ForAudience(v, "https://stock.example"), stock))
//
// ForAudience panics, rather than let requests in, if v is nil, or if there is
// no audience or an empty one.
func ForAudience(v Verifier, audience ...string) Verifier {
	if v == nil || len(audience) == 0 || slices.Contains(audience, "") {
		panic("token: ForAudience needs a Verifier and audiences that are not empty")
	}
	audience = slices.Clone(audience)
	return VerifierFunc(func(ctx context.Context, presented Secret) (Claims, error) {
		claims, err := v.Verify(ctx, presented)
		if err != nil {
			return Claims{}, err
		}
		if !slices.ContainsFunc(audience, claims.HasAudience) {
			some := claims.Audience[:min(3, len(claims.Audience))] // there may be thousands
			return Claims{}, fmt.Errorf("%w: the token's aud is %+.100q, none of %q: ask its issuer for one that is", ErrAudience, some, audience)
		}
		return claims, nil
	})
}
