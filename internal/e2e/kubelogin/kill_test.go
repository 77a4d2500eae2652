package kubelogin_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/internal/e2e/oidcprovider"
	"github.com/tokenlife/tokenlife/internal/e2e/tries"
)

// answerDelay is how long the issuer takes to answer, so that kills fall between an
// exchange and its answer.
const answerDelay = 500 * time.Millisecond

// TestKilled kills a random kubectl-login with SIGKILL each time the ID token has run
// out and many kubectl want another. The kubectl whose plugin it was fails, and is
// answered when it is run again; no login is lost.
//
// That goes for issuers that forgive who presents a token again for lack of an answer.
// With one that forgives nothing a login is lost if the process is killed that spends
// the refresh token, after the issuer has seen it and before the next is stored, and
// for nothing else.
func TestKilled(t *testing.T) {
	t.Parallel()
	needsProc(t)
	for _, test := range []struct {
		name         string
		grace, delay time.Duration
		window       time.Duration // in which the kill falls, from the first plugin on
	}{
		{"Grace", time.Hour, answerDelay, answerDelay * 3 / 2},
		{"NoGrace", 0, 0, 100 * time.Millisecond},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, life)
			w.useLogin(t)
			w.firstLogin(t)
			w.issuer.SetGrace(t, test.grace)
			w.issuer.SetDelay(t, test.delay)

			var kills, twice, failed, logins int
			for round := range expiries() {
				w.expire(t, func(t *tries.Try) {
					before, pages := w.issuer.Count(t), len(w.pages(t))
					killed := w.killRandom(rand.N(test.window))
					runs := w.many(t)
					victims, without := killed(), 0
					for _, run := range runs {
						if run.err != nil {
							if without++; !ofKilled(run.err) || without > victims {
								t.Errorf("expiry %d, %d killed: %v", round+1, victims, run.err)
							}
							if err := w.whoAmI(t.Context()); err != nil {
								t.Errorf("expiry %d, run again: %v", round+1, err)
							}
						}
					}
					kills += victims
					failed += without
					got := minus(w.issuer.Count(t), before)
					again := got.Presented == 2 && got.Different == 1 // for lack of an answer
					if again {
						twice++
					}
					pages = len(w.pages(t)) - pages
					logins += pages
					switch {
					case got == oidcprovider.Count{Presented: 1, Different: 1, Exchanged: 1} && pages == 0:
					case again && victims == 1 && test.grace > 0 && got.Exchanged == 2 && got.Revoked == 0 && pages == 0:
					case again && victims == 1 && test.grace == 0 && got.Exchanged == 1 && got.Revoked == 1 && pages == 1:
					default:
						t.Errorf("expiry %d: the issuer counts %+v more, and %d logins", round+1, got, pages)
					}
				})
			}
			t.Logf("%d expiries: %d plugins killed, %d of them between exchange and store; %d kubectl failed by it and were run again; all %d answered; %d logins lost; the issuer counts %+v",
				expiries(), kills, twice, failed, atOnce*expiries(), logins, w.issuer.Count(t))
		})
	}
}

// TestKilledBetween kills all kubectl-login at once when the issuer has exchanged the
// refresh token and has not answered: where it forgives, the login goes on, and where
// it does not, there is a new one, for which one browser opens.
func TestKilledBetween(t *testing.T) {
	t.Parallel()
	needsProc(t)
	w := newWorld(t, life)
	w.useLogin(t)
	w.firstLogin(t)

	for _, test := range []struct {
		grace time.Duration
		want  oidcprovider.Count
		pages int // that the browser is to open
	}{
		{time.Hour, oidcprovider.Count{Presented: 2, Different: 1, Exchanged: 2}, 0},
		{0, oidcprovider.Count{Presented: 2, Different: 1, Exchanged: 1, Revoked: 1}, 1},
	} {
		w.issuer.SetGrace(t, test.grace)
		w.expire(t, func(t *tries.Try) {
			before, pages := w.issuer.Count(t), len(w.pages(t))
			// On a busy machine too that is enough to kill all before there is an answer.
			const delay = 20 * time.Second
			w.issuer.SetDelay(t, delay)
			defer w.issuer.SetDelay(t, 0)
			runs := make(chan []ran, 1)
			go func() { runs <- w.many(t) }()
			began := time.Now()
			asked := began
			for w.issuer.Count(t).Exchanged == before.Exchanged {
				if time.Since(began) > patience {
					t.Fatalf("grace %v: no refresh token was exchanged", test.grace)
				}
				asked = time.Now()
				time.Sleep(10 * time.Millisecond)
			}
			killed := killAll(w.plugins()...) // all, unless the machine is so busy that some come later
			w.issuer.SetDelay(t, 0)
			if time.Since(asked) > delay/2 {
				t.Counts(0)
				t.Fatal("the machine was too busy to kill them before there was an answer")
			}
			t.Counts(w.life / 2) // from here on there are tokens that can come due
			failed := 0
			for _, run := range <-runs {
				if run.err != nil {
					if failed++; !ofKilled(run.err) {
						t.Errorf("grace %v: %v", test.grace, run.err)
					}
				}
			}
			if killed == 0 || failed != killed {
				t.Errorf("grace %v: %d plugins were killed, and %d kubectl failed", test.grace, killed, failed)
			}
			for _, run := range w.many(t) {
				if run.err != nil {
					t.Errorf("grace %v, run again: %v", test.grace, run.err)
				}
			}
			if got := minus(w.issuer.Count(t), before); got != test.want {
				t.Errorf("grace %v: the issuer counts %+v more, want %+v", test.grace, got, test.want)
			}
			if got := len(w.pages(t)) - pages; got != test.pages {
				t.Errorf("grace %v: the browser was to open %d pages, want %d", test.grace, got, test.pages)
			}
			t.Logf("grace %v: %d plugins killed between exchange and answer, then all %d answered; %d new logins", test.grace, killed, atOnce, test.pages)
		})
	}
}

// ofKilled reports whether kubectl failed because its plugin was killed.
func ofKilled(err error) bool {
	return strings.Contains(err.Error(), "kubectl-login failed with exit code -1") || strings.Contains(err.Error(), "kubectl-login") && strings.Contains(err.Error(), "signal: killed")
}

func minus(a, b oidcprovider.Count) oidcprovider.Count {
	return oidcprovider.Count{
		Presented: a.Presented - b.Presented, Different: a.Different - b.Different,
		Exchanged: a.Exchanged - b.Exchanged, Revoked: a.Revoked - b.Revoked,
	}
}
