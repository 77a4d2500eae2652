package main

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// verify returns an error unless an ID token is good (OpenID Connect Core 1.0, section
// 3.1.3.7). The nonce, if there is one, is that of the browser that was sent out: in
// another ID token somebody else has logged in.
func (l *login) verify(ctx context.Context, idToken token.Secret, nonce string) error {
	policy := &jwt.Policy{
		Issuer:   l.Issuer,
		Audience: []string{l.ClientID},
		Keys:     &jwt.Remote{Issuer: l.Issuer, Client: l.client()},
	}
	claims, err := policy.Verify(ctx, idToken)
	if err != nil {
		return fmt.Errorf("the issuer's ID token: %w", err)
	}
	var more struct {
		Nonce string `json:"nonce"`
		Party string `json:"azp"`
	}
	if err := claims.Decode(&more); err != nil {
		return errors.New("the issuer's ID token has a nonce or azp that is no text")
	}
	if nonce != "" && subtle.ConstantTimeCompare([]byte(more.Nonce), []byte(nonce)) != 1 {
		return errors.New("the issuer's ID token is not of this login: it has another nonce")
	}
	if more.Party != "" && more.Party != l.ClientID {
		return errors.New("the issuer's ID token was issued to another client, by its azp")
	}
	return nil
}
