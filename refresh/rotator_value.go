package refresh

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// A state is what the Store holds of a pair, as JSON, version 1:
//
//	{
//	  "v": 1,
//	  "n": 7,                  counts the writes
//	  "nonce": "…",            of this write: no value is ever written twice
//	  "pair": 1767225600001,   number of the pair: a newer one has a higher
//	  "access": {…},           a token.Record, or missing
//	  "refresh": {…},          a token.Record, missing only if dead
//	  "claim": {"rotator": "…", "holder": "host 4711", "lease": 15},
//	  "unknown": true,         the refresh token may have been spent
//	  "dead": {"reason": "…", "reused": true, "lost": true},
//	  "seeds": ["…"],          SHA-256 of the refresh tokens of logins, the newest last
//	  "spent": ["…"]           and of those that were exchanged, likewise
//	}
type state struct {
	Version int           `json:"v"`
	Writes  uint64        `json:"n"`
	Nonce   string        `json:"nonce"`
	Number  uint64        `json:"pair"`
	Access  *token.Record `json:"access,omitempty"`
	Refresh *token.Record `json:"refresh,omitempty"`
	Claim   *claim        `json:"claim,omitempty"`
	Unknown bool          `json:"unknown,omitempty"`
	Dead    *death        `json:"dead,omitempty"`
	Seeds   []string      `json:"seeds,omitempty"`
	Spent   []string      `json:"spent,omitempty"`
}

const (
	stateVersion = 1

	// maxState is how long a state may be with its access token, which is left
	// out of a longer one. A Sealed Store makes a third more of it, and that
	// must fit.
	maxState = 45 << 10

	maxSeeds  = 8
	maxReason = 512
	maxHolder = 128

	// longestLease and highest are beyond what is ever written, and keep what
	// is read from overflowing.
	longestLease = 24 * time.Hour
	highest      = 1 << 62
)

var (
	errNewerState = errors.New("was written by a newer version of this package: update this program")
	errNotAState  = errors.New("is something else: choose another Key, or have Replace store a new login there")
)

// encode returns s as it is stored. If it would be too long, or the access token
// cannot be stored, it goes without the access token.
func (s state) encode() ([]byte, error) {
	s.Version = stateVersion
	raw, err := json.Marshal(s)
	if s.Access != nil && (err != nil || len(raw) > maxState) {
		s.Access = nil
		raw, err = json.Marshal(s)
	}
	if err == nil && len(raw) > maxValue {
		err = fmt.Errorf("the refresh token is too long to be stored: it takes %d bytes of %d", len(raw), maxValue)
	}
	return raw, err
}

// decode reads what encode wrote. Its errors complete a sentence about the
// value, and repeat nothing of it.
func decode(raw []byte) (*state, error) {
	var version struct {
		V int `json:"v"`
	}
	if err := json.Unmarshal(raw, &version); err != nil || version.V < stateVersion {
		return nil, errNotAState
	}
	if version.V > stateVersion {
		return nil, errNewerState
	}
	s := new(state)
	if err := json.Unmarshal(raw, s); err != nil || !s.sound() {
		return nil, errNotAState
	}
	s.Seeds, s.Spent = seeded(s.Seeds), seeded(s.Spent)
	return s, nil
}

// sound reports whether s is what encode may have been given.
func (s *state) sound() bool {
	if s.Nonce == "" || s.Number < 1 || s.Number > highest || s.Writes > highest {
		return false
	}
	if s.Refresh == nil && s.Dead == nil || s.Refresh != nil && s.Refresh.Token.IsZero() {
		return false
	}
	if c := s.Claim; c != nil && (c.Rotator == "" || c.Lease <= 0 || c.Lease > longestLease.Seconds()) {
		return false
	}
	return true
}

// expires returns until when the Store is to keep s. The end of a refresh token
// only says from when it is useless, so that there is no hurry; and why a pair
// is dead is kept for good.
func (s state) expires(now time.Time) time.Time {
	if s.Dead != nil || s.Refresh.Token.ExpiresIn <= 0 {
		return time.Time{}
	}
	end := s.Refresh.Received.Add(s.Refresh.Token.ExpiresIn).Add(24 * time.Hour)
	if !end.After(now) {
		return time.Time{}
	}
	return end
}

// isPair reports whether s is the same pair as t, whatever else they say.
func (s *state) isPair(t *state) bool {
	if s.Number != t.Number || (s.Refresh == nil) != (t.Refresh == nil) {
		return false
	}
	return s.Refresh == nil || s.Refresh.Token.Equal(t.Refresh.Token)
}

// seed returns what stands for a refresh token in Seeds and Spent.
func seed(refresh token.Token) string {
	sum := sha256.Sum256([]byte(refresh.Value.Reveal()))
	return hex.EncodeToString(sum[:])
}

// seeded returns seeds with more at its new end, each once, and no more than
// are kept.
func seeded(seeds []string, more ...string) []string {
	seeds = slices.DeleteFunc(slices.Clone(seeds), func(s string) bool { return slices.Contains(more, s) })
	for _, s := range more {
		if s != "" && !slices.Contains(seeds, s) {
			seeds = append(seeds, s)
		}
	}
	return seeds[max(0, len(seeds)-maxSeeds):]
}

// clip returns text as valid UTF-8 of at most n bytes.
func clip(text string, n int) string {
	text = strings.ToValidUTF8(text, "?")
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n-len("…")], "") + "…"
}
