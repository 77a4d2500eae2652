package main

import (
	"fmt"
	"time"
)

// shortLives has 4 callers ask every 5 ms for tokens that hardly live.
func shortLives(r *report) error {
	lasting := pick(r, 10*time.Second, time.Second)
	for _, m := range []struct {
		name  string
		life  time.Duration
		same  bool
		most  int64 // upstream calls
		whole bool  // nobody need ever be without a token
	}{
		{"tokens of 1 s, for 10 s: upstream calls", time.Second, false, 11, true},
		{"tokens of 5 s, for 10 s: upstream calls", 5 * time.Second, false, 11, true},
		{"one of 2 s handed back, for 10 s: calls", 2 * time.Second, true, 6, false},
	} {
		type result struct {
			seen
			calls int64
		}
		r.progress(m.name)
		results, err := together(func(c contender) (result, error) {
			up := &upstream{life: m.life, same: m.same, delay: 5 * time.Millisecond}
			s := load{4, 5 * time.Millisecond, lasting}.on(c.open(up))
			return result{s, up.calls.Load()}, nil
		})
		if err != nil {
			return err
		}
		us := results[0]
		r.add(row{
			name:  m.name,
			cells: each(results, func(x result) string { return fmt.Sprint(x.calls) }),
			bar:   fmt.Sprintf("≤ %d", m.most),
			ok:    us.calls <= m.most,
			timed: true,
		})
		lost := row{
			name:  "  answers: errors + expired tokens",
			cells: each(results, func(x result) string { return fmt.Sprintf("%d + %d", x.failed, x.expired) }),
			bar:   "0 expired",
			ok:    us.expired == 0,
			timed: true,
		}
		if m.whole {
			lost.bar, lost.ok = "0 + 0", us.failed+us.expired == 0
		}
		r.add(lost)
	}
	return nil
}
