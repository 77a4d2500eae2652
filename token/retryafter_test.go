package token_test

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

type later time.Duration

func (l later) Error() string             { return "later" }
func (l later) RetryAfter() time.Duration { return time.Duration(l) }

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  error
		want time.Duration
	}{
		{nil, 0},
		{errors.New("now"), 0},
		{later(time.Minute), time.Minute},
		{fmt.Errorf("asking: %w", later(time.Minute)), time.Minute},
		{later(-time.Minute), 0},
	} {
		if got := token.RetryAfter(test.err); got != test.want {
			t.Errorf("RetryAfter(%v) = %v, want %v", test.err, got, test.want)
		}
	}
}

func TestRetryAfterHeader(t *testing.T) {
	t.Parallel()
	const noon = "Mon, 05 Jan 2026 12:00:00 GMT"
	for _, test := range []struct {
		later, date string
		want        time.Duration
	}{
		{"", noon, 0},
		{"0", "", 0},
		{"7", "", 7 * time.Second},
		{"3601", "", time.Hour},
		{"99999999999999999999", "", 0},
		{"-7", "", 0},
		{"+7", "", 0},
		{"7.5", "", 0},
		{"soon", noon, 0},
		{"Mon, 05 Jan 2026 12:00:30 GMT", noon, 30 * time.Second},
		{"Mon, 05 Jan 2026 11:59:30 GMT", noon, 0},
		{"Tue, 06 Jan 2026 12:00:00 GMT", noon, time.Hour},
		{"Mon, 05 Jan 2026 12:00:30 GMT", "", 0}, // no clock but the server's own
		{"Mon, 05 Jan 2026 12:00:30 GMT", "noon", 0},
	} {
		h := http.Header{"Retry-After": {test.later}, "Date": {test.date}}
		if got := token.RetryAfterHeader(h); got != test.want {
			t.Errorf("Retry-After %q at %q: %v, want %v", test.later, test.date, got, test.want)
		}
	}
}

func TestSetRetryAfter(t *testing.T) {
	t.Parallel()
	for wait, want := range map[time.Duration]string{
		-time.Second: "", 0: "", 1: "1", time.Second: "1", time.Second + 1: "2", time.Minute: "60", math.MaxInt64: "9223372037",
	} {
		h := http.Header{}
		token.SetRetryAfter(h, wait)
		if got := h.Get("Retry-After"); got != want {
			t.Errorf("%v: %q, want %q", wait, got, want)
		}
	}
}
