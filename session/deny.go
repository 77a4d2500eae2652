package session

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// retryAfter is when to try again after a 503, if the error does not say.
const retryAfter = 5 * time.Second

// Why a request has no session, in the words that pages and scripts get.
const (
	whyExpired = "expired"
	whyEnded   = "ended"
	whyInvalid = "invalid"
	whyMissing = "missing"
)

// Deny answers a request that has no session, err being the error of
// [Manager.Load] or [Manager.From]. A browser that wants a page is sent to the
// login page, with the way back: see [Manager.LoginURL]. Whatever else asks gets
// 401 and a JSON object with error_description and error, which is
//
//   - session_expired, if nobody came for too long or it lasted long enough;
//   - session_ended, by a logout, or because the subject was logged out everywhere;
//   - session_invalid, if what was presented is none, or none that a key opens;
//   - session_missing, if nothing was presented.
//
// An error that matches [token.ErrRefused], as one of [Manager.Source] does when
// the login upstream is over, counts as session_ended: call [Manager.End] first.
//
// If nobody can tell whether there is a session it is 503, and Retry-After says
// when to come back. If r is for the login page itself it is 500: that must not
// ask for a session.
func (m *Manager[T]) Deny(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, token.ErrRefused) {
		err = noSession{token.ErrRevoked}
	}
	switch {
	case errors.Is(err, errNoHandler): // the program's fault, which time does not mend
		http.Error(w, "The sessions of this server are not set up: Manager.Handler must be around all of it.", http.StatusInternalServerError)
	case !wantsPage(r):
		denyScript(w, err)
	case !errors.Is(err, ErrNoSession):
		later(w, err)
		http.Error(w, "It cannot be told at the moment whether you are logged in. Please try again in a few seconds.", http.StatusServiceUnavailable)
	case m.atLogin(r):
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "Nobody can log in here: the login page asks for a session itself. It must not be behind Manager.Require.", http.StatusInternalServerError)
	default:
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, m.loginURL(r, err), http.StatusSeeOther)
	}
}

// atLogin reports whether r shows the login page: to send a browser there would
// have it go round for ever.
func (m *Manager[T]) atLogin(r *http.Request) bool {
	path, _, _ := strings.Cut(requestURI(r), "?")
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && path == m.loginPath()
}

// denyScript answers what does not show pages.
func denyScript(w http.ResponseWriter, err error) {
	status, code, text := http.StatusUnauthorized, "", ""
	if !errors.Is(err, ErrNoSession) {
		later(w, err)
		status, code, text = http.StatusServiceUnavailable, "temporarily_unavailable", "it cannot be told whether there is a session: try again later"
	} else {
		why := reason(err)
		code = "session_" + why
		switch why {
		case whyExpired:
			text = "the session has expired: log in again"
		case whyEnded:
			text = "the session was ended: log in again"
		case whyInvalid:
			text = "the session is not valid: log in again"
		case whyMissing:
			text = "there is no session: log in"
		}
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error":%q,"error_description":%q}`+"\n", code, text)
}

// later says when to come back after err.
func later(w http.ResponseWriter, err error) {
	wait := token.RetryAfter(err)
	if wait == 0 {
		wait = retryAfter
	}
	token.SetRetryAfter(w.Header(), wait)
	w.Header().Set("Cache-Control", "no-store")
}

// reason says why there is no session, err being an [ErrNoSession].
func reason(err error) string {
	switch {
	case errors.Is(err, token.ErrExpired):
		return whyExpired
	case errors.Is(err, token.ErrRevoked):
		return whyEnded
	case errors.Is(err, token.ErrInvalid):
		return whyInvalid
	}
	return whyMissing
}

// wantsPage reports whether r comes from a browser that will show the answer as a
// page. Newer ones say so over https; others are known by what they accept.
func wantsPage(r *http.Request) bool {
	h := r.Header
	mode, dest := h.Get("Sec-Fetch-Mode"), h.Get("Sec-Fetch-Dest")
	if mode != "" || dest != "" || h.Get("Sec-Fetch-Site") != "" {
		// "empty" is what a service worker makes of "document".
		return mode == "navigate" && (dest == "document" || dest == "empty" || dest == "")
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if h.Get("X-Requested-With") != "" || h.Get("HX-Request") != "" {
		return false
	}
	for _, line := range h["Accept"] {
		for part := range strings.SplitSeq(line, ",") {
			kind, _, _ := strings.Cut(part, ";")
			if strings.EqualFold(strings.TrimSpace(kind), "text/html") {
				return true
			}
		}
	}
	return false
}
