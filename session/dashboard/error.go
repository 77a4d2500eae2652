package dashboard

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// What can be wrong with a call of a Source.
var (
	errCredential  error = ownRefusal("the Dashboard does not accept the credential from Source.Login")
	errSession           = errors.New("the Dashboard does not take this session any more")
	errAbsent            = errors.New("the Dashboard has nothing of that name")
	errCSRFToken         = errors.New("the Dashboard does not accept the CSRF token that it has just given")
	errUnavailable       = errors.New("the Dashboard cannot answer now")
	errUntrusted         = errors.New("the certificate of the Dashboard was not accepted")
	errForeign           = errors.New("the answer is not one of the Dashboard's")
)

// An ownRefusal is an error that matches [token.ErrRefused].
type ownRefusal string

func (r ownRefusal) Error() string { return string(r) }

func (r ownRefusal) Unwrap() error { return token.ErrRefused }

// A failure is a call to the Dashboard that did not do what it was for. It holds
// no secret, and nothing that a server could have put one in.
type failure struct {
	op     string // what was to be done, such as "log in"
	from   string // who answered, or was to: method and URL
	status int    // of the HTTP response; 0 if there was none
	saw    string // what else was seen, in our words
	err    error  // what it means
	remedy string // what to do about it

	retryAfter time.Duration
}

// Error says what was to be done, who answered what, what it means, and what to
// do.
func (f *failure) Error() string {
	var b strings.Builder
	b.WriteString("dashboard: " + f.op)
	if f.from != "" {
		b.WriteString(": " + f.from)
	}
	if f.status != 0 {
		b.WriteString(": " + strings.TrimRight(fmt.Sprintf("%d %s", f.status, http.StatusText(f.status)), " "))
	}
	if f.saw != "" {
		b.WriteString(", " + f.saw)
	}
	if f.err != nil {
		b.WriteString(": " + f.err.Error())
	}
	if f.remedy != "" {
		b.WriteString("; " + f.remedy)
	}
	return b.String()
}

// Unwrap returns what the failure means.
func (f *failure) Unwrap() error { return f.err }

// saying returns f with what the Dashboard said, if that is something it is known
// to say: anything else may be what was sent.
func (f *failure) saying(text string) *failure {
	switch text {
	case msgUnauthorized, msgExpired, msgKeyChanged, msgCSRF, msgNoCredential, msgNoSession, msgNoJWE, msgCryptography, msgAAD:
		f.saw = text
	}
	return f
}

// RetryAfter returns how long the Dashboard asked to be left alone, or 0.
func (f *failure) RetryAfter() time.Duration { return f.retryAfter }

// ours returns err so that it does not speak of a token that somebody else
// presented.
func ours(err error) error {
	if errors.Is(err, token.ErrInvalid) {
		return token.Refused(err)
	}
	return err
}
