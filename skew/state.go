package skew

import "time"

// state is what a Clock knows as of a reading of the local clock. It is never
// changed, only replaced.
type state struct {
	at     reading
	newest candidate

	// rival is the estimate that newest contradicted, as long as no further
	// observation has said which of them is right.
	rival  candidate
	rivals bool
}

// A view is what can be said of the offset at one moment.
type view struct {
	offset  time.Duration // by the newest estimate
	lo, hi  time.Duration // by all estimates
	samples int
}

// view returns the view at now. It is on the path of every use of a token:
// it takes no lock and allocates nothing.
func (c *Clock) view(now reading) view {
	if c == nil {
		return view{}
	}
	s := c.state.Load()
	if s == nil {
		return view{}
	}
	wall, mono := now.since(s.at)
	newest := s.newest.after(wall, mono)
	v := view{offset: newest.best, samples: newest.samples}
	v.lo, v.hi = newest.span()
	if s.rivals {
		lo, hi := s.rival.after(wall, mono).span()
		v.lo, v.hi = min(v.lo, lo), max(v.hi, hi)
	}
	return v
}

// learn returns s improved by x, which was observed at the reading at.
func (s *state) learn(x candidate, at reading) *state {
	if s == nil {
		return &state{at: at, newest: x}
	}
	n := *s
	if wall, mono := at.since(s.at); mono < 0 {
		// Overtaken by a later observation: it has aged since.
		x = x.after(-wall, -mono)
	} else {
		n.at = at
		n.newest = n.newest.after(wall, mono)
		n.rival = n.rival.after(wall, mono)
	}
	newest, agrees := n.newest.meet(x)
	rival, agreesWithRival := n.rival.meet(x)
	switch {
	case !n.rivals && agrees:
		n.newest = newest
	case !n.rivals:
		n.newest, n.rival, n.rivals = x, n.newest, true
	case agrees && agreesWithRival:
		n.newest, n.rival = newest, rival
	case agrees:
		n.newest, n.rival, n.rivals = newest, candidate{}, false
	case agreesWithRival:
		n.newest, n.rival, n.rivals = rival, candidate{}, false
	default:
		// One reading contradicted by the next has nothing to speak for it. The
		// rival stays: it was believed before, and nothing has taken its place.
		n.newest = x
	}
	return &n
}
