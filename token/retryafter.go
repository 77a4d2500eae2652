package token

import (
	"errors"
	"net/http"
	"strconv"
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

// longestRetryAfter is the most that a server is believed to need.
const longestRetryAfter = time.Hour

// RetryAfterHeader reads the header Retry-After (RFC 9110, section 10.2.3) of a
// response, for the errors of Sources: at most an hour, and 0 if there is none,
// or none that can be read. It is a number of seconds or a date; a date is
// compared with the response's own, so that no clock here matters.
func RetryAfterHeader(h http.Header) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, longestRetryAfter)
	}
	until, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return min(max(0, until.Sub(now)), longestRetryAfter)
}

// SetRetryAfter sets the header Retry-After of an answer to whole seconds, rounded
// up, for a server that asks its client to wait. If wait is not positive it sets
// nothing.
func SetRetryAfter(h http.Header, wait time.Duration) {
	if wait > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((wait-1)/time.Second)+1, 10))
	}
}
