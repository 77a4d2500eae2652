package main

import (
	"bytes"
	"encoding/pem"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/token"
)

// TestMain is the program itself where a test has started it as one.
func TestMain(m *testing.M) {
	if os.Getenv("RANCHERTOKEN_TEST_PROGRAM") != "" {
		main()
	}
	os.Exit(m.Run())
}

// A result is what a run of the program left behind.
type result struct {
	status         int
	stdout, stderr string
}

// start runs the program in a process of its own, without a terminal, and
// returns what came of it.
func start(t *testing.T, args ...string) result {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), "RANCHERTOKEN_TEST_PROGRAM=1")
	withoutTerminal(cmd)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Error(err)
	}
	r := result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
	for _, never := range []string{secret, "\x1b"} {
		if strings.Contains(r.stdout+r.stderr, never) {
			t.Errorf("%q is in the output of %q", never, args)
		}
	}
	return r
}

// says reports a run that did not end with status, or whose lines are others.
func (r result) says(t *testing.T, status int, want ...string) {
	t.Helper()
	text := r.stdout
	if status != 0 {
		text += r.stderr
	}
	if r.status != status || status == 0 && r.stderr != "" {
		t.Errorf("exit status %d, want %d; it wrote %q and %q", r.status, status, r.stdout, r.stderr)
	}
	if pattern := "^" + strings.Join(want, "\n") + "\n$"; !regexp.MustCompile(pattern).MatchString(text) {
		t.Errorf("it wrote\n%s\nwant\n%s", text, strings.Join(want, "\n"))
	}
}

const secret = "correct horse battery staple"

// passwordFile returns a file with the password in it.
func passwordFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestV3 goes through the life of a token of 2.x, each run in a process of its
// own.
func TestV3(t *testing.T) {
	t.Parallel()
	fake := ranchertest.NewV3("v2.13.1")
	id := fake.AddUser("admin", secret)
	fake.Set("auth-token-max-ttl-minutes", "60")
	server := httptest.NewServer(fake)
	defer server.Close()
	fake.URL = server.URL
	dir := filepath.Join(t.TempDir(), "kept")
	flags := []string{"-url", server.URL, "-dir", dir}
	do := func(args ...string) result { t.Helper(); return start(t, append(flags, args...)...) }

	const name, nothing = `token-\w{5}`, "ranchertoken: no good token is kept here: the command login comes first"
	user := `admin \(` + id + `\)`
	clamped := `clamped ` + name + `: asked for 24h0m0s, granted 1h0m0s: raise the server's setting auth-token-max-ttl-minutes, or ask for no more`
	for _, command := range []string{"show", "renew", "keep", "diagnose"} {
		do(command).says(t, 1, nothing)
	}
	do("logout").says(t, 0, "not logged in")
	do("login").says(t, 1, "ranchertoken: there is no terminal to ask for the user: say -user")
	do("-user", "admin", "login").says(t, 1, "ranchertoken: there is no terminal to ask for the password of admin: say -password-file")
	do("-user", "nobody", "-password-file", passwordFile(t), "login").says(t, 1, "ranchertoken: .*401 Unauthorized.*the server does not accept these credentials.*")
	do("-user", "admin", "-password-file", passwordFile(t), "login").says(t, 0, clamped, "logged in as "+user+": "+name+", for another (59m|1h0m0).*")
	do("login").says(t, 0, "logged in already, as "+user+": log out first to be somebody else")
	do("show").says(t, 0, `server   http://127\.0\.0\.1:\d+, Rancher v2\.13\.1`, "user     "+user, "token    "+name+", for another 5\\dm.*",
		`setting  auth-user-session-ttl-minutes is 960 \(default\)`, `setting  auth-token-max-ttl-minutes is 60 \(db\)`)
	if n := len(fake.Tokens()); n != 1 {
		t.Errorf("there are %d tokens, want that of the chain: %+v", n, fake.Tokens())
	}
	do("renew").says(t, 0, clamped, "renewed: "+name+", for another (59m|1h0m0).*")
	do("-for", "100ms", "keep").says(t, 0, "keeping it fresh for 100ms: "+name+", for another 5\\dm.*", "what is kept stays good: the next run goes on with it")
	do("diagnose").says(t, 0, "(?s).*")

	// One that an administrator has disabled, asked about with the one that is kept.
	for _, tok := range fake.Tokens() {
		fake.DisableToken(tok.Name)
	}
	do("show").says(t, 1, "ranchertoken: the token that is kept is refused: the command diagnose says why")
	do("logout").says(t, 1, "ranchertoken: the server refuses the token, which is forgotten here: .* unless you log in and out again")
	do("-user", "admin", "-password-file", passwordFile(t), "login").says(t, 0, "(?s).*logged in as "+user+": "+name+", for another (59m|1h0m0).*")
	for _, tok := range fake.Tokens() {
		fake.DeleteToken(tok.Name)
	}
	if r := do("keep"); r.status != 1 || !strings.Contains(r.stdout, "\nthe server refuses it: the command diagnose says why\n") ||
		r.stderr != "ranchertoken: there is nothing to keep fresh any more: no good token is kept here: the command login comes first\n" {
		t.Errorf("%+v", r)
	}
	do("-user", "admin", "-password-file", passwordFile(t), "login").says(t, 0, "(?s).*logged in as "+user+": "+name+", for another (59m|1h0m0).*")
	suspect := filepath.Join(t.TempDir(), "suspect")
	login, err := (&rancher.V3{Server: &rancher.Server{URL: server.URL}}).Login(t.Context(), rancher.Credentials{Username: "admin", Password: token.NewSecret(secret)})
	if err != nil {
		t.Fatal(err)
	}
	fake.DisableToken(login.Name)
	text := login.Token.Value.Reveal()
	if err := os.WriteFile(suspect, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := do("-token-file", suspect, "diagnose"); r.status != 0 || !strings.Contains(r.stdout, "disabled") || strings.Contains(r.stdout, text) {
		t.Errorf("%+v", r)
	}
	do("logout").says(t, 0, "logged out")
	do("logout").says(t, 0, "not logged in")
	for _, tok := range fake.Tokens() {
		if tok.Enabled {
			t.Errorf("%s is good still", tok.Name)
		}
	}
}

// TestV2Beta does so with one of 1.6.
func TestV2Beta(t *testing.T) {
	t.Parallel()
	fake := ranchertest.NewV2Beta()
	fake.AddUser("admin", secret, "admin")
	fake.Set("api.auth.jwt.token.expiry", "3600000")
	server := httptest.NewServer(fake)
	defer server.Close()
	fake.URL = server.URL
	flags := []string{"-url", server.URL, "-dir", filepath.Join(t.TempDir(), "kept")}
	do := func(args ...string) result { t.Helper(); return start(t, append(flags, args...)...) }
	login := []string{"-user", "admin", "-password-file", passwordFile(t)}

	const nobody = "ranchertoken: there is no terminal to ask for the user: say -user"
	for command, want := range map[string]string{
		"show": "ranchertoken: no good token is kept here: the command login comes first", "diagnose": "ranchertoken: no good token is kept here: the command login comes first",
		"renew": nobody, "keep": nobody, "login": nobody,
	} {
		do(command).says(t, 1, want)
	}
	do("logout").says(t, 0, "not logged in")
	do(append(login, "login")...).says(t, 0, `logged in as admin \(1a\d+\): a token, for another (59m|1h0m0).*`)
	do(append(login, "login")...).says(t, 0, `logged in already, as admin \(1a\d+\): log out first to be somebody else`)
	do("show").says(t, 0, `server   http://127\.0\.0\.1:\d+, Rancher v1\.6\.30`, `user     admin \(1a\d+\)`, "token    a token, for another 5\\dm.*",
		`setting  api\.auth\.jwt\.token\.expiry is 3600000 \(.*\)`)
	do(append(login, "renew")...).says(t, 0, "renewed: a token, for another (59m|1h0m0).*")
	if n := fake.Live("admin"); n != 1 {
		t.Errorf("%d tokens are good, want 1", n)
	}
	do(append(login, "-for", "100ms", "keep")...).says(t, 0, "keeping it fresh for 100ms: a token, for another 5\\dm.*", "what is kept stays good: the next run goes on with it")
	fake.SetAccess("admin", false)
	if r := do("diagnose"); r.status != 0 || !strings.Contains(r.stdout, "403") {
		t.Errorf("%+v", r)
	}
	fake.SetAccess("admin", true)
	logOutElsewhere(t, fake, "admin")
	renewed := regexp.MustCompile(`\nrenewed, for another (59m|1h0m0).*\n`)
	r := do(append(login, "-for", "10s", "keep")...)
	for try := 1; !renewed.MatchString(r.stdout) && try < 3; try++ { // a busy machine may take longer
		r = do(append(login, "-for", "10s", "keep")...)
	}
	if r.status != 0 || fake.Live("admin") != 1 || !strings.Contains(r.stdout, "\nthe server refuses it: ") || !renewed.MatchString(r.stdout) {
		t.Errorf("%+v, and %d tokens are good", r, fake.Live("admin"))
	}
	do("logout").says(t, 0, "logged out")
	do("logout").says(t, 0, "not logged in")
	if n := fake.Live("admin"); n != 0 {
		t.Errorf("%d tokens are good, want none", n)
	}
}

// logOutElsewhere ends what a user of 1.6 has, by a login as restricted sessions
// have it.
func logOutElsewhere(t *testing.T, fake *ranchertest.V2Beta, user string) {
	t.Helper()
	fake.Set("api.auth.restrict.concurrent.sessions", "true")
	defer fake.Set("api.auth.restrict.concurrent.sessions", "false")
	c := &rancher.V2Beta{Server: &rancher.Server{URL: fake.URL}}
	login, err := c.Login(t.Context(), rancher.Credentials{Username: user, Password: token.NewSecret(secret)})
	if err == nil {
		err = c.Logout(t.Context(), login.Token.Value)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestDemo plays the story.
func TestDemo(t *testing.T) {
	t.Parallel()
	began := time.Now()
	r := start(t, "-demo")
	if r.status != 0 || r.stderr != "" || !strings.HasSuffix(r.stdout, " were as they must be.\n") || strings.Contains(r.stdout, "WRONG") {
		t.Errorf("exit status %d, %q and\n%s", r.status, r.stderr, r.stdout)
	}
	if took := time.Since(began); took > 2*time.Minute {
		t.Errorf("it took %v", took)
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	page := httptest.NewServer(ranchertest.Page(nil))
	t.Cleanup(page.Close)
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name           string
		args           []string
		status         int
		stdout, stderr string // the beginning
	}{
		{"help", []string{"-h"}, 0, usage, ""},
		{"unknown flag", []string{"-password", "x"}, 2, "", "ranchertoken: flag provided but not defined: -password"},
		{"no command", []string{"-url", "https://x.example"}, 2, "", "ranchertoken: a command is missing: one of login, show, "},
		{"unknown command", []string{"frob"}, 2, "", `ranchertoken: there is no command "frob", but login, `},
		{"a password", []string{"-url", "https://x.example", "login", secret}, 2, "", "ranchertoken: too much behind login: flags come before the command, and passwords from a prompt or a file"},
		{"no url", []string{"show"}, 2, "", "ranchertoken: -url is missing"},
		{"no URL", []string{"-url", "rancher.example", "show"}, 2, "", "ranchertoken: -url: it is a URL such as https://rancher.example, without "},
		{"negative", []string{"-url", "https://x.example", "-for", "-1s", "keep"}, 2, "", "ranchertoken: -lifetime and -for cannot be negative"},
		{"demo and more", []string{"-demo", "-url", "https://x.example"}, 2, "", "ranchertoken: -demo goes with nothing else"},
		{"http", []string{"-url", "http://x.example", "show"}, 1, "", "ranchertoken: rancher: detect which Rancher it is: nothing was sent to http://x.example"},
		{"nobody there", []string{"-url", "https://127.0.0.1:1", "show"}, 1, "", "ranchertoken: rancher: detect which Rancher it is: GET https://127.0.0.1:1/rancherversion: the server cannot answer now: "},
		{"not Rancher", []string{"-url", page.URL, "show"}, 1, "", "ranchertoken: rancher: detect which Rancher it is: GET " + page.URL + "/rancherversion: 200 OK, it answers with a page for people: "},
		{"no certificates", []string{"-url", "https://x.example", "-ca", empty, "show"}, 1, "", "ranchertoken: -ca " + empty + ": no certificate in PEM"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			if status := run(t.Context(), tt.args, &stdout, &stderr); status != tt.status {
				t.Errorf("exit status %d, want %d", status, tt.status)
			}
			if stdout.String() != tt.stdout {
				t.Errorf("it wrote to stdout %q, want %q", stdout.String(), tt.stdout)
			}
			if !strings.HasPrefix(stderr.String(), tt.stderr) || (strings.Count(stderr.String(), "\n") == 1) != (tt.status != 0) {
				t.Errorf("it wrote to stderr %q, want one line that begins with %q", stderr.String(), tt.stderr)
			}
			if strings.Contains(stderr.String(), secret) {
				t.Error("the password is in it")
			}
		})
	}
	for path, want := range map[string]string{empty: "the first line is empty", filepath.Join(empty, "x"): "not a directory"} {
		if _, err := readSecret("-password-file", path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// -ca is for a server whose certificate nobody else trusts, whatever of HTTP/2 the
// environment has turned off.
func TestCA(t *testing.T) {
	fake := ranchertest.NewV3("v2.13.1")
	server := httptest.NewTLSServer(fake)
	defer server.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(ca, cert, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, debug := range []string{"", "http2client=0"} {
		t.Setenv("GODEBUG", debug)
		got := start(t, "-url", server.URL, "-ca", ca, "-dir", t.TempDir(), "show")
		got.says(t, 1, "ranchertoken: no good token is kept here: the command login comes first")
	}
}

// What a server says does nothing to a terminal.
func TestOneLine(t *testing.T) {
	t.Parallel()
	if got := oneLine(" a\x1b]0;x\a\n\tb\u202e "); got != "a ]0;x b" {
		t.Errorf("%q", got)
	}
}
