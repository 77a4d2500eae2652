package token

import (
	"errors"
	"time"
)

// RetryAfter returns how long err asks to wait before its caller tries again,
// or 0 if it does not say: the errors of this module that know have a method
// RetryAfter() time.Duration, and so have those of others.
func RetryAfter(err error) time.Duration {
	var later interface{ RetryAfter() time.Duration }
	if !errors.As(err, &later) {
		return 0
	}
	return max(0, later.RetryAfter())
}
