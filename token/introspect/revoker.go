package introspect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// A Revoker has tokens revoked by their issuer (RFC 7009), as when a user logs
// out.
//
// The fields must be set before first use. A Revoker is then safe for concurrent
// use.
type Revoker struct {
	// URL is the revocation endpoint: https, or http to a literal loopback
	// address. Required.
	URL string

	// Auth proves to the endpoint who is asking, which must be the client that
	// the token was issued to. Required; [ClientID] for a public client.
	Auth Auth

	// Client makes the requests; nil means one of its own. Its redirects are
	// not followed.
	Client *http.Client

	// Timeout bounds one request; 0 means 10 seconds, negative means no bound.
	Timeout time.Duration

	// Insecure permits http to hosts other than loopback addresses: whoever is
	// on the way can read the tokens, and keep them from being revoked.
	Insecure bool
}

// Check returns an error that says which field is missing or wrong, if one is, so
// that a program can fail at its start. It sends nothing.
func (v *Revoker) Check() error {
	e, err := v.endpoint()
	if err == nil {
		err = e.check()
	}
	if err != nil {
		return fmt.Errorf("introspect: %w", err)
	}
	return nil
}

// endpoint returns what is to be asked, or an error if a field that is needed is
// not set.
func (v *Revoker) endpoint() (*endpoint, error) {
	if v == nil {
		return nil, errors.New("the Revoker is nil")
	}
	e := &endpoint{"Revoker", v.URL, v.Auth, v.Client, v.Timeout, v.Insecure}
	_, err := e.address()
	return e, err
}

// Revoke has tok revoked. A token that the issuer does not know is revoked
// already. To revoke a refresh token ends, with most issuers, the access tokens
// that came of it as well; the reverse is rare.
//
// The hint is what tok is, "access_token" or "refresh_token", and spares the
// issuer a search; empty means none.
//
// After an error tok must be taken to be good still; Revoke can be called again.
// If the endpoint refuses this service, the error matches [token.ErrRefused]. If
// it asks to come back later, [token.RetryAfter] says when.
func (v *Revoker) Revoke(ctx context.Context, tok token.Secret, hint string) error {
	e, err := v.endpoint()
	if err != nil {
		return fmt.Errorf("introspect: %w", err)
	}
	if err := presentable(tok); err != nil {
		return fmt.Errorf("introspect: nothing was revoked, since this cannot be a token: %w", err)
	}
	r, err := e.post(ctx, tok, hint)
	if err == nil && r.status != http.StatusOK && r.status != http.StatusNoContent {
		err = e.failure(r)
	}
	if err != nil {
		return fmt.Errorf("introspect: not revoked, so that the token may still be good: %w", err)
	}
	return nil
}
