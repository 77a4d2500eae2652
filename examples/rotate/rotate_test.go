package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

// TestMain is the program itself where a test has started it as one.
func TestMain(m *testing.M) {
	if os.Getenv("ROTATE_TEST_PROGRAM") != "" {
		main()
	}
	os.Exit(m.Run())
}

// A result is what a run of the program left behind.
type result struct {
	status         int
	stdout, stderr string
}

// program returns the command that runs the program in a process of its own.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), "ROTATE_TEST_PROGRAM=1")
	return cmd
}

// start runs the program and returns what came of it.
func start(t *testing.T, args ...string) result {
	t.Helper()
	cmd := program(t, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Error(err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// together runs it so many times at once.
func together(t *testing.T, times int, args ...string) []result {
	t.Helper()
	results := make([]result, times)
	var all sync.WaitGroup
	for i := range results {
		all.Go(func() { results[i] = start(t, args...) })
	}
	all.Wait()
	return results
}

// check reports a run that failed, or did not say each of the lines that are
// wanted, or said something else.
func (r result) check(t *testing.T, want ...string) {
	t.Helper()
	if r.status != 0 || r.stderr != "" {
		t.Errorf("exit status %d, want 0; it wrote %q to stderr", r.status, r.stderr)
	}
	lines := strings.Split(strings.TrimSuffix(r.stdout, "\n"), "\n")
	if len(lines) != len(want) {
		t.Fatalf("it wrote %d lines, want %d:\n%s", len(lines), len(want), r.stdout)
	}
	for i, line := range lines {
		if !regexp.MustCompile("^(" + want[i] + ")$").MatchString(line) {
			t.Errorf("line %d is %q, want %q", i+1, line, want[i])
		}
	}
}

const (
	loggedIn  = "logged in; the login is kept in .*"
	using     = "using the login in .*"
	rotated   = "rotated: a new access token for (4m[0-9]+|5m0)s, and a new refresh token"
	adopted   = "adopted what another process rotated"
	saysHello = "the API says: hello, alice"
	loggedOut = "logged out"
)

// TestRuns goes through the life of a login, each run in a process of its own.
func TestRuns(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "rotate")
	start(t, "-dir", dir).check(t, loggedIn, saysHello)
	start(t, "-dir", dir, "-n", "3").check(t, using, saysHello, saysHello, saysHello)
	start(t, "-dir", dir, "-force").check(t, using, rotated, saysHello)

	// Several at once spend each refresh token once. One that finds the access
	// token replaced already takes what is there, and may see that it was again
	// while it calls the API.
	for range 3 {
		exchanges := 0
		for _, r := range together(t, 4, "-dir", dir, "-force") {
			exchanges += strings.Count(r.stdout, "rotated: ")
			var lines []string
			for line := range strings.Lines(r.stdout) {
				if strings.TrimSpace(line) != adopted {
					lines = append(lines, line)
				}
			}
			r.stdout = strings.Join(lines, "")
			if strings.Contains(r.stdout, "rotated: ") {
				r.check(t, using, rotated, saysHello)
			} else {
				r.check(t, using, saysHello)
			}
		}
		if exchanges < 1 || exchanges > 4 {
			t.Errorf("%d exchanges by 4 at once", exchanges)
		}
	}
	start(t, "-dir", dir).check(t, using, saysHello)

	start(t, "-dir", dir, "-logout").check(t, loggedOut)
	start(t, "-dir", dir, "-logout").check(t, "not logged in")
	start(t, "-dir", dir).check(t, loggedIn, saysHello)
	onlyOurs(t, dir)
}

// onlyOurs reports files that others can read, and those that were being written.
func onlyOurs(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestFirstRuns has several begin at once: one logs in.
func TestFirstRuns(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "rotate")
	logins := 0
	for _, r := range together(t, 4, "-dir", dir) {
		logins += strings.Count(r.stdout, "logged in; ")
		r.check(t, loggedIn+"|"+using, saysHello)
	}
	if logins != 1 {
		t.Errorf("4 at once logged in %d times, want once", logins)
	}
}

// TestKilled kills runs at moments all over their lives. The login stays.
func TestKilled(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "rotate")
	start(t, "-dir", dir).check(t, loggedIn, saysHello)
	for n := range 20 {
		cmd := program(t, "-dir", dir, "-force", "-n", "3")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(time.Duration(n)*3*time.Millisecond, func() { cmd.Process.Kill() })
		cmd.Wait()
		kill.Stop()
	}
	r := start(t, "-dir", dir)
	if r.status != 0 || !strings.Contains(r.stdout, "using the login in ") {
		t.Errorf("after the kills: exit status %d, %q, %q", r.status, r.stdout, r.stderr)
	}
}

// A watcher is output that calls then with each line that begins as said.
type watcher struct {
	bytes.Buffer
	begins string
	then   func(line string)
}

func (w *watcher) Write(p []byte) (int, error) {
	n, err := w.Buffer.Write(p)
	if line := strings.TrimSuffix(string(p), "\n"); strings.HasPrefix(line, w.begins) {
		w.then(line)
	}
	return n, err
}

// elsewhere starts an issuer and an API, and returns the flags for them.
func elsewhere(t *testing.T) (*local, []string) {
	t.Helper()
	l, err := startLocal(t.Context(), filepath.Join(t.TempDir(), "issuer"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.stop() })
	r := l.remote()
	return l, []string{
		"-dir", filepath.Join(t.TempDir(), "rotate"), "-device-endpoint", r.deviceEndpoint, "-token-endpoint", r.tokenEndpoint,
		"-revocation-endpoint", r.revocationEndpoint, "-client", r.client, "-scope", r.scope, "-api", r.api,
	}
}

const toldTo = `to log in, open http://127\.0\.0\.1:\d+/device and enter the code [A-Z0-9]{8}`

// TestElsewhere logs in at an issuer that leaves it to the user to confirm.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	l, args := elsewhere(t)
	logIn := func() {
		var stderr bytes.Buffer
		out := &watcher{begins: "to log in, ", then: func(line string) {
			d := &oauth2.DeviceAuthResponse{VerificationURI: l.url + "/device", UserCode: line[strings.LastIndex(line, " ")+1:]}
			if err := l.confirm(t.Context(), d); err != nil {
				t.Error(err)
			}
		}}
		status := run(t.Context(), args, out, &stderr)
		result{status, out.String(), stderr.String()}.check(t, toldTo, loggedIn, saysHello)
	}
	logIn()

	again := start(t, append(args, "-force")...)
	again.check(t, using, rotated, saysHello)
	start(t, append(args, "-logout")...).check(t, loggedOut)
	logIn()
	unheard := append(slices.Clone(args), "-logout", "-revocation-endpoint", "")
	start(t, unheard...).check(t, "logged out here; the issuer was not told, since there is no -revocation-endpoint")
}

// TestNotLoggedOut has a login in a folder that is not safe, so that it cannot be
// deleted, and no run says that it was.
func TestNotLoggedOut(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "rotate")
	start(t, "-dir", dir).check(t, loggedIn, saysHello)
	if err := os.Chmod(filepath.Join(dir, "login"), 0o777); err != nil {
		t.Fatal(err)
	}
	r := start(t, "-dir", dir, "-logout")
	if want := `rotate: the login may be good still: refresh: pair "local": reading the Store: `; r.status != 1 || r.stdout != "" || !strings.HasPrefix(r.stderr, want) {
		t.Errorf("exit status %d, stdout %q, stderr %q, want one that begins with %q", r.status, r.stdout, r.stderr, want)
	}
}

// TestInterrupted ends it while it waits for the user.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	_, args := elsewhere(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &watcher{begins: "to log in, ", then: func(string) { cancel() }}
	var stderr bytes.Buffer
	if status := run(ctx, args, out, &stderr); status != 1 || stderr.String() != "rotate: interrupted\n" {
		t.Errorf("exit status %d, stderr %q", status, stderr.String())
	}
}

// TestForgotten has the issuer forget all that it knew, which shows when the API
// refuses the access token, or when the pair is exchanged.
func TestForgotten(t *testing.T) {
	t.Parallel()
	const over = `refresh: pair "local": .*; log in again`
	dir := filepath.Join(t.TempDir(), "rotate")
	start(t, "-dir", dir).check(t, loggedIn, saysHello)
	for _, args := range [][]string{{"-dir", dir}, {"-dir", dir, "-force"}} {
		if err := os.RemoveAll(filepath.Join(dir, "issuer")); err != nil {
			t.Fatal(err)
		}
		start(t, args...).check(t, using, over, loggedIn, saysHello)
	}
	start(t, "-dir", dir).check(t, using, saysHello)
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name           string
		args           []string
		status         int
		stdout, stderr string // the beginning
	}{
		{"help", []string{"-h"}, 0, usage, ""},
		{"unknown flag", []string{"-x"}, 2, "", "rotate: flag provided but not defined: -x"},
		{"argument", []string{"x"}, 2, "", `rotate: unexpected argument "x"`},
		{"no calls", []string{"-n", "0"}, 2, "", "rotate: -n 0 is no call at all"},
		{"both", []string{"-force", "-logout"}, 2, "", "rotate: -force and -logout do not go together"},
		{"half an issuer", []string{"-client", "x"}, 2, "", "rotate: for another issuer, "},
		{"folder of others", []string{"-dir", "OTHERS"}, 1, "", "rotate: refresh: "},
		{"nobody there", []string{
			"-dir", "OURS", "-client", "x", "-api", "http://127.0.0.1:1", "-device-endpoint", "http://127.0.0.1:1", "-token-endpoint", "http://127.0.0.1:1",
		}, 1, "", "rotate: logging in: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			others := filepath.Join(t.TempDir(), "others")
			if err := errors.Join(os.MkdirAll(filepath.Join(others, "issuer"), 0o777), os.Chmod(filepath.Join(others, "issuer"), 0o777)); err != nil {
				t.Fatal(err)
			}
			var args []string
			for _, arg := range tt.args {
				args = append(args, strings.NewReplacer("OTHERS", others, "OURS", filepath.Join(t.TempDir(), "rotate")).Replace(arg))
			}
			var stdout, stderr bytes.Buffer
			if status := run(t.Context(), args, &stdout, &stderr); status != tt.status {
				t.Errorf("run(%q) = %d, want %d", tt.args, status, tt.status)
			}
			if stdout.String() != tt.stdout {
				t.Errorf("run(%q) wrote to stdout %q, want %q", tt.args, stdout.String(), tt.stdout)
			}
			if !strings.HasPrefix(stderr.String(), tt.stderr) || (strings.Count(stderr.String(), "\n") == 1) != (tt.status != 0) {
				t.Errorf("run(%q) wrote to stderr %q, want one line that begins with %q", tt.args, stderr.String(), tt.stderr)
			}
		})
	}
}
