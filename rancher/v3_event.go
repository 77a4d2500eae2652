package rancher

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
)

// A V3EventKind says what happened in a [V3Event].
type V3EventKind int

// What can happen to a V3Source. Somebody has to act on V3Ended, and on V3Clamped
// if the tokens are to live longer.
const (
	V3Created  V3EventKind = iota + 1 // a token was made; Asked and Granted say how long it lives
	V3Clamped                         // it was granted less than was asked for; Setting says by what
	V3Deleted                         // a token that nobody needs any more was deleted
	V3Left                            // tokens that nobody needs could not be deleted; that is tried again at the next renewal
	V3Refused                         // a token was refused, and again when it was asked about once more; it is left alone for a while
	V3Ended                           // there is no token to go on with, and First has none either; Err says why; that is looked at again later
	V3Rotation                        // what the Rotator below tells, in Rotation
)

var v3EventKinds = [...]string{"", "created", "clamped", "deleted", "left", "refused", "ended", "rotation"}

// String returns k in lower case, such as "clamped".
func (k V3EventKind) String() string {
	if k < 1 || int(k) >= len(v3EventKinds) {
		return fmt.Sprintf("V3EventKind(%d)", int(k))
	}
	return v3EventKinds[k]
}

// A V3Event is what a [V3Source] tells its OnEvent. It holds no secret.
type V3Event struct {
	Kind V3EventKind

	// Name is that of the token: "token-7d9xk".
	Name string

	// Asked and Granted are how long a token was to live and will, for
	// V3Created and V3Clamped; 0 is for ever. Asked is less than Lifetime where
	// the chain ends before that, or has been asked for less.
	Asked, Granted time.Duration

	// Setting is the setting of the server that says how long tokens may live,
	// for V3Clamped.
	Setting string

	// Rotation is what the Rotator tells, for V3Rotation.
	Rotation refresh.Event

	// Err says what failed; nil otherwise.
	Err error
}

// String returns e as one line for people.
func (e V3Event) String() string {
	if e.Kind == V3Rotation {
		return e.Rotation.String()
	}
	s := e.Kind.String()
	if e.Name != "" {
		s += " " + e.Name
	}
	switch e.Kind {
	case V3Created:
		s += ", lives " + lives(e.Granted)
	case V3Clamped:
		s += fmt.Sprintf(": asked for %s, granted %s: raise the server's setting %s, or ask for no more", lives(e.Asked), lives(e.Granted), e.Setting)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// lives says how long a token lives.
func lives(d time.Duration) string {
	if d == 0 {
		return "for ever"
	}
	return d.String()
}

// LogValue implements [slog.LogValuer].
func (e V3Event) LogValue() slog.Value {
	if e.Kind == V3Rotation {
		return e.Rotation.LogValue()
	}
	attrs := []slog.Attr{slog.String("kind", e.Kind.String())}
	if e.Name != "" {
		attrs = append(attrs, slog.String("name", e.Name))
	}
	if e.Kind == V3Created || e.Kind == V3Clamped {
		attrs = append(attrs, slog.Duration("asked", e.Asked), slog.Duration("granted", e.Granted))
	}
	if e.Setting != "" {
		attrs = append(attrs, slog.String("setting", e.Setting))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", e.Err.Error()))
	}
	return slog.GroupValue(attrs...)
}
