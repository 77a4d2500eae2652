package rancher

import (
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
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

// mostV2BetaRefusals is how many of them are remembered, the latest: who gives
// two wrong passwords by turns is to have none of them sent each time.
const mostV2BetaRefusals = 8

// standing returns the error that the credentials got before, if it is too early
// to ask again. The caller holds mu.
func (s *V2BetaSource) standing(digest uint64, now time.Time) error {
	for _, r := range s.refused {
		if r.digest == digest && now.Before(r.until) {
			return fmt.Errorf("%w; it was not asked again, and will be in %v, or with other credentials at once",
				r.err, r.until.Sub(now).Round(time.Second))
		}
	}
	return nil
}

// learn takes note of what became of a login.
func (s *V2BetaSource) learn(digest uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		s.refused = nil
	case errors.Is(err, ErrCredentials):
		times := 0
		if i := slices.IndexFunc(s.refused, func(r v2betaRefusal) bool { return r.digest == digest }); i >= 0 {
			times = s.refused[i].times
			s.refused = slices.Delete(s.refused, i, i+1)
		}
		pause := v2betaPauses[min(times, len(v2betaPauses)-1)]
		s.refused = append(s.refused, v2betaRefusal{digest, times + 1, err, time.Now().Add(pause)})
		s.refused = slices.Delete(s.refused, 0, max(0, len(s.refused)-mostV2BetaRefusals))
	}
}
