package redisstore

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// text returns a reply that is a string.
func text(reply any) (string, bool) {
	switch reply := reply.(type) {
	case string:
		return reply, true
	case []byte:
		return string(reply), true
	}
	return "", false
}

// failed returns the error of a call that failed with err. Clients do not all
// say that it was for ctx, and a deadline of their own may be a little sooner.
func failed(ctx context.Context, doing string, err error) error {
	ended := ctx.Err()
	if end, ok := ctx.Deadline(); ok && ended == nil && !time.Now().Before(end) {
		ended = context.DeadlineExceeded
	}
	if ended != nil && !errors.Is(err, ended) {
		return fmt.Errorf("redisstore: %s: %w: %w", doing, ended, bounded{err})
	}
	return fmt.Errorf("redisstore: %s: %w", doing, bounded{err})
}

// A bounded error is a client's, whose text may be a server's, and long.
type bounded struct{ error }

func (e bounded) Error() string { return fmt.Sprintf("%.300s", e.error.Error()) }
func (e bounded) Unwrap() error { return e.error }
