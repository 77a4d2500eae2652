package introspect

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"

	"github.com/tokenlife/tokenlife/token"
)

// An Auth proves to an endpoint who is asking.
type Auth interface {
	// Authenticate adds the proof to the header and the form of a request that
	// is about to be sent. The token that the request is about is not there yet.
	// If it returns an error, nothing is sent.
	Authenticate(ctx context.Context, header http.Header, form url.Values) error
}

// AuthFunc is a function used as an [Auth], such as one that signs a client
// assertion for each request (RFC 7523).
type AuthFunc func(ctx context.Context, header http.Header, form url.Values) error

// Authenticate calls f.
func (f AuthFunc) Authenticate(ctx context.Context, header http.Header, form url.Values) error {
	if f == nil {
		return errors.New("the AuthFunc is nil")
	}
	return f(ctx, header, form)
}

// An unusable Auth was made from too little. It says so when it is first looked
// at, since what makes an Auth returns no error.
type unusable struct{ err error }

func (a unusable) Authenticate(context.Context, http.Header, url.Values) error { return a.err }

// Basic returns the Auth of a client with a secret that goes into the
// Authorization header: client_secret_basic. Both are form-urlencoded first, as
// RFC 6749, section 2.3.1, has it; servers that do not decode them, and a secret
// for which that makes a difference, need [Post] or an [AuthFunc].
func Basic(clientID string, secret token.Secret) Auth {
	if err := complete("Basic", clientID, secret); err != nil {
		return unusable{err}
	}
	return AuthFunc(func(_ context.Context, header http.Header, _ url.Values) error {
		pair := url.QueryEscape(clientID) + ":" + url.QueryEscape(secret.Reveal())
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
		return nil
	})
}

// Post returns the Auth of a client with a secret that goes into the form:
// client_secret_post (RFC 6749, section 2.3.1).
func Post(clientID string, secret token.Secret) Auth {
	if err := complete("Post", clientID, secret); err != nil {
		return unusable{err}
	}
	return AuthFunc(func(_ context.Context, _ http.Header, form url.Values) error {
		form.Set("client_id", clientID)
		form.Set("client_secret", secret.Reveal())
		return nil
	})
}

func complete(name, clientID string, secret token.Secret) error {
	switch {
	case clientID == "":
		return errors.New(name + " was given no client ID")
	case secret.IsZero():
		return errors.New(name + " was given no secret")
	}
	return nil
}

// Bearer returns the Auth of a service that has tokens of its own, which src
// supplies. If one is refused and src is a [token.Invalidator], src is told, and
// the request is sent once more with another: see [token.Transport].
func Bearer(src token.Source) Auth {
	if src == nil {
		return unusable{errors.New("Bearer was given no Source")}
	}
	return bearer{src}
}

type bearer struct{ source token.Source }

// Authenticate leaves it to the transport, which sees the answer too.
func (bearer) Authenticate(context.Context, http.Header, url.Values) error { return nil }

// ClientID returns the Auth of a client that names itself and proves nothing by
// that: one that does so by its TLS certificate (RFC 8705), which is in the
// Client, or a public one, which may revoke its own tokens (RFC 7009, section
// 2.1).
func ClientID(clientID string) Auth {
	if clientID == "" {
		return unusable{errors.New("ClientID was given no client ID")}
	}
	return AuthFunc(func(_ context.Context, _ http.Header, form url.Values) error {
		form.Set("client_id", clientID)
		return nil
	})
}

// InsecureNone returns the Auth of a service that does not say who it is. It is
// for endpoints that only such services can reach: RFC 7662, section 2.1,
// demands some authentication, without which thieves learn there which tokens
// are good.
func InsecureNone() Auth {
	return AuthFunc(func(context.Context, http.Header, url.Values) error { return nil })
}
