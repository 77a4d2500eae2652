// Package kill9 kills the processes that share a rotating pair, and sees whether
// a login is ever lost. The pair is kept by a Rotator in each, which rotates it
// without end; the issuer is ours, and revokes a login whose refresh token is
// used twice.
//
//	go -C internal/e2e test -v ./kill9          30 kills for each kind of Store
//	FULL=1 go -C internal/e2e test -v ./kill9   300
package kill9

import (
	"os"
	"testing"
	"time"
)

// size returns the size of a run.
func size(gate, full int) int {
	if os.Getenv("FULL") != "" {
		return full
	}
	return gate
}

// TestGrace kills holders while the issuer forgives who repeats a request for
// lack of an answer, as it does by default. Nothing is lost.
func TestGrace(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			f := newFleet(t, kind, 0)
			f.goOn(t)
			began, kills := time.Now(), size(30, 300)
			// As many kills as it takes for a fifth of the number to fall
			// between POST and swap, which is up to chance.
			for i := 1; i <= kills || i <= 4*kills && f.countBetween() < kills/5; i++ {
				f.kill(t)
				f.checkReadable(t)
				if i%30 == 0 {
					t.Logf("%v: %v", time.Since(began).Round(100*time.Millisecond), f)
				}
			}
			f.goOn(t)
			f.checkReadable(t)
			t.Logf("%v%s", f, f.details())

			if n := f.countBetween(); n < kills/5 {
				t.Errorf("%d kills fell between POST and swap, want %d or more", n, kills/5)
			}
			f.read(func() {
				f.checkRefusals(t, 0)
				f.checkForks(t)
			})
			f.checkStore(t)
		})
	}
}

// TestNoGrace kills holders while the issuer forgives nothing, until logins are
// lost. Each loss has one of the causes that it must have, all that are left say
// so and leave the issuer alone, and a new login is all it takes to go on.
func TestNoGrace(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			f := newFleet(t, kind, -1)
			losses := size(3, 30)
			for f.losses < losses {
				if f.goOn(t) {
					f.kill(t)
					f.checkReadable(t)
					continue
				}
				f.await(t, "all to say that the login is lost", f.allLost)
				f.read(func() { t.Logf("lost a login: %s", f.cause(t)) })
				f.losses++
				if err := f.rotator(f.store).Replace(t.Context(), f.issuer.login(t)); err != nil {
					t.Fatal(err)
				}
			}
			t.Logf("%v%s", f, f.details())
			f.read(func() {
				f.checkRefusals(t, losses)
				f.checkForks(t)
			})
			f.checkStore(t)
		})
	}
}
