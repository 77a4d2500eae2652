package jwt

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/tokenlife/tokenlife/internal/origin"
	"github.com/tokenlife/tokenlife/token"
)

// An unavailableError says why nobody can tell which keys there are, and when
// to ask again.
type unavailableError struct {
	err  error
	next time.Duration // until the next attempt
}

func (e *unavailableError) Error() string {
	return fmt.Sprintf("jwt: %v; next attempt in %v", e.err, e.next.Round(time.Millisecond))
}

func (e *unavailableError) Unwrap() error { return e.err }

// RetryAfter is looked for by [token.Require].
func (e *unavailableError) RetryAfter() time.Duration { return e.next }

// A statusError is an answer other than 200. What the server writes with it is
// not repeated.
type statusError struct {
	code    int
	after   time.Duration // as its Retry-After says
	remedy  string        // may be empty
	refused bool          // the token of Source was
}

// status returns the error for an answer to a request for u.
func (r *Remote) status(u *url.URL, resp *http.Response) *statusError {
	e := &statusError{code: resp.StatusCode, after: token.RetryAfterHeader(resp.Header)}
	if e.code != http.StatusUnauthorized && e.code != http.StatusForbidden {
		return e
	}
	home, err := r.first()
	switch {
	case r.Source == nil:
		e.remedy = "if it wants to know who asks, see Remote.Source"
	case err == nil && origin.Of(u) != origin.Of(home):
		e.remedy = fmt.Sprintf("no token was sent there, since it is not at %v: if the keys are there too, set Remote.URL to them", origin.Of(home))
	default:
		e.remedy = "it had the token of Remote.Source, which is no good, or may not read keys"
		e.refused = e.code == http.StatusUnauthorized
	}
	return e
}

func (e *statusError) Error() string {
	text := strings.TrimSpace(fmt.Sprintf("status %d %s", e.code, http.StatusText(e.code)))
	if e.remedy != "" {
		text += ": " + e.remedy
	}
	return text
}

// Is reports whether target is [token.ErrRefused] and the server did not accept
// our own token.
func (e *statusError) Is(target error) bool { return target == token.ErrRefused && e.refused }

func (e *statusError) RetryAfter() time.Duration { return e.after }

// A clippedError is an error of an HTTP client, which may quote what the server
// sent, at any length. It prints without.
type clippedError struct{ err error }

// clipped returns err without the URL, which is named elsewhere.
func clipped(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	return &clippedError{err}
}

// quoted is what %q makes. Within it quotes are escaped, so that no text can
// end it.
var quoted = regexp.MustCompile(`"(\\.|[^"\\])*"?`)

const maxErrorText = 400

func (e *clippedError) Error() string {
	text := quoted.ReplaceAllLiteralString(e.err.Error(), `"…"`)
	text = strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return '?'
		}
		return c
	}, text)
	if len(text) > maxErrorText {
		text = strings.ToValidUTF8(text[:maxErrorText], "") + "…"
	}
	return text
}

func (e *clippedError) Unwrap() error { return e.err }
