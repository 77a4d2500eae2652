package rancher

import (
	"errors"
	"fmt"
	"hash/maphash"
	"time"
)

// A v2betaRefusal is what is remembered of credentials that were not accepted.
type v2betaRefusal struct {
	digest uint64 // of the credentials: they themselves are not kept
	times  int    // in a row
	err    error
	until  time.Time
}

// v2betaPauses are how long the same credentials are not sent again, each time
// that they are refused. The last is for all later times.
var v2betaPauses = [...]time.Duration{time.Minute, 10 * time.Minute, time.Hour}

var v2betaSeed = maphash.MakeSeed()

// digest returns what tells these credentials from others, in this process.
func (c Credentials) digest() uint64 {
	var h maphash.Hash
	h.SetSeed(v2betaSeed)
	for _, part := range []string{c.Provider, c.Username, c.Password.Reveal(), c.Code.Reveal(), c.IDToken.Reveal()} {
		fmt.Fprintf(&h, "%d:%s", len(part), part)
	}
	return h.Sum64()
}

// stands returns the error that the credentials got before, if it is too early
// to ask again.
func (r *v2betaRefusal) stands(digest uint64, now time.Time) error {
	if r.err == nil || r.digest != digest || !now.Before(r.until) {
		return nil
	}
	return fmt.Errorf("%w; it was not asked again, and will be in %v, or with other credentials at once",
		r.err, r.until.Sub(now).Round(time.Second))
}

// learn takes note of what became of a login.
func (s *V2BetaSource) learn(digest uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &s.refused
	switch {
	case err == nil:
		*r = v2betaRefusal{}
	case errors.Is(err, ErrCredentials):
		if r.digest != digest {
			r.times = 0
		}
		pause := v2betaPauses[min(r.times, len(v2betaPauses)-1)]
		*r = v2betaRefusal{digest, r.times + 1, err, time.Now().Add(pause)}
	}
}
