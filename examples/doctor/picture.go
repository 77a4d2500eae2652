package main

import "time"

// narrowest is the least width in which a picture says anything.
const narrowest = 24

// picture draws the life as a bar that is width columns wide; empty if it has no
// beginning or no end that is known, or there is no room.
//
//	I==========N---------R----------------E
//
// What is past is =, what is left -, and what lies outside the life a dot; ~ is a
// time that would take more room than there is.
func (l life) picture(s screen, width int) string {
	begin := l.begin()
	if width < narrowest || begin.IsZero() || !l.expiry.After(begin) {
		return ""
	}
	marks := l.marks()
	axis := axisOf(begin, l.expiry, marks[0].at, marks[len(marks)-1].at, width)
	for i := range marks {
		marks[i].column = axis.column(marks[i].at)
	}
	apart(marks, width)
	bar := make([]byte, width)
	columns := map[byte]int{}
	for _, m := range marks {
		columns[m.letter] = m.column
	}
	here, beginning, end := columns['N'], columns['I'], columns['E']
	if l.ahead != 0 {
		here = columns['S']
	}
	if _, known := columns['I']; !known {
		beginning = columns['B']
	}
	for i := range bar {
		switch {
		case axis.before && i < beginning || axis.after && i > end:
			bar[i] = '~'
		case i < beginning || i > end:
			bar[i] = '.'
		case i < here:
			bar[i] = '='
		default:
			bar[i] = '-'
		}
	}
	for _, m := range marks {
		bar[m.column] = m.letter
	}
	return l.coloured(s, string(bar), here, end)
}

// coloured paints what is past plain and what is left in the colour of how much that
// is, or all of it red if nothing is.
func (l life) coloured(s screen, bar string, here, end int) string {
	left := l.expiry.Sub(l.there())
	c := green
	switch whole := l.expiry.Sub(l.begin()); {
	case left <= 0:
		return s.paint(red, bar)
	case left < whole/4:
		c = red
	case left < whole/2 || !l.renew.IsZero() && !l.there().Before(l.renew):
		c = yellow
	}
	here = min(here, end)
	return bar[:here] + s.paint(c, bar[here:end+1]) + bar[end+1:]
}

// An axis says in which column a moment is.
type axis struct {
	from, to      time.Time // the moments in the columns first and last
	first, last   int
	edge          int  // the last column of all
	before, after bool // there is a moment so far outside that it stands at the edge
}

// axisOf returns the axis for a life, and for moments outside it, of which those that
// are further away than half of it would leave no room for the life itself.
func axisOf(begin, end, earliest, latest time.Time, width int) axis {
	a := axis{from: begin, to: end, last: width - 1, edge: width - 1}
	far := end.Sub(begin) / 2
	if earliest.Before(begin) {
		if a.before = begin.Sub(earliest) > far; a.before {
			a.first = width / 4
		} else {
			a.from = earliest
		}
	}
	if latest.After(end) {
		if a.after = latest.Sub(end) > far; a.after {
			a.last = width - 1 - width/4
		} else {
			a.to = latest
		}
	}
	return a
}

func (a axis) column(t time.Time) int {
	switch {
	case t.Before(a.from):
		return 0
	case t.After(a.to):
		return a.edge
	}
	return a.first + int(float64(a.last-a.first)*between(a.from, t)/between(a.from, a.to)+0.5)
}

// between returns how many seconds there are between two moments, which may be more
// than a Duration holds.
func between(from, to time.Time) float64 { return float64(to.Unix() - from.Unix()) }

// apart moves marks that would stand on one another, so that each is to be seen.
func apart(marks []mark, width int) {
	for i := 1; i < len(marks); i++ {
		marks[i].column = max(marks[i].column, marks[i-1].column+1)
	}
	limit := width - 1
	for i := len(marks) - 1; i >= 0; i-- {
		marks[i].column = min(marks[i].column, limit)
		limit = marks[i].column - 1
	}
}
