package refresh

import (
	"context"
	"errors"
	"time"

	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/token"
)

// pair returns the pair of a family as it is in r, and now.
func (i *Issuer) pair(ctx context.Context, family [16]byte, r *familyRow, access token.Token, now time.Time) (Pair, error) {
	t := refreshToken{family: family, generation: r.generation}
	if i.Subjects {
		if err := i.hideSubject(ctx, &t, r.grant.Subject); err != nil {
			return Pair{}, err
		}
	}
	secret, err := i.encode(ctx, t)
	if err != nil {
		return Pair{}, err
	}
	p := Pair{Access: access, Refresh: token.Token{Value: secret}}
	if end := i.goodUntil(r); !end.IsZero() {
		p.Refresh.ExpiresIn = end.Sub(now)
	}
	return p, nil
}

// mint calls Mint, and sees to it that what it returns says how long it is good.
func (i *Issuer) mint(ctx context.Context, g Grant) (t token.Token, err error) {
	err = panics.Call("Issuer.Mint", func() (err error) {
		t, err = i.Mint(ctx, g)
		return err
	})
	if err != nil {
		return token.Token{}, foreign("no access token from Mint", err)
	}
	if t.ExpiresIn == 0 && !t.Expiry.IsZero() {
		t.ExpiresIn = t.Expiry.Sub(i.now())
	}
	switch {
	case t.IsZero():
		return token.Token{}, errors.New("refresh: Issuer: Mint returned an empty access token and no error")
	case t.ExpiresIn <= 0:
		return token.Token{}, errors.New("refresh: Issuer: Mint made an access token that does not say how long it is good: set its ExpiresIn")
	}
	return t, nil
}
