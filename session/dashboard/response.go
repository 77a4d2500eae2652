package dashboard

import (
	"net/http"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/internal/foreign"
	"github.com/tokenlife/tokenlife/token"
)

// isIt is what to do about an answer that can be anybody's.
const isIt = "is Source.URL the Dashboard's?"

// A response is what a Dashboard answered.
type response struct {
	op     string
	from   string // for errors: method and URL
	status int
	header http.Header
	body   string
	sent   time.Time
}

// isPage reports whether the answer is for people, such as a proxy's login page.
func (a *response) isPage() bool { return isPage(a.header, a.body) }

func isPage(h http.Header, body string) bool {
	text := strings.TrimSpace(strings.TrimPrefix(body, "\ufeff"))
	return strings.HasPrefix(text, "<") || text != "" && strings.HasPrefix(strings.ToLower(h.Get("Content-Type")), "text/html")
}

// refusesCSRF reports whether a POST was turned away for its CSRF token.
func (a *response) refusesCSRF() bool {
	return a.status == http.StatusUnauthorized && refusesCSRF(said(a.body))
}

const loginRemedy = "is it a live token of this cluster, such as kubectl create token makes?"

// notLoggedIn returns the error of a login that was answered otherwise than with
// 200.
func (a *response) notLoggedIn() *failure {
	switch {
	case a.isPage():
	case a.status == http.StatusUnauthorized:
		return a.fails(errCredential, loginRemedy)
	case said(a.body) == msgNoCredential:
		return a.fails(errUnavailable, "have it take tokens: --authentication-mode=token")
	}
	return a.other()
}

// notRefreshed returns the error of a refresh that was answered otherwise than
// with 200.
func (a *response) notRefreshed() *failure {
	switch {
	case a.isPage():
	case a.status == http.StatusUnauthorized, a.status == http.StatusInternalServerError && unreadableSession(said(a.body)):
		return a.fails(errSession, "")
	}
	return a.other()
}

// other returns the error of an answer that says nothing of the credential or the
// session.
func (a *response) other() *failure {
	switch {
	case a.status == http.StatusNotFound || a.status == http.StatusMethodNotAllowed:
		return a.fails(errAbsent, isIt)
	case a.isPage():
		return a.page()
	case a.status == http.StatusTooManyRequests || a.status/100 == 5:
		return a.fails(errUnavailable, "try again later, or see the log of the Dashboard")
	}
	return a.odd("it is no answer to that", isIt)
}

// fails returns the error of an answer that means err.
func (a *response) fails(err error, remedy string) *failure {
	f := &failure{op: a.op, from: a.from, status: a.status, err: err, remedy: remedy}
	if a.status == http.StatusTooManyRequests || a.status/100 == 5 {
		f.retryAfter = token.RetryAfterHeader(a.header)
	}
	return f.saying(said(a.body))
}

// odd returns the error of an answer that cannot be the Dashboard's.
func (a *response) odd(saw, remedy string) *failure {
	f := a.fails(errForeign, remedy)
	if f.saw = saw; a.status == http.StatusTooManyRequests || a.status/100 == 5 {
		f.err = errUnavailable // a proxy says with a page that it is away
	}
	return f
}

// unreadable returns the error of an answer with the right status whose body
// cannot be read.
func (a *response) unreadable(err error) *failure {
	if a.isPage() {
		return a.page()
	}
	return a.odd("the answer cannot be read: "+foreign.Brief(err.Error(), 200), isIt)
}

// page returns the error of an answer that is for people.
func (a *response) page() *failure {
	return a.odd("it answers with a page for people", "is Source.URL the Dashboard's, and is there a proxy that wants a login of its own?")
}
