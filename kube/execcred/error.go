package execcred

import (
	"strings"
	"unicode"

	"github.com/tokenlife/tokenlife/token"
)

// An Error is a [Plugin] that brought no token. It matches context.DeadlineExceeded
// or context.Canceled if the plugin was not let finish, and never [token.ErrInvalid].
type Error struct {
	Command  string
	ExitCode int // -1 if it did not run, or did not exit by itself

	// Err is what happened and what to do about it. It has nothing of what the plugin
	// wrote.
	Err error

	// Stderr is the end of what the plugin wrote to standard error, up to 4 KiB. It
	// may have secrets in it, and is not part of the error's text.
	Stderr token.Secret
}

// Error says which plugin failed, how, and what to do.
func (e *Error) Error() string { return "execcred: " + e.Command + ": " + e.Err.Error() }

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }

// failed returns err as an *Error of p.
func (p *Plugin) failed(err error) *Error {
	command := brief(p.Command, 200)
	if command == "" {
		command = "Plugin"
	}
	return &Error{Command: command, ExitCode: -1, Err: err}
}

// brief returns s, which somebody else wrote, in one line of what can be printed, cut
// after most bytes.
func brief(s string, most int) string {
	cut := len(s) > most
	if cut {
		s = s[:most]
	}
	s = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) { // half a rune at the cut, too
			return ' '
		}
		return r
	}, s)
	if s = strings.TrimSpace(s); cut {
		s += "…"
	}
	return s
}
