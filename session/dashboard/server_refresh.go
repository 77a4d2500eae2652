package dashboard

import (
	"errors"
	"net/http"
	"strings"

	"github.com/tokenlife/tokenlife/token"
)

var errNoSession = errors.New("dashboard: neither a session nor a bearer token")

// serveRefresh answers with a session like the one it is given, that begins now.
func (s *Server) serveRefresh(w http.ResponseWriter, r *http.Request) {
	sealed, f := s.refresh(w, r)
	if f != nil {
		s.refuse(w, r, f)
		return
	}
	answerJSON(w, http.StatusOK, authResponse{JWEToken: sealed.Reveal(), Errors: []statusError{}})
}

func (s *Server) refresh(w http.ResponseWriter, r *http.Request) (token.Secret, *refusal) {
	if f := s.check(r); f != nil {
		return token.Secret{}, f
	}
	var presented string
	if f := readBody(w, r, "TokenRefreshSpec", map[string]*string{scheme: &presented}); f != nil {
		return token.Secret{}, f
	}
	if presented == "" {
		return token.Secret{}, &refusal{http.StatusInternalServerError, msgNoSession, errNoSession}
	}
	c, began, err := s.open(r.Context(), token.NewSecret(presented))
	if errors.Is(err, token.ErrMalformed) && !strings.HasPrefix(presented, "{") {
		return token.Secret{}, &refusal{http.StatusInternalServerError, msgNoJWE, err}
	}
	if err != nil {
		return token.Secret{}, refuseSession(err)
	}
	sealed, err := s.seal(r.Context(), c, began)
	if err != nil {
		return token.Secret{}, refuseSession(err)
	}
	return sealed, nil
}
