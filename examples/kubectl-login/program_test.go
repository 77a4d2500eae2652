package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestMain is the program itself where a test has started it as one, the kubectl that
// runs it, or the browser that it opens.
func TestMain(m *testing.M) {
	switch role := os.Getenv("KUBECTL_LOGIN_TEST"); {
	case role == "":
		os.Exit(m.Run())
	case role == "kubectl":
		kubectl()
	case len(os.Args) == 2 && strings.HasPrefix(os.Args[1], "https://"):
		browse(os.Args[1])
	default:
		main()
	}
}

// kubectl runs the plugin as often as its environment says, as client-go does when a
// token has run out or been refused. It ends as the last run does.
func kubectl() {
	runs, _ := strconv.Atoi(os.Getenv("KUBECTL_LOGIN_RUNS"))
	for n := range max(1, runs) {
		if n > 0 {
			io.Copy(io.Discard, os.Stdin) // a test may hold it until then
		}
		cmd := exec.Command(os.Args[0], os.Args[1:]...)
		cmd.Env = append(os.Environ(), "KUBECTL_LOGIN_TEST=plugin")
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			os.Exit(max(1, cmd.ProcessState.ExitCode()))
		}
	}
	os.Exit(0)
}

// browse follows a URL, as a browser does whose user is logged in already.
func browse(url string) {
	pem, err := os.ReadFile(os.Getenv("KUBECTL_LOGIN_CA"))
	if err != nil {
		panic(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	if lines := os.Getenv("KUBECTL_LOGIN_OPENED"); lines != "" {
		f, err := os.OpenFile(lines, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			panic(err)
		}
		fmt.Fprintln(f, url)
		f.Close()
	}
	if os.Getenv("KUBECTL_LOGIN_IDLE") != "" {
		os.Exit(0) // nobody is there
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	resp, err := client.Get(url)
	if err != nil {
		panic(err)
	}
	page, _ := io.ReadAll(resp.Body)
	if lines := os.Getenv("KUBECTL_LOGIN_OPENED"); lines != "" {
		f, _ := os.OpenFile(lines, os.O_APPEND|os.O_WRONLY, 0o600)
		fmt.Fprintf(f, "%d %s\n", resp.StatusCode, bytes.ReplaceAll(page, []byte("\n"), nil))
		f.Close()
	}
	os.Exit(0)
}

// A bench is what a test runs the program at: an issuer, and a folder for its logins.
type bench struct {
	issuer *issuer
	cache  string
	server string // of the cluster
	args   []string
	env    []string
}

func newBench(t *testing.T) *bench {
	return &bench{issuer: newIssuer(t), cache: filepath.Join(t.TempDir(), "cache"), server: "https://cluster.example:6443"}
}

// opened returns what the browser notes, a line for each URL and each page.
func (b *bench) opened(t *testing.T) []string {
	t.Helper()
	raw, err := os.ReadFile(b.cache + ".opened")
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(raw)), "\n")
}

// aToken is what shows that there is a token: a JWT, or a refresh token of the issuer. What
// a JWT begins with alone may be in the address that a browser is sent to, by chance.
var aToken = regexp.MustCompile(`eyJ[\w-]*\.eyJ|refresh-`)

// A result is what a run of the program left behind.
type result struct {
	status         int
	stdout, stderr string
}

// command returns a kubectl that runs the plugin.
func (b *bench) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if args[0] == "get-token" {
		args = append(args, "-issuer", b.issuer.url, "-client-id", clientID, "-ca", b.issuer.ca)
		args = append(args, b.args...)
	}
	cmd := exec.CommandContext(t.Context(), self, append(args, "-cache", b.cache)...)
	info, err := json.Marshal(map[string]any{
		"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1",
		"spec": map[string]any{"interactive": false, "cluster": map[string]any{
			"server": b.server, "certificate-authority-data": []byte("CA"), "config": nil,
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); name != "DISPLAY" && name != "WAYLAND_DISPLAY" && name != "BROWSER" {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env,
		"KUBECTL_LOGIN_TEST=kubectl", "KUBECTL_LOGIN_CA="+b.issuer.ca, "KUBECTL_LOGIN_OPENED="+b.cache+".opened",
		"BROWSER="+self, "KUBERNETES_EXEC_INFO="+string(info))
	cmd.Env = append(cmd.Env, b.env...)
	return cmd
}

// run runs the program and returns what came of it.
func (b *bench) run(t *testing.T, args ...string) result {
	t.Helper()
	return finish(t, b.command(t, args...))
}

func finish(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	return <-begin(t, cmd)
}

// begin starts a command, and returns what will come of it. What it writes may be read
// meanwhile as well.
func begin(t *testing.T, cmd *exec.Cmd) <-chan result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	both := func(w *bytes.Buffer, also io.Writer) io.Writer {
		if also == nil {
			return w
		}
		return io.MultiWriter(w, also)
	}
	cmd.Stdout, cmd.Stderr = both(&stdout, cmd.Stdout), both(&stderr, cmd.Stderr)
	end := make(chan result, 1)
	if err := cmd.Start(); err != nil {
		t.Error(err)
		end <- result{-1, "", ""}
		return end
	}
	go func() {
		var exit *exec.ExitError
		if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
			t.Error(err)
		}
		end <- result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
	}()
	return end
}

// together runs the program so many times at once.
func (b *bench) together(t *testing.T, times int, args ...string) []result {
	t.Helper()
	results := make([]result, times)
	var all sync.WaitGroup
	for i := range results {
		all.Go(func() { results[i] = b.run(t, args...) })
	}
	all.Wait()
	return results
}

// tokens returns those that were handed out, and checks that nothing else was written.
func (r result) tokens(t *testing.T) []string {
	t.Helper()
	if r.status != 0 {
		t.Errorf("exit status %d, want 0; it wrote %q to stderr", r.status, r.stderr)
	}
	var tokens []string
	d := json.NewDecoder(strings.NewReader(r.stdout))
	for d.More() {
		var c struct {
			Kind, APIVersion string
			Status           struct {
				Token               string
				ExpirationTimestamp time.Time
			}
		}
		if err := d.Decode(&c); err != nil {
			t.Fatalf("stdout has something else than credentials: %v", err)
		}
		if c.Kind != "ExecCredential" || c.APIVersion != "client.authentication.k8s.io/v1" || c.Status.Token == "" || c.Status.ExpirationTimestamp.IsZero() {
			t.Errorf("a credential of kind %q and version %q, that expires %v", c.Kind, c.APIVersion, c.Status.ExpirationTimestamp)
		}
		tokens = append(tokens, c.Status.Token)
	}
	if aToken.MatchString(r.stderr) {
		t.Error("a token was written to stderr")
	}
	return tokens
}

// fails checks that nothing was handed out, and that the last line says why.
func (r result) fails(t *testing.T, why string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(r.stderr), "\n")
	last := lines[len(lines)-1]
	if r.status != 1 || r.stdout != "" || !strings.HasPrefix(last, "kubectl-login: ") || !strings.Contains(last, why) {
		t.Errorf("exit status %d, stdout %q, stderr %q; want 1, nothing, and %q", r.status, r.stdout, r.stderr, why)
	}
	t.Log(last)
}
