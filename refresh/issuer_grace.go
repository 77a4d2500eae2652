package refresh

import (
	"sync"
	"time"
)

// A family gets at most 64 answers within Grace from one process for a refresh
// token that was spent already: 48 at once, and then one each sixteenth of
// Grace. That is enough for any number of answers that get lost, and nothing
// for somebody who wants as many access tokens as there can be.
const (
	repeatsAtOnce = 48
	repeatsLater  = 16

	maxRepeating = 1 << 16 // families
)

// repeats counts such answers.
type repeats struct {
	mu sync.Mutex

	// used says of a family when it has all its answers again. Each puts that
	// off by a sixteenth of Grace.
	used map[string]time.Time
}

// take returns 0 and counts an answer, or returns how long to wait for one.
func (r *repeats) take(family string, now time.Time, grace time.Duration) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	step := max(grace/repeatsLater, 1)
	used := r.used[family]
	if used.Before(now) || used.After(now.Add(repeatsAtOnce*step)) { // or the clock was set back
		used = now
	}
	if wait := used.Sub(now) - (repeatsAtOnce-1)*step; wait > 0 {
		return wait
	}
	r.sweep(now)
	if r.used == nil {
		r.used = make(map[string]time.Time)
	}
	r.used[family] = used.Add(step)
	return 0
}

// sweep drops some families that have all their answers again, and any if there
// are too many.
func (r *repeats) sweep(now time.Time) {
	looked := 0
	for family, used := range r.used {
		if !used.After(now) || len(r.used) >= maxRepeating {
			delete(r.used, family)
		}
		if looked++; looked == 4 {
			return
		}
	}
}
