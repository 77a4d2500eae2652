package main

import (
	"encoding/json"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
)

// TestLife goes through the life of a login, each run in a process of its own.
func TestLife(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first := b.run(t, "get-token")
	tokens := first.tokens(t)
	if lines := strings.Split(strings.TrimSpace(first.stderr), "\n"); len(lines) != 3 || lines[2] != "kubectl-login: logged in" {
		t.Errorf("the login wrote %q", lines)
	}
	second := b.run(t, "get-token")
	if got := second.tokens(t); !slices.Equal(got, tokens) || second.stderr != "" {
		t.Errorf("the second run: %d tokens, other than the first's, and %q on stderr; want the same and nothing", len(got), second.stderr)
	}
	b.saw(t, counts{Authorizations: 1, Logins: 1})
	if opened := b.waitForBrowser(t, 2); len(opened) != 2 || !strings.HasPrefix(opened[1], "200 ") || !strings.Contains(opened[1], "Logged in") {
		t.Errorf("the browser saw %q", opened)
	}

	status := b.run(t, "status").stdout
	for _, want := range []string{b.server, b.issuer.url, clientID, subject, "good", `for 5\dm`} {
		if !regexp.MustCompile(want).MatchString(status) {
			t.Errorf("status does not say %q:\n%s", want, status)
		}
	}
	var reports []report
	text := b.run(t, "status", "-json").stdout
	if err := json.Unmarshal([]byte(text), &reports); err != nil || len(reports) != 1 || reports[0].Login != "good" || reports[0].User != subject || reports[0].Expires == nil {
		t.Errorf("status -json: %v\n%s", err, text)
	}
	if aToken.MatchString(status + text) {
		t.Error("status shows a token")
	}

	logout := b.run(t, "logout")
	if logout.status != 0 || !strings.Contains(logout.stdout, "logged out of "+b.server) || !regexp.MustCompile(`good for another 5\dm`).MatchString(logout.stdout) {
		t.Errorf("logout: %+v", logout)
	}
	b.saw(t, counts{Authorizations: 1, Logins: 1, Revocations: 1})
	if r := b.run(t, "status"); !strings.Contains(r.stdout, "no logins") {
		t.Errorf("status after logout: %+v", r)
	}
	if r := b.run(t, "logout"); r.status != 0 || r.stdout != "not logged in\n" {
		t.Errorf("a second logout: %+v", r)
	}
	b.run(t, "get-token").tokens(t)
	b.saw(t, counts{Authorizations: 2, Logins: 2, Revocations: 1})
	b.onlyOurs(t)
}

// saw compares what the issuer has counted.
func (b *bench) saw(t *testing.T, want counts) {
	t.Helper()
	if got := b.issuer.counts(); got != want {
		t.Errorf("the issuer saw %+v, want %+v", got, want)
	}
}

// onlyOurs reports files that others can read, and those that were being written.
func (b *bench) onlyOurs(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(b.cache, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && path != b.cache && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		if strings.Contains(d.Name(), "tmp") {
			t.Errorf("%s was left", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// expire logs in, and takes the token away, as if it had run out.
func (b *bench) expire(t *testing.T) {
	t.Helper()
	b.run(t, "get-token").tokens(t)
	g := b.getter(t)
	pair, err := g.rotator.Stored(t.Context())
	if err == nil {
		err = g.rotator.Replace(t.Context(), refresh.Pair{Refresh: pair.Refresh})
	}
	if err != nil {
		t.Fatal(err)
	}
	b.issuer.set(func(i *issuer) { i.down = false })
}

// TestTogether has 8 kubectl at once need a new token, which takes one exchange.
func TestTogether(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.expire(t)
	var all []string
	for _, r := range b.together(t, 8, "get-token") {
		all = append(all, r.tokens(t)...)
		if r.stderr != "" {
			t.Errorf("a run wrote to stderr %q", r.stderr)
		}
	}
	if slices.Sort(all); len(all) != 8 || len(slices.Compact(all)) != 1 {
		t.Errorf("%d tokens, want the same 8 times", len(all))
	}
	b.saw(t, counts{Authorizations: 1, Logins: 1, Exchanges: 1})
}

// TestOneLogin has 8 kubectl at once need a login, of which one opens a browser.
func TestOneLogin(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, r := range b.together(t, 8, "get-token") {
		r.tokens(t)
	}
	b.saw(t, counts{Authorizations: 1, Logins: 1})
}

// TestOneFailedLogin has those who waited for a login that failed ask for no other;
// only a kubectl that comes later does.
func TestOneFailedLogin(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.issuer.set(func(i *issuer) { i.deny = "access_denied" })
	gate := make(chan struct{})
	b.issuer.set(func(i *issuer) { i.answer = func(url.Values) { <-gate } })
	var begun []<-chan struct{}
	var ends []<-chan result
	for range 4 {
		cmd := b.command(t, "get-token")
		begun = append(begun, watch(cmd, "\n")) // it asks for a login, or waits for it
		ends = append(ends, begin(t, cmd))
	}
	for _, said := range begun {
		<-said
	}
	close(gate)
	for _, end := range ends {
		(<-end).fails(t, "access_denied")
	}
	b.saw(t, counts{Authorizations: 1})
	opened := b.waitForBrowser(t, 2)
	b.issuer.set(func(i *issuer) { i.deny, i.answer = "", nil })
	b.run(t, "get-token").tokens(t)
	if !strings.HasPrefix(opened[1], "403 ") || !strings.Contains(opened[1], "Not logged in") {
		t.Errorf("the browser saw %q", opened)
	}
}

// TestAway has the issuer away, which is no reason to log in, neither for the first
// time nor again.
func TestAway(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.issuer.set(func(i *issuer) { i.down = true })
	b.run(t, "get-token").fails(t, "503")
	b.issuer.set(func(i *issuer) { i.down = false })
	b.expire(t)
	b.issuer.set(func(i *issuer) { i.down = true })
	b.run(t, "get-token").fails(t, "no new token could be had at "+b.issuer.url+", and the login is kept")
	b.saw(t, counts{Authorizations: 1, Logins: 1})
	b.issuer.set(func(i *issuer) { i.down = false })
	b.run(t, "get-token").tokens(t)
	b.saw(t, counts{Authorizations: 1, Logins: 1, Exchanges: 1})
}

// TestEnded has the issuer end a login, which takes another.
func TestEnded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.expire(t)
	b.issuer.endLogins()
	r := b.run(t, "get-token")
	r.tokens(t)
	if !strings.Contains(r.stderr, "the issuer has ended the login: log in at "+b.issuer.url) {
		t.Errorf("it wrote %q", r.stderr)
	}
	b.saw(t, counts{Authorizations: 2, Logins: 2})
}

// TestNobody has nobody finish a login, for which others wait as well.
func TestNobody(t *testing.T) {
	t.Parallel()
	for try := 1; ; try++ {
		b := newBench(t)
		b.env = []string{"KUBECTL_LOGIN_IDLE=1"}
		b.args = []string{"-login-timeout", "10s"} // in which all of them have begun
		var begun []<-chan struct{}
		var ends []<-chan result
		began := time.Now()
		for range 3 {
			cmd := b.command(t, "get-token")
			begun = append(begun, watch(cmd, "\n")) // it asks for a login, or waits for it
			ends = append(ends, begin(t, cmd))
		}
		for _, said := range begun {
			<-said
		}
		took := time.Since(began)
		for _, end := range ends {
			(<-end).fails(t, "within 10s")
		}
		opened := b.opened(t)
		if len(opened) == 1 {
			return
		}
		// On a busy machine one of them may be so late that it waits for nobody.
		if took < 9*time.Second || try == 3 {
			t.Fatalf("%d browsers were opened, want one: %q; the last had begun after %v", len(opened), opened, took)
		}
	}
}

// TestKilled kills the process that is about to exchange the refresh token: the next
// one does it.
func TestKilled(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.expire(t)
	for range 2 {
		_, end := b.exchanging(t, syscall.SIGKILL)
		<-end
	}
	b.issuer.set(func(i *issuer) { i.gate = nil })
	b.run(t, "get-token").tokens(t)
	b.saw(t, counts{Authorizations: 1, Logins: 1, Exchanges: 1})
}

// exchanging begins a run, and sends it a signal while it waits for the answer of the
// token endpoint, which comes once open is called.
func (b *bench) exchanging(t *testing.T, signal syscall.Signal) (open func(), end <-chan result) {
	t.Helper()
	gate, come := make(chan struct{}), make(chan struct{})
	b.issuer.set(func(i *issuer) { i.gate, i.come = gate, come })
	cmd := b.command(t, "get-token")
	cmd.Env = append(cmd.Env, "KUBECTL_LOGIN_TEST=plugin")
	end = begin(t, cmd)
	select {
	case <-come:
	case <-time.After(time.Minute):
		t.Fatal("nothing is exchanged")
	}
	if err := cmd.Process.Signal(signal); err != nil {
		t.Error(err)
	}
	return func() { close(gate) }, end
}

// TestInterrupted interrupts an exchange, whose pair is kept all the same.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	var b *bench
	for _, wait := range []time.Duration{time.Second, 3 * time.Second, 5 * time.Second} {
		b = newBench(t)
		b.expire(t)
		open, end := b.exchanging(t, syscall.SIGINT)
		select {
		case r := <-end:
			t.Fatalf("it has ended in the middle of the exchange: %+v", r)
		case <-time.After(wait): // nothing shows when it has taken notice
		}
		open()
		r := <-end
		// On a busy machine it may have its answer before it takes notice.
		if r.status != 0 || wait == 5*time.Second {
			r.fails(t, "interrupted")
			break
		}
	}
	b.issuer.set(func(i *issuer) { i.gate = nil })
	b.run(t, "get-token").tokens(t)
	b.saw(t, counts{Authorizations: 1, Logins: 1, Exchanges: 1})
}

// TestNoCluster runs without the cluster, which is what tells one login from another.
func TestNoCluster(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.env = []string{`KUBERNETES_EXEC_INFO={"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":false}}`}
	b.run(t, "get-token").fails(t, "provideClusterInfo: true")
	b.saw(t, counts{})
}

// TestSecret logs in as a client with a secret, which is sent and nowhere shown.
func TestSecret(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.issuer.set(func(i *issuer) { i.secret = "s3cret" })
	file := filepath.Join(t.TempDir(), "secret")
	b.args = []string{"-client-secret-file", file}
	for _, test := range []struct{ text, want string }{
		// A kubeconfig may name any file as that of the secret, and any issuer.
		{"s3cret\n", "it is not for this issuer"},
		{"https://other.example s3cret\n", "it is not for this issuer"},
		{b.issuer.url + "/ s3cret\n", "it is not for this issuer"},
		{b.issuer.url + " \ns3cret\n", "it is not for this issuer"},
		{b.issuer.url + " wrong-s3cret\n", "invalid_client"},
		{b.issuer.url + " s3cret\n", ""},
	} {
		if err := os.WriteFile(file, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		r := b.run(t, "get-token")
		if strings.Contains(r.stderr, "s3cret") {
			t.Error("the secret was printed")
		}
		if test.want == "" {
			r.tokens(t)
		} else {
			r.fails(t, test.want)
		}
	}
	b.saw(t, counts{Authorizations: 2, Logins: 1})
	if r := b.run(t, "logout"); r.status != 0 {
		t.Errorf("logout: %+v", r)
	}
}

// TestPipe has kubectl gone before the answer comes, which is an error and not the end
// of this program in the middle of what it does.
func TestPipe(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run(t, "get-token").tokens(t)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	read.Close()
	defer write.Close()
	cmd := b.command(t, "get-token")
	cmd.Env = append(cmd.Env, "KUBECTL_LOGIN_TEST=plugin")
	var stderr strings.Builder
	cmd.Stdout, cmd.Stderr = write, &stderr
	if cmd.Run() == nil || cmd.ProcessState.ExitCode() != 1 || !strings.Contains(stderr.String(), "pipe") {
		t.Errorf("%v, stderr %q, want status 1", cmd.ProcessState, stderr.String())
	}
}

// TestNoStore has a file where the folder for logins must be: what is wrong is said once,
// and in the user's words.
func TestNoStore(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if err := os.WriteFile(b.cache, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"get-token", "status", "logout"} {
		r := b.run(t, command)
		r.fails(t, "not a directory")
		if strings.Count(r.stderr, "\n") != 1 || strings.Contains(r.stderr, "pair") {
			t.Errorf("%s wrote %q", command, r.stderr)
		}
	}
	b.saw(t, counts{})
}
