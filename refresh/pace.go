package refresh

import (
	"sync/atomic"
	"time"
)

// A pace is how far the wall clock was ahead of the monotonic one when both
// were last read. By it, most readings need the monotonic clock only, and cost
// half as much.
//
// Such a reading may miss a step, or a suspend, of the last millisecond that
// the machine was awake. That is good enough to decide whether to hand out a
// token, which may as well have been handed out right before; but not to say
// when one was received, or it would seem as old as the suspend was long.
type pace struct {
	taken atomic.Int64 // when, by the monotonic clock
	ahead atomic.Int64
}

const paceHolds = time.Millisecond

// read returns a reading that is right but for what the last millisecond may
// hide.
func (p *pace) read() reading {
	// Inside a synctest bubble this is never near what readClock says, so that
	// the clocks are read each time.
	mono := int64(time.Since(monoOrigin))
	// Unsigned, so that a look from later than now is not believed either.
	if uint64(mono-p.taken.Load()) < uint64(paceHolds) {
		return reading{mono + p.ahead.Load(), mono}
	}
	r := readClock()
	p.ahead.Store(r.wall - r.mono) // first, so that whoever sees the other sees it too
	p.taken.Store(r.mono)
	return r
}
