package refresh

import (
	"fmt"
	"log/slog"
	"time"
)

// A Kind says what happened in an [Event].
type Kind int

// What can happen to a Source.
const (
	Obtained    Kind = iota + 1 // a token came where there was none to hand out; callers waited for it
	Renewed                     // a token came while the one before was still good; nobody waited
	Unchanged                   // Base supplied the token it had supplied before
	Loaded                      // a token was found in the Store; Base was not asked
	Failed                      // an attempt failed
	Refused                     // Invalidate gave up the token
	StoreFailed                 // the Store could not be read or written; the Source went on without
)

// What can happen to a Rotator, besides Failed, Refused and StoreFailed. What to
// watch is in the package comment.
const (
	Exchanged  Kind = StoreFailed + 1 + iota // the refresh token was spent, and the new pair is in the Store
	Adopted                                  // a newer pair was found in the Store
	TookOver                                 // the claim of a holder that is gone was taken over
	Uncertain                                // an exchange ended nobody knows how; it will be tried again
	RolledBack                               // the Store had lost writes, and was given back the pair it had lost
	Died                                     // the refresh token is dead; Err says why
	Unsaved                                  // a new pair cannot be stored yet: if the process ends now, the login is lost
)

var kinds = [...]string{"", "obtained", "renewed", "unchanged", "loaded", "failed", "refused", "store failed",
	"exchanged", "adopted", "took over", "uncertain", "rolled back", "died", "unsaved"}

// String returns k in lower case, such as "renewed".
func (k Kind) String() string {
	if k < 1 || int(k) >= len(kinds) {
		return fmt.Sprintf("Kind(%d)", int(k))
	}
	return kinds[k]
}

// An Event is what a Source or a Rotator tells its OnEvent. Logs, metrics and
// traces can be made from it; it holds no secret.
type Event struct {
	Kind Kind

	// Took is how long the attempt lasted.
	Took time.Duration

	// Attempt counts the attempts in a row that brought no new token, or one
	// that was refused, this one included; 0 after a success.
	Attempt int

	// ExpiresIn is how long the token has left; 0 if unknown.
	ExpiresIn time.Duration

	// Next is how long until Base, or the issuer, will be asked again, if anybody
	// asks for a token then.
	Next time.Duration

	// Offset is by how much the issuer's clock is ahead of this machine's,
	// if the Source has a Clock that knows.
	Offset time.Duration

	// Err says what failed; nil otherwise.
	Err error
}

// String returns e as one line for people.
func (e Event) String() string {
	s := e.Kind.String()
	if e.Took > 0 {
		s += fmt.Sprintf(" in %v", e.Took.Round(100*time.Microsecond))
	}
	if e.ExpiresIn > 0 {
		s += fmt.Sprintf(", expires in %v", e.ExpiresIn.Round(time.Millisecond))
	}
	if e.Attempt > 0 {
		s += fmt.Sprintf(", attempt %d", e.Attempt)
	}
	if e.Next > 0 {
		s += fmt.Sprintf(", next in %v", e.Next.Round(time.Millisecond))
	}
	if e.Offset != 0 {
		s += fmt.Sprintf(", issuer's clock %+v", e.Offset.Round(time.Millisecond))
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// LogValue implements [slog.LogValuer].
func (e Event) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("kind", e.Kind.String())}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"took", e.Took}, {"expires_in", e.ExpiresIn}, {"next", e.Next}, {"offset", e.Offset}} {
		if d.value != 0 {
			attrs = append(attrs, slog.Duration(d.name, d.value))
		}
	}
	if e.Attempt != 0 {
		attrs = append(attrs, slog.Int("attempt", e.Attempt))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", e.Err.Error()))
	}
	return slog.GroupValue(attrs...)
}
