package main

import (
	"fmt"
	"strings"
	"time"
)

// A summary is what a demo came to.
type summary struct {
	lasted       time.Duration
	callers      int
	requests     int64
	refreshes    int
	first, later wait
	refused      int64 // 401s that the API gave
	unauthorized int64 // 401s that a caller saw
	failed       int64 // other failures that a caller saw
	firstError   error
	faults       []string
}

// summary returns what has happened, once it is over.
func (s *story) summary(d demo, api *api, c *callers) summary {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := summary{
		lasted:       time.Since(s.began),
		callers:      d.callers,
		requests:     c.requests.Load(),
		refreshes:    s.refreshes,
		first:        s.first,
		later:        s.later,
		refused:      api.refused.Load(),
		unauthorized: c.unauthorized.Load(),
		failed:       c.failed.Load(),
	}
	if err := c.firstError.Load(); err != nil {
		sum.firstError = *err
	}
	if d.ahead > 0 {
		sum.faults = append(sum.faults, fmt.Sprintf("the issuer's clock, by which the API goes, was %v fast: going by\n    what it says and the time here, tokens of %v would live for %v", d.ahead, d.life, d.ahead+d.life))
	}
	if s.failures > 0 {
		sum.faults = append(sum.faults, fmt.Sprintf("the issuer failed %s when it was asked for another token", times(s.failures)))
	}
	if api.revoked.Load() {
		sum.faults = append(sum.faults, "the API revoked the token in use before its time was up")
	}
	return sum
}

// noticed reports whether any caller saw anything but good answers.
func (s summary) noticed() bool { return s.unauthorized+s.failed > 0 }

// String returns s for people.
func (s summary) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nIn %v, %d callers used the API:\n\n", s.lasted.Round(100*time.Millisecond), s.callers)
	row := func(n int64, what, remark string) {
		if n == 0 {
			remark = ""
		}
		fmt.Fprintln(&b, strings.TrimRight(fmt.Sprintf("%8d  %-27s  %s", n, what, remark), " "))
	}
	row(s.requests, "requests", "")
	row(int64(s.refreshes), "early refreshes", "nobody waited for these")
	row(s.first.callers, "callers waited at the start", fmt.Sprintf("%v, for the first token", short(s.first.longest)))
	row(s.later.callers, "callers waited later", fmt.Sprintf("up to %v, for the next token", short(s.later.longest)))
	row(s.refused, "401s that the API gave", "sent again with another token")
	row(s.unauthorized, "401s that reached a caller", "")
	row(s.failed, "other errors at a caller", "")

	b.WriteString("\nWhat went wrong meanwhile:\n")
	for _, fault := range s.faults {
		fmt.Fprintf(&b, "  - %s\n", fault)
	}
	if !s.noticed() {
		b.WriteString("and no caller noticed.\n")
		return b.String()
	}
	fmt.Fprintf(&b, "and callers noticed, which must not be: %d times.\n", s.unauthorized+s.failed)
	if s.firstError != nil {
		fmt.Fprintf(&b, "The first error was: %v\n", s.firstError)
	}
	return b.String()
}

func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return fmt.Sprintf("%d times", n)
}
