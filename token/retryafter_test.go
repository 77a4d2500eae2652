package token_test

import (
	"errors"
	"fmt"
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
