package kube_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	programs "github.com/tokenlife/tokenlife/internal/e2e/apiserver/program"
	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/token"
)

// command is how a command stands in a remedy: to the next punctuation mark.
var command = regexp.MustCompile(`kubectl [^;,()]*`)

// mend does what a remedy says, as an admin would at a terminal, and checks that it
// helps.
func (l *lab) mend(t *testing.T, r row, s kube.Suspect, f token.Finding) {
	t.Helper()
	commands := command.FindAllString(f.Remedy, -1)
	if len(commands) == 0 {
		t.Fatalf("there is no command in %q", f.Remedy)
	}
	kubectl, ok := l.kubectl(t)
	if !ok {
		return
	}
	nothing := func(s kube.Suspect) error {
		if d := kube.Diagnose(t.Context(), s, l.Admin()); len(d.Findings) > 0 {
			return errors.New(d.String())
		}
		return nil
	}
	var did mends
	for _, c := range commands {
		c = strings.ReplaceAll(c, "NAME", fmt.Sprintf("mend-%d", l.n))
		printed := strings.Fields(kubectl(c))
		last := token.NewSecret(printed[len(printed)-1])
		if info, err := token.Inspect(last); err == nil && info.Format == token.JWT {
			did |= another
			fresh := kube.Suspect{Token: last, Audiences: s.Audiences}
			// A server may still hold the old object for that which was made anew.
			eventually(t, c, func() error { return nothing(fresh) })
			continue
		}
		did |= itself
		s.Err = nil
		eventually(t, c, func() error { return nothing(s) })
	}
	if did != r.mends {
		t.Errorf("what %q says mends %d, and not %d", f.Remedy, did, r.mends)
	}
}

// kubectl returns what runs a command line as an admin of the server, with a real
// kubectl, and returns what it prints; or false if there is none.
func (l *lab) kubectl(t *testing.T) (func(string) string, bool) {
	t.Helper()
	binary := kubectlPath()
	if binary == "" {
		t.Log("remedies are not tried: there is no kubectl")
		return nil, false
	}
	cfg := l.Admin()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	writeKubeconfig(t, path, cfg, &clientcmdapi.AuthInfo{ClientCertificateData: cfg.CertData, ClientKeyData: cfg.KeyData})
	return func(text string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "sh", "-c", text)
		cmd.Env = append(os.Environ(), "KUBECONFIG="+path, "PATH="+filepath.Dir(binary)+string(filepath.ListSeparator)+os.Getenv("PATH"))
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v: %s", text, err, stderr.String())
		}
		t.Logf("ran %s", text)
		return string(out)
	}, true
}

// kubectlPath returns where a kubectl lies: the one that was built with the server, or
// one in PATH. It is empty if there is none.
func kubectlPath() string {
	if path, err := programs.Kubectl.Path(); err == nil {
		return path
	}
	path, _ := exec.LookPath("kubectl")
	return path
}

// writeKubeconfig writes a kubeconfig of one user, app.
func writeKubeconfig(t *testing.T, path string, cfg *rest.Config, user *clientcmdapi.AuthInfo) {
	t.Helper()
	err := clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"c": {Server: cfg.Host, CertificateAuthorityData: cfg.CAData}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"app": user},
		Contexts:       map[string]*clientcmdapi.Context{"x": {Cluster: "c", AuthInfo: "app"}},
		CurrentContext: "x",
	}, path)
	if err != nil {
		t.Fatal(err)
	}
}
