package main

import (
	"context"
	"fmt"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// verifyingAgain measures a token that a VerifierCache has seen before, beside
// verifying it anew, which is all that the others can do.
func verifyingAgain(r *report) error {
	const most = 1.0 / 50 // times a Policy
	a := rs256()
	text := a.token(keyID, claims())
	cache := &token.VerifierCache{Verifier: accepting(jwt.Keys{a.key(keyID)})}
	again := &runner{do: func() error {
		_, err := cache.Verify(context.Background(), token.NewSecret(text))
		return err
	}}
	anew := each(libraries(), func(l library) *runner {
		verify := l.verifier(a)
		return &runner{do: func() error { return verify(text) }}
	})
	if err := takeTurns(pick(r, 400, 5), append(anew, again)...); err != nil {
		return err
	}
	took := each(anew, (*runner).time)
	policy := took[0]
	took[0] = again.time()
	r.add(row{
		name:  "RS256 again, by VerifierCache: µs",
		cells: each(took, micros),
		ratio: fmt.Sprintf("%.4f × %.1f", took[0]/policy, policy),
		bar:   fmt.Sprintf("≤ %.2f", most),
		ok:    took[0]/policy <= most,
		timed: true,
	})
	r.add(row{name: "  allocations", cells: []string{count(again.allocs())}})
	return nil
}
