package kube_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/tokenlife/tokenlife/internal/e2e/apiserver"
)

// kubeconfig writes how alice reaches s to a file.
func kubeconfig(t *testing.T, s *apiserver.Server) string {
	t.Helper()
	cfg := s.User("alice")
	path := filepath.Join(t.TempDir(), "kubeconfig")
	err := clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"c": {Server: cfg.Host, CertificateAuthorityData: s.CA}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"alice": {Token: cfg.BearerToken}},
		Contexts:       map[string]*clientcmdapi.Context{"x": {Cluster: "c", AuthInfo: "alice", Namespace: "ci"}},
		CurrentContext: "x",
	}, path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// The example program does what it says, and says what is wrong.
func TestExampleKubetoken(t *testing.T) {
	t.Parallel()
	s, _ := setUp(t)
	if _, err := s.Client().CoreV1().Pods("ci").Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "p"},
		Spec:       corev1.PodSpec{ServiceAccountName: "builder", Containers: []corev1.Container{{Name: "c", Image: "i"}}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "kubetoken")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Dir = "../../../examples/kubetoken"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	config := kubeconfig(t, s)
	for _, test := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"-serviceaccount", "builder"}, 0, "kube-system\n"},
		{[]string{"-serviceaccount", "builder", "-audience", apiserver.Issuer}, 0, "kube-system\n"},
		{[]string{"-serviceaccount", "builder", "-audience", "vault"}, 1, "refused the token of the account: Unauthorized"},
		{[]string{"-serviceaccount", "builder", "-lifetime", "20m", "-pod", "p"}, 0, "kube-system\n"},
		{[]string{"-serviceaccount", "builder", "-lifetime", "3607s", "-pod", "p"}, 0, "kubetoken: extended: token of service account ci/builder, good for 1h0m7s, which the server would accept for 8760h0m0s\n"},
		{[]string{"-serviceaccount", "builder", "-lifetime", "5m"}, 1, "less than 10 minutes"},
		{[]string{"-serviceaccount", "builder", "-lifetime", "-5m"}, 1, "Lifetime"},
		{[]string{"-serviceaccount", "builder", "-pod", "ghost"}, 1, `pods "ghost" not found`},
		{[]string{"-serviceaccount", "builder", "-pod", "a/b"}, 1, "kube: token of service account ci/builder"},
		{[]string{"-serviceaccount", "ghost"}, 1, `grant whoever asks the verb "create"`},
		{[]string{"-serviceaccount", "builder", "-namespace", "elsewhere"}, 1, `namespace "elsewhere"`},
		{[]string{}, 2, "-serviceaccount is needed"},
	} {
		var out []byte
		var got int
		// A server reads its clock twice for one token, which so may live a second less
		// than was asked for, and more if the machine stood still in between. A program
		// that says so each time is wrong.
		for range 3 {
			cmd := exec.CommandContext(t.Context(), program, append([]string{"-kubeconfig", config}, test.args...)...)
			cmd.Env = append(os.Environ(), "KUBECONFIG=")
			out, _ = cmd.CombinedOutput()
			got = cmd.ProcessState.ExitCode()
			if strings.Contains(string(out), test.want) || !strings.Contains(test.want, "good for") {
				break
			}
		}
		if got != test.status || !strings.Contains(string(out), test.want) {
			t.Errorf("kubetoken %q: status %d, want %d:\n%s", test.args, got, test.status, out)
		}
		if test.status != 0 && strings.Count(string(out), "\n") != 1 {
			t.Errorf("kubetoken %q: more than one line:\n%s", test.args, out)
		}
		t.Logf("kubetoken %q: %s", test.args, out)
	}
}
