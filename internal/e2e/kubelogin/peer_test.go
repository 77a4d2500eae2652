package kubelogin_test

import (
	"os"
	"testing"
	"time"
)

// TestParallelAuthProvider does to kubectl's own auth-provider oidc what TestParallel does
// to kubectl-login, for a figure beside it. It cannot fail by what kubectl does.
//
//	FULL=1 go -C internal/e2e test -v -run TestParallelAuthProvider ./kubelogin
func TestParallelAuthProvider(t *testing.T) {
	if os.Getenv("FULL") == "" {
		t.Skip("a figure of a peer: set FULL=1")
	}
	t.Parallel()
	const life, due = 20 * time.Second, 12 * time.Second // kubectl does not use the last ten
	w := newWorld(t, life)
	before := w.issuer.Count(t)
	answered, logins, refused := 0, 0, error(nil)
	for range expiries() {
		if w.whoAmI(t.Context()) != nil {
			// The user has the login edited out of the kubeconfig and another put in.
			w.useAuthProvider(t, w.idToken(t))
			logins++
		}
		time.Sleep(due)
		for _, run := range w.many(t) {
			if run.err != nil {
				refused = run.err
				continue
			}
			answered++
		}
	}
	t.Logf("%d of %d kubectl were answered, by %d logins; the issuer counts %+v more; one of those that failed: %v",
		answered, atOnce*expiries(), logins, minus(w.issuer.Count(t), before), refused)
}
