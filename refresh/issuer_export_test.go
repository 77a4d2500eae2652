package refresh

import (
	"strconv"
	"time"
)

// RepeatsLen returns how many families i counts the answers of.
func RepeatsLen(i *Issuer) int { return len(i.repeats.used) }

// RepeatsOf returns how many families are counted after one answer to each of n.
func RepeatsOf(n int, now time.Time, grace time.Duration) int {
	var r repeats
	for i := range n {
		r.take(strconv.Itoa(i), now, grace)
	}
	return len(r.used)
}
