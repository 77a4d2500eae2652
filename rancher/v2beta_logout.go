package rancher

import (
	"context"
	"net/http"

	"github.com/tokenlife/tokenlife/token"
)

// Logout revokes a token (DELETE /v2-beta/token/current). One that has expired,
// was revoked or never was is no error: none of them can be used any more.
//
// It is sent as a cookie, whatever it is otherwise sent as: after Authorization:
// Bearer the server looks for the token in a place where it is not, and revokes
// nothing.
func (c *V2Beta) Logout(ctx context.Context, tok token.Secret) error {
	ask := call{op: "log out", method: http.MethodDelete, path: "/v2-beta/token/current", header: v2betaHeader()}
	text, err := v2betaText(tok)
	if err != nil {
		return ask.fail(err)
	}
	ask.present = func(r *http.Request) { setV2BetaCookie(r, text) }
	a, err := c.Server.do(ctx, ask)
	switch {
	case err != nil:
		return err
	case a.status == http.StatusNoContent:
		return nil
	case a.status == http.StatusInternalServerError && read(a).code == "JWTNotProvided":
		return nil // it does not find it
	}
	return v2betaError(a)
}
