package refresh

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A move is one of the things that can happen next in a run of the explorer.
type move struct {
	name   string // the same in every run that comes here
	by     string // whose move it is; empty for the clock, which is everybody's
	object string // what it reads or writes; empty if nothing
	write  bool
	mishap bool // one of the few that a run may have
	do     func()
}

// commutes reports whether a and b lead to the same in either order.
func (a move) commutes(b move) bool {
	switch {
	case a.by == "" || b.by == "" || a.by == b.by:
		return false
	case a.mishap && b.mishap:
		return false
	}
	return a.object != b.object || a.object == "" || !a.write && !b.write
}

// A search goes through all runs, depth first. It keeps no states to go back to:
// each run is made again from its start, by the moves chosen so far, and then
// goes on with the first move there is to its end.
//
// Two things keep the number of runs small. A state that was seen before is not
// followed again; and where a and b commute and a has been followed, a after b
// is asleep: it leads to where b after a does (Godefroid, Partial-Order Methods,
// 1996, sections 5 and 6.3).
type search struct {
	path []*fork
	at   int                 // how much of path this run has behind it
	seen map[uint64][]string // the moves that were asleep in each state

	runs, forks, depth int
}

// A fork is a state that the current run goes through.
type fork struct {
	moves  []move
	asleep map[string]move // followed already, here or elsewhere
	taken  int             // index of the move that is being followed
}

// next returns which of the moves to make, or -1 if all that can follow has been
// seen.
func (s *search) next(state func() uint64, moves []move) int {
	if s.at < len(s.path) {
		f := s.path[s.at]
		s.at++
		for i, m := range f.moves {
			if i >= len(moves) || m.name != moves[i].name {
				panic(fmt.Sprintf("the run cannot be repeated: there were %v, and now there are %v", names(f.moves), names(moves)))
			}
		}
		return f.taken
	}
	f := &fork{asleep: map[string]move{}}
	if s.at > 0 {
		up := s.path[s.at-1]
		for name, m := range up.asleep {
			if m.commutes(up.moves[up.taken]) {
				f.asleep[name] = m
			}
		}
	}
	for _, m := range moves {
		m.do = nil
		f.moves = append(f.moves, m)
	}
	here := state()
	before, again := s.seen[here]
	var still []string
	for _, m := range f.moves {
		_, asleep := f.asleep[m.name]
		if asleep && (!again || slices.Contains(before, m.name)) {
			still = append(still, m.name)
		}
		if !asleep && again && !slices.Contains(before, m.name) {
			f.asleep[m.name] = m // followed when this state was first seen
		}
	}
	s.seen[here] = still
	if f.taken = f.awake(0); f.taken < 0 {
		return -1
	}
	if len(moves) > 1 {
		s.forks++
	}
	s.path = append(s.path, f)
	s.at++
	s.depth = max(s.depth, s.at)
	return f.taken
}

// awake returns the first move from index i on that is to be followed, or -1.
func (f *fork) awake(i int) int {
	for ; i < len(f.moves); i++ {
		if _, asleep := f.asleep[f.moves[i].name]; !asleep {
			return i
		}
	}
	return -1
}

// back ends a run and prepares the next one. It reports whether there is one.
func (s *search) back() bool {
	s.runs++
	s.at = 0
	for len(s.path) > 0 {
		f := s.path[len(s.path)-1]
		f.asleep[f.moves[f.taken].name] = f.moves[f.taken]
		if f.taken = f.awake(f.taken + 1); f.taken >= 0 {
			return true
		}
		s.path = s.path[:len(s.path)-1]
	}
	return false
}

// seed returns the moves of the current run as text, for replay.
func (s *search) seed() string {
	var b strings.Builder
	for _, f := range s.path[:s.at] {
		if len(f.moves) > 1 {
			fmt.Fprintf(&b, ".%d", f.taken)
		}
	}
	return strings.TrimPrefix(b.String(), ".")
}

// replay returns a function that makes the moves of a seed, and then the first
// there is.
func replay(seed string) func(func() uint64, []move) int {
	var picks []int
	for s := range strings.SplitSeq(seed, ".") {
		n, _ := strconv.Atoi(s)
		picks = append(picks, n)
	}
	return func(_ func() uint64, moves []move) int {
		if len(moves) == 1 || len(picks) == 0 {
			return 0
		}
		n := picks[0]
		picks = picks[1:]
		return min(n, len(moves)-1)
	}
}

func names(moves []move) (s []string) {
	for _, m := range moves {
		s = append(s, m.name)
	}
	return s
}
