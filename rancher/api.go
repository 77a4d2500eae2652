package rancher

import (
	"context"
	"net/http"

	"github.com/tokenlife/tokenlife/token"
)

// An API is what both [V2Beta] and [V3] can do: enough for a program that works
// with whichever Rancher it is pointed at.
type API interface {
	// Login gets a token for credentials.
	Login(ctx context.Context, c Credentials) (Login, error)

	// Probe asks about a token, and changes nothing. The error means that no
	// answer could be had.
	Probe(ctx context.Context, tok token.Secret) (Probe, error)

	// Logout revokes a token. One that is dead already is no error.
	Logout(ctx context.Context, tok token.Secret) error

	// NewSource returns a Source that begins with a login and renews the token
	// from then on. Credentials are asked for whenever there must be a login.
	//
	// It is a *V2BetaSource or a *V3Source. Their other fields, such as the
	// Store of a V3Source, may be set before first use, and Close is the logout.
	// In 2.x the session of the login itself stays, to its end: it is First's.
	NewSource(credentials func(context.Context) (Credentials, error)) token.Source

	// Transport returns what puts the tokens of src on requests to this server.
	Transport(src token.Source) *token.Transport

	// Set puts a token on a request, and Refused reports whether a response
	// says that it is no good: for a token.Transport.
	Set(r *http.Request, tok token.Token)
	Refused(resp *http.Response) bool

	// Diagnose says why a token is refused, and what to change.
	Diagnose(ctx context.Context, s Suspect) token.Diagnosis
}

var (
	_ API = (*V2Beta)(nil)
	_ API = (*V3)(nil)
)
