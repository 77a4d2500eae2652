package kubelogin_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/internal/e2e/apiserver"
	"github.com/tokenlife/tokenlife/internal/e2e/oidcprovider"
	"github.com/tokenlife/tokenlife/internal/e2e/tries"
	"github.com/tokenlife/tokenlife/kube/execcred"
	"github.com/tokenlife/tokenlife/token"
)

// TestLogin shows what a user sees from the first kubectl on to the logout, and after
// it.
func TestLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	w.useLogin(t)

	// Many kubectl at once, and a user who takes a while.
	w.user.Env = append(w.user.Env, browserSlow+"=2s")
	w.wantAnswers(t)
	w.wantPages(t, 1)
	if out, err := w.kubectl(t.Context(), "get", "namespaces", "-o", "name"); err != nil || !strings.Contains(out, "namespace/default\n") {
		t.Errorf("the namespaces are %q (%v)", out, err)
	}
	if out, err := w.kubectl(t.Context(), "get", "pods"); err == nil || !strings.Contains(err.Error(), `User "`+alice+`" cannot list resource "pods"`) {
		t.Errorf("the pods are %q (%v), want forbidden", out, err)
	}

	type login struct{ Issuer, Cluster, User, Login string }
	var logins []login
	if err := json.Unmarshal([]byte(w.login(t, "status", "-json")), &logins); err != nil {
		t.Fatal(err)
	}
	if want := (login{w.issuer.URL, w.server.URL, "alice", "good"}); len(logins) != 1 || logins[0] != want {
		t.Errorf("the status is %+v, want %+v", logins, want)
	}
	t.Logf("status:\n%s", w.login(t, "status"))

	err := filepath.WalkDir(w.cache, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others can look into %s: %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}

	t.Logf("logout: %s", w.login(t, "logout"))
	if got, want := w.issuer.Count(t), (oidcprovider.Count{Revoked: 1}); got != want {
		t.Errorf("the issuer counts %+v after the logout, want %+v", got, want)
	}
	t.Logf("status: %s", w.login(t, "status"))

	// The next kubectl asks for a login again.
	if err := w.whoAmI(t.Context()); err != nil {
		t.Error(err)
	}
	w.wantPages(t, 2)
}

// TestLoginRefused shows that a login that the user does not allow is an error that
// says so, and the next kubectl asks again.
func TestLoginRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	w.useLogin(t)
	w.issuer.Refuse(t, true)
	err := w.whoAmI(t.Context())
	if err == nil || !strings.Contains(err.Error(), "access_denied") {
		t.Errorf("got %v, want access_denied", err)
	}
	t.Logf("kubectl: %v", err)
	w.wantPages(t, 1)
	w.issuer.Refuse(t, false)
	if err := w.whoAmI(t.Context()); err != nil {
		t.Error(err)
	}
	w.wantPages(t, 2)
}

// TestIssuerAway shows that an issuer that is away is no reason to open a browser, and
// none for anything while the ID token is good; when it is back the login goes on. One
// that has forgotten the login is a reason.
func TestIssuerAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, life)
	w.useLogin(t)
	w.firstLogin(t)
	w.expire(t, func(t *tries.Try) {
		w.issuer.SetAway(t, true)
		for i, run := range w.many(t) {
			if run.err == nil || !strings.Contains(run.err.Error(), "connection refused") {
				t.Errorf("got %v, want one that says that the issuer is away", run.err)
			}
			if i == 0 {
				t.Logf("kubectl, in %v: %v", run.took.Round(time.Millisecond), run.err)
			}
		}
		before := w.issuer.Count(t)
		w.issuer.SetAway(t, false)
		w.wantAnswers(t)
		if got := minus(w.issuer.Count(t), before); got != (oidcprovider.Count{Presented: 1, Different: 1, Exchanged: 1}) {
			t.Errorf("the issuer counts %+v more, want one refresh", got)
		}
		w.wantPages(t, 1)
	})

	w.expire(t, func(t *tries.Try) {
		before := len(w.pages(t))
		w.issuer.Restart(t) // it knows no refresh token any more
		w.wantAnswers(t)
		w.wantPages(t, before+1)
	})
}

// wantAnswers fails the test unless many kubectl at once are answered.
func (w *world) wantAnswers(t testing.TB) {
	t.Helper()
	began := time.Now()
	for _, run := range w.many(t) {
		if run.err != nil {
			t.Error(run.err)
		}
	}
	t.Logf("%d kubectl took %v", atOnce, time.Since(began).Round(time.Millisecond))
}

// TestLoginSecret logs in with clients that have a secret, and goes on with the login.
func TestLoginSecret(t *testing.T) {
	t.Parallel()
	const life = 20 * time.Second // after fourteen of which it comes due
	w := newWorld(t, life)
	for i, c := range []oidcprovider.Client{w.issuer.Basic, w.issuer.Post} {
		secret := filepath.Join(w.user.Home, c.ID)
		if err := os.WriteFile(secret, []byte(w.issuer.URL+" "+c.Secret.Reveal()+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		p := w.plugin(t)
		p.Args = append(p.Args, "-client-id", c.ID, "-client-secret-file", secret)
		for run := range 2 {
			if run > 0 {
				time.Sleep(life)
			}
			tok, err := p.Token(t.Context())
			if err != nil {
				var failed *execcred.Error
				if errors.As(err, &failed) {
					t.Log(failed.Stderr.Reveal())
				}
				t.Fatalf("client %s: %v", c.ID, err)
			}
			if info, err := token.Inspect(tok.Value); err != nil || info.Claims.Audience[0] != c.ID {
				t.Errorf("client %s: the token's audience is %q (%v)", c.ID, info.Claims.Audience, err)
			}
		}
		if got, n := w.issuer.Count(t), i+1; got != (oidcprovider.Count{Presented: n, Different: n, Exchanged: n}) {
			t.Errorf("client %s: the issuer counts %+v, want a refresh for each client", c.ID, got)
		}
		w.wantPages(t, i+1)
	}
}

// TestRefusedForGood shows that an API server that takes none of the issuer's tokens
// costs neither logins nor many refreshes.
func TestRefusedForGood(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	w.server = apiserver.Start(t, apiserver.TrustIssuer(t, w.issuer.URL, "another client", w.issuer.CA))
	w.useLogin(t)
	const calls = 10
	began := time.Now()
	for range calls {
		if err := w.whoAmI(t.Context()); err == nil || !strings.Contains(err.Error(), "You must be logged in to the server") {
			t.Errorf("got %v, want unauthorized", err)
		}
	}
	count := w.issuer.Count(t)
	if most := 1 + int(time.Since(began)/time.Second); count.Exchanged > most || count.Revoked > 0 {
		t.Errorf("the issuer counts %+v", count)
	}
	w.wantPages(t, 1)
	t.Logf("%d kubectl in %v were refused; the issuer counts %+v", calls, time.Since(began).Round(time.Millisecond), count)
}

// wantPages fails the test unless the browser was to open n pages so far.
func (w *world) wantPages(t testing.TB, n int) {
	t.Helper()
	if pages := w.pages(t); len(pages) != n {
		t.Errorf("the browser was to open %d pages so far, want %d", len(pages), n)
	}
}

// login runs a command of kubectl-login by itself, with the user's cache, and returns
// what it writes.
func (w *world) login(t testing.TB, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), programs.login(t), append(args, "-cache", w.cache)...)
	cmd.Env = append(cmd.Environ(), "HOME="+w.user.Home)
	out, err := output(cmd)
	if err != nil {
		t.Errorf("kubectl-login %q: %v", args, err)
	}
	return out
}
