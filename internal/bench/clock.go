package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tokenlife/tokenlife/skew"
)

// clockError measures how far off a skew.Clock is that has seen the Date, which
// is whole seconds, of one response and of forty. The responses are made up:
// they come about every two seconds and take up to 60 ms, each at random, and
// the worst of 100 clocks counts. None of the peers has one.
func clockError(r *report) error {
	random := rand.New(rand.NewPCG(1, 2))
	var afterOne, afterForty time.Duration
	outside := 0 // estimates further off than they said they could be
	for range 100 {
		var clock skew.Clock
		offset := time.Duration(random.Int64N(int64(20*time.Minute))) - 10*time.Minute
		sent := time.Now().Add(-2 * time.Minute)
		for n := 1; n <= 40; n++ {
			there := time.Duration(random.Int64N(int64(30 * time.Millisecond)))
			back := time.Duration(random.Int64N(int64(30 * time.Millisecond)))
			clock.Observe(skew.Observation{
				Sent:       sent,
				Received:   sent.Add(there + back),
				Remote:     sent.Add(there + offset).Truncate(time.Second),
				Resolution: time.Second,
			})
			sent = sent.Add(time.Second + time.Duration(random.Int64N(int64(2*time.Second))))

			e := clock.Estimate()
			off := (e.Offset - offset).Abs()
			if off > e.Error {
				outside++
			}
			switch n {
			case 1:
				afterOne = max(afterOne, off)
			case 40:
				afterForty = max(afterForty, off)
			}
		}
	}
	for _, m := range []struct {
		name      string
		off, most time.Duration
	}{
		{"clock, after 1 response: off by ms", afterOne, time.Second},
		{"  after 40 responses", afterForty, 100 * time.Millisecond},
	} {
		r.add(row{
			name:  m.name,
			cells: []string{millis(m.off)},
			bar:   fmt.Sprintf("≤ %d", m.most.Milliseconds()),
			ok:    m.off <= m.most,
		})
	}
	r.add(row{
		name:  "  estimates outside their own bounds",
		cells: []string{fmt.Sprint(outside)},
		bar:   "0",
		ok:    outside == 0,
	})
	return nil
}
