package refresh

import (
	"sync"
	"time"
)

// A calendar spreads renewals. It knows how many are planned for each second of the
// monotonic clock.
//
// A token is due within the last 0.18 of the 0.8 of its life that it is used for. A
// key that is new draws a place in there at random, so that neither keys that came
// into use together come due together, nor processes that started together. From then
// on it keeps its place: it is due 0.8 of a life after it was due before, so that
// every later generation is spread as the second is, and nothing that holds up some
// renewals for a while, such as an issuer that is away, gathers them. If that place is
// out of reach, it draws another.
//
// No second is given to more keys than it takes to find room for all. That matters
// because chance alone would pile up five or six where one or two are the mean.
type calendar struct {
	mu      sync.Mutex
	seconds map[int64]int
}

// A booking is the place of one key in a calendar, which guards it.
type booking struct {
	due    int64 // by the monotonic clock
	booked bool
	closed bool // the key is dropped, and needs no place any more
}

// book finds a place for the renewal of a token that came at received, by the
// monotonic clock, for one of so many keys. It is at most latest after that, and
// earlier by less than window. The place that b had before is given up.
func (c *calendar) book(b *booking, received int64, latest, window time.Duration, keys int, random draw) (due int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	end := received + int64(latest)
	due = end - int64(random(window+1))
	// A moment early is when the wall clock ran ahead a little, and on time.
	if late := time.Duration(received - b.due); b.booked && late >= -time.Second && late <= window {
		due = end - int64(max(0, late))
	}
	c.cancel(b)
	if b.closed {
		return due
	}
	if n := int(window / time.Second); n > 0 {
		share := 1 + keys/n
		for range n {
			if c.seconds[second(due)] < share {
				break
			}
			due -= int64(time.Second)
			if due <= end-int64(n)*int64(time.Second) {
				due += int64(n) * int64(time.Second)
			}
		}
	}
	if c.seconds == nil {
		c.seconds = make(map[int64]int)
	}
	c.seconds[second(due)]++
	b.due, b.booked = due, true
	return due
}

// release gives up the place of b; for ever, if its key is dropped.
func (c *calendar) release(b *booking, dropped bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cancel(b)
	b.closed = b.closed || dropped
}

// cancel gives up the place of b. The caller holds mu.
func (c *calendar) cancel(b *booking) {
	if !b.booked {
		return
	}
	b.booked = false
	at := second(b.due)
	if c.seconds[at]--; c.seconds[at] == 0 {
		delete(c.seconds, at)
	}
}

// second returns which second of the clock an instant lies in.
func second(instant int64) int64 {
	return instant / int64(time.Second)
}
