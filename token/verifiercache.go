package token

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// A VerifierCache remembers the verdicts of a slow [Verifier], such as one that
// asks a server.
//
//	http.ListenAndServe(addr, token.Require(&token.VerifierCache{Verifier: v}, mux))
//
// A token that was revoked is let in for up to TTL more. That counts from when
// the Verifier was asked, so the answer's way is included.
//
// # What is remembered
//
// An approval is remembered for TTL, but never past its claims' Expiry; a
// refusal, which is an error that matches [ErrInvalid], for at most 2 seconds,
// and a token that is not yet valid never past the time from which it is, by
// its [TimeError]. An error that means that no answer could be had is not
// remembered. Nor is anything about a token, or claims, of more than 16 KiB.
//
// Refusals have room of their own, a quarter as much, so that no flood of bad
// tokens displaces a good one. With a Size of 4096, tokens and claims as long as
// they may be occupy 144 MiB, of which strangers can fill 16; tokens of a
// kilobyte some 10 MiB. A token may stay in memory until its place is needed.
//
// # How it asks
//
// Callers with the same token share one call of the Verifier, which goes on when
// they have gone: each leaves when its own context is done. What a context
// carries is not passed on, because a verdict may depend on the token and the
// Verifier alone. So a VerifierCache belongs to one Verifier, and proof that the
// sender holds the key that a token is bound to is to be checked after it, with
// each request. A check of the audience that differs by route goes after it too:
// see [ForAudience].
//
// At most 64 tokens are being judged at a time. To have others wait behind a
// flood of bad tokens would fill the server with waiting requests: they get an
// error that says when to come back (see [RetryAfter]), and [Require] answers 503.
//
// The fields must be set before first use. A VerifierCache is then safe for
// concurrent use, and must not be copied.
type VerifierCache struct {
	// Verifier gives the verdicts. Required.
	Verifier Verifier

	// TTL is how long an approval is good; 0 means 10 seconds, negative means
	// that nothing is remembered and only callers at the same time share a
	// verdict.
	TTL time.Duration

	// Size is how many approvals are remembered at most; 0 means 4096, negative
	// none. Beyond three quarters of it some are forgotten early.
	Size int

	// Timeout bounds one call of the Verifier; 0 means 10 seconds, negative
	// means no bound.
	Timeout time.Duration

	// Now tells the time; nil means [time.Now].
	Now func() time.Time

	memory  atomic.Pointer[memory]
	running atomic.Int64 // calls of the Verifier that have not returned

	// mu guards what follows, and writing to the memory. It is never held across
	// a wait.
	mu      sync.Mutex
	flights map[uint64]*flight // that callers can still join, by the token's hash
}

// A memory is what a VerifierCache remembers. Refusals never take the place of
// approvals.
type memory struct{ approved, refused table }

const (
	defaultTTL     = 10 * time.Second
	defaultSize    = 4096
	longestRefusal = 2 * time.Second

	// longestRemembered is how many bytes of a token, and as many of claims, are
	// kept.
	longestRemembered = 16 << 10
)

// seed is drawn anew by each process, so that nobody outside can tell which
// tokens have the same hash.
var seed = maphash.MakeSeed()

// Verify implements [Verifier]. The error is the Verifier's own, or wraps that
// of ctx, or says why the Verifier could not be asked; only the first can match
// [ErrInvalid]. The claims are the caller's to keep and to change.
func (c *VerifierCache) Verify(ctx context.Context, presented Secret) (Claims, error) {
	if c.Verifier == nil {
		return Claims{}, errors.New("token: VerifierCache.Verifier is nil: set it to the Verifier whose verdicts to remember")
	}
	text := presented.Reveal()
	hash := maphash.String(seed, text)
	if v := c.recall(hash, text); v != nil {
		return v.answer()
	}
	v, f, err := c.join(hash, text)
	if err != nil {
		return Claims{}, err
	}
	if v != nil {
		return v.answer()
	}
	select {
	case <-f.done:
		return f.verdict.answer()
	case <-ctx.Done():
		return Claims{}, fmt.Errorf("token: no verdict yet: %w", ctx.Err())
	}
}

// remembered returns the memory, which is made when it is first needed.
func (c *VerifierCache) remembered() *memory {
	if m := c.memory.Load(); m != nil {
		return m
	}
	size := c.Size
	if size == 0 {
		size = defaultSize
	}
	size = max(0, size)
	c.memory.CompareAndSwap(nil, &memory{
		approved: make(table, size),
		refused:  make(table, (size+3)/4),
	})
	return c.memory.Load()
}

// recall returns what is remembered of a token, or nil.
func (c *VerifierCache) recall(hash uint64, text string) *verdict {
	m := c.remembered()
	for _, t := range [...]table{m.approved, m.refused} {
		at, v := t.find(hash, text)
		if v == nil {
			continue
		}
		// The clock is read after the verdict, which may have come just now.
		if v.live(c.now()) {
			return v
		}
		// It must not come back to life when the clock is set back.
		at.CompareAndSwap(v, nil)
	}
	return nil
}

// remember keeps v as long as it may be repeated. The caller holds mu.
func (c *VerifierCache) remember(v *verdict) {
	switch {
	case v.lasts <= 0:
	case v.err == nil:
		c.remembered().approved.put(v)
	default:
		c.remembered().refused.put(v)
	}
}

// lasts returns how long after it was asked for v may be repeated.
func (c *VerifierCache) lasts(v *verdict) time.Duration {
	ttl := c.TTL
	if ttl == 0 {
		ttl = defaultTTL
	}
	switch {
	case len(v.text.Reveal()) > longestRemembered || v.claims.size() > longestRemembered:
		return 0
	case v.err == nil:
		if !v.claims.Expiry.IsZero() {
			ttl = min(ttl, v.claims.Expiry.Sub(v.asked))
		}
		return ttl
	case !errors.Is(v.err, ErrInvalid):
		return 0
	}
	ttl = min(ttl, longestRefusal)
	if errors.Is(v.err, ErrNotYetValid) {
		early, ok := errors.AsType[*TimeError](v.err)
		if !ok {
			return 0
		}
		// By the clock that found it too early, which need not be c's.
		ttl = min(ttl, early.Limit.Sub(early.Now)-early.Leeway)
	}
	return ttl
}

func (c *VerifierCache) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}
