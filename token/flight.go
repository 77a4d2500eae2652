package token

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/internal/panics"
)

const (
	defaultVerifyTimeout = 10 * time.Second

	// overrun is how much longer than its Timeout a call may take to say itself
	// why it has no answer, before its callers go on without it.
	overrun = 100 * time.Millisecond

	mostFlights = 64
)

// A flight is a call of the Verifier that any number of callers wait for.
type flight struct {
	hash    uint64
	text    Secret
	asked   time.Time
	done    chan struct{}
	verdict *verdict // set before done is closed
}

// errBusy is the error of a caller for whom the Verifier is not asked.
type errBusy struct{}

func (errBusy) Error() string {
	return fmt.Sprintf("token: %d other tokens are being verified: try again later", mostFlights)
}

// RetryAfter returns how long to stay away.
func (errBusy) RetryAfter() time.Duration { return time.Second }

// join returns the verdict on a token, if one has come in the meantime, or the
// flight that will bring it.
func (c *VerifierCache) join(hash uint64, text string) (*verdict, *flight, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.flights[hash]; f != nil {
		if f.text.Reveal() != text {
			// A collision, which nobody will ever see. No verdict is shared.
			return nil, nil, errBusy{}
		}
		return nil, f, nil
	}
	// A flight that has just ended has left its verdict.
	if v := c.recall(hash, text); v != nil {
		return v, nil, nil
	}
	// A clone, since the text may be part of a longer one, and stays.
	f := &flight{hash: hash, text: NewSecret(strings.Clone(text)), asked: c.now(), done: make(chan struct{})}
	if c.flights == nil {
		c.flights = make(map[uint64]*flight)
	}
	c.flights[hash] = f
	go c.fly(f)
	return nil, f, nil
}

// fly calls the Verifier, and settles f whatever happens: a panic in the
// Verifier, or in an error of its making, is an error.
func (c *VerifierCache) fly(f *flight) {
	v := &verdict{
		hash: f.hash, text: f.text, asked: f.asked,
		err: errors.New("token: runtime.Goexit called in VerifierCache.Verifier, which must return"),
	}
	defer func() {
		if value := recover(); value != nil {
			v.err = panics.Error("token: VerifierCache.Verifier", value)
		}
		c.settle(f, v)
	}()

	// What waits for a processor, here or for mu, does not count: there would be
	// more than enough of it behind a Verifier that takes no time.
	defer c.running.Add(-1)
	if c.running.Add(1) > mostFlights {
		v.err = errBusy{}
		return
	}
	ctx := context.Background()
	timeout := c.Timeout
	if timeout == 0 {
		timeout = defaultVerifyTimeout
	}
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
		defer time.AfterFunc(timeout+overrun, func() {
			c.settle(f, &verdict{err: fmt.Errorf("token: no verdict after %v: VerifierCache.Verifier ignores its context", timeout)})
		}).Stop()
	}
	claims, err := c.Verifier.Verify(ctx, f.text)
	switch {
	case err == nil:
		// Who else has this slice nobody knows.
		claims.Audience = append([]string(nil), claims.Audience...)
		v.claims = claims
	case ctx.Err() != nil && errors.Is(err, ErrInvalid):
		// That it had no more time may be all that it found.
		err = fmt.Errorf("token: no verdict within %v: %v", timeout, err)
	}
	v.err = err
	v.lasts = c.lasts(v)
}

// settle ends f with v and remembers that. It does nothing if f has ended
// already.
func (c *VerifierCache) settle(f *flight, v *verdict) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.flights[f.hash] != f {
		return
	}
	delete(c.flights, f.hash)
	c.remember(v)
	f.verdict = v
	close(f.done)
}
