package rancher

import (
	"context"
	"errors"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// KeepActive records that somebody is active in the session whose token has a
// name, now and again and again, so that it does not end for being idle, until
// ctx is done; then it returns the error of ctx. It returns early, with another
// error, if the session has ended or there is nothing to keep.
//
// It does so each time that every has passed, and at least three times within
// the idle limit of the server, which may have been lowered; 0 leaves it to that.
// A failure that may pass is tried again within a minute.
//
// A session without any activity has no idle limit: a program that nobody has
// opened the web interface with needs no KeepActive.
func (c *V3) KeepActive(ctx context.Context, name string, every time.Duration) error {
	if every < 0 {
		return call{op: "keep a session active"}.fail(errors.New("every is negative: give how often to record activity, or 0 to leave it to the server's idle limit"))
	}
	limit := time.Duration(0) // how long the session lasts without activity; 0 is not known
	refused := 0              // times in a row
	for {
		act, err := c.Touch(ctx, name)
		if errors.Is(err, ErrNotAuthenticated) {
			refused++
		} else {
			refused = 0
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			limit = act.ExpiresAt.Sub(act.SeenAt)
		case refused == 1:
			// A server whose own storage fails says that too.
		case !mayPass(err, limit != 0):
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause(err, every, limit)):
		}
	}
}

// pause returns how long to wait until activity is recorded again, after err.
func pause(err error, every, limit time.Duration) time.Duration {
	d := limit / 3
	if limit <= 0 || every > 0 && every < d {
		d = every
	}
	if d == 0 {
		d = 5 * time.Minute // it is not known how soon it must be
	}
	if err != nil {
		d = min(d, time.Minute)
	}
	if e, ok := errors.AsType[*Error](err); ok {
		d = max(d, e.RetryAfter())
	}
	return max(d, time.Second)
}

// mayPass reports whether a failure is of the kind that passes. Once it has
// worked, what a Source says is, since no field is missing, and so is a server
// that has no activities: a proxy has answered, whose Rancher is away.
func mayPass(err error, worked bool) bool {
	if errors.Is(err, ErrUnavailable) || errors.Is(err, ErrNotRancher) {
		return true
	}
	e, ok := errors.AsType[*Error](err)
	_, absent := errors.AsType[absentError](err)
	return worked && ok && (absent || e.Status == 0 && !errors.Is(err, token.ErrRefused))
}
