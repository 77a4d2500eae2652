package jwt

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// A Remote is a [KeySet] that its issuer publishes (RFC 7517, section 5).
//
//	keys := &jwt.Remote{Issuer: "https://issuer.example"}
//	keys := &jwt.Remote{URL: "https://issuer.example/jwks.json"}
//
// The set is fetched when first needed, in the background when four fifths of
// its life have passed, and when a token names a key that is not in it. What
// comes replaces the whole set, so that a key that its issuer withdrew is gone.
// Only public keys are taken, and only such as may verify signatures: with one
// that is published together with its secret anyone can sign.
//
// # Unknown keys
//
// Fetches do not overlap and begin at least MinInterval apart, so that a flood
// of tokens with made-up key IDs is no flood for the issuer. A token that names
// an unknown key waits for the next fetch to begin and end: if the set that
// comes does not have the key either, there is none. At most 64 callers wait so;
// for more, Keys returns an error that has a method RetryAfter. Tokens whose
// keys are known never wait meanwhile.
//
// Where no key of the set has an ID, each may be the one that a token names, and
// none is unknown.
//
// # Outages
//
// While the issuer does not answer, or answers with a set of no use, the old
// keys stay, also past the end of their life. Whether a key that is not among
// them exists nobody can tell then, and Keys returns an error. Attempts are
// made further and further apart, up to a minute, or as the issuer's Retry-After
// asks, up to 5 minutes.
//
// If no token came in the last fifth of its life, a set is not used any more
// before a fetch has been tried: the first tokens that come wait for it.
//
// The fields must be set before first use. A Remote is then safe for concurrent
// use, and must not be copied.
type Remote struct {
	// URL is where the set is. If it is empty, it is looked up with each fetch
	// in the discovery document of Issuer (OpenID Connect Discovery 1.0,
	// section 4), which must name Issuer, to the letter, as its issuer. One of
	// the two is required; with URL, Issuer is not used.
	URL    string
	Issuer string

	// Client makes the requests; nil means one of its own. It may follow three
	// redirects within an origin and none to another, whatever its
	// CheckRedirect says.
	Client *http.Client

	// Source, if not nil, supplies a token for servers that publish keys only
	// to those they know, as Kubernetes may. It is sent to the origin of URL,
	// or else of Issuer, and nowhere else, even if the discovery document names
	// another place for the set. A Kubernetes API server's document does: for
	// one that wants a token, set URL to its /openid/v1/jwks.
	Source token.Source

	// MaxAge is how long a set is good whose issuer does not say so by
	// Cache-Control; 0 means an hour, negative a minute. What the issuer says
	// counts as at least a minute and at most a day.
	MaxAge time.Duration

	// MinInterval is the least time between the beginnings of two fetches; 0
	// means a second, negative none.
	MinInterval time.Duration

	// Timeout bounds one fetch, discovery included; 0 means 10 seconds,
	// negative no bound.
	Timeout time.Duration

	// Insecure permits http to hosts other than loopback addresses. Whoever is
	// on the way can then put in keys of their own, and sign any token.
	Insecure bool

	// OnFetch, if not nil, is told of each fetch when it has ended: the error,
	// or nil. It is called before callers waiting for the fetch go on, at times
	// from several goroutines, and must not block. A panic in it is dropped.
	OnFetch func(error)

	// published is read without a lock by every call; it is replaced under mu.
	published atomic.Pointer[published]

	begun   atomic.Int64 // counts the fetches that have begun
	waiting atomic.Int64 // callers that wait for an unknown key

	// mu guards what follows. It is never held across a wait.
	mu       sync.Mutex
	fetch    *fetch        // under way or about to begin, or nil
	asked    time.Time     // when the last fetch began
	failures int           // in a row
	failed   time.Time     // when the last of them was
	pause    time.Duration // how long after failed the next fetch may begin
	err      error         // of the last fetch
}

// Keys implements [KeySet]. An error means that nobody could tell, and never
// matches [token.ErrInvalid]; [token.RetryAfter] tells when to ask again.
func (r *Remote) Keys(ctx context.Context, keyID string) ([]Key, error) {
	p := r.published.Load()
	if p == nil {
		return r.await(ctx, keyID)
	}
	keys, known := p.find(keyID)
	if !known {
		return r.awaitUnknown(ctx, keyID)
	}
	switch age := since(p.asked, time.Now()); {
	case age < p.due:
		return keys, nil
	case age < p.end:
		if p.renewing.CompareAndSwap(false, true) {
			r.join(ctx, false)
		}
		return keys, nil
	}
	return r.await(ctx, keyID)
}

// Fetch fetches the set now, so that a program can tell at its start that the
// issuer is there. If a fetch is under way, it waits for that one. It heeds
// MinInterval, but not the pause after a failure: that its caller decides.
func (r *Remote) Fetch(ctx context.Context) error {
	f, err := r.join(ctx, true)
	if err != nil {
		return err
	}
	return f.wait(ctx)
}

// since returns how long before now then was, by the reading of the clock that
// says longer: suspend stops the one, steps move the other.
func since(then, now time.Time) time.Duration {
	return max(now.Sub(then), now.Round(0).Sub(then.Round(0)))
}
