package dashboard

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/tokenlife/tokenlife/token"
)

// What is said where the Dashboard has no words.
const (
	msgKeysAway  = "the keys of the sessions cannot be had: try again later"
	msgUndecided = "the credential could not be checked: try again later"
	msgBroken    = "the server failed: see its log"
	msgNotJSON   = "the request body is not JSON that can be read in one way"
	msgTooLong   = "the request body is too long"
	msgUnread    = "the request body could not be read"
	msgYAML      = `the kubeconfig is not JSON, which "kubectl config view --raw --minify -o json" prints`
)

// answerJSON answers with v, indented as the Dashboard does it.
func answerJSON(w http.ResponseWriter, status int, v any) {
	text, _ := json.MarshalIndent(v, "", " ") // texts and numbers are never an error
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(text)
}

// answer answers with a bare text, as the Dashboard does when something is wrong.
func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write([]byte(text + "\n"))
}

// A refusal is an answer that does not grant what was asked for, and the reason
// for OnRefusal, which the other side does not learn.
type refusal struct {
	status int
	text   string
	reason error
}

// refuseSession returns what is answered to a session, for the error of open or
// seal. One from the future is as useless as one from the past, and whoever has it
// logs in again. So does who has one that no key opens: the Dashboard calls that a
// fault of its own, and its pages then show just that.
func refuseSession(err error) *refusal {
	switch {
	case errors.Is(err, token.ErrExpired), errors.Is(err, token.ErrNotYetValid):
		return &refusal{http.StatusUnauthorized, msgExpired, err}
	case errors.Is(err, token.ErrInvalid):
		return &refusal{http.StatusUnauthorized, msgKeyChanged, err}
	}
	return &refusal{http.StatusServiceUnavailable, msgKeysAway, err}
}

// refuse answers with f, and tells of it.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, f *refusal) {
	s.tell(r, f.reason)
	if f.status == http.StatusServiceUnavailable {
		token.SetRetryAfter(w.Header(), token.RetryAfter(f.reason))
	}
	answer(w, f.status, f.text)
}

// tell calls OnRefusal, in which a panic must not let anybody in, nor take the
// answer away.
func (s *Server) tell(r *http.Request, reason error) {
	if s.OnRefusal == nil {
		return
	}
	defer func() { _ = recover() }()
	s.OnRefusal(r, reason)
}
