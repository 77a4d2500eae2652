package kubelogin_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
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
	first, _ := w.open(t)
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
	first, finish := w.open(t)
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	first.Wait()
	if n := len(w.plugins()); n != 1 {
		t.Errorf("%d kubectl-login run, want 1", n)
	}
	began := time.Now()
	said := ""
	const waiting = "waiting for the login that another kubectl has open"
	// The first opens the browser before it notes where that is for the others: if that
	// has not come, another kubectl is told.
	for said == "" {
		if time.Since(began) > patience {
			t.Fatal("no kubectl says where the login is that is open")
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		next := w.user.Command(ctx, "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}")
		var stdout strings.Builder
		next.Stdout = &stdout
		stderr, err := next.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := next.Start(); err != nil {
			t.Fatal(err)
		}
		text := ""
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			text += lines.Text() + "\n"
			if strings.HasSuffix(lines.Text(), waiting) {
				// Its kubectl-login first: it is known by its parent.
				killAll(w.pluginsOf(next.Process.Pid)...)
				cancel()
			} else if strings.Contains(lines.Text(), waiting) {
				finish()
			}
		}
		err = next.Wait()
		if ctx.Err() == nil {
			said = text
			if err != nil || stdout.String() != alice {
				t.Errorf("the next kubectl is answered %q (%v): %s", &stdout, err, said)
			}
		}
		cancel()
	}
	if want := waiting + ": open this in a browser on this machine: " + w.pages(t)[0]; !strings.Contains(said, want) {
		t.Errorf("the next kubectl says %q, want %q", said, want)
	}
	w.wantPages(t, 1)
	t.Logf("the next kubectl took %v, and said: %s", time.Since(began).Round(time.Millisecond), said)
	for began := time.Now(); len(w.plugins()) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatal("a kubectl-login still runs")
		}
	}
}

// open starts a kubectl that opens a login, which the user finishes when finish is
// called.
func (w *world) open(t testing.TB) (kubectl *exec.Cmd, finish func()) {
	t.Helper()
	cmd := w.user.Command(t.Context(), "auth", "whoami")
	file := filepath.Join(w.user.Home, "finish")
	cmd.Env = append(cmd.Env, browserWaits+"="+file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); len(w.pages(t)) == 0; time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatal("no browser was opened")
		}
	}
	return cmd, func() {
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Error(err)
		}
	}
}
