package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// failed returns the error of a call that failed with err. Drivers do not all
// say that it was for ctx, and a deadline of their own may be a little sooner.
func failed(ctx context.Context, doing, table string, err error) error {
	if sqlState(err) == readOnlyTransaction {
		err = errReadOnly
	}
	ended := ctx.Err()
	if end, ok := ctx.Deadline(); ok && ended == nil && !time.Now().Before(end) {
		ended = context.DeadlineExceeded
	}
	if ended != nil && !errors.Is(err, ended) {
		return fmt.Errorf("sqlstore: %s table %s: %w: %w", doing, table, ended, bounded{err})
	}
	return fmt.Errorf("sqlstore: %s table %s: %w", doing, table, bounded{err})
}

// errReadOnly is of a connection to a server that follows another.
var errReadOnly = errors.New("the connection is read-only, as those to a standby are: connect to the primary, with target_session_attrs=read-write")

// A bounded error is a driver's, whose text may be a server's, and long.
type bounded struct{ error }

func (e bounded) Error() string { return fmt.Sprintf("%.300s", e.error.Error()) }
func (e bounded) Unwrap() error { return e.error }

// PostgreSQL's codes of errors.
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	readOnlyTransaction  = "25006"
)

// sqlState returns the code that PostgreSQL gave an error, as drivers have it.
func sqlState(err error) string {
	var e interface{ SQLState() string }
	if errors.As(err, &e) {
		return e.SQLState()
	}
	return ""
}
