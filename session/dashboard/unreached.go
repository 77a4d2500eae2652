package dashboard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/internal/foreign"
)

// unreached returns the error of a call that had no answer, or not all of one.
func (a *response) unreached(ctx context.Context, err error, connected bool) *failure {
	f := &failure{op: a.op, from: a.from, status: a.status, remedy: "is it running, and can it be reached from here?"}
	if a.status != 0 {
		f.saw, f.remedy = "the answer breaks off", "try again"
	}
	late, isLate := errors.AsType[lateError](context.Cause(ctx))
	untrusted := foreign.Untrusted(err)
	switch {
	case isLate:
		f.err = fmt.Errorf("%w: %w", errUnavailable, late)
	case untrusted != nil:
		f.err = fmt.Errorf("%w: %s", errUntrusted, foreign.Brief(untrusted.Error(), 300))
		f.remedy = "set Source.Client to one that knows the CA of the Dashboard, or Source.URL to a name that its certificate is for"
	default:
		f.err = fmt.Errorf("%w: %s", errUnavailable, foreign.Broken(err, connected))
	}
	return f
}

// A lateError ends an attempt that has had its time.
type lateError struct{ limit time.Duration }

func (e lateError) Error() string { return fmt.Sprintf("no end to it within %v", e.limit) }

func (e lateError) Unwrap() error { return context.DeadlineExceeded }
