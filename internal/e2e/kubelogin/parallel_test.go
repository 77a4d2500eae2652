package kubelogin_test

import (
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/internal/e2e/oidcprovider"
	"github.com/tokenlife/tokenlife/internal/e2e/tries"
)

const (
	// life is that of ID tokens where they are let run out. It must take longer for them
	// to come due than for many kubectl to be answered: see expire.
	life = 8 * time.Second

	// atOnce is how many kubectl run at the same time.
	atOnce = 8
)

// expiries is how often the ID token runs out.
func expiries() int {
	if os.Getenv("FULL") != "" {
		return 30
	}
	return 5
}

// firstLogin has the user log in, by the first kubectl.
func (w *world) firstLogin(t testing.TB) {
	t.Helper()
	began := time.Now()
	if err := w.whoAmI(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("the first login took %v", time.Since(began).Round(time.Millisecond))
	if pages := w.pages(t); len(pages) != 1 {
		t.Fatalf("the browser was to open %d pages, want 1", len(pages))
	}
}

// TestParallel runs many kubectl at once each time the ID token has run out: all are
// answered, and the login is used for one refresh.
func TestParallel(t *testing.T) {
	t.Parallel()
	w := newWorld(t, life)
	w.useLogin(t)
	w.firstLogin(t)

	slowest := time.Duration(0)
	for round := range expiries() {
		w.expire(t, func(t *tries.Try) {
			before := w.issuer.Count(t)
			for _, run := range w.many(t) {
				if run.err != nil {
					t.Errorf("expiry %d: %v", round+1, run.err)
				}
				slowest = max(slowest, run.took)
			}
			if got := minus(w.issuer.Count(t), before); got != (oidcprovider.Count{Presented: 1, Different: 1, Exchanged: 1}) {
				t.Errorf("expiry %d: the issuer counts %+v more, want one refresh", round+1, got)
			}
		})
	}
	if pages := w.pages(t); len(pages) != 1 {
		t.Errorf("the browser was to open %d pages, want the first alone", len(pages))
	}
	t.Logf("all %d kubectl were answered, the slowest in %v; the issuer counts %+v", atOnce*expiries(), slowest.Round(time.Millisecond), w.issuer.Count(t))
}

// expire lets the ID token run out, and then calls round, which uses the login. If that
// fails, and took so long that what it brought may have come due again or have run out on
// the way, nothing can be said of it: the user uses the login once more, and it is done
// again with tokens that live longer.
func (w *world) expire(t *testing.T, round func(*tries.Try)) {
	t.Helper()
	tries.Run(t, func(t *tries.Try) {
		if t.Patience > 1 {
			w.setLife(t, min(2*w.life, 8*life))
			w.recover(t)
		}
		time.Sleep(w.life)
		t.Counts(w.life / 2) // a token comes due when seven tenths of it are over, and dates are whole seconds
		round(t)
	})
}

// staysAlive makes calls through three lifetimes of ID tokens, none of which may fail, by
// what begin returns. If the machine stops between a call and its answer, a token may run
// out on the way: then there is another try, with tokens that live longer.
func (w *world) staysAlive(t *testing.T, begin func(*tries.Try) (call func() error)) {
	t.Helper()
	tries.Run(t, func(t *tries.Try) {
		w.setLife(t, life*t.Patience)
		w.login(t, "logout")
		w.recover(t) // by a new login
		before, call, calls := w.issuer.Count(t), begin(t), 0
		t.Counts(time.Hour)
		for began, last := time.Now(), time.Now(); time.Since(began) < 3*w.life; time.Sleep(20 * time.Millisecond) {
			err := call()
			if time.Since(last) > w.life/8 {
				t.Counts(0)
			}
			if last = time.Now(); err != nil {
				t.Fatalf("after %v: %v", last.Sub(began).Round(time.Millisecond), err)
			}
			calls++
		}
		count := minus(w.issuer.Count(t), before)
		if count.Exchanged < 2 || count.Exchanged > 5 || count.Exchanged != count.Presented {
			t.Errorf("the issuer counts %+v in three lifetimes", count)
		}
		t.Logf("%d calls in three lifetimes, all answered; the issuer counts %+v", calls, count)
	})
}

// recover uses the login until the user is answered, after a round that says nothing.
func (w *world) recover(t testing.TB) {
	t.Helper()
	for began := time.Now(); ; {
		err := w.whoAmI(t.Context())
		if err == nil {
			return
		}
		if time.Since(began) > patience {
			t.Fatal(err)
		}
	}
}

// A ran is one kubectl that has ended.
type ran struct {
	err  error
	took time.Duration
}

// many runs as many kubectl at once as there are to be.
func (w *world) many(t testing.TB) []ran {
	runs := make([]ran, atOnce)
	var wg sync.WaitGroup
	for i := range runs {
		wg.Go(func() {
			began := time.Now()
			err := w.whoAmI(t.Context())
			if err != nil {
				err = fmt.Errorf("kubectl %d: %w", i, err)
			}
			runs[i] = ran{err, time.Since(began)}
		})
	}
	wg.Wait()
	return runs
}
