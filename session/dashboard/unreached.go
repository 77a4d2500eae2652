package dashboard

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"time"
)

// unreached returns the error of a call that had no answer, or not all of one.
func (a *response) unreached(ctx context.Context, err error, connected bool) *failure {
	f := &failure{op: a.op, from: a.from, status: a.status, remedy: "is it running, and can it be reached from here?"}
	if a.status != 0 {
		f.saw, f.remedy = "the answer breaks off", "try again"
	}
	late, isLate := errors.AsType[lateError](context.Cause(ctx))
	untrusted, isUntrusted := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case isLate:
		f.err = fmt.Errorf("%w: %w", errUnavailable, late)
	case isUntrusted:
		f.err = fmt.Errorf("%w: %s", errUntrusted, brief(untrusted.Error(), 300))
		f.remedy = "set Source.Client to one that knows the CA of the Dashboard, or Source.URL to a name that its certificate is for"
	default:
		f.err = fmt.Errorf("%w: %s", errUnavailable, whyBroken(err, connected))
	}
	return f
}

// whyBroken says in brief what is wrong with a connection. Once there is one, the
// text of an error can be the server's, and the server knows the secrets: "malformed
// MIME header line: …".
func whyBroken(err error, connected bool) string {
	timed, isTimed := errors.AsType[net.Error](err)
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err // without the URL, which is said already
	}
	system, isSystem := errors.AsType[*net.OpError](err)
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

// A lateError ends an attempt that has had its time.
type lateError struct{ limit time.Duration }

func (e lateError) Error() string { return fmt.Sprintf("no end to it within %v", e.limit) }

func (e lateError) Unwrap() error { return context.DeadlineExceeded }
