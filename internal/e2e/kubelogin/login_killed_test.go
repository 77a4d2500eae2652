package kubelogin_test

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestLoginKilled kills the kubectl-login whose browser is open: the next is not kept
// waiting for it.
func TestLoginKilled(t *testing.T) {
	t.Parallel()
	needsProc(t)
	w := newWorld(t, time.Hour)
	w.useLogin(t)
	first := w.open(t, 10*time.Second)
	if n := killAll(w.plugins()...); n != 1 {
		t.Errorf("killed %d kubectl-login, want 1", n)
	}
	if err := first.Wait(); err == nil {
		t.Error("kubectl is answered although its plugin was killed")
	}
	began := time.Now()
	if err := w.whoAmI(t.Context()); err != nil {
		t.Error(err)
	}
	t.Logf("the next login took %v", time.Since(began).Round(time.Millisecond))
	w.wantPages(t, 2)
}

// TestKubectlKilled kills the kubectl whose plugin has a login open, and not the plugin.
// The user's page is still good: the next kubectl says where it is, opens no other, and
// is answered once she has finished it.
func TestKubectlKilled(t *testing.T) {
	t.Parallel()
	needsProc(t)
	w := newWorld(t, time.Hour)
	w.useLogin(t)
	first := w.open(t, 15*time.Second)
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	first.Wait()
	if n := len(w.plugins()); n != 1 {
		t.Errorf("%d kubectl-login run, want 1", n)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	next := w.user.Command(ctx, "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}")
	var stderr strings.Builder
	next.Stderr = &stderr
	began := time.Now()
	out, err := next.Output()
	if err != nil || string(out) != alice {
		t.Errorf("the next kubectl is answered %q (%v): %s", out, err, &stderr)
	}
	if want := "waiting for the login that another kubectl has open: open this in a browser on this machine: " + w.pages(t)[0]; !strings.Contains(stderr.String(), want) {
		t.Errorf("the next kubectl says %q, want %q", &stderr, want)
	}
	w.wantPages(t, 1)
	t.Logf("the next kubectl took %v, and said: %s", time.Since(began).Round(time.Millisecond), &stderr)
	for began := time.Now(); len(w.plugins()) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatal("a kubectl-login still runs")
		}
	}
}

// open starts a kubectl that opens a login, which the user takes a while to finish.
func (w *world) open(t *testing.T, slow time.Duration) *exec.Cmd {
	t.Helper()
	cmd := w.user.Command(t.Context(), "auth", "whoami")
	cmd.Env = append(cmd.Env, browserSlow+"="+slow.String())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); len(w.pages(t)) == 0; time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatal("no browser was opened")
		}
	}
	return cmd
}
