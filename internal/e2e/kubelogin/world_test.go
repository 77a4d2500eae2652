package kubelogin_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/tokenlife/tokenlife/internal/e2e/apiserver"
	"github.com/tokenlife/tokenlife/internal/e2e/kubectl"
	"github.com/tokenlife/tokenlife/internal/e2e/oidcprovider"
)

// patience is how long what must come in the end may take, many kubectl at once among
// it, on a machine that is busy with other things.
const patience = 3 * time.Minute

// alice is the user, as the API server has her.
const alice = apiserver.OIDCPrefix + "alice"

// A world is an issuer, an API server that trusts it, and a user of both with a home.
// She may list namespaces.
type world struct {
	issuer *oidcprovider.Server
	server *apiserver.Server
	user   kubectl.User
	life   time.Duration // of the ID tokens that the issuer makes

	ca      string // file: what the issuer is trusted by
	cache   string // folder of kubectl-login
	browsed string // file: the pages that the browser was to open
}

// newWorld makes one where ID tokens live for life.
func newWorld(t testing.TB, life time.Duration) *world {
	t.Helper()
	path := kubectl.Path(t)
	issuer := oidcprovider.StartTLS(t)
	w := &world{
		issuer: issuer,
		server: apiserver.Start(t, apiserver.TrustIssuer(t, issuer.URL, issuer.Public.ID, issuer.CA)),
	}
	home := t.TempDir()
	w.ca = filepath.Join(home, "ca.crt")
	w.cache = filepath.Join(home, "logins")
	w.browsed = filepath.Join(home, "browsed")
	if err := os.WriteFile(w.ca, issuer.CA, 0o600); err != nil {
		t.Fatal(err)
	}
	browser, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	w.user = kubectl.User{Path: path, Home: home, Kubeconfig: filepath.Join(home, "kubeconfig"), Env: []string{
		"BROWSER=" + browser, roleVar + "=browser", browserCA + "=" + w.ca, browserLog + "=" + w.browsed,
	}}

	rbac := w.server.Client().RbacV1()
	if _, err := rbac.ClusterRoles().Create(t.Context(), &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: "list-namespaces"},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"namespaces"}, Verbs: []string{"list"}}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := rbac.ClusterRoleBindings().Create(t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "list-namespaces"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "list-namespaces"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: alice}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	w.awaitTrust(t)
	w.setLife(t, life)
	return w
}

// setLife has the issuer make ID tokens that live for life from now on.
func (w *world) setLife(t testing.TB, life time.Duration) {
	t.Helper()
	w.life = life
	w.issuer.SetIDTokenLife(t, life)
}

// be writes the user's kubeconfig, with how she proves who she is.
func (w *world) be(t testing.TB, who *clientcmdapi.AuthInfo) {
	t.Helper()
	err := clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"c": {Server: w.server.URL, CertificateAuthorityData: w.server.CA}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"alice": who},
		Contexts:       map[string]*clientcmdapi.Context{"x": {Cluster: "c", AuthInfo: "alice"}},
		CurrentContext: "x",
	}, w.user.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
}

// useLogin writes a kubeconfig with kubectl-login and more flags of its get-token.
func (w *world) useLogin(t testing.TB, flags ...string) {
	t.Helper()
	w.be(t, &clientcmdapi.AuthInfo{Exec: &clientcmdapi.ExecConfig{
		Command:            programs.login(t),
		Args:               append([]string{"get-token"}, w.loginFlags(flags...)...),
		APIVersion:         "client.authentication.k8s.io/v1",
		ProvideClusterInfo: true,
		InteractiveMode:    clientcmdapi.IfAvailableExecInteractiveMode,
	}})
}

func (w *world) loginFlags(more ...string) []string {
	return append([]string{
		"-issuer", w.issuer.URL, "-client-id", w.issuer.Public.ID, "-ca", w.ca, "-cache", w.cache,
	}, more...)
}

// kubectl runs kubectl as the user, and returns what it writes. Its error has the
// standard error in it.
func (w *world) kubectl(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return output(w.user.Command(ctx, args...))
}

// output runs cmd, and returns what it writes. Its error has the standard error in it.
func output(cmd *exec.Cmd) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = time.Minute // a machine may be slow to hand over what the program wrote last
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

// whoAmI asks the API server with kubectl who the user is, who must be alice.
func (w *world) whoAmI(ctx context.Context) error {
	out, err := w.kubectl(ctx, "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}")
	if err == nil && out != alice {
		err = fmt.Errorf("the user is %q, want %q", out, alice)
	}
	return err
}

// pages returns the pages that the browser was to open.
func (w *world) pages(t testing.TB) []string {
	t.Helper()
	text, err := os.ReadFile(w.browsed)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}

// programs are built once, for all tests.
var programs built

type built struct {
	once sync.Once
	dir  string
	err  error
}

// login returns where kubectl-login lies.
func (b *built) login(t testing.TB) string {
	t.Helper()
	b.once.Do(func() {
		if b.dir, b.err = os.MkdirTemp("", "tokenlife-kubelogin-"); b.err != nil {
			return
		}
		build := exec.Command("go", "build", "-o", filepath.Join(b.dir, "kubectl-login"), ".")
		build.Dir = "../../../examples/kubectl-login"
		var out []byte
		if out, b.err = build.CombinedOutput(); b.err != nil {
			b.err = fmt.Errorf("building kubectl-login: %w: %s", b.err, out)
		}
	})
	if b.err != nil {
		t.Fatal(b.err)
	}
	return filepath.Join(b.dir, "kubectl-login")
}

func removePrograms() {
	if programs.dir != "" {
		os.RemoveAll(programs.dir)
	}
}
