package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// An upstream issues tokens. It is as slow, short-lived or broken as it is told
// to be.
type upstream struct {
	delay     time.Duration // how long an answer takes
	life      time.Duration // how long a token lives
	refreshIn time.Duration // how soon it is to be replaced, for caches that want to hear it
	size      int           // of a token's text, at least
	same      bool          // the first token is handed out for ever

	// trouble, if not nil, is called with the number of the call, counted from
	// one. The call fails with its error, or panics with it.
	trouble func(call int64) error

	calls atomic.Int64
	first atomic.Pointer[issued]
}

// issued is a token. Its text begins with its expiry, so that whoever is handed
// the text knows.
type issued struct {
	text   string
	expiry time.Time
}

// issue answers a call, after the delay or when ctx is done.
func (u *upstream) issue(ctx context.Context) (issued, error) {
	n := u.calls.Add(1)
	if u.delay > 0 {
		select {
		case <-time.After(u.delay):
		case <-ctx.Done():
			return issued{}, ctx.Err()
		}
	}
	if u.trouble != nil {
		if err := u.trouble(n); err != nil {
			return issued{}, err
		}
	}
	if u.same {
		u.first.CompareAndSwap(nil, u.make(n))
		return *u.first.Load(), nil
	}
	return *u.make(n), nil
}

func (u *upstream) make(n int64) *issued {
	// Without its monotonic reading, as a token that came over the network.
	expiry := time.Now().Add(u.life).Round(0)
	text := fmt.Sprintf("%d-%d-", expiry.UnixNano(), n)
	return &issued{text + strings.Repeat("x", max(0, u.size-len(text))), expiry}
}

// deadAt reports whether the token with this text has expired at now.
func deadAt(text string, now time.Time) bool {
	ns, _, _ := strings.Cut(text, "-")
	expiry, err := strconv.ParseInt(ns, 10, 64)
	return err != nil || now.UnixNano() >= expiry
}
