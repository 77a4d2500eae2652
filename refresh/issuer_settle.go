package refresh

import (
	"bytes"
	"context"
	"crypto/rand"
	"time"
)

// A fate is what became of a write.
type fate int

const (
	fateUnknown   fate = iota // nobody knows
	fateLanded                // it was done
	fateOvertaken             // it was not, and never will be: somebody else wrote
	fateUndone                // it was not, and never will be: we saw to that
)

// settle finds out what became of the Swap of old, which is row, for new, after
// it did not say true. If nobody wrote since, the Swap may be on its way still,
// and would, if it landed after we said that nothing was done, have the token be
// one that was used already when its owner comes back with it. So row is written
// once more with other bytes, and the Swap has nothing left to land on.
func (i *Issuer) settle(ctx context.Context, key string, old []byte, row familyRow, new []byte) (f fate, seen []byte, err error) {
	var again []byte
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 500*time.Millisecond) {
		seen, err = i.get(ctx, key)
		switch {
		case err != nil:
		case bytes.Equal(seen, new):
			return fateLanded, seen, nil
		case again != nil && bytes.Equal(seen, again):
			return fateUndone, seen, nil
		case !bytes.Equal(seen, old):
			return fateOvertaken, seen, nil
		default:
			row.counter++
			rand.Read(row.nonce[:])
			again = row.encode()
			var ok bool
			if ok, err = i.swap(ctx, key, old, again, i.expires(&row)); ok && err == nil {
				return fateUndone, again, nil
			}
		}
		select {
		case <-ctx.Done():
			if err == nil {
				err = ctx.Err()
			}
			return fateUnknown, nil, err
		case <-time.After(pause):
		}
	}
}

// detached calls f with a context that goes on for a while when ctx is done, and
// returns early then, with an error. What f sets must not be read in that case.
func detached(ctx context.Context, f func(context.Context)) error {
	inner, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer cancel()
		f(inner)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
