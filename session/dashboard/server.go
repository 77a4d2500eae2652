package dashboard

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// A Server answers as the Kubernetes Dashboard 2.x does where sessions are
// concerned. Set its fields before first use; it is then safe for concurrent use,
// and must not be copied.
type Server struct {
	// Keys are RSA keys, the first of which makes sessions: see jwe.Dashboard. If
	// it has a method Reload(context.Context) error, as a [KeyHolder] does, that is
	// called when no key opens a session, and keys that are new are tried. Anybody
	// can have them all tried, at about a millisecond each: have no more than are
	// in use. Required.
	Keys jwt.KeySet

	// CSRFKey makes and checks CSRF tokens; replicas share it. At least 32 bytes.
	// Required. The Dashboard has it in its Secret kubernetes-dashboard-csrf.
	CSRFKey token.Secret

	// Authenticate finds out whether a credential is good, and whom it is for,
	// such as by asking the API server. An error that matches token.ErrInvalid
	// refuses it; any other says that nobody can tell, and is answered 503.
	// Required.
	Authenticate func(ctx context.Context, c Credential) (name string, err error)

	// Modes are the ways to log in, of "token" and "basic", which is a name and a
	// password; nil means token. Of a kubeconfig, which must be JSON, the current
	// context's user is read, and may have a token, a name and a password, or an
	// auth-provider's access-token, as Modes allow.
	Modes []string

	// TTL is how long a session lasts without a refresh; 0 means 15 minutes,
	// negative for ever. It never outlasts a credential that says when it expires,
	// as [token.Inspect] reads it.
	TTL time.Duration

	// MaxAge is how long a session lasts however often it is refreshed; 0 and less
	// mean that there is no limit, as with the Dashboard. It counts from the login,
	// which a session made here tells of in a way that the Dashboard passes over;
	// and for one that the Dashboard made or refreshed, from then.
	MaxAge time.Duration

	// Insecure takes sessions over plain HTTP too, as --enable-insecure-login
	// does: for a Server behind a proxy that ends TLS. Unlike the Dashboard, a
	// Server without it does not act with rights of its own, but refuses, be it
	// this host that asks.
	Insecure bool

	// OnRefusal, if not nil, is told of each request that is refused, and why, for
	// logs and metrics: the errors hold no secret, and what the other side learns
	// of them is less. It must not block.
	OnRefusal func(*http.Request, error)

	// Now tells the time; nil means [time.Now].
	Now func() time.Time
}

// Register makes mux answer the paths of the protocol:
//
//	GET  /api/v1/csrftoken/{action}
//	GET  /api/v1/login/modes, /api/v1/login/skippable, /api/v1/login/status
//	POST /api/v1/login
//	POST /api/v1/token/refresh
//	GET  /config
//
// Status and text of what goes wrong are the Dashboard's, where it has some. A
// login with a credential that is no good is answered 200, as there, with the
// error inside. Beyond that it is 400 for a body that is not JSON, 413 for one of
// more than 1 MiB, and 503 for what cannot be told: the keys are away, or
// Authenticate does not know.
//
// It panics if a field that is required is not set.
func (s *Server) Register(mux *http.ServeMux) {
	s.mustBeComplete()
	mux.HandleFunc("GET /api/v1/csrftoken/{action}", s.serveCSRFToken)
	mux.HandleFunc("GET /api/v1/login/modes", s.serveModes)
	mux.HandleFunc("GET /api/v1/login/skippable", s.serveSkippable)
	mux.HandleFunc("GET /api/v1/login/status", s.serveStatus)
	mux.HandleFunc("POST /api/v1/login", s.serveLogin)
	mux.HandleFunc("POST /api/v1/token/refresh", s.serveRefresh)
	mux.HandleFunc("GET /config", s.serveConfig)
}

// minCSRFKey is the least size of a CSRFKey, in bytes. The Dashboard's own have
// 256.
const minCSRFKey = 32

// mustBeComplete panics if a field of s is missing: a Server without it could let
// anybody in.
func (s *Server) mustBeComplete() {
	var missing string
	switch fixed, isFixed := s.Keys.(jwt.Keys); {
	case s.Keys == nil, isFixed && len(fixed) == 0:
		missing = "no Keys"
	case len(s.CSRFKey.Reveal()) < minCSRFKey:
		missing = fmt.Sprintf("a CSRFKey of fewer than %d bytes", minCSRFKey)
	case s.Authenticate == nil:
		missing = "no Authenticate"
	case len(s.modes()) == 0, slices.ContainsFunc(s.Modes, func(mode string) bool { return mode != modeToken && mode != modeBasic }):
		missing = `Modes other than "token" and "basic"`
	default:
		return
	}
	panic("dashboard: the Server has " + missing + ": set its fields before Register and Require")
}

func (s *Server) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}
