package storetest

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
)

// contention has many goroutines count in one value. Every Swap that said true
// must be in the result, and no other.
func contention(t *testing.T, s store) {
	const workers, each = 8, 25
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			if err := count(context.Background(), s, s.prefix, each, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s.holds(s.prefix, []byte(strconv.Itoa(workers*each)))
}

// count adds one to the number under key, n times, and tells each the number it
// made.
func count(ctx context.Context, s refresh.Store, key string, n int, each func(int)) error {
	for n > 0 {
		old, err := s.Get(ctx, key)
		if err != nil {
			return fmt.Errorf("Get: %w", err)
		}
		number := 0
		if old != nil {
			if number, err = strconv.Atoi(string(old)); err != nil {
				return fmt.Errorf("Get returned what nobody wrote: %.40q", old)
			}
		}
		number++
		ok, err := s.Swap(ctx, key, old, []byte(strconv.Itoa(number)), always)
		if err != nil {
			return fmt.Errorf("Swap: %w", err)
		}
		if ok {
			n--
			if each != nil {
				each(number)
			}
		}
	}
	return nil
}

// repeat has a value come back that was there before. A Swap from it finds it,
// whoever wrote it, and how often the entry has changed since it was read.
func repeat(t *testing.T, s store) {
	s.swaps(s.prefix, nil, one, always, true)
	s.holds(s.prefix, one)
	s.swaps(s.prefix, one, two, always, true)
	s.swaps(s.prefix, two, one, always, true)
	s.swaps(s.prefix, one, three, always, true)
	s.swaps(s.prefix, three, nil, always, true)
	s.swaps(s.prefix, nil, three, always, true)
	s.swaps(s.prefix, three, one, always, true)
	s.swaps(s.prefix, one, one, always, true)
	s.swaps(s.prefix, one, two, always, true)
	s.holds(s.prefix, two)
}

// late gives up Swaps at random instants. Such a Swap may have written or not,
// and may still write; but not once another Swap from the same value said true.
func late(t *testing.T, s store) {
	const rounds = 60
	ctx := context.Background()
	took := time.Now()
	s.swaps(s.prefix, nil, one, always, true)
	patience := 2*time.Since(took) + 50*time.Microsecond

	settled := make(map[string][]byte) // what is there for good, by key
	for i := range rounds {
		key := fmt.Sprintf("%s/%d", s.prefix, i)
		var old []byte
		if i%2 == 1 {
			old = one
			s.swaps(key, nil, old, always, true)
		}
		given := fmt.Appendf(nil, "given up %d", i)
		end := time.Now().Add(rand.N(patience))
		cut, cancel := context.WithDeadline(ctx, end)
		ok, err := s.Swap(cut, key, old, given, always)
		cancel()
		switch {
		case err == nil:
			// True says that it wrote, and false that it saw another value: since
			// nobody else writes, that can only be its own.
			if got, err := s.Get(ctx, key); err != nil || !bytes.Equal(got, given) {
				t.Fatalf("Swap(%.40q -> %q) with a context that may have ended said %t, and then Get = %.40q, %v", old, given, ok, got, err)
			}
			settled[key] = given
			continue
		case time.Now().Before(end):
			t.Fatalf("Swap: %v", err)
		}
		mine := fmt.Appendf(nil, "mine %d", i)
		ok, err = s.Swap(ctx, key, old, mine, always)
		if err != nil {
			t.Fatalf("Swap: %v", err)
		}
		settled[key] = mine
		if !ok {
			settled[key] = given // it had written before it was given up, or just after
		}
	}
	// What lands late, lands soon.
	for began := time.Now(); !t.Failed() && time.Since(began) < 50*time.Millisecond; {
		for key, want := range settled {
			s.holds(key, want)
		}
	}
}

// cutOff has many goroutines append to one value, with contexts that end at
// random instants. A Swap that said true must be in the result, and nothing can
// be in it twice.
func cutOff(t *testing.T, s store) {
	const workers, each = 6, 12
	ctx := context.Background()
	took := time.Now()
	s.swaps(s.prefix, nil, []byte("."), always, true)
	patience := 4*time.Since(took) + 50*time.Microsecond

	var mu sync.Mutex
	said := make(map[string]bool) // what Swap said of a line, if it did
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				old, err := s.Get(ctx, s.prefix)
				if err != nil {
					t.Errorf("Get: %v", err)
					return
				}
				line := fmt.Sprintf("%d-%d", w, i)
				end := time.Now().Add(rand.N(patience))
				cut, cancel := context.WithDeadline(ctx, end)
				ok, err := s.Swap(cut, s.prefix, old, fmt.Appendf(nil, "%s %s", old, line), always)
				cancel()
				switch {
				case err != nil && time.Now().Before(end):
					t.Errorf("Swap: %v", err)
				case err == nil:
					mu.Lock()
					said[line] = ok
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	got, err := s.Get(ctx, s.prefix)
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	times := make(map[string]int)
	for _, line := range strings.Fields(string(got)) {
		times[line]++
	}
	for line, n := range times {
		if n > 1 {
			t.Errorf("%s is there %d times", line, n)
		}
	}
	for line, ok := range said {
		if ok && times[line] == 0 {
			t.Errorf("Swap said true of %s, which is not there", line)
		}
	}
}
