package rancher

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/tokenlife/tokenlife/token"
)

// A V3 is a client of Rancher 2.x, by its API v3 and those that take its place
// one after the other: v1-public, ext.cattle.io. It is an [API].
//
// Set the fields before first use; it must not be copied afterwards. It is then
// safe for concurrent use.
type V3 struct {
	Server *Server // required

	// Source supplies the tokens for the calls that are not given one. Login,
	// SAML, Providers, Probe, Logout and LogoutAll do without. If a token is
	// refused and Source is a [token.Invalidator], such as a refresh.Source, it
	// is told, and the call is made once more with another.
	Source token.Source

	old atomic.Bool // the server is older than 2.13: v3-public and v3 do what v1-public and v1 do later
}

// call makes a call with tok, or with one of c.Source if tok is zero. It returns
// what was answered, if anything was, and the *Error that it is unless the
// status is 2xx: see v3Check.
func (c *V3) call(ctx context.Context, tok token.Token, cl call) (a *answer, err error) {
	if !tok.IsZero() {
		return c.with(ctx, tok, cl)
	}
	err = withOwn(ctx, "V3", c.Source, cl, func(tok token.Token) (err error) {
		a, err = c.with(ctx, tok, cl)
		return err
	})
	return a, err
}

// with makes a call with tok.
func (c *V3) with(ctx context.Context, tok token.Token, cl call) (*answer, error) {
	if err := sendable(tok.Value); err != nil {
		return nil, cl.fail(fmt.Errorf("the token cannot be sent: %w", err))
	}
	cl.present = func(r *http.Request) { c.Set(r, tok) }
	a, err := c.Server.do(ctx, cl)
	if err != nil {
		return nil, err
	}
	return a, v3Check(a)
}

// NewSource returns a [*V3Source] whose chain begins with a login.
func (c *V3) NewSource(credentials func(context.Context) (Credentials, error)) token.Source {
	return &V3Source{Client: c, First: token.SourceFunc(func(ctx context.Context) (token.Token, error) {
		if credentials == nil {
			return token.Token{}, errors.New("rancher: NewSource was given credentials that are nil: give it what supplies the username and password")
		}
		cr, err := credentials(ctx)
		if err != nil {
			return token.Token{}, err
		}
		login, err := c.Login(ctx, cr)
		return login.Token, err
	})}
}
