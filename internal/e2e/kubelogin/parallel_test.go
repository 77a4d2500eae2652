package kubelogin_test

import (
	"fmt"
	"os"
	"sync"
	"testing"
	"time"
)

const (
	// life is that of ID tokens where they are let run out. It must take longer for them
	// to come due than for many kubectl to be answered on a machine that is busy.
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
func (w *world) firstLogin(t *testing.T) {
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

	answered, slowest := 0, time.Duration(0)
	for round := range expiries() {
		time.Sleep(life)
		before := w.issuer.Count(t)
		for _, run := range w.many(t) {
			if run.err != nil {
				t.Errorf("expiry %d: %v", round+1, run.err)
				continue
			}
			answered++
			slowest = max(slowest, run.took)
		}
		want := before
		want.Presented++
		want.Different++
		want.Exchanged++
		if got := w.issuer.Count(t); got != want {
			t.Errorf("expiry %d: the issuer counts %+v after %+v, want one refresh", round+1, got, before)
		}
	}
	all := atOnce * expiries()
	if answered != all {
		t.Errorf("%d of %d were answered", answered, all)
	}
	if pages := w.pages(t); len(pages) != 1 {
		t.Errorf("the browser was to open %d pages, want the first alone", len(pages))
	}
	t.Logf("%d of %d kubectl were answered, the slowest in %v; the issuer counts %+v", answered, all, slowest.Round(time.Millisecond), w.issuer.Count(t))
}

// A ran is one kubectl that has ended.
type ran struct {
	err  error
	took time.Duration
}

// many runs as many kubectl at once as there are to be.
func (w *world) many(t *testing.T) []ran {
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
