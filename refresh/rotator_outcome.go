package refresh

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// giveBack releases the claim of s after an exchange that brought nothing.
func (t *rotation) giveBack(s state, err error) {
	claimed := t.found.state
	s.Claim = nil
	failed := t.swap(s, nil)
	if failed != nil && t.found.err == nil && !sameWrite(t.found.state, claimed) {
		return // somebody else wrote; see what
	}
	if failed != nil {
		t.r.tell(Event{Kind: StoreFailed, Err: t.r.failure(failed, 0)})
	}
	t.fail(err)
}

// refused remembers that the issuer refused the refresh token of s for good. It
// is final only if the pair is still in the Store; if another has come, somebody
// was faster.
func (t *rotation) refused(s state, err error) {
	r := t.r
	reason := strings.ReplaceAll(err.Error(), s.Refresh.Token.Value.Reveal(), "[redacted]")
	r.mu.Lock()
	r.verdict = &verdict{s, death{Reason: clip(reason, maxReason), Reused: reused(err)}}
	r.mu.Unlock()
	if t.found = r.look(t.ctx); t.found.err != nil {
		t.fail(fmt.Errorf("%w (the issuer had refused the refresh token: %s)", t.found.err, clip(reason, maxReason)))
	}
}

// condemn stores that s is dead, so that nobody presents it again.
func (t *rotation) condemn(s state, d death) {
	r := t.r
	d.Lost = s.Unknown
	s.Claim, s.Dead = nil, &d
	if t.write(s, nil) {
		r.tell(Event{Kind: Died, Took: r.now().since(t.began), Err: r.died(&s)})
	}
}

// A verdict is what the issuer said of a pair for good.
type verdict struct {
	pair  state
	death death
}

// A death is why a refresh token is never to be presented again.
type death struct {
	Reason string `json:"reason"`
	Reused bool   `json:"reused,omitempty"`
	Lost   bool   `json:"lost,omitempty"`
}

// died returns the error for a dead pair.
func (r *Rotator) died(s *state) error {
	e := &deadError{kind: token.ErrRefused}
	what := "the refresh token was refused for good"
	switch {
	case s.Refresh == nil:
		what = "there is none any more"
	case s.Dead.Lost:
		e.kind, what = ErrLost, "the new pair was lost on its way, and the old refresh token is refused"
	case s.Dead.Reused:
		e.kind, what = ErrReused, "the refresh token had been used before, by a thief or by somebody who does not share this Store"
	}
	// Many a reason ends in that advice already.
	reason := strings.TrimRight(strings.TrimSuffix(clip(s.Dead.Reason, maxReason), "log in again"), ":; ")
	e.text = fmt.Sprintf("refresh: %s: %s: %s; log in again", r.name(), what, reason)
	return e
}

// A deadError is why a pair is dead.
type deadError struct {
	text string
	kind error
}

func (e *deadError) Error() string { return e.text }
func (e *deadError) Unwrap() error { return e.kind }

// reused reports whether err says that the refresh token had been used before.
func reused(err error) bool {
	var e *ExchangeError
	var reuse *ReuseError
	return errors.As(err, &e) && e.Reused || errors.As(err, &reuse)
}

// failure returns err as callers get it. It says neither that their token is
// invalid nor that ours is dead: that is not known.
func (r *Rotator) failure(err error, next time.Duration) error {
	if errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrRefused) {
		err = errors.New(err.Error())
	}
	return &rotationError{r.name(), err, next}
}

// A rotationError is why there is no access token for now.
type rotationError struct {
	pair string
	err  error
	next time.Duration
}

func (e *rotationError) Error() string {
	s := e.withoutPause().Error()
	if e.next > 0 {
		s += fmt.Sprintf("; trying again in %v", e.next.Round(time.Millisecond))
	}
	return s
}

func (e *rotationError) withoutPause() error { return fmt.Errorf("refresh: %s: %w", e.pair, e.err) }

func (e *rotationError) Unwrap() error { return e.err }

// RetryAfter says how long the Rotator pauses; see [token.RetryAfter].
func (e *rotationError) RetryAfter() time.Duration { return e.next }

// name is what errors call the pair.
func (r *Rotator) name() string {
	if r.Key == "" {
		return "pair"
	}
	return fmt.Sprintf("pair %.80q", r.Key)
}
