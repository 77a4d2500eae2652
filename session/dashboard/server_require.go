package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tokenlife/tokenlife/token"
)

// Require returns a handler that calls next only for requests with a session, or
// with a bearer token in Authorization, and answers others as the Dashboard does.
// [CredentialFrom] returns what it is for. It panics if next is nil, or a field
// that is required is not set.
//
// A session is in the header jweToken; cookies are never read. A bearer token in
// Authorization counts more than a session, and nobody has checked it: that is for
// the API server to do. Only beside one do the headers Impersonate-User and the
// like reach next. What next gets of the other headers has no session in it.
//
// A POST needs a CSRF token too, for what follows /api/v1/ in its path; PUT, PATCH
// and DELETE need none, as with the Dashboard, since a browser does not send those
// for another site without asking this one. A path or
// query with the name of a Secret that is the Dashboard's own, such as
// kubernetes-dashboard-key-holder, is refused to everybody.
func (s *Server) Require(next http.Handler) http.Handler {
	s.mustBeComplete()
	if next == nil {
		panic("dashboard: Require needs a Handler, and it is nil")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if exclusive(r.URL) {
			s.tell(r, errExclusive)
			answerJSON(w, http.StatusUnauthorized, msgExclusive)
			return
		}
		c, f := s.admit(r)
		if f != nil {
			s.refuse(w, r, f)
			return
		}
		r = r.Clone(context.WithValue(r.Context(), credentialKey{}, c))
		r.Header.Del(scheme)
		if _, err := token.FromRequest(r); err != nil {
			dropImpersonation(r.Header)
		}
		next.ServeHTTP(w, r)
	})
}

// admit returns the credential that a request is to be served with.
func (s *Server) admit(r *http.Request) (Credential, *refusal) {
	if f := s.check(r); f != nil {
		return Credential{}, f
	}
	bearer, err := token.FromRequest(r)
	switch {
	case err == nil:
		return Credential{Token: bearer}, nil
	case slices.Equal(r.Header["Authorization"], []string{""}): // a proxy makes that of none
	case !errors.Is(err, token.ErrNoToken): // a session beside it might be another's
		return Credential{}, &refusal{http.StatusUnauthorized, msgUnauthorized, err}
	}
	presented := r.Header.Values(scheme)
	switch {
	case len(presented) > 1:
		err := fmt.Errorf("%w: %d headers %s where one is allowed", token.ErrMalformed, len(presented), scheme)
		return Credential{}, &refusal{http.StatusUnauthorized, msgUnauthorized, err}
	case len(presented) == 0, presented[0] == "":
		return Credential{}, &refusal{http.StatusUnauthorized, msgUnauthorized, errNoSession}
	}
	c, _, err := s.open(r.Context(), token.NewSecret(presented[0]))
	if err != nil {
		return Credential{}, refuseSession(err)
	}
	return c, nil
}

// check refuses a request that nobody may make, whatever is in it: over plain HTTP,
// or without the CSRF token that it needs. The Dashboard serves the first with its
// own rights.
func (s *Server) check(r *http.Request) *refusal {
	if !s.secure(r) {
		return &refusal{http.StatusUnauthorized, msgUnauthorized, errPlain}
	}
	return s.checkCSRF(r)
}

var errPlain = errors.New("dashboard: a request over plain HTTP, which has nothing that a session could be given to: serve TLS, or set Insecure")

// secure reports whether sessions are taken from r. That it came over the loopback
// interface does not count: what is in front may be a proxy that anybody reaches.
func (s *Server) secure(r *http.Request) bool { return r.TLS != nil || s.Insecure }

// dropImpersonation removes the headers by which a request asks to be somebody
// else's.
func dropImpersonation(h http.Header) {
	for name := range h {
		if strings.HasPrefix(strings.ToLower(name), "impersonate-") {
			delete(h, name)
		}
	}
}
