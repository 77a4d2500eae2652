package rancher

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"

	"github.com/tokenlife/tokenlife/internal/panics"
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
	// Probe, Logout and SAML do without. If a token is refused and Source is a
	// [token.Invalidator], such as a refresh.Source, it is told, and the call is
	// made once more with another.
	Source token.Source

	old atomic.Bool // the server is older than 2.13: v3-public and v3 do what v1-public and v1 do later
}

// call makes a call with tok, or with one of c.Source if tok is zero. It returns
// what was answered, if anything was, and the *Error that it is unless the
// status is 2xx: see v3Check.
func (c *V3) call(ctx context.Context, tok token.Token, cl call) (*answer, error) {
	if !tok.IsZero() {
		return c.with(ctx, tok, cl)
	}
	tok, err := c.own(ctx)
	if err != nil {
		return nil, cl.fail(err)
	}
	a, err := c.with(ctx, tok, cl)
	src, ok := c.Source.(token.Invalidator)
	if !ok || !errors.Is(err, ErrNotAuthenticated) {
		return a, err
	}
	// It was turned away before anything was done, and can be made again. What
	// goes wrong with that says less than the refusal does.
	giveUp(src, tok)
	next, failed := c.own(ctx)
	if failed != nil || next.Equal(tok) {
		return a, err
	}
	if a, err = c.with(ctx, next, cl); errors.Is(err, ErrNotAuthenticated) {
		giveUp(src, next)
	}
	return a, err
}

// giveUp tells a Source that a token was refused. If it panics, the refusal says
// more.
func giveUp(src token.Invalidator, tok token.Token) {
	panics.Call("V3.Source", func() error { src.Invalidate(tok); return nil })
}

// with makes a call with tok.
func (c *V3) with(ctx context.Context, tok token.Token, cl call) (*answer, error) {
	if err := sendable(tok.Value); err != nil {
		return nil, cl.fail(err)
	}
	cl.present = func(r *http.Request) { c.Set(r, tok) }
	a, err := c.Server.do(ctx, cl)
	if err != nil {
		return nil, err
	}
	return a, v3Check(a)
}

// own returns a token of c.Source.
func (c *V3) own(ctx context.Context) (tok token.Token, err error) {
	if c.Source == nil {
		return token.Token{}, errors.New("V3.Source is nil: set it to what supplies the tokens for this call")
	}
	err = panics.Call("V3.Source", func() error {
		tok, err = c.Source.Token(ctx)
		return err
	})
	if err == nil && tok.IsZero() {
		err = errors.New("V3.Source gave an empty token and no error")
	}
	return tok, err
}

// NewSource returns a [*V3Source] whose chain begins with a login.
func (c *V3) NewSource(credentials func(context.Context) (Credentials, error)) token.Source {
	return &V3Source{Client: c, First: token.SourceFunc(func(ctx context.Context) (token.Token, error) {
		cr, err := credentials(ctx)
		if err != nil {
			return token.Token{}, err
		}
		login, err := c.Login(ctx, cr)
		return login.Token, err
	})}
}
