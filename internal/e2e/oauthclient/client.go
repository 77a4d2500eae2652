package oauthclient

import (
	"testing"

	"github.com/tokenlife/tokenlife/token"
)

// A Server is where the endpoints of an authorization server are.
type Server struct {
	Issuer string `json:"issuer"`
	Token  string `json:"token_endpoint"`
	Revoke string `json:"revocation_endpoint"`
}

// An App is what an authorization server knows as a client (RFC 6749, section
// 2).
type App struct {
	ID     string
	Secret token.Secret
	Auth   Auth
}

// An Auth is how an App authenticates (RFC 6749, section 2.3.1).
type Auth string

const (
	None  Auth = "none"  // it is public, and says its client_id
	Basic Auth = "basic" // in the Authorization header
	Post  Auth = "post"  // in the body
)

// A Client is an implementation of OAuth 2.0 clients.
type Client interface {
	// Refresh makes a refresh request (RFC 6749, section 6).
	Refresh(tb testing.TB, s Server, a App, refresh token.Secret) Answer

	// Revoke makes a revocation request (RFC 7009), if the Client can.
	Revoke(tb testing.TB, s Server, a App, refresh token.Secret) Answer

	// String returns the name of the implementation.
	String() string
}

// An Answer is what a Client made of an answer of the server.
type Answer struct {
	Tokens Tokens
	Failed *Failure // nil if the request did what it was to do
}

// Tokens are the members of a successful answer (RFC 6749, section 5.1).
type Tokens struct {
	Access    token.Secret
	Refresh   token.Secret
	Type      string
	Scope     string
	ExpiresIn int64
}

// A Failure is what a Client says of a request that failed: the members of the
// error answer (RFC 6749, section 5.2) and what else it lets its user see.
type Failure struct {
	Name        string // the library's own name of what happened
	Error       string `json:"error"`
	Description string `json:"error_description"`
	Status      int    `json:"status"`
	RetryAfter  string `json:"retry_after"`
}

// Start starts all the Clients there are, until the test ends.
//
// Where openid-client has not been installed, Start skips the test; with the
// environment variable CI set it fails it.
func Start(tb testing.TB) []Client {
	tb.Helper()
	return []Client{xoauth2{}, startNode(tb)}
}
