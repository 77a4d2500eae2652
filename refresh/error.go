package refresh

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// An Error is what [Source.Token] returns when it has no usable token and could
// not get one. It never matches [token.ErrInvalid].
type Error struct {
	Attempts int           // failed in a row
	Next     time.Duration // until a call has the Source try again; it repeats this error before that
	Err      error         // of the last attempt
}

// Error says what the last attempt failed with and when the next one will be.
func (e *Error) Error() string {
	cause := fmt.Sprint(e.Err)
	if r, ok := errors.AsType[*rotationError](e.Err); ok {
		// That pause is over before this one is.
		cause = strings.Replace(cause, r.Error(), r.withoutPause().Error(), 1)
	}
	s := "refresh: no usable token: " + cause
	if e.Attempts > 1 {
		s += fmt.Sprintf(" (%d attempts in a row)", e.Attempts)
	}
	return s + fmt.Sprintf("; trying again in %v", e.Next.Round(time.Millisecond))
}

// Unwrap returns the error of the last attempt.
func (e *Error) Unwrap() error { return e.Err }

// RetryAfter returns e.Next. A server that cannot serve for want of its own
// token can pass it on.
func (e *Error) RetryAfter() time.Duration { return e.Next }

// retryAfter returns what err says of when to come back, within reason.
func retryAfter(err error) time.Duration {
	return min(token.RetryAfter(err), longestRetryAfter)
}

// ours returns err so that it cannot blame a caller: what a Base says of a
// token it was using says nothing of one presented to us.
func ours(err error) error {
	if errors.Is(err, token.ErrInvalid) {
		return token.Refused(err)
	}
	return err
}
