package rancher

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/internal/foreign"
	"github.com/tokenlife/tokenlife/token"
)

// What an [Error] can mean: which decision it asks for. Those that are about a
// credential of our own match [token.ErrRefused] as well.
var (
	// ErrCredentials: a login was refused. A wrong password, an unknown user
	// and an account that is not active look alike.
	ErrCredentials error = refusal("the server does not accept these credentials")

	// ErrNotAuthenticated: the token was refused. One that has expired, one that
	// was revoked and one that never was look alike; Diagnose tells them apart.
	ErrNotAuthenticated error = refusal("the server does not accept this token")

	// ErrProviderChanged: 1.6 has been given another provider of access control
	// since the token was made.
	ErrProviderChanged error = refusal("access control has changed since the token was made")

	// ErrNoAccess: who it is is known, and may not use this Rancher: the site
	// access of 1.6 leaves them out, or the user of 2.x is disabled.
	ErrNoAccess error = refusal("this user may not use this Rancher")

	// ErrCSRF: the server takes us for a browser, and misses the header
	// X-API-CSRF that repeats the cookie CSRF.
	ErrCSRF = errors.New("the header X-API-CSRF does not repeat the cookie CSRF")

	// ErrProvider: the provider of access control is missing, disabled, not
	// configured, or cannot be reached by the server.
	ErrProvider = errors.New("the server's provider of access control cannot be used")

	// ErrRequest: the server does not take what was asked as a request.
	ErrRequest = errors.New("the server does not take this as a request")

	// ErrForbidden: the token is good, and its user may not do this.
	ErrForbidden = errors.New("the token is good, and its user may not do this")

	// ErrNotFound: there is no such thing, or it is not for this user to see.
	ErrNotFound = errors.New("there is no such thing, or this user may not see it")

	// ErrUnavailable: the server, or a proxy before it, cannot answer now, or
	// could not be reached.
	ErrUnavailable = errors.New("the server cannot answer now")

	// ErrNotRancher: what answered is not Rancher, or not the Rancher that was
	// expected there: a page, a redirect, something endless, JSON that ends in
	// the middle.
	ErrNotRancher = errors.New("the answer is not one of Rancher's")
)

// A refusal is a kind of Error that matches [token.ErrRefused].
type refusal string

func (r refusal) Error() string { return string(r) }

func (r refusal) Unwrap() error { return token.ErrRefused }

// An Error is a call to Rancher that did not do what it was for. It holds no
// secret, and nothing that a server could have put one in.
//
// It matches one of the errors above, such as [ErrCredentials], or the one of a
// context, and never [token.ErrInvalid].
type Error struct {
	Op     string // what was to be done, such as "log in"
	From   string // who answered, or was to: method and URL
	Status int    // of the HTTP response; 0 if there was none
	Code   string // what Rancher calls it, such as "InvalidCSRFToken", if it is a code that is known
	Saw    string // what else was seen, in our words
	Err    error  // what it means
	Remedy string // what to do about it

	retryAfter time.Duration
	unsent     bool // nothing can have been done about it
}

// Error says what was to be done, who answered what, what it means, and what to
// do.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("rancher: " + e.Op)
	if e.From != "" {
		b.WriteString(": " + e.From)
	}
	if e.Status != 0 {
		b.WriteString(": " + outcome(e.Status, e.Code))
	}
	if e.Saw != "" {
		b.WriteString(", " + e.Saw)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if e.Remedy != "" {
		b.WriteString("; " + e.Remedy)
	}
	return b.String()
}

// outcome returns a status, and the code that Rancher gave it, unless that is the
// same in one word.
func outcome(status int, code string) string {
	text := http.StatusText(status)
	s := strings.TrimRight(fmt.Sprintf("%d %s", status, text), " ")
	if code != "" && code != strings.ReplaceAll(text, " ", "") {
		s += ", " + code
	}
	return s
}

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }

// RetryAfter returns how long the server asked to be left alone, or 0.
func (e *Error) RetryAfter() time.Duration { return e.retryAfter }

// fail returns the error of a call that was not made.
func (c call) fail(err error) *Error {
	return &Error{Op: withoutSecret(c.op), Err: ours(err), unsent: true}
}

// odd returns the error of an answer that cannot be one of Rancher's.
func (a *answer) odd(saw, remedy string) *Error {
	e := &Error{Op: a.op, From: a.from, Status: a.status, Saw: saw, Err: ErrNotRancher, Remedy: remedy}
	if a.status == http.StatusTooManyRequests || a.status/100 == 5 {
		// A proxy says with a page that Rancher is away.
		e.Err, e.retryAfter = ErrUnavailable, token.RetryAfterHeader(a.header)
	}
	return e
}

// unreadable returns the error of an answer with the right status whose body
// cannot be read. Err is that of a strictjson.Reader, or says what is missing.
func (a *answer) unreadable(err error) *Error {
	return a.odd("the answer cannot be read: "+foreign.Brief(err.Error(), 200), "is this Rancher, of a version that is known here?")
}

// failed returns the error of an answer that says that what was asked is not
// done: err is what it means.
func (a *answer) failed(err error, remedy string) *Error {
	s := read(a)
	e := &Error{Op: a.op, From: a.from, Status: a.status, Code: knownCode(s.code), Err: err, Remedy: remedy}
	if s.field != "" && e.Code != "" {
		e.Code += " " + s.field
	}
	if errors.Is(err, ErrUnavailable) || a.status == http.StatusTooManyRequests {
		e.retryAfter = token.RetryAfterHeader(a.header)
	}
	return e
}

// ours returns err so that it does not speak of a token that somebody else
// presented.
func ours(err error) error {
	if errors.Is(err, token.ErrInvalid) {
		return token.Refused(err)
	}
	return err
}

// knownCodes are the codes that are repeated: whatever else an answer says may
// be what was sent.
var knownCodes = strings.Fields(`Unauthorized Forbidden NotFound MethodNotAllowed MethodNotAllow ServerError
	MissingRequired InvalidBodyContent InvalidFormat InvalidCSRFToken InvalidOption InvalidState
	AuthError AuthProviderChanged NoAuthProvider LocalAuthConfig MalformedCode codeInvalid JWTNotProvided LdapDown
	PermissionDenied ClusterUnavailable Conflict NotUnique MaxLimitExceeded MinLengthExceeded InvalidReference
	BadRequest AlreadyExists Invalid Timeout TooManyRequests InternalError ServiceUnavailable Gone Expired`)

func knownCode(code string) string {
	if slices.Contains(knownCodes, code) {
		return code
	}
	return ""
}
