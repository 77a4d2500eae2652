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

// tries is how often a test is begun again, because the machine was so busy that a
// holder was stopped at an unlucky moment, and for longer than a lease.
const tries = 5

// repeat runs test until it says that it has shown what it is to show.
func repeat(t *testing.T, test func() bool) {
	t.Helper()
	for try := 1; !test(); try++ {
		if try == tries {
			t.Fatalf("in none of %d tries the holders went on for long enough", tries)
		}
		t.Logf("try %d shows nothing: a holder was stopped for longer than its lease, or had no answer", try)
	}
}

// TestGrace kills holders while the issuer forgives who repeats a request for
// lack of an answer, as it does by default. Nothing is lost.
func TestGrace(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) { repeat(t, func() bool { return testGrace(t, kind) }) })
	}
}

func testGrace(t *testing.T, kind string) bool {
	f := newFleet(t, kind, 0)
	good := f.goOn(t)
	began, kills := time.Now(), size(30, 300)
	// As many kills as it takes for a fifth of the number to fall
	// between POST and swap, which is up to chance.
	for i := 1; good && (i <= kills || i <= 20*kills && f.countBetween() < kills/5); i++ {
		f.kill(t)
		f.checkReadable(t)
		if i%30 == 0 {
			t.Logf("%v: %v", time.Since(began).Round(100*time.Millisecond), f)
		}
		f.read(func() { good = f.refusals() == 0 })
	}
	good = good && f.goOn(t)
	f.checkReadable(t)
	t.Logf("%v%s", f, f.details())
	if !good && f.excused() {
		f.stop(t)
		return false
	}

	if n := f.countBetween(); n < kills/5 {
		t.Errorf("%d kills fell between POST and swap, want %d or more", n, kills/5)
	}
	f.read(func() {
		f.checkRefusals(t, 0)
		f.checkForks(t)
	})
	f.checkStore(t)
	return true
}

// TestNoGrace kills holders while the issuer forgives nothing, until logins are
// lost. Each loss has one of the causes that it must have, all that are left say
// so and leave the issuer alone, and a new login is all it takes to go on.
func TestNoGrace(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) { repeat(t, func() bool { return testNoGrace(t, kind) }) })
	}
}

func testNoGrace(t *testing.T, kind string) bool {
	f := newFleet(t, kind, -1)
	losses := size(3, 30)
	for f.losses < losses {
		if f.goOn(t) {
			f.kill(t)
			f.checkReadable(t)
			continue
		}
		// Anew: what one said last may be of the login before.
		f.write(func() {
			for _, h := range f.alive {
				h.last = ""
			}
		})
		f.await(t, "all to say that the login is over", f.allOver)
		muddled := false
		f.read(func() {
			if muddled = f.muddled(); !muddled {
				t.Logf("lost a login: %s", f.cause(t))
			}
		})
		if muddled {
			t.Logf("%v%s", f, f.details())
			f.stop(t)
			return false
		}
		f.losses++
		rotator, _ := f.rotator(f.store)
		if err := rotator.Replace(t.Context(), f.issuer.login(t)); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%v%s", f, f.details())
	f.read(func() {
		f.checkRefusals(t, losses)
		f.checkForks(t)
	})
	f.checkStore(t)
	return true
}
