package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/token"
)

// A desk is where somebody runs doctor: the servers of the demo, and a folder.
type desk struct {
	*ward
	dir string
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	dir := t.TempDir()
	w, err := newWard(filepath.Join(dir, "config"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	return &desk{w, dir}
}

// write writes a file, and returns its name.
func (d *desk) write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(d.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A run is what came of one.
type ran struct {
	status         int
	stdout, stderr string
}

// run runs doctor with a standard input, and looks for secrets in what it says.
func (d *desk) run(t *testing.T, stdin string, args []string, secrets ...token.Secret) ran {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	go func() { defer w.Close(); io.WriteString(w, stdin) }()
	var stdout, stderr bytes.Buffer
	status := run(t.Context(), args, r, &stdout, &stderr)
	for _, s := range append(secrets, token.NewSecret(strings.TrimSpace(stdin)), d.api.admin) {
		if keyOf(s).RepeatedIn(stdout.String() + stderr.String()) {
			t.Errorf("%q: a secret is shown:\n%s%s", args, stdout.String(), stderr.String())
		}
	}
	return ran{status, stdout.String(), stderr.String()}
}

// requests returns what the API server was asked.
func (d *desk) requests() []string {
	d.api.mu.Lock()
	defer d.api.mu.Unlock()
	return slices.Clone(d.api.asked)
}

// must returns what a token is made with.
func must(t *testing.T, make func(context.Context) (token.Secret, error)) token.Secret {
	t.Helper()
	s, err := make(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What there is to say of tokens of all systems, and the exit status.
func TestRun(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	good, expired, podGone := must(t, d.good), must(t, d.expired), must(t, d.podGone)
	session, otherKey, lockedOut := must(t, d.session), must(t, d.otherKey), must(t, d.lockedOut)
	tok, other, err := d.disabled(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v3 := &rancher.V3{Server: &rancher.Server{URL: d.rancher2}, Source: token.Static(token.Token{Value: other})}
	ext, _, err := v3.CreateExt(t.Context(), rancher.V3Request{Lifetime: 10 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	inCluster := []string{"-kubeconfig", d.kubeconfig, "-context", "demo"}
	for _, test := range []struct {
		name   string
		token  token.Secret
		args   []string
		status int
		stdout []string // what is in it
	}{
		{"good, and nobody is asked", good, nil, 0, []string{"system:serviceaccount:ci:builder", "ServiceAccount ci/builder", "minutes", "Nobody was asked"}},
		{"expired, and nobody is asked", expired, nil, 1, []string{"5 minutes", "expired (probably)", "to do"}},
		{"for another audience", good, []string{"-audience", "vault"}, 1, []string{"the token is for another audience"}},
		{"for one of the audiences", good, []string{"-audience", "vault", "-audience", issuerName}, 0, nil},
		{"good, at its cluster", good, inCluster, 0, []string{"asked      Kubernetes at https://127.0.0.1:", "of the context demo", "the server's clock agrees", "Nothing was found that would make this token be refused."}},
		{"of a pod that is gone", podGone, inCluster, 1, []string{"Pod ci/build-7", "deleted (certain)"}},
		{"without the right", good, append([]string{"-can", "list pods -n ci"}, inCluster...), 1, []string{"permission", "kubectl -n ci create rolebinding"}},
		{"unknown to the cluster", token.NewSecret("Hunter2hunter3hunter4"), inCluster, 1, []string{"a token that tells nothing of itself", "(certain)"}},
		{"a header", token.NewSecret("Bearer " + good.Reveal()), nil, 1, []string{"a header"}},
		{"cut off", token.NewSecret(good.Reveal()[:200]), nil, 1, []string{"(certain)"}},
		{"of the Dashboard, and nobody is asked", session, nil, 0, []string{"Kubernetes Dashboard session", "minutes"}},
		{"a cookie of the Dashboard", token.NewSecret("%7B%22protected%22%3A%22abcdefghijklmnop"), nil, 1, []string{"as a browser keeps it in its cookie"}},
		{"half a session", token.NewSecret(session.Reveal()[:300]), nil, 1, []string{"cut off"}},
		{"of the Dashboard", session, []string{"-dashboard", d.dashboard}, 0, []string{"asked      Dashboard at http://127.0.0.1:", "Nothing was found"}},
		{"of another Dashboard", otherKey, []string{"-dashboard", d.dashboard}, 1, []string{"no key of the Dashboard opens the session", "(certain)"}},
		{"of Rancher 2.x, and nobody is asked", tok, nil, 0, []string{"Rancher 2.x token", "say -rancher", "Nobody was asked"}},
		{"of Rancher 2.x", other, []string{"-rancher", d.rancher2}, 0, []string{"asked      Rancher at http://127.0.0.1:", "v2.13.1", " hours"}},
		{"of Rancher's ext.cattle.io", ext.Value, []string{"-rancher", d.rancher2}, 0, []string{"Rancher 2.x token (ext.cattle.io)", "expires ", " hours"}},
		{"disabled", tok, []string{"-rancher", d.rancher2, "-rancher-token-file", d.write(t, "other", other.Reveal())}, 1, []string{"disabled", "(certain)", " hours"}},
		{"of Rancher 1.6", lockedOut, []string{"-rancher", d.rancher16}, 1, []string{"Rancher 1.6 token", "16 hours from the login", "access", "(certain)"}},
		{"of Rancher 1.6, which is away", lockedOut, []string{"-rancher", "http://127.0.0.1:1"}, 1, []string{"GET /v2-beta/token", "cannot be reached"}},
		{"a server that is away", other, []string{"-rancher", "http://127.0.0.1:1"}, 1, []string{"cannot be reached"}},
		{"a Dashboard that is away", session, []string{"-dashboard", "http://127.0.0.1:1"}, 1, []string{"cannot be reached"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, args := range [][]string{test.args, append([]string{"-json"}, test.args...), append([]string{"-token-file", d.write(t, "token-"+strings.ReplaceAll(test.name, " ", "-"), test.token.Reveal()+"\n")}, test.args...)} {
				got := d.run(t, test.token.Reveal()+"\n", args, test.token, tok, other, token.NewSecret("hunter2hunter3"))
				if got.status != test.status || got.stderr != "" {
					t.Errorf("%q: %d, want %d; %s\n%s", args, got.status, test.status, got.stderr, got.stdout)
				}
				if len(args) > 0 && args[0] == "-json" {
					var r report
					if err := json.Unmarshal([]byte(got.stdout), &r); err != nil || r.Version != 1 || r.Findings == nil || (len(r.Findings) > 0) != (test.status == 1) {
						t.Errorf("%v: %s", err, got.stdout)
					}
					continue
				}
				for _, want := range test.stdout {
					if !strings.Contains(got.stdout, want) {
						t.Errorf("%q: there is nothing of %q in\n%s", args, want, got.stdout)
					}
				}
			}
		})
	}
}

// Users of a kubeconfig, of which none is run and none but the cluster asked.
func TestRunUser(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ran := filepath.Join(d.dir, "ran")
	plugin := d.write(t, "plugin", "#!/bin/sh\necho x >"+ran+"\n")
	if err := os.Chmod(plugin, 0o755); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(d.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	more := strings.Replace(string(text), `"users":[`, fmt.Sprintf(`"users":[
		{"name":"plugged","user":{"exec":{"apiVersion":"client.authentication.k8s.io/v1","interactiveMode":"Never","command":%q,"args":["--password=hunter2hunter3hunter4"]}}},
		{"name":"unplugged","user":{"exec":{"apiVersion":"client.authentication.k8s.io/v1","interactiveMode":"Never","command":"no-such-plugin-of-doctor"}}},
		{"name":"alone","user":{"token":%q}},`, plugin, must(t, d.good).Reveal()), 1)
	more = strings.Replace(more, `"contexts":[`, `"contexts":[{"name":"plugged","context":{"cluster":"demo","user":"plugged"}},`, 1)
	kubeconfig := d.write(t, "more", more)
	before := len(d.requests())
	for _, test := range []struct {
		name   string
		args   []string
		status int
		asks   bool
		output []string
	}{
		{"expired", []string{"-user", "old"}, 1, true, []string{"user       old", "sends      token", "expired", "of the context old"}},
		{"offline", []string{"-user", "old", "-offline"}, 1, false, []string{"expired"}},
		{"of the current context", []string{"-user", ""}, 0, true, []string{"user       admin, that of the current context", "of the context demo"}},
		{"looked at by another", []string{"-user", "old", "-context", "demo"}, 1, true, []string{"of the context demo", "(certain)"}},
		{"for a service", []string{"-user", "alone", "-audience", "vault"}, 1, false, []string{"for another audience"}},
		{"of no context", []string{"-user", "alone"}, 0, false, []string{"Nobody was asked"}},
		{"with a plugin", []string{"-user", "plugged"}, 3, false, []string{"exec plugin", "plugin     " + plugin, "The plugin was not run"}},
		{"with a plugin that is not there", []string{"-user", "unplugged"}, 1, false, []string{"in no folder of PATH", "The plugin was not run"}},
		{"with a plugin, and what it may do", []string{"-user", "plugged", "-can", "list pods"}, 2, false, []string{"-can and -audience need a token"}},
		{"with a plugin, for a service", []string{"-user", "plugged", "-audience", "vault"}, 2, false, []string{"-can and -audience need a token"}},
		{"certain by what the server says", []string{"-user", "old", "-audience", "vault"}, 1, true, []string{"the token has expired (certain)"}},
		{"not there", []string{"-user", "nobody"}, 2, false, []string{"nobody"}},
		{"no such context", []string{"-user", "old", "-context", "prod"}, 2, false, []string{`no context "prod"`, "demo, old, plugged"}},
		{"of no context, and what it may do", []string{"-user", "alone", "-can", "list pods"}, 2, false, []string{"say -context"}},
	} {
		args := append([]string{"-kubeconfig", kubeconfig}, test.args...)
		got := d.run(t, "", args, token.NewSecret("hunter2hunter3hunter4"), must(t, d.good))
		if got.status != test.status || (got.stderr != "") != (test.status == 2) {
			t.Errorf("%s: %d, want %d\n%s%s", test.name, got.status, test.status, got.stdout, got.stderr)
		}
		for _, want := range test.output {
			if !strings.Contains(got.stdout+got.stderr, want) {
				t.Errorf("%s: there is nothing of %q in\n%s%s", test.name, want, got.stdout, got.stderr)
			}
		}
		if strings.Count(got.stdout, "the token has expired (") > 1 {
			t.Errorf("%s: it is found twice:\n%s", test.name, got.stdout)
		}
		if asked := len(d.requests()) > before; asked != test.asks {
			t.Errorf("%s: asked is %t, want %t", test.name, asked, test.asks)
		}
		before = len(d.requests())
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("the plugin was run")
	}
}

// Whatever somebody has written into a kubeconfig does nothing to a terminal.
func TestHostileUser(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b64 := base64.RawURLEncoding.EncodeToString
	text := b64([]byte(`{"alg":"ES256","kid":"\u001b[2J"}`)) + "." + b64([]byte(`{"iss":"\u009b2J\u202e","sub":"a\nb","exp":4000000000}`)) + "." + b64(make([]byte, 64))
	path := d.write(t, "hostile", fmt.Sprintf(`{"users":[{"name":"\u001b[2Jme","user":{"token":%q}}],"contexts":[{"name":"a\u001b","context":{"user":"\u001b[2Jme","cluster":"none"}}],"current-context":"a\u001b"}`, text))
	for _, args := range [][]string{{"-kubeconfig", path, "-user", "\x1b[2Jme", "-offline"}, {"-kubeconfig", path, "-user", "", "-offline", "-json"}, {"-kubeconfig", path, "-user", ""}, {"-kubeconfig", path, "-user", "\x1b"}} {
		got := d.run(t, "", args, token.NewSecret(text))
		if out := got.stdout + got.stderr; out == "" || strings.ContainsAny(out, "\x1b\u009b\u202e") || strings.Contains(out, "a\nb") {
			t.Errorf("%q: %d, %q", args, got.status, out)
		}
	}
}

// A token that has a part of itself in its claims, and a context that is called by its
// user's token: neither is shown.
func TestRepeatedSecret(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b64 := base64.RawURLEncoding.EncodeToString
	signature := b64([]byte("hunter2hunter3hunter4hunter5hunter6hunter7hunter8hunter9hunter10"))
	itself := token.NewSecret(b64([]byte(`{"alg":"ES256"}`)) + "." + b64([]byte(`{"iss":"https://idp.example/`+signature+`"}`)) + "." + signature)
	if got := d.run(t, itself.Reveal(), nil, itself); !strings.Contains(got.stdout, "issuer     [redacted") {
		t.Errorf("%d, %s%s", got.status, got.stdout, got.stderr)
	}
	ofUser := d.write(t, "itself", fmt.Sprintf(`{"users":[{"name":"a","user":{"token":%q}}]}`, itself.Reveal()))
	if got := d.run(t, "", []string{"-kubeconfig", ofUser, "-user", "a"}, itself); !strings.Contains(got.stdout, "issuer     [redacted") {
		t.Errorf("%d, %s%s", got.status, got.stdout, got.stderr)
	}
	config, err := os.ReadFile(d.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	named := d.write(t, "named", strings.ReplaceAll(string(config), `"demo"`, fmt.Sprintf("%q", d.api.admin.Reveal())))
	if got := d.run(t, must(t, d.good).Reveal(), []string{"-kubeconfig", named, "-context", d.api.admin.Reveal()}); got.status != 0 || !strings.Contains(got.stdout, "of the context [redacted") {
		t.Errorf("%d, %s%s", got.status, got.stdout, got.stderr)
	}
}

// What is wrong with a command line is said in one line, and nothing of a token that
// may be on it.
func TestUsage(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const pasted = "token-7d9xk:bcdfghjklmnpqrstvwxz2456789bcdfghjklmnpqrstvwxz2456789"
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"-x"}, "not defined: -x"},
		{[]string{pasted}, "a token comes from a prompt"},
		{[]string{"-demo", "-json"}, "-demo goes with nothing else"},
		{[]string{"-user", "a", "-token-file", "b"}, "one is looked at"},
		{[]string{"-rancher", "https://a.example", "-dashboard", "https://b.example"}, "that is one"},
		{[]string{"-context", "a", "-offline"}, "-offline asks nobody"},
		{[]string{"-user", "a", "-rancher", "https://a.example"}, "say -token-file"},
		{[]string{"-rancher-token-file", "a"}, "needs -rancher"},
		{[]string{"-run", "a"}, "-user says which user"},
		{[]string{"-run", ""}, "is a variable not set?"},
		{[]string{"-token-file", pasted}, "a token is on the command line"},
		{[]string{"-token-file=" + must(t, d.good).Reveal()}, "a token is on the command line"},
		{[]string{"-kubeconfig", d.kubeconfig, "-user", must(t, d.good).Reveal()[:300]}, "a token is on the command line"},
		{[]string{"-ca", "a"}, "-ca is for"},
		{[]string{"-can", "list pods"}, "-can needs a cluster"},
		{[]string{"-can", "pods", "-context", "a"}, "a verb and a resource"},
		{[]string{"-audience", "a", "-rancher", "https://a.example"}, "-audience is for tokens of Kubernetes"},
		{[]string{"-kubeconfig", "a"}, "-kubeconfig alone says nothing"},
		{[]string{"-rancher", ""}, "is a variable not set?"}, // or nobody would be asked
		{[]string{"-dashboard="}, "is a variable not set?"},
		{[]string{"-context", ""}, "is a variable not set?"},
		{[]string{"-token-file", ""}, "is a variable not set?"},
		{[]string{"-audience", ""}, "is a variable not set?"},
		{[]string{"-token-file", filepath.Join(d.dir, "missing")}, "-token-file"},
		{[]string{"-kubeconfig", filepath.Join(d.dir, "missing"), "-user", "a"}, "missing"},
		{[]string{"-kubeconfig", d.write(t, "broken", "users:\n- name: a\n  user: {token: [hunter2hunter3}\n"), "-context", "a"}, "broken"},
		{[]string{"-rancher", d.rancher2, "-ca", d.write(t, "ca", "none")}, "no certificate in PEM"},
		{[]string{"-rancher", d.rancher2, "-ca", filepath.Join(d.dir, "missing")}, "-ca"},
		{[]string{"-rancher", d.rancher2, "-ca", d.dir}, "-ca"},
		{[]string{"-rancher", d.rancher2, "-ca", d.write(t, "endless", strings.Repeat("\n", longestCA+1))}, "longer than"},
		{[]string{"-rancher", d.rancher2, "-rancher-token-file", filepath.Join(d.dir, "missing")}, "-rancher-token-file"},
		{[]string{"-rancher", "rancher.example"}, "-rancher: it is a URL"},
		{[]string{"-dashboard", "https://ann:hunter2hunter3@127.0.0.1:1/"}, "-dashboard: it is a URL"},
		{[]string{"-rancher", "https://rancher.example/?token=hunter2hunter3"}, "-rancher: it is a URL"},
		{[]string{"-rancher", "https://rancher.example/#hunter2hunter3"}, "-rancher: it is a URL"},
		{[]string{"-dashboard", "ftp://dashboard.example"}, "begins with https://"},
		{[]string{"-dashboard", "http://dashboard.example"}, "others could read the token"},
		{[]string{"-rancher", "http://localhost"}, "others could read the token"}, // a name can be anybody's
		{[]string{"-token-file", "\x1b[2J\n"}, "-token-file"},
		{[]string{"-\x1b[2J"}, "not defined"},
		{nil, "there is no token"},
	} {
		got := d.run(t, "", test.args, token.NewSecret(pasted), token.NewSecret("hunter2hunter3"))
		if got.status != 2 || got.stdout != "" || strings.Count(got.stderr, "\n") != 1 || !strings.Contains(got.stderr, test.want) || strings.Contains(got.stderr, "\x1b") {
			t.Errorf("%q: %d, %s%s", test.args, got.status, got.stdout, got.stderr)
		}
	}
	if got := d.run(t, "", []string{"-h"}); got.status != 0 || got.stdout != usage {
		t.Errorf("%d, %s", got.status, got.stderr)
	}
	for line := range strings.Lines(usage) {
		if len(line) > 90 {
			t.Errorf("the usage has a line of %d columns: %s", len(line), line)
		}
	}
}

// What is interrupted says so, whatever it was doing.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	fifo := filepath.Join(t.TempDir(), "fifo")
	unopened := [][]string{nil}
	if exec.Command("mkfifo", fifo).Run() == nil { // nobody opens it to write
		unopened = append(unopened, []string{"-token-file", fifo}, []string{"-rancher", "https://127.0.0.1:1", "-rancher-token-file", fifo})
	}
	for _, args := range unopened {
		stderr.Reset()
		if status := run(ctx, args, r, &stdout, &stderr); status != 2 || stderr.String() != "doctor: interrupted\n" {
			t.Errorf("%q: %d, %s", args, status, stderr.String())
		}
	}
	if w, err := os.OpenFile(fifo, os.O_RDWR, 0); err == nil { // what still waits for it goes on
		w.Close()
	}
}

// An output that is full or closed is not taken for one that was written.
func TestOutputFails(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	if status := (options{}).show(&report{}, full{}, &stderr); status != 2 || !strings.Contains(stderr.String(), "could not be written") {
		t.Errorf("%d, %s", status, stderr.String())
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// A file that others can read, or one that is none, is for the user to mend; what is
// no regular file may still have a token.
func TestTokenFromPipe(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("it has no /dev/fd")
	}
	d := newDesk(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	io.WriteString(w, must(t, d.good).Reveal()+"\n")
	w.Close()
	if got := d.run(t, "", []string{"-token-file", fmt.Sprintf("/dev/fd/%d", r.Fd())}); got.status != 0 {
		t.Errorf("%d, %s", got.status, got.stderr)
	}
}
