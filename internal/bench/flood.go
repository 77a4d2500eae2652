package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// flooding presents a thousand tokens with made-up key IDs a second to a Policy
// that fetches its issuer's keys by HTTP. After half of them the issuer begins to
// sign with a new key. None of the others fetches keys because it does not know an ID.
func flooding(r *report) error {
	const mostFetches, mostWait = 12, 2 * time.Second
	made := pick(r, 10_000, 1_000)
	lasting := time.Duration(made) * time.Millisecond

	before, after := rs256(), algorithms()[2]
	old, fresh := before.token("before", claims()), after.token("after", claims())
	keys := new(publisher)
	keys.publish(before.jwk("before"))
	server := httptest.NewServer(keys)
	defer server.Close()
	policy := accepting(&jwt.Remote{URL: server.URL})
	verify := func(text string) error {
		_, err := policy.Verify(context.Background(), token.NewSecret(text))
		return err
	}
	if err := verify(old); err != nil {
		return err
	}

	var (
		all              sync.WaitGroup
		accepted         atomic.Int64 // of those made up
		longest          time.Duration
		usable           time.Duration
		oldErr, freshErr error
	)
	began := time.Now()
	all.Go(func() {
		for n := range made {
			time.Sleep(time.Until(began.Add(time.Duration(n) * time.Millisecond)))
			header := before.header(fmt.Sprintf("made up %d", n))
			text := encode(header) + old[strings.IndexByte(old, '.'):]
			all.Go(func() {
				if verify(text) == nil {
					accepted.Add(1)
				}
			})
		}
	})
	all.Go(func() { // a caller whose key is known
		for time.Since(began) < lasting && oldErr == nil {
			asked := time.Now()
			oldErr = verify(old)
			longest = max(longest, time.Since(asked))
			time.Sleep(10 * time.Millisecond)
		}
	})
	all.Go(func() { // and one whose key is new
		time.Sleep(lasting / 2)
		// Just after a fetch, so that the next one is as far away as can be.
		for n := keys.fetches.Load(); keys.fetches.Load() == n && time.Since(began) < lasting; {
			time.Sleep(time.Millisecond)
		}
		keys.publish(before.jwk("before"), after.jwk("after"))
		published := time.Now()
		for {
			freshErr = verify(fresh)
			usable = time.Since(published)
			if freshErr == nil || usable > max(lasting, time.Minute) {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
	all.Wait()
	if err := errors.Join(oldErr, freshErr); err != nil {
		return err
	}

	fetches := keys.fetches.Load()
	r.add(row{
		name:  fmt.Sprintf("%d made-up key IDs in %.0f s: fetches", made, lasting.Seconds()),
		cells: []string{fmt.Sprint(fetches)},
		bar:   fmt.Sprintf("≤ %d", mostFetches),
		ok:    fetches <= mostFetches,
		timed: true,
	})
	r.add(row{
		name:  "  a new key can be used after, ms",
		cells: []string{millis(usable)},
		bar:   fmt.Sprintf("≤ %d", mostWait.Milliseconds()),
		ok:    usable <= mostWait,
		timed: true,
	})
	r.add(row{
		name:  "  longest wait with a known key, ms",
		cells: []string{millis(longest)},
	})
	r.add(row{
		name:  "  tokens with made-up IDs accepted",
		cells: []string{fmt.Sprint(accepted.Load())},
		bar:   "0",
		ok:    accepted.Load() == 0,
	})
	return nil
}

// A publisher serves a set of keys.
type publisher struct {
	set     atomic.Pointer[gojose.JSONWebKeySet]
	fetches atomic.Int64
}

func (p *publisher) publish(keys ...gojose.JSONWebKey) {
	p.set.Store(&gojose.JSONWebKeySet{Keys: keys})
}

func (p *publisher) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/jwk-set+json")
	json.NewEncoder(w).Encode(p.set.Load())
	p.fetches.Add(1)
}

// jwk returns a's public key as it is published.
func (a algorithm) jwk(id string) gojose.JSONWebKey {
	return gojose.JSONWebKey{KeyID: id, Algorithm: a.name, Use: "sig", Key: a.public}
}
