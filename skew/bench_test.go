package skew

import (
	"testing"
	"time"
)

// What reading a Clock costs over reading the local one.
func BenchmarkNow(b *testing.B) {
	b.Run("time.Now", func(b *testing.B) {
		for b.Loop() {
			time.Now()
		}
	})
	zero, known, split := new(Clock), knowing(0), knowing(0, time.Hour)
	for name, c := range map[string]*Clock{"zero": zero, "known": known, "undecided": split} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.Now()
			}
		})
	}
}

func BenchmarkBounds(b *testing.B) {
	now := time.Now()
	known, split := knowing(0), knowing(0, time.Hour)
	for name, c := range map[string]*Clock{"known": known, "undecided": split} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.Bounds()
			}
		})
		b.Run(name+"/At", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.BoundsAt(now)
			}
		})
	}
}

// knowing returns a Clock that has observed these offsets just now.
func knowing(offsets ...time.Duration) *Clock {
	c := new(Clock)
	for _, offset := range offsets {
		now := time.Now()
		c.Observe(Observation{Sent: now, Received: now, Remote: now.Add(offset), Resolution: time.Second})
	}
	return c
}
