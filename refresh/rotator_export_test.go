package refresh

import "time"

// SetClock makes r go by a clock of the test's: since when wall and mono count
// does not matter.
func SetClock(r *Rotator, read func() (wall, mono time.Time)) {
	r.clock = func() reading {
		wall, mono := read()
		return reading{wall.UnixNano(), mono.UnixNano()}
	}
}

// SetDraw makes everything that r does at random happen as draw says.
func SetDraw(r *Rotator, draw func(n time.Duration) time.Duration) { r.draw = draw }
