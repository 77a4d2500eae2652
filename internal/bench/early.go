package main

import (
	"context"
	"fmt"
	"time"
)

// earlyRefresh puts 1000 callers on a cache while it replaces a token that is
// still good, by an upstream that takes 200 ms. With a cache that does not do
// so by default they are there when the token expires.
func earlyRefresh(r *report) error {
	type result struct {
		seen
		calls int64
	}
	lead := pick(r, 700*time.Millisecond, 200*time.Millisecond)
	results, err := inTurn(r, func(c contender) (result, error) {
		r.progress("1000 callers across an early refresh: " + c.name)
		due := lead
		if c.holdoff > 0 {
			due = pick(r, c.holdoff+time.Second, lead)
		}
		up := &upstream{delay: 200 * time.Millisecond, life: c.early + due, refreshIn: due}
		if c.name == ours.name {
			up.life = time.Hour // it goes by refreshIn
		}
		cache := c.open(up)
		if _, err := cache.ask(context.Background()); err != nil {
			return result{}, err
		}
		up.life, up.refreshIn = time.Hour, 0
		time.Sleep(due - lead)
		s := load{1000, 20 * time.Millisecond, lead + 600*time.Millisecond}.on(cache)
		return result{s, up.calls.Load() - 1}, nil
	})
	if err != nil {
		return err
	}
	r.add(row{
		name:  "early refresh, 1000 callers: upstream calls",
		cells: each(results, func(x result) string { return fmt.Sprint(x.calls) }),
		bar:   "1",
		ok:    results[0].calls == 1,
		timed: true,
	})
	r.add(row{
		name:  "  callers held up > 100 ms",
		cells: each(results, func(x result) string { return fmt.Sprint(x.stalled) }),
		bar:   "0",
		ok:    results[0].stalled == 0,
		timed: true,
	})
	r.add(row{
		name:  "  longest wait, ms",
		cells: each(results, func(x result) string { return millis(x.longest) }),
	})
	return nil
}
