package rancher

import (
	"context"
	"net/http"

	"github.com/tokenlife/tokenlife/token"
)

// A V3 is a client of Rancher 2.x, by its API v3 and those that take its place
// one after the other: v1-public, ext.cattle.io. It is an [API].
//
// Set the fields before first use. It is then safe for concurrent use.
type V3 struct {
	Server *Server // required

	// Source supplies the tokens for the calls that are not given one. Login,
	// Probe, Logout and SAML do without.
	Source token.Source
}

// Login logs in.
func (c *V3) Login(ctx context.Context, cr Credentials) (Login, error) {
	return Login{}, call{op: "log in"}.fail(errTODO)
}

// Probe asks about a token.
func (c *V3) Probe(ctx context.Context, tok token.Secret) (Probe, error) {
	return Probe{}, call{op: "probe a token"}.fail(errTODO)
}

// Logout revokes a token.
func (c *V3) Logout(ctx context.Context, tok token.Secret) error {
	return call{op: "log out"}.fail(errTODO)
}

// Set puts a token on a request.
func (c *V3) Set(r *http.Request, tok token.Token) {}

// Refused reports whether a response says that its request's token is no good.
func (c *V3) Refused(resp *http.Response) bool { return false }

// Transport returns what puts the tokens of src on requests to this server.
func (c *V3) Transport(src token.Source) *token.Transport { return nil }

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

// Diagnose says why a token is refused, and what to change.
func (c *V3) Diagnose(ctx context.Context, s Suspect) token.Diagnosis { return token.Diagnosis{} }
