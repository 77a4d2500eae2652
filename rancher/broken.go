package rancher

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/internal/foreign"
)

// unreached returns the error of a call that had no answer, or not all of one.
func (c call) unreached(ctx context.Context, a *answer, err error, x *exchange) *Error {
	e := &Error{
		Op: c.op, From: a.from, Status: a.status,
		Remedy: "is it running, and can it be reached from here?",
		unsent: c.body != "" && x.body.Stop() && a.status == 0,
	}
	if a.status != 0 {
		e.Saw, e.Remedy = "the answer breaks off", "try again"
	}
	why := foreign.Broken(err, x.connected.Load())
	switch late, ok := errors.AsType[lateError](context.Cause(ctx)); {
	case ok:
		e.Err = fmt.Errorf("%w: %w", ErrUnavailable, late)
	case ctx.Err() != nil:
		e.Err, e.Remedy = ctx.Err(), "" // whoever has called has gone
	case foreign.Untrusted(err) != nil:
		e.Err = fmt.Errorf("%w: %s", ErrUnavailable, why)
		e.Remedy = "have Server.HTTP trust the server's certificate authority; GET /v3/settings/cacerts shows it, to be compared with what its operator says"
	default:
		e.Err = fmt.Errorf("%w: %s", ErrUnavailable, why)
	}
	return e
}

// panicked returns the error of a call that a panic has ended: that of somebody
// else's code.
func (c call) panicked(a *answer, err error, x *exchange) *Error {
	return &Error{
		Op: c.op, From: a.from, Err: fmt.Errorf("%w: %w", ErrUnavailable, err),
		Remedy: "mend the Transport of Server.HTTP",
		unsent: c.body != "" && x.body.Stop(),
	}
}

// A lateError ends a call that has had its time.
type lateError struct {
	limit time.Duration
	field string // which sets it
}

func (e lateError) Error() string { return fmt.Sprintf("no answer within %v (%s)", e.limit, e.field) }

func (e lateError) Unwrap() error { return context.DeadlineExceeded }
