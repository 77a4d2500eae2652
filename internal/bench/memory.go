package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"
)

// memory weighs sources that hold a token each, beside the token's text.
func memory(r *report) error {
	const text, most = 512, 400
	n := pick(r, 100_000, 5_000)
	type result struct {
		bytes      int64
		goroutines int
	}
	var results []result
	for _, c := range contenders() {
		r.progress(fmt.Sprintf("%d sources: %s", n, c.name))
		up := &upstream{life: time.Hour, size: text}
		bytes, goroutines, err := weigh(n, func() (any, error) {
			s := c.open(up)
			_, err := s.ask(context.Background())
			return s, err
		})
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		bytes -= text
		if c.bare != nil {
			b, _, err := weigh(n, func() (any, error) { return c.bare(), nil })
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			bytes -= b
		}
		results = append(results, result{bytes, goroutines})
	}
	least := slices.MinFunc(results[1:], func(a, b result) int { return int(a.bytes - b.bytes) })
	r.add(row{
		name:  fmt.Sprintf("%d sources: bytes each", n),
		cells: each(results, func(x result) string { return fmt.Sprint(x.bytes) }),
		ratio: fmt.Sprintf("%.2f × %d", float64(results[0].bytes)/float64(least.bytes), least.bytes),
		bar:   fmt.Sprintf("≤ %d", most),
		ok:    results[0].bytes <= most,
	})
	r.add(row{
		name:  "  goroutines in all",
		cells: each(results, func(x result) string { return fmt.Sprint(x.goroutines) }),
		bar:   "0",
		ok:    results[0].goroutines == 0,
	})
	return nil
}

// weigh returns the bytes that each of n things weighs, and the goroutines that
// they all leave behind.
func weigh(n int, one func() (any, error)) (bytes int64, goroutines int, err error) {
	things := make([]any, n)
	before, running := heap(), runtime.NumGoroutine()
	for i := range things {
		if things[i], err = one(); err != nil {
			return 0, 0, err
		}
	}
	// A goroutine that has done its work takes a moment to end.
	for range 100 {
		if goroutines = runtime.NumGoroutine() - running; goroutines <= 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	after := heap()
	runtime.KeepAlive(things)
	return (after - before) / int64(n), max(0, goroutines), nil
}

// heap returns the bytes in use.
func heap() int64 {
	// Twice, for what has a finalizer or lies in a sync.Pool.
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
