package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// An issuer gives tokens, as the token endpoint of an OAuth 2.0 server does, and
// knows which of them are good. Its clock is wrong, and so are some of its
// answers.
type issuer struct {
	demo   demo
	story  *story
	secret token.Secret // the client's

	mu      sync.Mutex
	answers int
	issued  int
	good    map[string]time.Time // when each token dies, by the issuer's clock
}

// thinking is how long the issuer takes to answer.
const thinking = 50 * time.Millisecond

// now is what the issuer believes is the time.
func (i *issuer) now() time.Time { return time.Now().Add(i.demo.ahead) }

// ServeHTTP answers a request for a token.
func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	time.Sleep(thinking)
	w.Header().Set("Date", i.now().UTC().Format(http.TimeFormat))
	w.Header().Set("Cache-Control", "no-store")
	if _, secret, ok := r.BasicAuth(); !ok || !i.secret.Equal(token.NewSecret(secret)) {
		http.Error(w, `{"error":"invalid_client"}`, http.StatusUnauthorized)
		return
	}
	answer, ok := i.issue()
	if !ok {
		http.Error(w, `{"error":"server_error"}`, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(answer)
}

// issue makes a token, unless this is an answer that fails.
func (i *issuer) issue() (answer map[string]any, ok bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.answers++
	if slices.Contains(i.demo.broken, i.answers) {
		i.story.tell("issuer", red, "fails: its answer no. %d is a 500", i.answers)
		return nil, false
	}
	if i.good == nil {
		i.good = make(map[string]time.Time)
	}
	text, dies := rand.Text(), i.now().Add(i.demo.life)
	i.good[text] = dies
	i.issued++
	i.story.tell("issuer", plain, "issues token %d for %v, until %s by its own clock",
		i.issued, i.demo.life, dies.Format(time.TimeOnly))
	return map[string]any{
		"access_token": text,
		"token_type":   "Bearer",
		"expires_in":   i.demo.life / time.Second,
		"refresh_in":   i.demo.again / time.Second,
		"expires_on":   dies.Unix(), // some issuers say it so; it misleads whoever goes by another clock
	}, true
}

// Verify implements [token.Verifier]. It goes by the issuer's clock, to the
// instant.
func (i *issuer) Verify(_ context.Context, presented token.Secret) (token.Claims, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	dies, known := i.good[presented.Reveal()]
	now := i.now()
	switch {
	case !known:
		return token.Claims{}, token.ErrRevoked
	case !now.Before(dies):
		return token.Claims{}, &token.TimeError{Claim: "exp", Limit: dies, Now: now}
	}
	return token.Claims{Subject: "quickstart", Expiry: dies}, nil
}

// revoke ends the life of a token.
func (i *issuer) revoke(t token.Secret) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.good, t.Reveal())
}
