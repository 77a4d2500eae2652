package rancher

import (
	"context"
	"net/http"
	"sync/atomic"

	"github.com/tokenlife/tokenlife/token"
)

// A V2Beta is a client of Rancher 1.6, by its API v2-beta. It is an [API].
//
// A token is 40 characters that say nothing: what it is good for and until when
// only the server knows, and it tells nobody. So Login computes the end, and
// Probe is how to ask whether it has come.
//
// Set the fields before first use; it must not be copied afterwards. It is then
// safe for concurrent use.
type V2Beta struct {
	Server *Server // required

	// Source supplies the tokens that Setting is called with, and with which
	// Diagnose asks about another; nil if there is none. If a token is refused
	// and Source is a [token.Invalidator], such as a refresh.Source, it is told,
	// and Setting asks once more with another.
	Source token.Source

	// Project is the id of a project, such as "1a5", to which Set confines
	// requests (X-API-Project-Id); empty means the user's own choice.
	Project string

	expiry atomic.Int64 // of tokens, in nanoseconds, as the setting has last said; 0 if it has not
}

// NewSource returns a [*V2BetaSource].
func (c *V2Beta) NewSource(credentials func(context.Context) (Credentials, error)) token.Source {
	return &V2BetaSource{Client: c, Credentials: credentials}
}

// Transport returns what puts the tokens of src on requests to this server, as
// [V2Beta.Set] does. Requests to other servers go without.
func (c *V2Beta) Transport(src token.Source) *token.Transport {
	return c.Server.presents(src, c.Set, c.Refused)
}

// v2betaHeader returns what the UI of 1.6 sends with each request: no challenge
// is to come with a 401, and of the two names of the same member the one that
// the newer has.
func v2betaHeader() http.Header {
	return http.Header{
		"X-Api-No-Challenge": {"true"},
		"X-Api-Action-Links": {"actionLinks"},
	}
}
