package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// Kubectl runs a plugin again when the token has run out, and when the API server has
// answered 401. It does not say which. But a process that comes back for a token that
// it was given, before that has run out, can only have had it refused: then to hand
// out the same again is no help.

// handings is what the store has under "handed/", of a login: who was given which of
// its tokens.
type handings struct {
	To []handing `json:"to"` // the newest last

	// Healed is when a token was last replaced because it was refused, and Count how
	// often in a row.
	Healed time.Time `json:"healed,omitzero"`
	Count  int       `json:"count,omitempty"`
}

type handing struct {
	Parent string    `json:"parent"` // process
	Token  string    `json:"token"`  // SHA-256 of it
	Until  time.Time `json:"until"`  // when it is no wonder that the parent comes back
	End    time.Time `json:"end"`    // of the token
}

// maxHandings is how many are remembered. Most are of processes that have ended, and
// on Linux those are left out.
const maxHandings = 64

// heal replaces the token in the store if the API server has refused it. If others are
// refused as well, they are replaced less and less often: then something else is wrong.
// Many kubectl may come back at once for one token: one of them replaces it, and the
// others wait for that.
func (g *getter) heal(ctx context.Context) {
	raw, err := g.store.Get(ctx, "handed/"+g.Key)
	if err != nil || !bytes.Contains(raw, []byte(g.parent)) {
		return // a kubectl that asks for the first time, as nearly all do
	}
	ctx, cancel := context.WithTimeout(ctx, longestWait)
	defer cancel()
	unlock, err := g.store.Lock(ctx, "heal/"+g.Key)
	if err != nil {
		return
	}
	defer unlock()
	pair, err := g.rotator.Stored(ctx)
	if err != nil || pair.Access.IsZero() {
		return
	}
	refused := false
	err = g.update(ctx, func(h *handings) {
		now := time.Now()
		refused = h.has(g.parent, digest(pair.Access), now) && h.replace(now)
	})
	if err == nil && refused {
		g.rotator.Invalidate(pair.Access)
		_, _ = g.stored(ctx) // if it fails, so it does for the caller
	}
}

// replace reports whether a refused token is to be replaced now, and counts it.
func (h *handings) replace(now time.Time) bool {
	since := now.Sub(h.Healed)
	if since < 0 || since > rowEnds {
		h.Count = 0
	}
	if h.Count > 0 && since < pause(h.Count) {
		return false
	}
	h.Healed = now
	h.Count++
	return true
}

const (
	longestPause = time.Minute
	rowEnds      = 4 * longestPause // after the last of those replaced in a row
)

// pause returns how long a token is in use that replaced a refused one, whatever is
// said of it, if n have been replaced in a row.
func pause(n int) time.Duration { return min(time.Second<<min(max(0, n-1), 6), longestPause) }

// hand notes that the parent process is given tok. If it cannot be noted, nothing is
// lost but what heal can do.
func (g *getter) hand(ctx context.Context, tok token.Token) {
	now := time.Now()
	// The expirationTimestamp of the answer is not earlier.
	until := now.Add(tok.ExpiresIn - tok.ExpiresIn/10 - time.Second)
	_ = g.update(ctx, func(h *handings) {
		h.To = slices.DeleteFunc(h.To, func(d handing) bool {
			return d.Parent == g.parent || !now.Before(d.End) || gone(d.Parent)
		})
		h.To = append(h.To, handing{g.parent, digest(tok), until, now.Add(tok.ExpiresIn)})
		h.To = h.To[max(0, len(h.To)-maxHandings):]
	})
}

// update changes what is kept of who was given what. What cannot be read is begun
// anew.
func (g *getter) update(ctx context.Context, change func(*handings)) error {
	return g.store.update(ctx, "handed/"+g.Key, func(old []byte) ([]byte, time.Time, error) {
		var h handings
		if json.Unmarshal(old, &h) != nil {
			h = handings{}
		}
		change(&h)
		end := h.Healed.Add(rowEnds)
		for _, d := range h.To {
			if d.End.After(end) {
				end = d.End
			}
		}
		raw, err := json.Marshal(h)
		return raw, end, err
	})
}

// has reports whether a process was given a token, and is not to need another yet.
func (h *handings) has(parent, tok string, now time.Time) bool {
	return slices.ContainsFunc(h.To, func(d handing) bool {
		return d.Parent == parent && d.Token == tok && now.Before(d.Until)
	})
}

func digest(t token.Token) string {
	sum := sha256.Sum256([]byte(t.Value.Reveal()))
	return hex.EncodeToString(sum[:])
}
