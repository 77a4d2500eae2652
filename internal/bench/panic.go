package main

import (
	"context"
	"fmt"
	"time"
)

// panicking has one caller ask every 5 ms until there is a token, where the
// upstream panics on its first two calls.
func panicking(r *report) error {
	patience := pick(r, 10*time.Second, 200*time.Millisecond)
	type result struct {
		calls int64
		took  time.Duration
		end   string // if there was no token: why
	}
	r.progress("an upstream that panics")
	results, err := together(func(c contender) (result, error) {
		if c.dies {
			return result{end: "dies"}, nil
		}
		up := &upstream{life: time.Hour, trouble: func(call int64) error {
			if call <= 2 {
				panic("the upstream panics")
			}
			return nil
		}}
		cache := c.open(up)
		began := time.Now()
		done := make(chan time.Duration, 1)
		go func() {
			// A cache that is stuck keeps this goroutine.
			for !survives(cache) && time.Since(began) < patience {
				time.Sleep(5 * time.Millisecond)
			}
			done <- time.Since(began)
		}()
		select {
		case took := <-done:
			return result{calls: up.calls.Load(), took: took}, nil
		case <-time.After(patience + time.Second):
			return result{end: "stuck"}, nil
		}
	})
	if err != nil {
		return err
	}
	or := func(format func(result) string) func(result) string {
		return func(x result) string {
			if x.end != "" {
				return x.end
			}
			return format(x)
		}
	}
	r.add(row{
		name:  "upstream panics twice: its calls to a token",
		cells: each(results, or(func(x result) string { return fmt.Sprint(x.calls) })),
		bar:   "3",
		ok:    results[0].end == "" && results[0].calls == 3,
		timed: true,
	})
	r.add(row{
		name:  "  after, ms",
		cells: each(results, or(func(x result) string { return millis(x.took) })),
		bar:   "≤ 6000",
		ok:    results[0].took <= 6*time.Second+100*time.Millisecond,
		timed: true,
	})
	return nil
}

// survives asks c once and reports whether there was a token.
func survives(c cache) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	_, err := c.ask(context.Background())
	return err == nil
}
