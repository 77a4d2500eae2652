package skew

import (
	"math"
	"testing"
	"time"
)

func TestLeeway(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ d, want time.Duration }{
		{0, DefaultLeeway},
		{time.Nanosecond, time.Nanosecond},
		{time.Hour, time.Hour},
		{-1, 0},
		{math.MinInt64, 0},
		{math.MaxInt64, math.MaxInt64},
	} {
		if got := Leeway(tt.d); got != tt.want {
			t.Errorf("Leeway(%v) = %v, want %v", tt.d, got, tt.want)
		}
	}
}
