package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// hardExpiry looks at callers who have to wait, as nobody asked while the token
// could have been replaced in good time.
func hardExpiry(r *report) error {
	for _, f := range []func(*report) error{crowd, impatience, departure} {
		if err := f(r); err != nil {
			return err
		}
	}
	return nil
}

// crowd lets 1000 callers ask at once for a token that has expired.
func crowd(r *report) error {
	type result struct {
		seen
		calls int64
	}
	results, err := inTurn(r, func(c contender) (result, error) {
		r.progress("1000 callers at expiry: " + c.name)
		up := &upstream{life: 1100 * time.Millisecond, delay: 200 * time.Millisecond}
		cache := c.open(up)
		if _, err := cache.ask(context.Background()); err != nil {
			return result{}, err
		}
		time.Sleep(up.life + 10*time.Millisecond)
		up.life = time.Hour
		s := load{callers: 1000, every: 10 * time.Millisecond}.on(cache)
		if s.failed > 0 {
			return result{}, fmt.Errorf("%d of %d calls failed", s.failed, s.asked)
		}
		return result{s, up.calls.Load() - 1}, nil
	})
	if err != nil {
		return err
	}
	r.add(row{
		name:  "expired, 1000 callers: upstream calls",
		cells: each(results, func(x result) string { return fmt.Sprint(x.calls) }),
		bar:   "1",
		ok:    results[0].calls == 1,
	})
	r.add(row{
		name:  "  longest wait for an answer of 200 ms, ms",
		cells: each(results, func(x result) string { return millis(x.longest) }),
	})
	return nil
}

// impatience has a caller with little time join one with more.
func impatience(r *report) error {
	r.progress("an impatient caller behind a patient one")
	waits, err := together(func(c contender) (time.Duration, error) {
		up := &upstream{life: time.Hour, delay: 400 * time.Millisecond}
		cache := c.open(up)
		go cache.ask(context.Background())
		time.Sleep(20 * time.Millisecond)

		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		began := time.Now()
		cache.ask(ctx)
		return time.Since(began), nil
	})
	if err != nil {
		return err
	}
	r.add(row{
		name:  "  a caller with 50 ms leaves after, ms",
		cells: each(waits, millis),
		bar:   "≤ 75",
		ok:    waits[0] <= 75*time.Millisecond,
		timed: true,
	})
	return nil
}

// departure has the caller leave whose call it was that reached the upstream,
// and the two after, while others wait on.
func departure(r *report) error {
	r.progress("callers that leave")
	calls, err := together(func(c contender) (int64, error) {
		up := &upstream{life: time.Hour, delay: 400 * time.Millisecond}
		cache := c.open(up)
		var all sync.WaitGroup
		for i := range 20 {
			ctx, cancel := context.Background(), context.CancelFunc(func() {})
			if i < 3 {
				ctx, cancel = context.WithTimeout(ctx, time.Duration(i+1)*50*time.Millisecond)
			}
			all.Go(func() {
				defer cancel()
				cache.ask(ctx)
			})
			time.Sleep(5 * time.Millisecond)
		}
		all.Wait()
		return up.calls.Load(), nil
	})
	if err != nil {
		return err
	}
	r.add(row{
		name:  "  3 of 20 callers leave: upstream calls",
		cells: each(calls, func(n int64) string { return fmt.Sprint(n) }),
		bar:   "1",
		ok:    calls[0] == 1,
	})
	return nil
}
