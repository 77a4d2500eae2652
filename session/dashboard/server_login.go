package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/token"
)

// An authResponse is what login and refresh answer with. What went wrong with the
// credential is in Errors, under status 200.
type authResponse struct {
	Name     string        `json:"name,omitempty"`
	JWEToken string        `json:"jweToken"`
	Errors   []statusError `json:"errors"`
}

// A statusError is an error as the API server writes it.
type statusError struct {
	ErrStatus struct {
		Metadata struct{} `json:"metadata"`
		Status   string   `json:"status"`
		Message  string   `json:"message"`
		Reason   string   `json:"reason"`
		Code     int      `json:"code"`
	}
}

// unauthorized is what is answered to a credential that is no good.
func unauthorized() authResponse {
	var e statusError
	e.ErrStatus.Status = "Failure"
	e.ErrStatus.Message = msgUnauthorized
	e.ErrStatus.Reason = "Unauthorized"
	e.ErrStatus.Code = http.StatusUnauthorized
	return authResponse{Errors: []statusError{e}}
}

// serveLogin answers with a session for the credential that it is given.
func (s *Server) serveLogin(w http.ResponseWriter, r *http.Request) {
	c, f := s.readLogin(w, r)
	if f != nil {
		s.refuse(w, r, f)
		return
	}
	name, f := s.authenticate(r.Context(), c)
	var sealed token.Secret
	if f == nil {
		var err error
		if sealed, err = s.seal(r.Context(), c, time.Time{}); err != nil {
			f = refuseLogin(err, msgKeysAway)
		}
	}
	switch {
	case f == nil:
		answerJSON(w, http.StatusOK, authResponse{Name: shortName(name), JWEToken: sealed.Reveal(), Errors: []statusError{}})
	case f.status == http.StatusUnauthorized:
		s.tell(r, f.reason)
		answerJSON(w, http.StatusOK, unauthorized())
	default:
		s.refuse(w, r, f)
	}
}

// readLogin returns the credential in a request, which nobody has looked at yet.
func (s *Server) readLogin(w http.ResponseWriter, r *http.Request) (Credential, *refusal) {
	if f := s.check(r); f != nil {
		return Credential{}, f
	}
	var bearer, username, password, kubeconfig string
	if f := readBody(w, r, "LoginSpec", map[string]*string{
		"token": &bearer, "username": &username, "password": &password, "kubeconfig": &kubeconfig,
	}); f != nil {
		return Credential{}, f
	}
	switch {
	case bearer != "" && s.enabled(modeToken):
		return Credential{Token: bearerSecret(bearer)}, nil
	case username != "" && password != "" && s.enabled(modeBasic):
		return Credential{Username: username, Password: token.NewSecret(password)}, nil
	case kubeconfig != "":
		return s.readKubeconfig(kubeconfig)
	}
	return Credential{}, refuseNothing(msgNoCredential)
}

// bearerSecret returns a token without what is around it when it is pasted, such as
// a line's end.
func bearerSecret(text string) token.Secret { return token.NewSecret(strings.TrimSpace(text)) }

// refuseNothing returns what is answered to a login without anything to log in
// with, in the words that the Dashboard has for it.
func refuseNothing(text string) *refusal {
	return &refusal{http.StatusInternalServerError, text, errors.New("dashboard: a login with nothing that the Modes allow")}
}

// refuseLogin returns what is answered to a login for an error: about the
// credential, or else about what is away.
func refuseLogin(err error, away string) *refusal {
	if errors.Is(err, token.ErrInvalid) {
		return &refusal{http.StatusUnauthorized, msgUnauthorized, err}
	}
	return &refusal{http.StatusServiceUnavailable, away, err}
}

// authenticate finds out whether c is good, and whom it is for.
func (s *Server) authenticate(ctx context.Context, c Credential) (name string, f *refusal) {
	if !c.usable() {
		return "", refuseLogin(fmt.Errorf("%w: a login with what cannot be sent: blanks, or what no token and no name has in it", token.ErrMalformed), msgUndecided)
	}
	returned := false
	panicked := panics.Call("dashboard: Server.Authenticate", func() error {
		var err error
		if name, err = s.Authenticate(ctx, c); err != nil {
			f = refuseLogin(err, msgUndecided)
		}
		returned = true
		return nil
	})
	if !returned {
		return "", &refusal{http.StatusInternalServerError, msgBroken, panicked}
	}
	return name, f
}

// The ways to log in.
const (
	modeToken = "token"
	modeBasic = "basic"
)

// modes are the ways to log in that are enabled.
func (s *Server) modes() []string {
	if s.Modes == nil {
		return []string{modeToken}
	}
	return s.Modes
}

func (s *Server) enabled(mode string) bool { return slices.Contains(s.modes(), mode) }

// shortName returns the name that pages show. Of a service account it is the last
// part.
func shortName(name string) string {
	if account, ok := strings.CutPrefix(name, "system:serviceaccount:"); ok {
		return account[strings.LastIndexByte(account, ':')+1:]
	}
	return name
}
