package rancher

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tokenlife/tokenlife/internal/foreign"
	"github.com/tokenlife/tokenlife/token"
)

// A seen is what came of asking a server for something.
type seen struct {
	what   string // what was asked for, and with what; empty if nothing was
	status int
	auth   string // the header X-API-Cattle-Auth
	code   string // of Rancher's error, if it is a known one

	// foreign says that the answer is in none of Rancher's forms: a proxy's.
	foreign bool

	// stranger is what whoever asked is called, if that is a name for somebody
	// who is not known; empty if it is not.
	stranger string

	cached bool  // a cache has answered
	other  bool  // it is a success, and not what was asked for
	err    error // there was no answer of Rancher's
}

// anonymous is what Kubernetes calls whoever comes without a credential.
const anonymous = "system:anonymous"

// look asks for something, and returns what came of it, with the answer.
func look(ctx context.Context, s *Server, what string, c call) (seen, *answer) {
	what = foreign.Brief(what, 300)
	if c.header = c.header.Clone(); c.header == nil {
		c.header = http.Header{}
	}
	c.header.Set("Cache-Control", "no-cache") // what was answered to others says nothing of this token
	a, err := s.do(ctx, c)
	if err != nil {
		return seen{what: what, err: err}, nil
	}
	e, auth := read(a), a.header.Get(cattleAuth)
	if auth != "true" && auth != "false" && auth != "none" {
		auth = ""
	}
	got := seen{
		what: what, status: a.status, auth: auth, code: knownCode(e.code),
		foreign: !v3Says(a, e),
		cached:  !slices.Contains([]string{"", "0"}, a.header.Get("Age")),
	}
	for _, name := range []string{errored, anonymous} {
		if a.status == http.StatusForbidden && strings.Contains(e.message, name) {
			got.stranger = name
		}
	}
	return got, a
}

// asked reports whether anything was asked.
func (s seen) asked() bool { return s.what != "" }

// refused reports whether the credential was refused.
func (s seen) refused() bool { return refuses(s.status, s.auth, !s.foreign, s.stranger != "") }

// accepted reports whether the credential was accepted, though what was asked
// for need not have been granted.
//
// A Rancher whose feature auth is off, which says "none", looks at no token.
func (s seen) accepted() bool {
	if s.err != nil || s.other || s.refused() || s.auth == "false" || s.auth == "none" {
		return false
	}
	return s.auth == "true" || s.status/100 == 2 || s.status == http.StatusForbidden && !s.foreign
}

// away reports whether who should have answered has not.
func (s seen) away() bool {
	return s.err != nil || s.status/100 == 5 || s.status == http.StatusTooManyRequests ||
		s.foreign && (s.status == http.StatusUnauthorized || s.status == http.StatusForbidden || s.status == http.StatusProxyAuthRequired)
}

// csrf reports whether the server misses the repeated cookie.
func (s seen) csrf() bool { return s.code == "InvalidCSRFToken" }

// evidence returns s as a fact.
func (s seen) evidence() token.Evidence {
	if s.err != nil {
		return token.Evidence{What: s.what, Value: "no answer: " + why(s.err)}
	}
	v := outcome(s.status, s.code)
	if s.auth != "" {
		v += ", X-API-Cattle-Auth: " + s.auth
	}
	if s.stranger != "" {
		v += ", as " + s.stranger
	}
	if s.cached {
		v += ", by a cache on the way (header Age)"
	}
	if s.other {
		v += ", and not what was asked for"
	}
	return token.Evidence{What: s.what, Value: v}
}

// statusOf returns the status of the answer that an error is about; 0 if it is none.
func statusOf(err error) int {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Status
	}
	return 0
}

// why returns what an error says, without what it says of the call.
func why(err error) string {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return foreign.Brief(foreign.Bare(err).Error(), 200)
	}
	var parts []string
	if e.Status != 0 {
		parts = append(parts, fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status)))
	}
	if e.Saw != "" {
		parts = append(parts, e.Saw)
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	return foreign.Brief(strings.Join(parts, ": "), 400)
}
