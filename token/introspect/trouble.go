package introspect

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// longestText is how much is repeated of what went wrong on the way, which may
// quote the other side.
const longestText = 300

// bare returns err without the URL that a client puts in front of it, which may
// have a key in its query, or that of a proxy, which may have a password, and in brief.
func bare(err error) error {
	for e, ok := errors.AsType[*url.Error](err); ok; e, ok = errors.AsType[*url.Error](err) {
		err = e.Err
	}
	return brief{err}
}

// A brief error has only the beginning of its text.
type brief struct{ error }

func (e brief) Error() string {
	text := e.error.Error()
	if len(text) > longestText {
		text = strings.ToValidUTF8(text[:longestText], "") + "…"
	}
	return text
}

func (e brief) Unwrap() error { return e.error }

// ours returns err so that it does not blame the presented token: whatever went
// wrong on the way to its issuer was not its fault.
func ours(err error) error {
	if errors.Is(err, token.ErrInvalid) {
		return token.Refused(err)
	}
	return err
}

// A lateError is what ends a request that has had its time.
type lateError struct{ limit string }

func (e *lateError) Error() string { return "within " + e.limit }
func (e *lateError) Unwrap() error { return context.DeadlineExceeded }

// failed returns the error of a request, begun at start, that had not what it was
// to have, because of err. It says whose deadline it was, if it was one.
func failed(ctx context.Context, start time.Time, what string, err error) error {
	if ctx.Err() == nil || !errors.Is(err, context.DeadlineExceeded) {
		return ours(fmt.Errorf("%s: %w", what, err))
	}
	late, own := errors.AsType[*lateError](context.Cause(ctx))
	if !own {
		late = &lateError{fmt.Sprintf("%v (the caller's deadline)", time.Since(start).Round(time.Millisecond))}
	}
	if text := err.Error(); text == late.Error() || text == context.DeadlineExceeded.Error() {
		return fmt.Errorf("%s %w", what, late)
	}
	return ours(fmt.Errorf("%s %w: %w", what, late, err))
}
