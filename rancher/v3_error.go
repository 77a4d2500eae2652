package rancher

import (
	"fmt"
	"net/http"
	"strings"
)

// ErrCurrent: the token is that of the login that asks, which [V3.Delete] does
// not revoke. [V3.Logout] does.
var ErrCurrent = fmt.Errorf("%w: it is the token of the session that asks", ErrRequest)

// cattleAuth is the header by which Rancher, from 2.6 on, says what it made of a
// request's credential: "true", "false", or "none" where there was none.
const cattleAuth = "X-Api-Cattle-Auth"

// errored is what the paths of Kubernetes call a user whose token was refused.
const errored = "system:cattle:error"

// v3Check returns what an answer of Rancher 2.x means: nil if what was asked has
// been done, and an *Error otherwise.
func v3Check(a *answer) error {
	if a.status/100 == 2 {
		return nil // Server.do has seen to it that it does not say the opposite
	}
	s := read(a)
	switch {
	case s.code == "InvalidCSRFToken":
		return a.failed(ErrCSRF, "nothing sent from here looks like a browser: does a proxy change the User-Agent, or take the cookie CSRF off?")
	case v3Refuses(a, s):
		return a.failed(ErrNotAuthenticated, "get another token; Diagnose says why this one is refused")
	case a.status == http.StatusTooManyRequests:
		return a.failed(ErrUnavailable, "ask less often")
	case a.status/100 == 5:
		return a.failed(ErrUnavailable, "try again; if it stays so, the log of Rancher says why")
	case !v3Says(a, s):
		return a.odd("the answer is in none of Rancher's forms", "is this Rancher, and does a proxy before it want a login of its own?")
	}
	switch a.status {
	case http.StatusUnauthorized:
		return a.failed(ErrForbidden, "use another token for this: before 2.15 none of ext.cattle.io (ext/…) is taken where the others are made and listed")
	case http.StatusForbidden:
		return a.failed(ErrForbidden, "have the user given a role that permits it")
	case http.StatusNotFound:
		return a.failed(ErrNotFound, "is the name right? What belongs to another user is not to be seen")
	}
	return a.failed(ErrRequest, "")
}

// v3Says reports whether an answer is Rancher's own, or that of a Kubernetes
// behind it, rather than a proxy's.
func v3Says(a *answer, s said) bool { return s.isError || a.header.Get(cattleAuth) != "" }

// v3Refuses reports whether an answer says that the request's token is no good.
// A 401 in nobody's form does not: that is a proxy which wants a login of its
// own.
func v3Refuses(a *answer, s said) bool {
	return refuses(a.status, a.header.Get(cattleAuth), v3Says(a, s), strings.Contains(s.message, errored))
}

// refuses is v3Refuses. Says is that the answer is Rancher's, and stranger that it
// calls the user system:cattle:error.
func refuses(status int, auth string, says, stranger bool) bool {
	switch status {
	case http.StatusUnauthorized:
		return auth != "true" && says
	case http.StatusForbidden:
		return auth == "false" || auth != "true" && stranger
	}
	return false
}

// v3Absent reports whether an answer, or the error in its place, is that of a
// server that has no such path. An old one answers with its UI, or has whatever
// has no token turned away.
func v3Absent(a *answer, err error) bool {
	if err != nil {
		e, ok := err.(*Error)
		return ok && e.Err == ErrNotRancher && e.Status/100 != 3
	}
	switch a.status {
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return true
	case http.StatusUnauthorized:
		said := read(a)
		return said.isError && said.code == ""
	}
	return false
}
