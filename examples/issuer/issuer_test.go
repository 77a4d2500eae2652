package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/introspect"
	"github.com/tokenlife/tokenlife/token/oauth2adapt"
)

// testStore has the URL of a store to test with instead of a file of SQLite.
const testStore = "ISSUER_TEST_STORE"

// A running program.
type running struct {
	url    string
	log    *log
	cancel context.CancelFunc
	status chan int
}

// start runs the program with what it keeps in dir, and waits until it serves.
func start(t *testing.T, dir string) *running {
	t.Helper()
	store := os.Getenv(testStore)
	if store == "" {
		store = filepath.Join(dir, "issuer.db")
	}
	ctx, cancel := context.WithCancel(t.Context())
	p := &running{log: &log{line: make(chan struct{}, 1)}, cancel: cancel, status: make(chan int, 1)}
	var stderr bytes.Buffer
	go func() {
		p.status <- run(ctx, []string{"-store", store, "-keys", filepath.Join(dir, "keys"), "-listen", "127.0.0.1:0"}, p.log, &stderr)
	}()
	select {
	case <-p.log.line:
	case status := <-p.status:
		t.Fatalf("exit status %d: %s", status, stderr.String())
	}
	p.url = regexp.MustCompile(`http://[0-9.:]+`).FindString(p.log.String())
	t.Cleanup(p.cancel)
	return p
}

// stop ends it as Ctrl-C does.
func (p *running) stop(t *testing.T) {
	t.Helper()
	p.cancel()
	if status := <-p.status; status != 0 {
		t.Errorf("exit status %d, want 0", status)
	}
}

// A log is what a program writes.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
	line chan struct{} // gets something when there is a line
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.line <- struct{}{}:
	default:
	}
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// login logs in with a password.
func (p *running) login(t *testing.T, user, password string) (refresh.Pair, int) {
	t.Helper()
	resp, err := http.PostForm(p.url+"/login", url.Values{"client_id": {client}, "username": {user}, "password": {password}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var tok oauth2.Token
	if resp.StatusCode == http.StatusOK {
		if err := json.NewDecoder(resp.Body).Decode(&tok); err != nil {
			t.Error(err)
		}
	}
	return oauth2adapt.Pair(&tok), resp.StatusCode
}

// exchanger returns what asks the token endpoint.
func (p *running) exchanger() *oauth2adapt.Exchanger {
	return &oauth2adapt.Exchanger{Config: &oauth2.Config{
		ClientID: client,
		Endpoint: oauth2.Endpoint{TokenURL: p.url + "/token", AuthStyle: oauth2.AuthStyleInParams},
	}}
}

// holder returns what keeps a login at p in store.
func (p *running) holder(store refresh.Store) *refresh.Rotator {
	revoker := &introspect.Revoker{URL: p.url + "/revoke", Auth: introspect.ClientID(client)}
	return &refresh.Rotator{
		Exchanger: p.exchanger(),
		Store:     store,
		Key:       "issuer",
		Revoke: func(ctx context.Context, refresh token.Secret) error {
			return revoker.Revoke(ctx, refresh, "refresh_token")
		},
	}
}

// ask calls the API with tokens of src, and returns what it answers.
func (p *running) ask(t *testing.T, src token.Source, method, path string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, p.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: &token.Transport{Source: src}}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(text))
}

func (p *running) hello(t *testing.T, src token.Source, user string) {
	t.Helper()
	if status, text := p.ask(t, src, "GET", "/hello"); status != 200 || text != "hello, "+user {
		t.Errorf("the API answers %d %q", status, text)
	}
}

// rotate replaces the pair in store. Each time it is another process, as it
// were: one that has its tokens refused again and again takes its time.
func (p *running) rotate(t *testing.T, store refresh.Store) {
	t.Helper()
	r := p.holder(store)
	before, err := r.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r.Invalidate(before)
	after, err := r.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if after.Equal(before) {
		t.Error("the access token was not replaced")
	}
}

// over reports a login that is not over.
func (p *running) over(t *testing.T, store refresh.Store) {
	t.Helper()
	r := p.holder(store)
	tok, err := r.Token(t.Context())
	if err == nil {
		r.Invalidate(tok)
		_, err = r.Token(t.Context())
	}
	if !errors.Is(err, token.ErrRefused) {
		t.Errorf("the holder is told %v, want ErrRefused", err)
	}
}

// TestLogin logs in, and stays logged in when the program is started again.
func TestLogin(t *testing.T) {
	dir, store := t.TempDir(), new(refresh.Memory)
	p := start(t, dir)
	pair, status := p.login(t, "alice", "wonderland")
	if status != 200 {
		t.Fatalf("login: %d", status)
	}
	holder := p.holder(store)
	if err := holder.Replace(t.Context(), pair); err != nil {
		t.Fatal(err)
	}
	p.hello(t, holder, "alice")
	for range 3 {
		p.rotate(t, store)
	}
	p.hello(t, holder, "alice")
	p.stop(t)

	p = start(t, dir)
	holder = p.holder(store)
	p.rotate(t, store)
	p.hello(t, holder, "alice")
	if err := holder.Forget(t.Context()); err != nil {
		t.Error(err)
	}
	p.stop(t)
	if info, err := os.Stat(filepath.Join(dir, "keys")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the keys: %v, %v", info.Mode(), err)
	}
	for _, secret := range []token.Secret{pair.Access.Value, pair.Refresh.Value} {
		if strings.Contains(p.log.String(), secret.Reveal()) {
			t.Error("a token is in the log")
		}
	}
}

func TestWrongPassword(t *testing.T) {
	p := start(t, t.TempDir())
	defer p.stop(t)
	for _, tt := range []struct {
		user, password string
		status         int
	}{{"alice", "builder", 401}, {"alice", "", 401}, {"mallory", "", 401}, {"", "", 400}} {
		if _, status := p.login(t, tt.user, tt.password); status != tt.status {
			t.Errorf("login of %q: %d, want %d", tt.user, status, tt.status)
		}
	}
}

// TestReuse presents a refresh token long after it was spent: the login is over.
func TestReuse(t *testing.T) {
	p := start(t, t.TempDir())
	defer p.stop(t)
	stolen, _ := p.login(t, "alice", "wonderland")
	store := new(refresh.Memory)
	if err := p.holder(store).Replace(t.Context(), stolen); err != nil {
		t.Fatal(err)
	}
	p.rotate(t, store)
	p.rotate(t, store)
	_, err := p.exchanger().Exchange(t.Context(), stolen.Refresh.Value)
	var refused *refresh.ExchangeError
	if !errors.As(err, &refused) || refused.Outcome != refresh.Terminal || !refused.Reused {
		t.Errorf("the thief is told %v", err)
	}
	p.over(t, store)
	if !strings.Contains(p.log.String(), "kind=reuse") {
		t.Errorf("nothing of it in the log:\n%s", p.log)
	}
}

// TestLogout ends one login, and then all the others of the same user.
func TestLogout(t *testing.T) {
	p := start(t, t.TempDir())
	defer p.stop(t)
	stores := map[string]refresh.Store{}
	for _, name := range []string{"phone", "laptop", "tablet", "bob's"} {
		user, password := "alice", "wonderland"
		if name == "bob's" {
			user, password = "bob", "builder"
		}
		pair, _ := p.login(t, user, password)
		stores[name] = new(refresh.Memory)
		if err := p.holder(stores[name]).Replace(t.Context(), pair); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.holder(stores["phone"]).Forget(t.Context()); err != nil {
		t.Error(err)
	}
	p.over(t, stores["phone"])
	p.rotate(t, stores["laptop"])
	if status, text := p.ask(t, p.holder(stores["laptop"]), "POST", "/logout-everywhere"); status != 204 {
		t.Errorf("logout everywhere: %d %q", status, text)
	}
	p.over(t, stores["laptop"])
	p.over(t, stores["tablet"])
	p.rotate(t, stores["bob's"])
	again, _ := p.login(t, "alice", "wonderland")
	if _, err := p.exchanger().Exchange(t.Context(), again.Refresh.Value); err != nil {
		t.Errorf("a login after that: %v", err)
	}
}

// TestNotLetIn brings the API nothing, and something that is no access token.
func TestNotLetIn(t *testing.T) {
	p := start(t, t.TempDir())
	defer p.stop(t)
	pair, _ := p.login(t, "alice", "wonderland")
	for _, value := range []token.Secret{pair.Refresh.Value, token.NewSecret("x")} {
		if status, _ := p.ask(t, token.SourceFunc(token.Static(token.Token{Value: value}).Token), "GET", "/hello"); status != 401 {
			t.Errorf("the API answers %d, want 401", status)
		}
	}
	resp, err := http.Get(p.url + "/hello")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 401 {
		t.Errorf("the API answers %d, want 401", resp.StatusCode)
	}
}

// TestShutdown ends it while somebody's request is under way.
func TestShutdown(t *testing.T) {
	p := start(t, t.TempDir())
	body, w := io.Pipe()
	r, err := http.NewRequest("POST", p.url+"/login", body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Expect", "100-continue") // so that nothing is read below before the handler asks for it
	client := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: time.Minute}}
	answered := make(chan int, 1)
	go func() {
		resp, err := client.Do(r)
		if err != nil {
			t.Error(err)
			answered <- 0
			return
		}
		resp.Body.Close()
		answered <- resp.StatusCode
	}()
	if _, err := w.Write([]byte("client_id=app&username=alice&")); err != nil {
		t.Fatal(err)
	}
	p.cancel()
	// Until it is known not to take new ones.
	for {
		resp, err := http.Get(p.url + "/hello")
		if err != nil {
			break
		}
		resp.Body.Close()
		time.Sleep(time.Millisecond)
	}
	w.Write([]byte("password=wonderland"))
	w.Close()
	if status := <-answered; status != 200 {
		t.Errorf("the request that was under way: %d, want 200", status)
	}
	if status := <-p.status; status != 0 {
		t.Errorf("exit status %d, want 0", status)
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.keys")
	if err := os.WriteFile(bad, []byte("c2hvcnQ=\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name           string
		args           []string
		status         int
		stdout, stderr string // the beginning
	}{
		{"help", []string{"-h"}, 0, usage, ""},
		{"unknown flag", []string{"-x"}, 2, "", "issuer: flag provided but not defined: -x"},
		{"argument", []string{"x"}, 2, "", `issuer: unexpected argument "x"`},
		{"unknown store", []string{"-store", "mysql://h"}, 1, "", `issuer: what is a store of the kind "mysql"?`},
		{"no database", []string{"-store", "postgres://u:pa55@127.0.0.1:1/d?connect_timeout=2"}, 1, "", "issuer: the store: "},
		{"no Redis", []string{"-store", "redis://u:pa55@127.0.0.1:1"}, 1, "", "issuer: the store: "},
		{"no URL", []string{"-store", "redis://u:pa55@127.0.0.1:x"}, 1, "", "issuer: the store: its URL cannot be read"},
		{"no folder", []string{"-store", filepath.Join(dir, "none", "x")}, 1, "", "issuer: the store: "},
		{"bad keys", []string{"-keys", bad}, 1, "", "issuer: the keys: "},
		{"no address", []string{"-listen", "127.0.0.1:x"}, 1, "", "issuer: listen tcp"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			args := append([]string{"-keys", filepath.Join(dir, "keys"), "-store", filepath.Join(dir, "db")}, tt.args...)
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
			if strings.Contains(stderr.String(), "pa55") {
				t.Error("the password is in the error")
			}
		})
	}
}
