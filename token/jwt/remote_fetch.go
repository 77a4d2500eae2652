package jwt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

const (
	defaultMinInterval = time.Second
	defaultTimeout     = 10 * time.Second

	// overrun is how much longer than its Timeout a fetch may take to say
	// itself why it failed, before the Remote goes on without it.
	overrun = 100 * time.Millisecond
)

// A fetch is one attempt to get the set, which any number of callers wait for.
type fetch struct {
	done   chan struct{}
	number int64 // among those that have begun
	err    error // an *unavailableError; set before done is closed
}

// join returns the fetch to wait for, and sees to it that there is one, unless
// the pause after a failure forbids it; eager overrides that.
func (r *Remote) join(ctx context.Context, eager bool) (*fetch, error) {
	if _, err := r.first(); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fetch != nil {
		return r.fetch, nil
	}
	now := time.Now()
	if wait := r.pause - since(r.failed, now); r.err != nil && wait > 0 && !eager {
		return nil, &unavailableError{r.err, wait}
	}
	f := &fetch{done: make(chan struct{})}
	r.fetch = f
	ctx = context.WithoutCancel(ctx)
	delay := r.interval() - since(r.asked, now)
	time.AfterFunc(delay, func() { r.run(ctx, f) })
	return f, nil
}

func (r *Remote) interval() time.Duration { return max(0, cmp.Or(r.MinInterval, defaultMinInterval)) }

// run makes the fetch f, and settles it whatever happens.
func (r *Remote) run(ctx context.Context, f *fetch) {
	defer r.settle(f, nil, errors.New("runtime.Goexit called in the Client, which must return"))
	asked := r.begin(f)
	if timeout := cmp.Or(r.Timeout, defaultTimeout); timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
		defer time.AfterFunc(timeout+overrun, func() {
			r.settle(f, nil, fmt.Errorf("no return from the Client after %v: it ignores its context", timeout))
		}).Stop()
	}
	set, err := r.read(ctx, asked)
	r.settle(f, set, err)
}

func (r *Remote) begin(f *fetch) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	f.number = r.begun.Add(1)
	r.asked = time.Now()
	return r.asked
}

// settle ends f with the set, or else with err. It does nothing if f has ended
// already.
func (r *Remote) settle(f *fetch, set *published, err error) {
	now := time.Now()
	r.mu.Lock()
	if r.fetch != f {
		r.mu.Unlock()
		return
	}
	r.fetch = nil
	if err == nil {
		r.failures, r.err = 0, nil
		r.published.Store(set)
	} else {
		r.failures++
		r.failed, r.pause = now, max(r.backoff(), retryAfter(err))
		r.err = ours(err)
		if old := r.published.Load(); old != nil {
			r.published.Store(old.kept(now, r.pause))
		}
		f.err = &unavailableError{r.err, r.pause}
	}
	r.mu.Unlock()
	defer close(f.done)
	r.tell(f.err)
}

// tell calls OnFetch, in which a panic must not keep callers waiting.
func (r *Remote) tell(err error) {
	if r.OnFetch == nil {
		return
	}
	defer func() { _ = recover() }()
	r.OnFetch(err)
}

// ours returns err so that it cannot blame a caller: what the Client says of a
// token that it was using says nothing of one presented to us.
func ours(err error) error {
	if errors.Is(err, token.ErrInvalid) {
		return token.Refused(err)
	}
	return err
}
