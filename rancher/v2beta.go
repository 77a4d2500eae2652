package rancher

import (
	"context"
	"net/http"

	"github.com/tokenlife/tokenlife/token"
)

// A V2Beta is a client of Rancher 1.6, by its API v2-beta. It is an [API].
//
// Set the fields before first use. It is then safe for concurrent use.
type V2Beta struct {
	Server *Server // required

	// Source supplies the tokens that Setting is called with, and with which
	// Diagnose asks about another; nil if there is none.
	Source token.Source

	// Project is the id of a project, such as "1a5", to which Set confines
	// requests (X-API-Project-Id); empty means the user's own choice.
	Project string
}

// Login logs in with the code that the configured provider takes.
func (c *V2Beta) Login(ctx context.Context, cr Credentials) (Login, error) {
	return Login{}, call{op: "log in"}.fail(errTODO)
}

// Probe asks about a token.
func (c *V2Beta) Probe(ctx context.Context, tok token.Secret) (Probe, error) {
	return Probe{}, call{op: "probe a token"}.fail(errTODO)
}

// Logout revokes a token.
func (c *V2Beta) Logout(ctx context.Context, tok token.Secret) error {
	return call{op: "log out"}.fail(errTODO)
}

// Setting reads a setting, such as "api.auth.jwt.token.expiry".
func (c *V2Beta) Setting(ctx context.Context, name string) (Setting, error) {
	return Setting{}, call{op: "read a setting"}.fail(errTODO)
}

// Set puts a token on a request as the cookie token.
func (c *V2Beta) Set(r *http.Request, tok token.Token) {}

// SetBearer puts a token on a request as Authorization: Bearer.
func (c *V2Beta) SetBearer(r *http.Request, tok token.Token) {}

// SetBasic puts a token on a request as the password of the user X-API-BEARER.
func (c *V2Beta) SetBasic(r *http.Request, tok token.Token) {}

// Refused reports whether a response says that its request's token is no good.
func (c *V2Beta) Refused(resp *http.Response) bool { return false }

// Transport returns what puts the tokens of src on requests to this server.
func (c *V2Beta) Transport(src token.Source) *token.Transport { return nil }

// NewSource returns a [*V2BetaSource].
func (c *V2Beta) NewSource(credentials func(context.Context) (Credentials, error)) token.Source {
	return &V2BetaSource{Client: c, Credentials: credentials}
}

// Diagnose says why a token is refused, and what to change.
func (c *V2Beta) Diagnose(ctx context.Context, s Suspect) token.Diagnosis { return token.Diagnosis{} }
