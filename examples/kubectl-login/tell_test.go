package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestKubectlKilled kills a kubectl while its login is under way. The login goes on, and
// the next kubectl says where, and is answered by it.
func TestKubectlKilled(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	gate, come := make(chan struct{}), make(chan struct{})
	b.issuer.set(func(i *issuer) { i.gate, i.come = gate, come })
	killed := b.command(t, "get-token")
	end := begin(t, killed)
	<-come
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	next := b.command(t, "get-token")
	waits := watch(next, "\n")
	nextEnd := begin(t, next)
	<-waits
	close(gate)
	r := <-nextEnd
	r.tokens(t)
	where := "open this in a browser on this machine: " + b.opened(t)[0]
	if want := "kubectl-login: waiting for the login that another kubectl has open: " + where + "\n"; r.stderr != want {
		t.Errorf("the next kubectl was told %q, want %q", r.stderr, want)
	}
	<-end
	b.saw(t, counts{Authorizations: 1, Logins: 1})
	if where := b.getter(t).told(t.Context()); where != "" {
		t.Errorf("after the login it is still said that it can be made%s", where)
	}
}

// TestKubectlKilledDevice is the same with a code.
func TestKubectlKilledDevice(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.args = []string{"-device"}
	b.issuer.set(func(i *issuer) { i.device = true })
	killed := b.command(t, "get-token")
	enter := watch(killed, "enter the code")
	end := begin(t, killed)
	<-enter
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	next := b.command(t, "get-token")
	waits := watch(next, "has open: on any device, open "+b.issuer.url+"/enter and enter the code ABCD-EFGH\n")
	nextEnd := begin(t, next)
	select {
	case <-waits:
		b.issuer.enter()
	case r := <-nextEnd:
		t.Fatalf("the next kubectl has ended: %+v", r)
	case <-time.After(time.Minute):
		t.Fatal("the next kubectl is not told where to enter the code")
	}
	(<-nextEnd).tokens(t)
	<-end
	b.saw(t, counts{Authorizations: 1, Logins: 1})
}

// TestLoginInterrupted interrupts a kubectl whose login is open: that concerns no other,
// and the next in line has a login of its own.
func TestLoginInterrupted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first := b.command(t, "get-token")
	first.Env = append(first.Env, "KUBECTL_LOGIN_IDLE=1", "KUBECTL_LOGIN_TEST=plugin")
	firstEnd := begin(t, first)
	b.waitForBrowser(t, 1)
	second := b.command(t, "get-token")
	waits := watch(second, "waiting for the login")
	secondEnd := begin(t, second)
	<-waits
	if err := first.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	(<-firstEnd).fails(t, "interrupted")
	(<-secondEnd).tokens(t)
	b.saw(t, counts{Authorizations: 1, Logins: 1})
}

// TestTell has what an issuer may choose come to a terminal, and end with the login.
func TestTell(t *testing.T) {
	t.Parallel()
	g := newBench(t).getter(t)
	ctx := t.Context()
	g.tell(ctx, "now ", "open \x1b[31m\nthis")
	if got, want := g.stderr.(*screen).String(), "kubectl-login: now open [31m this\n"; got != want {
		t.Errorf("it said %q, want %q", got, want)
	}
	if got, want := g.told(ctx), ": open [31m this"; got != want {
		t.Errorf("those who wait are told %q, want %q", got, want)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if g.untell(ended); g.told(ctx) != "" {
		t.Error("a login that was interrupted can still be made")
	}
	g.loginTimeout = time.Nanosecond
	if g.tell(ctx, "", "open that"); g.told(ctx) != "" {
		t.Error("a login that has run out can still be made")
	}
	err := g.store.update(ctx, "told/"+g.Key, func([]byte) ([]byte, time.Time, error) { return []byte("\x1b[31m"), time.Time{}, nil })
	if got := g.told(ctx); err != nil || got != ": [31m" {
		t.Errorf("what lies in the folder is said as %q (%v)", got, err)
	}
}

// waitForBrowser waits until it has noted so many lines, which may be after kubectl has
// what it wants, and returns what it has noted.
func (b *bench) waitForBrowser(t *testing.T, lines int) []string {
	t.Helper()
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		raw, err := os.ReadFile(b.cache + ".opened")
		if err == nil && bytes.Count(raw, []byte("\n")) >= lines {
			return b.opened(t)
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("the browser has noted %q", raw)
		}
	}
}

// watch returns what is closed once cmd has written text to its standard error.
func watch(cmd *exec.Cmd, text string) <-chan struct{} {
	w := &watcher{text: text, seen: make(chan struct{})}
	cmd.Stderr = w
	return w.seen
}

type watcher struct {
	text, all string
	seen      chan struct{}
	once      sync.Once
}

// Write implements [io.Writer].
func (w *watcher) Write(p []byte) (int, error) {
	if w.all += string(p); strings.Contains(w.all, w.text) {
		w.once.Do(func() { close(w.seen) })
	}
	return len(p), nil
}
