package rancher

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

const (
	// v2betaLifetime is how long a token is good where nothing else is known.
	v2betaLifetime = 16 * time.Hour

	// longestV2BetaLifetime is the most that is believed.
	longestV2BetaLifetime = 10 * 365 * 24 * time.Hour
)

// Login logs in with what the configured provider takes: Username and Password
// for local users, OpenLDAP, Azure AD and Active Directory, Code for GitHub. SAML
// is for browsers only. The server has one provider at a time and ignores which
// one is named; if Credentials.Provider is set, it is sent as the UI sends it.
//
// The token's ExpiresIn is what the setting api.auth.jwt.token.expiry says, if
// the new token may read that; if not, what it said before, or 16 hours, which is
// its default. Expiry is that much after the answer's Date.
//
// An error that matches [ErrCredentials] is an answer: the next attempt with the
// same credentials gets the same, and may lock the user out.
func (c *V2Beta) Login(ctx context.Context, cr Credentials) (Login, error) {
	return c.login(ctx, cr, 0)
}

// login is Login for a token whose lifetime is known; 0 means that it is not.
func (c *V2Beta) login(ctx context.Context, cr Credentials, lifetime time.Duration) (Login, error) {
	ask := call{op: "log in", method: http.MethodPost, path: "/v2-beta/token", header: v2betaHeader()}
	var err error
	if ask.body, err = v2betaLoginBody(cr); err != nil {
		return Login{}, ask.fail(err)
	}
	a, err := c.Server.do(ctx, ask)
	if err != nil {
		return Login{}, err
	}
	if a.status != http.StatusCreated {
		return Login{}, v2betaLoginError(a)
	}
	t, err := parseV2BetaToken(a)
	if err != nil {
		return Login{}, a.unreadable(err)
	}
	if t.JWT == nil {
		return Login{}, a.odd("there is no token in it", "is access control on?")
	}
	text, err := v2betaText(*t.JWT)
	if err != nil {
		return Login{}, a.unreadable(err)
	}
	tok := token.Token{Value: token.NewSecret(text)}
	if lifetime <= 0 {
		lifetime = c.lifetime(ctx, tok)
	}
	tok.ExpiresIn = left(lifetime, a.sent)
	if date := a.date(); !date.IsZero() {
		tok.IssuedAt, tok.Expiry = date, date.Add(lifetime)
	}
	return Login{Token: tok, User: t.who()}, nil
}

// lifetime returns how long a token is good that has just been made, by the
// server's setting if it may be read. Whatever goes wrong with that, the login
// must not be lost for it.
func (c *V2Beta) lifetime(ctx context.Context, tok token.Token) time.Duration {
	// Whoever waits for the login has a deadline too.
	patience := 3 * time.Second
	if deadline, ok := ctx.Deadline(); ok {
		patience = min(patience, time.Until(deadline)/2)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	s, err := c.setting(ctx, v2betaExpiry, tok)
	for try := 0; try < 3 && (errors.Is(err, ErrUnavailable) || errors.Is(err, ErrNotRancher)); try++ {
		// To be wrong about it is to send a dead token later.
		select {
		case <-time.After(patience / 8):
			s, err = c.setting(ctx, v2betaExpiry, tok)
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if err != nil {
		return cmp.Or(time.Duration(c.expiry.Load()), v2betaLifetime)
	}
	d, ok := s.milliseconds()
	if !ok {
		d = v2betaLifetime
	}
	d = min(d, longestV2BetaLifetime)
	c.expiry.Store(int64(d))
	return d
}
