package rancher

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"
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
	why := whyBroken(err, x.connected.Load())
	switch late, ok := errors.AsType[lateError](context.Cause(ctx)); {
	case ok:
		e.Err = fmt.Errorf("%w: %w", ErrUnavailable, late)
	case ctx.Err() != nil:
		e.Err, e.Remedy = ctx.Err(), "" // whoever has called has gone
	case strings.Contains(why, "x509:") || strings.Contains(why, "tls:"):
		e.Err = fmt.Errorf("%w: %s", ErrUnavailable, why)
		e.Remedy = "have Server.HTTP trust the server's certificate authority; GET /v3/settings/cacerts shows it, to be compared with what its operator says"
	default:
		e.Err = fmt.Errorf("%w: %s", ErrUnavailable, why)
	}
	return e
}

// whyBroken says in brief what is wrong with a connection. Once there is one, the
// text of an error can be the server's, and the server knows the secrets: "malformed
// MIME header line: …".
func whyBroken(err error, connected bool) string {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err // without the URL, which may have a secret in its query
	}
	system, isSystem := errors.AsType[*net.OpError](err)
	timed, isTimed := errors.AsType[net.Error](err)
	switch {
	case !connected:
		return brief(err.Error(), 300)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe):
		return "the connection ended before the answer did"
	case isSystem:
		return brief(system.Error(), 300)
	case isTimed && timed.Timeout():
		return "it took too long"
	}
	return "what came cannot be read as HTTP"
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
