package dashboard

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
)

// The tokens are those of golang.org/x/net/xsrftoken, as the Dashboard 2.x has
// it: a MAC of a user, who is always the same, an action and a time, and that
// time behind it. So they are bound to no session, and replicas with the same
// key take each other's.
const (
	csrfHeader = "X-CSRF-TOKEN"
	csrfUser   = "none"

	csrfLifetime = 24 * time.Hour
	csrfAhead    = time.Minute // by another replica's clock
)

// csrfToken returns the token for an action and a time in milliseconds.
func (s *Server) csrfToken(action string, millis int64) string {
	// HMAC does not need the collision resistance that SHA-1 lacks.
	mac := hmac.New(sha1.New, []byte(s.CSRFKey.Reveal()))
	fmt.Fprintf(mac, "%s:%s:%d", csrfUser, strings.ReplaceAll(action, ":", "::"), millis)
	return fmt.Sprintf("%s:%d", base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), millis)
}

// newCSRFToken returns a token for an action, with the time rounded up.
func (s *Server) newCSRFToken(action string) string {
	return s.csrfToken(action, s.now().Add(time.Millisecond-1).UnixMilli())
}

// validCSRF reports whether presented is a token for an action that is neither
// too old nor from the future.
func (s *Server) validCSRF(action, presented string) bool {
	_, digits, _ := strings.Cut(presented, ":") // base64url has no colon
	millis, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return false
	}
	now, made := s.now(), time.UnixMilli(millis)
	if now.Sub(made) >= csrfLifetime || made.After(now.Add(csrfAhead)) {
		return false
	}
	return hmac.Equal([]byte(presented), []byte(s.csrfToken(action, millis)))
}

var errCSRF = errors.New("dashboard: no token for this path in the header " + csrfHeader + ", or one that is older than a day or under another CSRFKey: a page gets it from /api/v1/csrftoken/")

// checkCSRF refuses a POST without a good token. As with the Dashboard, other
// methods need none: no page of another site can make a browser send them without
// this one's consent.
func (s *Server) checkCSRF(r *http.Request) *refusal {
	if r.Method != http.MethodPost {
		return nil
	}
	action, needed := csrfAction(r.URL)
	if !needed || s.validCSRF(action, r.Header.Get(csrfHeader)) {
		return nil
	}
	return &refusal{http.StatusUnauthorized, msgCSRF, errCSRF}
}

// csrfAction returns the action that a POST to a path needs a token for: what
// follows /api/v1/ in it, up to the next slash. To paths where the Dashboard only
// checks an input it needs none, if they are that whether or not whoever reads them
// next undoes escapes and dots.
func csrfAction(u *url.URL) (action string, needed bool) {
	const harmless = "/api/v1/appdeployment/validate/"
	urlPath := path.Clean(u.Path)
	if strings.HasPrefix(urlPath, harmless) && strings.HasPrefix(u.EscapedPath(), harmless) {
		return "", false
	}
	pieces := strings.SplitN(urlPath, "/", 5)
	if len(pieces) < 4 {
		return "", true
	}
	return pieces[3], true
}

// serveCSRFToken answers with a token for the action in the path.
func (s *Server) serveCSRFToken(w http.ResponseWriter, r *http.Request) {
	answerJSON(w, http.StatusOK, struct {
		Token string `json:"token"`
	}{s.newCSRFToken(r.PathValue("action"))})
}
