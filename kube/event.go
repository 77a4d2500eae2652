package kube

import (
	"fmt"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// A Kind says what happened in an [Event].
type Kind int

// What an API server may do other than it was asked.
const (
	Shortened Kind = iota + 1 // the token lives less than Request.Lifetime: the server has a maximum
	Extended                  // the token's exp is later than it was asked to be: the server extends API tokens of pods
	Warned                    // the server sent a Warning with the token
)

var kinds = [...]string{Shortened: "shortened", Extended: "extended", Warned: "warned"}

// String returns "shortened", "extended" or "warned".
func (k Kind) String() string {
	if k < 1 || int(k) >= len(kinds) {
		return fmt.Sprintf("Kind(%d)", int(k))
	}
	return kinds[k]
}

// An Event is what a [Source] or [Tokens] tells its OnEvent of an answer. It holds
// no secret.
type Event struct {
	Kind    Kind
	Request Request

	// Asked is Request.Lifetime, Granted how long the token is useful, and Exp how
	// long the server would accept it.
	Asked, Granted, Exp time.Duration

	// Warnings are what the server says to it in Warning headers (RFC 9111,
	// section 5.5), the first ten, brief. They are known if the Client was made
	// from a configuration whose WarningHandlerWithContext is a [Warnings].
	Warnings []string
}

// String returns e in one line for a log.
func (e Event) String() string {
	s := fmt.Sprintf("%s: %s, good for %v", e.Kind, e.Request.op(), e.Granted)
	switch e.Kind {
	case Shortened:
		s += fmt.Sprintf(" where %v was asked for: the server has a maximum", e.Asked)
	case Extended:
		s += fmt.Sprintf(", which the server would accept for %v", e.Exp)
	}
	if len(e.Warnings) > 0 {
		s += fmt.Sprintf("; the server says %q", strings.Join(e.Warnings, "; "))
	}
	return s
}

// rounding is how much two times of one answer may differ that should not: the
// server cuts each to the second, and reads its clock for each.
const rounding = time.Second

// tell tells OnEvent what the server did other than it was asked: t is what came,
// and exp how long the server would accept it.
func (s *Source) tell(t token.Token, exp time.Duration, warnings []string) {
	e := Event{Request: s.Request, Asked: s.Lifetime, Granted: t.ExpiresIn, Exp: exp, Warnings: warnings}
	if e.Asked-e.Granted > rounding {
		e.Kind = Shortened
		s.say(e)
	}
	if e.Exp-e.Granted > rounding {
		e.Kind = Extended
		s.say(e)
	}
	if e.Kind == 0 && len(warnings) > 0 {
		e.Kind = Warned
		s.say(e)
	}
}

// say tells OnEvent e. A panic there must not cost the token.
func (s *Source) say(e Event) {
	defer func() { _ = recover() }()
	s.OnEvent(e)
}
