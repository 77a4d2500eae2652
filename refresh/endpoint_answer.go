package refresh

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// A fault is an answer that says what is wrong with a request (RFC 6749, section
// 5.2).
type fault struct {
	status int
	code   string

	// text is for people. It is ours, and repeats nothing of the request.
	text string
}

func invalidRequest(text string) *fault {
	return &fault{http.StatusBadRequest, "invalid_request", text}
}

func invalidClient(text string) *fault {
	return &fault{http.StatusUnauthorized, "invalid_client", text}
}

func (f *fault) answer(w http.ResponseWriter) {
	writeAnswer(w, f.status, struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{f.code, f.text})
}

// challenge asks for the scheme in which the client tried to authenticate, if it
// used the Authorization header (RFC 6749, section 5.2).
func challenge(w http.ResponseWriter, r *http.Request) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return
	}
	scheme, _, _ := strings.Cut(header, " ")
	if len(scheme) > 20 || strings.Trim(scheme, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		scheme = "Basic"
	}
	w.Header().Set("WWW-Authenticate", scheme+` realm="token"`)
}

// refuseRefresh answers with the error of an Issuer.
func refuseRefresh(w http.ResponseWriter, err error) {
	if !isRefusal(err) {
		code := temporarilyUnavailable
		if e := (*ExchangeError)(nil); errors.As(err, &e) && e.Outcome == Unknown {
			code = "server_error"
		}
		unavailable(w, err, code)
		return
	}
	text := "the refresh token is not good for this client and this request"
	switch {
	case errors.As(err, new(*ReuseError)):
		text = "the refresh token was used before"
	case errors.Is(err, token.ErrExpired):
		text = "the refresh token has expired"
	case errors.Is(err, token.ErrRevoked):
		text = "the refresh token was revoked or is unknown"
	case errors.Is(err, token.ErrMalformed), errors.Is(err, token.ErrSignature):
		text = "the refresh token is not one of this server"
	}
	(&fault{http.StatusBadRequest, "invalid_grant", text}).answer(w)
}

// Clients tell from the code whether the refresh token was surely not spent. RFC
// 6749 has both codes for another endpoint, and servers use them for this one.
const temporarilyUnavailable = "temporarily_unavailable"

// unavailable answers that nothing can be told, for a reason that is for this
// side's logs, and when to come back.
func unavailable(w http.ResponseWriter, err error, code string) {
	token.SetRetryAfter(w.Header(), max(time.Second, token.RetryAfter(err)))
	(&fault{http.StatusServiceUnavailable, code, "the request could not be decided: try again later with the same token"}).answer(w)
}

// answerPair answers with what was issued (RFC 6749, section 5.1).
func answerPair(w http.ResponseWriter, p Pair, scope string) {
	kind := p.Access.Type
	if kind == "" {
		kind = "Bearer"
	}
	writeAnswer(w, http.StatusOK, struct {
		Access    string `json:"access_token"`
		Type      string `json:"token_type"`
		ExpiresIn int64  `json:"expires_in"`
		Refresh   string `json:"refresh_token"`
		Scope     string `json:"scope,omitempty"`
	}{p.Access.Value.Reveal(), kind, int64(p.Access.ExpiresIn / time.Second), p.Refresh.Value.Reveal(), scope})
}

// writeAnswer writes v as JSON. A client that has gone does not read it.
func writeAnswer(w http.ResponseWriter, status int, v any) {
	body, _ := json.Marshal(v) // strings and numbers can always be
	noStore(w)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

// noStore keeps answers out of caches; Pragma is for those of HTTP/1.0, which
// RFC 6749, section 5.1, still thinks of.
func noStore(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
}
