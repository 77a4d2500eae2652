package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

var errDown = errors.New("the upstream is down")

// outage has 100 callers ask every 5 ms for a token that has expired, while the
// upstream does nothing but refuse.
func outage(r *report) error {
	type result struct {
		seen
		calls int64
	}
	const lasting = 10 * time.Second
	r.progress(fmt.Sprintf("100 callers, upstream down for %v", lasting))
	results, err := together(func(c contender) (result, error) {
		var down atomic.Bool
		up := &upstream{life: 1100 * time.Millisecond, delay: 5 * time.Millisecond, trouble: func(int64) error {
			if down.Load() {
				return errDown
			}
			return nil
		}}
		cache := c.open(up)
		if _, err := cache.ask(context.Background()); err != nil {
			return result{}, err
		}
		down.Store(true)
		time.Sleep(up.life + 10*time.Millisecond)
		up.calls.Store(0)
		// Peers do the same from the first second to the last.
		part := pick(r, 5, 50)
		if c.name == ours.name {
			part = pick(r, 1, 50)
		}
		s := load{100, 5 * time.Millisecond, lasting / time.Duration(part)}.on(cache)
		return result{s, up.calls.Load() * int64(part)}, nil
	})
	if err != nil {
		return err
	}
	r.add(row{
		name:  "down 10 s, 100 callers: upstream calls",
		cells: each(results, func(x result) string { return fmt.Sprint(x.calls) }),
		bar:   "≤ 5",
		ok:    results[0].calls <= 5,
		timed: true,
	})
	r.add(row{
		name:  "  expired tokens handed out as good",
		cells: each(results, func(x result) string { return fmt.Sprint(x.expired) }),
		bar:   "0",
		ok:    results[0].expired == 0,
	})
	r.add(row{
		name:  "  longest wait for an error, ms",
		cells: each(results, func(x result) string { return millis(x.longest) }),
	})
	return nil
}
