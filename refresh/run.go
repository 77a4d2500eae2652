package refresh

import (
	"context"
	"time"
)

// longestSleep bounds how long Run sleeps: its timer stops while the machine is
// suspended, and knows nothing of a token refused meanwhile.
const longestSleep = time.Minute

// Run keeps the token fresh without being asked, until ctx is done; it returns
// the cause. It is for services that must not wait for a token when a request
// finally comes, and need not be used otherwise.
func (s *Source) Run(ctx context.Context) error {
	if err := s.configured(); err != nil {
		return err
	}
	for {
		now := s.now()
		s.step(ctx, now)
		under, wait := s.upcoming(now)
		timer := time.NewTimer(min(wait, longestSleep))
		select {
		case <-ctx.Done():
		case <-under:
		case <-timer.C:
		}
		timer.Stop()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

// upcoming returns what closes when the attempt under way ends, or else how
// long it is until the next may begin and is wanted.
func (s *Source) upcoming(now reading) (under <-chan struct{}, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.attempt != nil {
		return s.attempt.done, longestSleep
	}
	wait = now.until(s.notBefore)
	if h := s.current.Load(); h != nil && s.usable(h, now) {
		wait = max(wait, now.until(h.due))
	}
	return nil, wait
}
