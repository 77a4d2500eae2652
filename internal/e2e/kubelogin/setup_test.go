package kubelogin_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// TestSetup does what a user does by the words of kubectl-login: what setup prints goes
// into a kubeconfig of its own, beside the one with the cluster, and kubectl finds
// the commands as its plugin.
func TestSetup(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	w.be(t, &clientcmdapi.AuthInfo{}) // a cluster, and nobody
	stanza := w.login(t, append([]string{"setup"}, w.loginFlags()...)...)
	t.Logf("setup prints:\n%s", stanza)
	more := filepath.Join(w.user.Home, "oidc")
	if err := os.WriteFile(more, []byte(stanza), 0o600); err != nil {
		t.Fatal(err)
	}
	w.user.Kubeconfig += string(os.PathListSeparator) + more
	w.user.Env = append(w.user.Env, "PATH="+programs.dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	if _, err := w.kubectl(t.Context(), "config", "set-context", "x", "--user", "oidc"); err != nil {
		t.Fatal(err)
	}
	if err := w.whoAmI(t.Context()); err != nil {
		t.Error(err)
	}
	if out, err := w.kubectl(t.Context(), "login", "status", "-cache", w.cache); err != nil || !strings.Contains(out, w.server.URL) {
		t.Errorf("kubectl login status says %q (%v)", out, err)
	}
	if out, err := w.kubectl(t.Context(), "login", "logout", "-cache", w.cache); err != nil || w.issuer.Count(t).Revoked != 1 {
		t.Errorf("kubectl login logout says %q (%v); the issuer counts %+v", out, err, w.issuer.Count(t))
	}
}
