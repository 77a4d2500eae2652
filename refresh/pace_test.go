package refresh

import (
	"testing"
	"time"
)

// The wall clock is looked at again once its last look is a millisecond old.
func TestPace(t *testing.T) {
	now := readClock()
	for _, tc := range []struct {
		name  string
		taken int64
	}{
		{"a millisecond ago", now.mono - int64(time.Millisecond)},
		{"later than now", now.mono + int64(time.Minute)},
	} {
		var p pace
		p.taken.Store(tc.taken)
		p.ahead.Store(now.wall - now.mono + int64(time.Hour)) // as if the wall clock had been set since
		if r := p.read(); r.wall-now.wall > int64(time.Minute) {
			t.Errorf("taken %s: the wall clock is not looked at", tc.name)
		}
	}
}
