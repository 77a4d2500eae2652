package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A life is from when to when a token is good, and what time it is. What is zero is
// not known.
type life struct {
	issued, notBefore, renew, expiry time.Time

	now   time.Time     // by this machine's clock
	ahead time.Duration // by how much the server's is ahead of that
	judge bool          // the server's clock is known, which is the one that counts
}

// lifeOf returns the life that a report tells of.
func lifeOf(r *report) life {
	l := life{now: r.Now}
	if t := r.Token; t != nil {
		l.issued, l.notBefore, l.renew, l.expiry = t.IssuedAt, t.NotBefore, t.WarnAfter, t.Expiry
	}
	if r.User != nil && l.expiry.IsZero() {
		l.expiry = r.User.Expiry
	}
	if r.Server != nil && r.Server.ClockAhead != nil {
		l.ahead, l.judge = time.Duration(*r.Server.ClockAhead)*time.Second, true
	}
	return l
}

// there returns what time it is by the clock that counts.
func (l life) there() time.Time { return l.now.Add(l.ahead) }

// begin returns when it begins, which not every token says in the same way.
func (l life) begin() time.Time {
	if l.issued.IsZero() {
		return l.notBefore
	}
	return l.issued
}

// A mark is a moment in a life.
type mark struct {
	letter byte
	at     time.Time
	name   string
	column int
}

// marks returns the moments that are known, in their order.
func (l life) marks() []mark {
	all := []mark{{letter: 'I', at: l.issued, name: "issued"}}
	if !l.notBefore.Equal(l.issued) {
		all = append(all, mark{letter: 'B', at: l.notBefore, name: "good from"})
	}
	all = append(all, mark{letter: 'R', at: l.renew, name: "renew by"}, mark{letter: 'E', at: l.expiry, name: "expires"})
	switch {
	case l.ahead != 0:
		all = append(all, mark{letter: 'N', at: l.now, name: "now, here"}, mark{letter: 'S', at: l.there(), name: "at server"})
	default:
		all = append(all, mark{letter: 'N', at: l.now, name: "now"})
	}
	all = slices.DeleteFunc(all, func(m mark) bool { return m.at.IsZero() })
	slices.SortStableFunc(all, func(a, b mark) int { return a.at.Compare(b.at) })
	return all
}

// A moment is a line of a life: when it is, and how far off by the clock that counts.
type moment struct{ when, remark string }

// lines says each moment in a line. With letters they explain the picture.
func (l life) lines(letters bool) []moment {
	var lines []moment
	for _, m := range l.marks() {
		line := moment{when: fmt.Sprintf("%-10s %s", m.name, stamp(m.at))}
		switch {
		case m.letter == 'N' && l.judge && l.ahead == 0:
			line.remark = "the server's clock agrees"
		case m.letter == 'N':
			line.remark = "by this machine's clock"
		case m.letter == 'S' && l.ahead > 0:
			line.remark = "the server's clock is " + span(l.ahead) + " ahead"
		case m.letter == 'S':
			line.remark = "the server's clock is " + span(l.ahead.Abs()) + " behind"
		default:
			line.remark = from(m.at.Sub(l.there()))
		}
		if letters {
			line.when = string(m.letter) + " " + line.when
		}
		lines = append(lines, line)
	}
	return lines
}

// from says how far off a moment is.
func from(d time.Duration) string {
	switch d = d.Round(time.Second); {
	case d == 0:
		return "right now"
	case d < 0:
		return span(d.Abs()) + " ago"
	}
	return "in " + span(d)
}

// span says how long d is, in two units at most.
func span(d time.Duration) string {
	const day, year = 24 * time.Hour, 365 * 24 * time.Hour
	const most = 292 * year // that a Duration holds
	unit := func(n time.Duration, name string) string {
		if n == 1 {
			return "1 " + name
		}
		return fmt.Sprintf("%d %ss", n, name)
	}
	two := func(big time.Duration, bigName string, small time.Duration, smallName string) string {
		text := unit(d/big, bigName)
		if rest := d % big / small; rest > 0 {
			text += " " + unit(rest, smallName)
		}
		return text
	}
	switch d = d.Round(time.Second); {
	case d >= most:
		return "centuries"
	case d < time.Minute:
		return unit(d/time.Second, "second")
	case d < 10*time.Minute:
		return two(time.Minute, "minute", time.Second, "second")
	case d < time.Hour:
		return unit(d/time.Minute, "minute")
	case d < 2*day:
		return two(time.Hour, "hour", time.Minute, "minute")
	case d < year:
		return two(day, "day", time.Hour, "hour")
	}
	return strings.TrimSpace(two(year, "year", day, "day"))
}

// stamp writes a time for people and for programs (RFC 3339).
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
