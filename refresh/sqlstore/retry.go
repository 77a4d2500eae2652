package sqlstore

import (
	"context"
	"math/rand/v2"
	"time"
)

// retry calls do until it does not fail for the sake of another, or ctx is done.
func retry(ctx context.Context, transient func(error) bool, do func() error) error {
	const longest = 100 * time.Millisecond
	for pause := time.Millisecond; ; pause = min(2*pause, longest) {
		err := do()
		if err == nil || !transient(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause/2 + rand.N(pause/2)):
		}
	}
}
