package refresh

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/token"
)

// A Rotator is a [token.Source] of access tokens that holds a rotating pair: it
// spends the refresh token for each new one and keeps the next, in a Store that
// any number of Rotators share, in one process or many.
//
//	src := refresh.New(&refresh.Rotator{
//		Exchanger: &oauth2adapt.Exchanger{Config: config},
//		Store:     &refresh.Dir{Path: dir},
//		Key:       "github",
//		Initial:   oauth2adapt.Pair(tok),
//	})
//
// A Rotator does not cache: it looks into the Store on each call. Wrap it in a
// [Source], which needs no Store of its own then. What it does, and what it can
// survive, is in the package comment.
//
// Set its fields before first use; it must not be copied afterwards.
type Rotator struct {
	// Exchanger makes the exchange. Required.
	Exchanger Exchanger

	// Initial is the pair of a login. It is put into the Store once: when there
	// is no pair, or one that came of another login. After that the Store knows
	// better, and a program may go on giving the same Initial, or a zero one; the
	// last eight logins are remembered. The access token may be missing; its
	// ExpiresIn counts from the first call.
	Initial Pair

	// Store keeps the pair under Key, which names the login: one for each issuer
	// and user. A nil Store keeps it in memory, where a restart loses it.
	Store Store
	Key   string

	// Timeout bounds one exchange; 0 means 10 seconds.
	//
	// Lease is how long a holder may keep the pair claimed for its exchange;
	// 0 means 15 seconds. It must be longer than Timeout. If the holder has not
	// finished by then, another takes over, unless the Store has a Lock, which
	// tells at once whether the holder is gone.
	Timeout, Lease time.Duration

	// Revoke, if not nil, tells the issuer of a refresh token that is no longer
	// wanted (RFC 7009); see [Rotator.Forget].
	Revoke func(ctx context.Context, refresh token.Secret) error

	// OnEvent, if not nil, is told what happens, at times from several
	// goroutines. It must not block.
	OnEvent func(Event)

	once   sync.Once // guards what follows
	id     string    // in the claims of this Rotator
	seed   string    // of Initial; empty if there is none
	memory *Memory   // in the place of a Store

	// mu guards what follows. It is never held across a wait.
	mu        sync.Mutex
	known     *known      // the newest pair seen or got; nil at first
	begun     bool        // Initial has been used, by whomever
	initial   *held       // the access token of Initial
	refused   token.Token // by servers, before any pair was known
	refusals  int         // of access tokens in a row that had only just come
	verdict   *verdict    // of the issuer on a pair
	unsure    uint64      // number of a pair whose exchange ended nobody knows how
	watched   watch       // on the value in the Store
	pending   *answer     // what callers of the rotation under way wait for; nil if there is none
	waitsFor  string      // whom the rotation under way waits for
	stuck     error       // why a new pair cannot be stored
	deaf      int         // looks into the Store that it has not come back from in time
	streak    int         // rotations in a row that failed
	notBefore reading     // when the next may begin
	err       error       // of the last one

	clock func() reading // nil means the machine's; for tests
	draw  draw           // nil means at random; for tests
}

const (
	defaultExchangeTimeout = 10 * time.Second
	defaultLease           = 15 * time.Second
)

// A Locker is a [Store] that can hold a lock which ends with its holder, so that
// a [Rotator] need not wait for the lease of one that has died. The lock is
// nothing but that: no Rotator relies on it to exclude another.
type Locker interface {
	Store

	// Lock waits until it holds the lock of a key, or ctx is done; its error then
	// matches that of ctx. The lock is given up by unlock, which may be called
	// again and then does nothing, or by the end of the process. Keys are as in
	// Swap; a Swap does not wait for the lock.
	Lock(ctx context.Context, key string) (unlock func(), err error)
}

// Token implements [token.Source]. It returns the access token in the Store if
// that is neither due nor refused, and otherwise that of a new pair, which it
// exchanges the refresh token for unless another holder is faster.
//
// The exchange belongs to no caller: it goes on when ctx is done. If the refresh
// token is dead the error matches [token.ErrRefused], and [ErrReused] or
// [ErrLost] if that is known; it comes from the Store from then on, and nothing
// is presented to the issuer until there is a new login. It also matches
// ErrRefused if there has been no login yet, or a logout. Any other error means
// that a later call may work. While it lasts, and to a caller whose ctx is done
// first, the access token is handed out that is due, but still good.
func (r *Rotator) Token(ctx context.Context) (token.Token, error) {
	if err := r.configured(); err != nil {
		return token.Token{}, err
	}
	for {
		found := r.peek(ctx)
		if found.err != nil && ctx.Err() == nil {
			r.tell(Event{Kind: StoreFailed, Err: r.failure(found.err, 0)})
		}
		access, wait, err := r.begin(ctx, found)
		switch {
		case err != nil:
			return token.Token{}, err
		case access != nil:
			return r.handOut(access), nil
		}
		select {
		case <-wait.done:
		case <-ctx.Done():
			return r.leave(ctx)
		}
		if wait.err != nil {
			return token.Token{}, wait.err
		}
		if wait.access != nil && !r.gaveUp(wait.access) {
			return r.handOut(wait.access), nil
		}
	}
}

// handOut returns an access token as it is now. One that is due although nothing
// could be done about it is due again after the pause.
func (r *Rotator) handOut(h *held) token.Token {
	now := r.now()
	t := h.at(now)
	if t.RefreshIn == 0 {
		r.mu.Lock()
		defer r.mu.Unlock()
		t.RefreshIn = max(0, now.until(r.notBefore))
	}
	return t
}

// configured completes r at its first use, and returns an error if a field is
// missing or wrong.
func (r *Rotator) configured() error {
	r.once.Do(func() {
		r.id = rand.Text()
		r.memory = new(Memory)
		if !r.Initial.Refresh.IsZero() {
			r.seed = seed(r.Initial.Refresh)
		}
	})
	switch timeout, lease := r.times(); {
	case r.Exchanger == nil:
		return errors.New("refresh: Rotator.Exchanger is nil: set it to what exchanges a refresh token at its issuer")
	case r.Store != nil && r.Key == "":
		return errors.New("refresh: Rotator.Key is empty: a Store needs a key to keep the pair under")
	case timeout < 0 || lease <= timeout || lease > longestLease:
		return fmt.Errorf("refresh: Rotator.Timeout is %v and Lease %v: the lease must be longer, and at most %v", timeout, lease, longestLease)
	}
	return nil
}

// times returns Timeout and Lease, or what they are by default.
func (r *Rotator) times() (timeout, lease time.Duration) {
	timeout, lease = r.Timeout, r.Lease
	if timeout == 0 {
		timeout = defaultExchangeTimeout
	}
	if lease == 0 {
		lease = defaultLease
	}
	return timeout, lease
}

// now reads the clocks.
func (r *Rotator) now() reading {
	if r.clock != nil {
		return r.clock()
	}
	return readClock()
}

// random returns a time in [0, n) at random.
func (r *Rotator) random(n time.Duration) time.Duration {
	if r.draw != nil {
		return r.draw(n)
	}
	return atRandom(n)
}

// Format implements [fmt.Formatter]: what a Rotator holds is not printed. Without a
// Store that is all that a Store would hold.
func (r *Rotator) Format(f fmt.State, verb rune) { io.WriteString(f, "refresh.Rotator") }

func (r *Rotator) tell(e Event) {
	if r.OnEvent != nil {
		// A panic here must not cost the pair.
		_ = panics.Call("OnEvent", func() error { r.OnEvent(e); return nil })
	}
}
