package dashboard

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/tokenlife/tokenlife/internal/strictjson"
	"github.com/tokenlife/tokenlife/token"
)

// Facts are what is known of a token that is refused.
type facts struct {
	form
	clocks

	unproved string // why others than the Dashboard can have told these; empty if none can

	status  seen // what arrives of it, as the Dashboard says
	arrival *arrival
	use     seen // a list of namespaces, which is empty if there may be none
}

// An arrival is what login/status says of a request. Nothing is checked there but
// whether something has come.
type arrival struct{ session, bearer, secure bool }

// A seen is what came of asking a Dashboard for something.
type seen struct {
	what string // what was asked for, and with what; empty if nothing was
	a    *response
	text string // what an error says; for comparisons only
	list reply  // what a success has in it
	err  error  // there was no answer, or none that can be the Dashboard's
}

// errBrokenOff is that whoever has asked did not wait for the answer.
var errBrokenOff = errors.New("it was not waited for")

const (
	statusPath    = "/api/v1/login/status"
	namespacePath = "/api/v1/namespace"
)

// look asks a Dashboard about a token.
func (s *Source) look(ctx context.Context, f *facts, suspect token.Secret) {
	tok := token.Token{Value: suspect}
	if f.session {
		tok.Type = scheme
	}
	f.use = s.see(ctx, namespacePath, tok, f.what())
	if f.use.a == nil {
		return // and nobody has told anything
	}
	f.clocks = clocksOf(f.use.a)
	if f.unproved = s.unproved(); f.use.a.cached() {
		f.unproved = "a cache on the way has (header Age), perhaps with what it was told about another token"
	}
	if f.use.away() {
		return
	}
	f.status = s.see(ctx, statusPath, tok, f.what())
	f.arrival = f.status.arrival()
}

// cached reports whether a cache has answered.
func (a *response) cached() bool { return !slices.Contains([]string{"", "0"}, a.header.Get("Age")) }

// see asks for a path with a token.
func (s *Source) see(ctx context.Context, path string, tok token.Token, with string) seen {
	const op = "diagnose a token"
	got := seen{what: "GET " + path + " with " + with}
	u, err := s.place()
	if err != nil {
		got.err = &failure{op: op, err: err}
		return got
	}
	u = u.JoinPath(path)
	if path == namespacePath {
		u.RawQuery = "itemsPerPage=1&page=1" // one says as much as all
	}
	r, err := request(ctx, u, "", "")
	if err != nil {
		got.err = &failure{op: op, err: errors.New("the request cannot be made: is Source.URL a URL?")}
		return got
	}
	Set(r, tok)
	r.Header.Set("Cache-Control", "no-cache") // what was answered to others says nothing of this token
	if got.a, got.err = s.send(op, r); got.err != nil {
		if _, late := errors.AsType[lateError](context.Cause(ctx)); ctx.Err() != nil && !late {
			got.err = &failure{op: op, err: errBrokenOff}
		}
		return got
	}
	switch {
	case got.a.isPage():
		got.err = got.a.page()
	case got.a.status == http.StatusOK && path == namespacePath:
		if got.list, err = got.a.parse(); err != nil {
			got.err = got.a.unreadable(err)
		}
	case got.a.status != http.StatusOK:
		got.text = said(got.a.body)
	}
	return got
}

// away reports whether who should have answered has not.
func (s seen) away() bool {
	return s.err != nil || s.a.status == http.StatusTooManyRequests || s.a.status/100 == 5 && !s.read()
}

// seven reports whether an error is worded as 7.x does it, and as 2.x does not.
func (s seen) seven() bool {
	return s.err == nil && s.a.status != http.StatusOK && strings.HasPrefix(s.text, "MSG_") && strings.HasPrefix(strings.TrimSpace(s.a.body), "{")
}

// refused reports whether the credential was refused, of which a list says inside
// what it cannot show.
func (s seen) refused() bool {
	return s.a.status == http.StatusUnauthorized || s.list.worst.code == "401"
}

// read reports whether a 2.x has tried to read a session: it has arrived.
func (s seen) read() bool {
	switch s.a.status {
	case http.StatusUnauthorized:
		return s.text == msgExpired || s.text == msgKeyChanged
	case http.StatusInternalServerError:
		return unreadableSession(s.text)
	}
	return false
}

// arrival reads what login/status says; nil if it is not that.
func (s seen) arrival() *arrival {
	if s.err != nil || s.a.status != http.StatusOK || s.a.cached() {
		return nil
	}
	var a arrival
	var found int
	r := strictjson.NewReader(s.a.body, strictjson.Limits{Size: longestAnswer})
	for name := range r.Object() {
		found++
		switch name {
		case "tokenPresent":
			a.session = r.Bool()
		case "headerPresent":
			a.bearer = r.Bool()
		case "httpsMode":
			a.secure = r.Bool()
		default:
			found--
		}
	}
	if r.End() != nil || found != 3 {
		return nil
	}
	return &a
}

// spoke reports whether it is a Dashboard that refuses, by its words.
func (s seen) spoke() bool {
	return strings.HasPrefix(s.text, "MSG_") || strings.Contains(s.a.body, `"ErrStatus"`)
}

// evidence returns s as a fact, with nothing in it that the other side has made up.
func (s seen) evidence() token.Evidence {
	if f, ok := errors.AsType[*failure](s.err); ok {
		brief := failure{status: f.status, saw: f.saw, err: f.err}
		return saw(s.what, "no answer: %s", strings.TrimPrefix(strings.TrimPrefix(brief.Error(), "dashboard: "), ": "))
	}
	value := strings.TrimSpace(strconv.Itoa(s.a.status) + " " + http.StatusText(s.a.status))
	switch known := new(failure).saying(s.text).saw; {
	case known != "":
		value += ", " + known
	case unreadableSession(s.text):
		value += ", from what decrypts sessions"
	case s.list.problems > 0 && s.list.worst.refuses():
		value += ", with a list that is empty because of an error " + errorCode(s.list.worst.code)
	case s.list.problems > 0:
		value += ", with an error in it"
	}
	return saw(s.what, "%s", value)
}

// errorCode returns a code that is one of HTTP.
func errorCode(code string) string {
	if n, err := strconv.Atoi(code); err == nil && http.StatusText(n) != "" {
		return code
	}
	return "of unknown code"
}

// evidence returns a as a fact.
func (a arrival) evidence() token.Evidence {
	return saw("GET "+statusPath+" with the same", "tokenPresent: %t, headerPresent: %t, httpsMode: %t", a.session, a.bearer, a.secure)
}
