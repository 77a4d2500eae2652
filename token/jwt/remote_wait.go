package jwt

import (
	"context"
	"fmt"
	"time"
)

// maxWaiting is how many callers may wait for unknown keys.
const maxWaiting = 64

// wait waits for the end of f, or of ctx.
func (f *fetch) wait(ctx context.Context) error {
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return fmt.Errorf("jwt: the keys have not come yet: %w", ctx.Err())
	}
}

// await returns the keys that the next fetch finds, or those that are kept if
// it fails.
func (r *Remote) await(ctx context.Context, keyID string) ([]Key, error) {
	arrived := r.begun.Load()
	for {
		f, err := r.join(ctx, false)
		if err == nil {
			err = f.wait(ctx)
		}
		if err != nil && ctx.Err() != nil {
			return nil, err
		}
		if p := r.published.Load(); p != nil {
			// The answer to a fetch that had begun before the token came may be
			// older than the key.
			if keys, known := p.find(keyID); known || err == nil && f.number > arrived {
				return keys, nil
			}
		}
		if err != nil {
			return nil, err
		}
	}
}

// awaitUnknown is await for a key that is not in the set, for a bounded number
// of callers: anyone can name such keys.
func (r *Remote) awaitUnknown(ctx context.Context, keyID string) ([]Key, error) {
	defer r.waiting.Add(-1)
	if r.waiting.Add(1) > maxWaiting {
		return nil, r.busy()
	}
	return r.await(ctx, keyID)
}

// busy returns the error for one caller too many.
func (r *Remote) busy() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &unavailableError{
		err:  fmt.Errorf("%d callers wait already for keys that are not in the set", maxWaiting),
		next: max(r.interval()-since(r.asked, time.Now()), time.Second),
	}
}
