package kubelogin_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/tokenlife/tokenlife/internal/e2e/oidcprovider"
	"github.com/tokenlife/tokenlife/kube/kubeconfig"
	"github.com/tokenlife/tokenlife/refresh"
)

// useAuthProvider writes a kubeconfig with the auth-provider oidc that holds pair.
func (w *world) useAuthProvider(t testing.TB, pair refresh.Pair) {
	t.Helper()
	w.be(t, &clientcmdapi.AuthInfo{AuthProvider: &clientcmdapi.AuthProviderConfig{Name: "oidc", Config: map[string]string{
		"idp-issuer-url":            w.issuer.URL,
		"client-id":                 w.issuer.Public.ID,
		"id-token":                  pair.Access.Value.Reveal(),
		"refresh-token":             pair.Refresh.Value.Reveal(),
		"idp-certificate-authority": w.ca,
	}}})
}

// TestAuthProvider has a Go program and kubectl share the login in a kubeconfig with the
// auth-provider oidc, and refresh it by turns.
func TestAuthProvider(t *testing.T) {
	t.Parallel()
	const life = 40 * time.Second // of which kubectl does not use the last ten
	w := newWorld(t, life)
	pair := w.idToken(t)
	w.useAuthProvider(t, pair)
	const comment = "# keep me\n"
	text, err := os.ReadFile(w.user.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.user.Kubeconfig, append([]byte(comment), text...), 0o600); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var written int
	var failed []kubeconfig.Event // in what may go on behind the test's back
	src := &kubeconfig.OIDC{
		Files: kubeconfig.Files{w.user.Kubeconfig}, Dir: filepath.Join(w.user.Home, "pairs"),
		OnEvent: func(e kubeconfig.Event) {
			mu.Lock()
			defer mu.Unlock()
			if e.Err != nil {
				failed = append(failed, e)
				return
			}
			written++
		},
	}
	list, over := w.client(t, refresh.New(src))

	want := w.issuer.Count(t)
	one := func() { want.Presented++; want.Different++; want.Exchanged++ }
	check := func(what string) {
		t.Helper()
		if got := w.issuer.Count(t); got != want {
			t.Errorf("%s: the issuer counts %+v, want %+v", what, got, want)
			want = got
		}
	}
	rounds := expiries() / 5
	for round := range rounds {
		// The program's turn: kubectl then finds an ID token that is good.
		time.Sleep(life)
		if err := list(t.Context()); err != nil {
			t.Fatalf("round %d: %v", round+1, err)
		}
		one()
		check("after the program's turn")
		if err := w.whoAmI(t.Context()); err != nil {
			t.Errorf("round %d: kubectl: %v", round+1, err)
		}
		check("after a kubectl with the program's ID token")
		if round == 0 {
			if text, err := os.ReadFile(w.user.Kubeconfig); err != nil || !strings.HasPrefix(string(text), comment) {
				t.Errorf("the comment at the top is gone (%v)", err)
			}
		}

		// Kubectl's turn, which writes the kubeconfig in its own way.
		time.Sleep(life)
		if err := w.whoAmI(t.Context()); err != nil {
			t.Errorf("round %d: kubectl: %v", round+1, err)
		}
		one()
		want.Presented++ // kubectl tries another way of saying which client it is first
		check("after kubectl's turn")
		if err := list(t.Context()); err != nil {
			t.Errorf("round %d: after kubectl's turn: %v", round+1, err)
		}
		check("after the program with kubectl's ID token")
	}

	// A kubeconfig from a backup, whose refresh token is spent. The program knows better,
	// and kubectl does so again.
	if err := os.WriteFile(w.user.Kubeconfig, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := src.Token(t.Context()); err != nil {
		t.Error(err)
	}
	if err := w.whoAmI(t.Context()); err != nil {
		t.Errorf("after a backup was restored: kubectl: %v", err)
	}
	check("after a backup was restored")

	if want.Revoked > 0 || over.refused.Load() > 0 {
		t.Errorf("%d grants were revoked, %d calls refused", want.Revoked, over.refused.Load())
	}
	mu.Lock()
	defer mu.Unlock()
	for _, e := range failed {
		t.Errorf("%s: %v", e.File, e.Err)
	}
	t.Logf("%d turns each; the kubeconfig was written %d times; the issuer counts %+v", rounds, written, want)
}

// TestAuthProviderClients shows that a kubeconfig with which kubectl can refresh is one
// with which OIDC can, whichever way the issuer wants to be told which client it is.
func TestAuthProviderClients(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	for _, c := range []oidcprovider.Client{w.issuer.Public, w.issuer.Basic, w.issuer.Post} {
		for _, who := range []string{"kubectl", "OIDC"} {
			w.be(t, &clientcmdapi.AuthInfo{AuthProvider: &clientcmdapi.AuthProviderConfig{Name: "oidc", Config: map[string]string{
				"idp-issuer-url": w.issuer.URL, "idp-certificate-authority": w.ca,
				"client-id": c.ID, "client-secret": c.Secret.Reveal(),
				"refresh-token": w.issuer.Login(t, c).Refresh.Value.Reveal(),
			}}})
			before := w.issuer.Count(t)
			var err error
			if who == "kubectl" {
				// Whether the API server takes the token is another question.
				_, err = w.kubectl(t.Context(), "get", "--raw", "/livez")
			} else {
				src := &kubeconfig.OIDC{Files: kubeconfig.Files{w.user.Kubeconfig}, Dir: filepath.Join(w.user.Home, c.ID)}
				_, err = src.Token(t.Context())
			}
			if got := minus(w.issuer.Count(t), before); got.Exchanged != 1 || got.Revoked != 0 || err != nil && who == "OIDC" {
				t.Errorf("client %s, %s: %v; the issuer counts %+v more", c.ID, who, err, got)
			}
		}
	}
}

// TestAuthProviderOutlook shows that what Inspect and User say of the kubeconfig is so.
func TestAuthProviderOutlook(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	pair := w.idToken(t)
	w.useAuthProvider(t, pair)
	files := kubeconfig.Files{w.user.Kubeconfig}
	user, err := files.User("")
	if err != nil || user.Name != "alice" || len(user.Problems) > 0 {
		t.Fatalf("the user is %+v (%v)", user, err)
	}
	t.Logf("before: %s", user.Outlook())
	if err := w.whoAmI(t.Context()); err != nil {
		t.Error(err)
	}

	forgotten, err := files.Forget(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("forgotten: %+v", forgotten)
	cfg, err := clientcmd.LoadFromFile(w.user.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	if c := cfg.AuthInfos["alice"].AuthProvider.Config; c["id-token"] != "" || c["refresh-token"] != "" || c["client-id"] != w.issuer.Public.ID {
		t.Errorf("after Forget kubectl finds an ID token: %v, a refresh token: %v", c["id-token"] != "", c["refresh-token"] != "")
	}
	err = w.whoAmI(t.Context())
	if err == nil || !strings.Contains(err.Error(), "No valid id-token, and cannot refresh without refresh-token") {
		t.Errorf("after Forget kubectl says %v", err)
	}
	user, err = files.User("alice")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("after: %s", user.Outlook())
	if got := w.issuer.Count(t); got != (oidcprovider.Count{Presented: 1, Different: 1, Exchanged: 1}) { // by idToken
		t.Errorf("the issuer counts %+v", got)
	}
}
