package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// A load is so many callers, each of whom asks, and asks again every so often.
// They begin one after the other, spread over the interval.
type load struct {
	callers int
	every   time.Duration
	lasting time.Duration
}

// stall is what counts as waiting for a refresh.
const stall = 100 * time.Millisecond

// seen is what the callers saw.
type seen struct {
	asked   int           // how often they did
	failed  int           // of these, how often they got an error
	expired int           // and how often a token that had expired before they asked
	stalled int           // callers who waited longer than stall
	longest time.Duration // that any of them waited
}

// on puts the load on c.
func (l load) on(c cache) seen {
	var (
		mu    sync.Mutex
		total seen
		all   sync.WaitGroup
	)
	end := time.Now().Add(l.lasting)
	for i := range l.callers {
		all.Go(func() {
			time.Sleep(l.every * time.Duration(i) / time.Duration(l.callers))
			var s seen
			s.ask(c)
			for time.Now().Add(l.every).Before(end) {
				time.Sleep(l.every)
				s.ask(c)
			}
			mu.Lock()
			defer mu.Unlock()
			total.add(s)
		})
	}
	all.Wait()
	return total
}

// ask asks c once.
func (s *seen) ask(c cache) {
	began := time.Now()
	text, err := c.ask(context.Background())
	took := time.Since(began)

	s.asked++
	s.longest = max(s.longest, took)
	if took > stall {
		s.stalled = 1
	}
	switch {
	case err != nil:
		s.failed++
	case deadAt(text, began):
		s.expired++
	}
}

func (s *seen) add(t seen) {
	s.asked += t.asked
	s.failed += t.failed
	s.expired += t.expired
	s.stalled += t.stalled
	s.longest = max(s.longest, t.longest)
}

// together calls f for each contender, all at the same time, and returns what
// they returned, in the same order.
func together[T any](f func(contender) (T, error)) ([]T, error) {
	cs := contenders()
	results, errs := make([]T, len(cs)), make([]error, len(cs))
	var all sync.WaitGroup
	for i, c := range cs {
		all.Go(func() { results[i], errs[i] = named(c, f) })
	}
	all.Wait()
	return results, errors.Join(errs...)
}

// inTurn is together, but one after the other, unless there is little time.
func inTurn[T any](r *report, f func(contender) (T, error)) ([]T, error) {
	if r.quick {
		return together(f)
	}
	var results []T
	for _, c := range contenders() {
		x, err := named(c, f)
		if err != nil {
			return nil, err
		}
		results = append(results, x)
	}
	return results, nil
}

func named[T any](c contender, f func(contender) (T, error)) (T, error) {
	x, err := f(c)
	if err != nil {
		err = fmt.Errorf("%s: %w", c.name, err)
	}
	return x, err
}
