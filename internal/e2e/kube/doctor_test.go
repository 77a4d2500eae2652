package kube_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/tokenlife/tokenlife/internal/e2e/apiserver"
	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/token"
)

// The example program says what is wrong with a token, with a user of a kubeconfig, and
// with what a plugin prints, and its exit status is what a script goes by.
func TestExampleDoctor(t *testing.T) {
	t.Parallel()
	s := apiserver.Start(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	request := func(name string) kube.Request {
		return kube.Request{ServiceAccount: name, Lifetime: 10 * time.Minute}
	}
	for _, name := range []string{"good", "gone"} {
		s.CreateServiceAccount(t, "ci", name)
	}
	// The first two live for an hour: a program may take minutes to be built.
	fine, vault, late := tokenOf(t, s, kube.Request{ServiceAccount: "good"}), tokenOf(t, s, kube.Request{ServiceAccount: "good", Audiences: []string{"vault"}}), tokenOf(t, s, request("good"))
	gone, spares := tokenOf(t, s, request("gone")), spare(t, s, request("gone"))
	if err := s.Client().CoreV1().ServiceAccounts("ci").Delete(t.Context(), "gone", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	settled(t, s, spares)

	plugin := func(name string, tok token.Secret) *clientcmdapi.AuthInfo {
		path := write(name, fmt.Sprintf("#!/bin/sh\necho '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{\"token\":%q}}'\n", tok.Reveal()))
		return &clientcmdapi.AuthInfo{Exec: &clientcmdapi.ExecConfig{APIVersion: "client.authentication.k8s.io/v1", Command: path, InteractiveMode: clientcmdapi.NeverExecInteractiveMode}}
	}
	admin := s.Admin()
	config := clientcmdapi.Config{
		Clusters: map[string]*clientcmdapi.Cluster{"c": {Server: s.URL, CertificateAuthorityData: s.CA}},
		AuthInfos: map[string]*clientcmdapi.AuthInfo{
			"admin": {ClientCertificateData: admin.CertData, ClientKeyData: admin.KeyData},
			"token": {Token: fine.Reveal()}, "vault": {Token: vault.Reveal()}, "good": plugin("good", fine), "gone": plugin("gone", gone),
		},
		Contexts: map[string]*clientcmdapi.Context{},
	}
	for name := range config.AuthInfos {
		config.Contexts[name] = &clientcmdapi.Context{Cluster: "c", AuthInfo: name}
	}
	kubeconfig := filepath.Join(dir, "config")
	if err := clientcmd.WriteToFile(config, kubeconfig); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "doctor")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Dir = "../../../examples/doctor"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}

	const accountGone = "the service account of the token has been deleted"
	for _, test := range []struct {
		name    string
		clock   time.Duration
		stdin   token.Secret
		args    []string
		status  int
		cause   string // of the first finding
		certain bool
	}{
		{"good", 0, fine, []string{"-context", "admin"}, 0, "", false},
		{"deleted", 0, gone, []string{"-context", "admin"}, 1, accountGone, true},
		{"for another audience", 0, vault, []string{"-context", "admin"}, 1, "the token is for another audience", true},
		{"for that audience", 0, vault, []string{"-context", "admin", "-audience", "vault"}, 0, "", false},
		{"may not", 0, fine, []string{"-context", "admin", "-can", "list pods -n ci"}, 1, "the token is good, and its user may not do this", true},
		{"not its own", 0, token.NewSecret("hunter2hunter3hunter4"), []string{"-context", "admin"}, 1, "the API server does not know the token", true},
		{"a user", 0, token.Secret{}, []string{"-user", "token"}, 0, "", false},
		{"a user, for that audience", 0, token.Secret{}, []string{"-user", "vault", "-audience", "vault", "-context", "admin"}, 0, "", false},
		{"a certificate", 0, token.Secret{}, []string{"-user", "admin"}, 3, "", false},
		{"a plugin", 0, token.Secret{}, []string{"-user", "good"}, 3, "", false},
		{"a plugin that runs", 0, token.Secret{}, []string{"-user", "good", "-run", filepath.Join(dir, "good")}, 0, "", false},
		{"a plugin for an account that is gone", 0, token.Secret{}, []string{"-user", "gone", "-run", filepath.Join(dir, "gone"), "-context", "admin"}, 1, accountGone, true},
		{"expired, and only there", time.Hour, late, []string{"-context", "admin"}, 1, "the token has expired", true},
	} {
		s.SetClock(t, test.clock)
		unhurried(t, func() (wrong []string) {
			fault := func(format string, args ...any) { wrong = append(wrong, test.name+": "+fmt.Sprintf(format, args...)) }
			cmd := exec.CommandContext(t.Context(), program, append([]string{"-json", "-kubeconfig", kubeconfig}, test.args...)...)
			cmd.Stdin = strings.NewReader(test.stdin.Reveal())
			var stderr strings.Builder
			cmd.Stderr = &stderr
			out, _ := cmd.Output()
			var got struct {
				Server struct {
					ClockAhead *int64
				}
				Findings []struct {
					Cause   string
					Certain bool
				}
			}
			if err := json.Unmarshal(out, &got); err != nil {
				fault("%v: %s%s", err, out, stderr.String())
				return wrong
			}
			status := cmd.ProcessState.ExitCode()
			named := test.cause == "" && len(got.Findings) == 0 || test.cause != "" && len(got.Findings) > 0 && strings.HasPrefix(got.Findings[0].Cause, test.cause) && got.Findings[0].Certain == test.certain
			if status != test.status || !named {
				fault("status %d, want %d, and %q first:\n%s", status, test.status, test.cause, out)
			}
			if ahead := got.Server.ClockAhead; ahead != nil && (time.Duration(*ahead)*time.Second-test.clock).Abs() > time.Minute || ahead == nil && test.status != 3 {
				fault("how far the server's clock is ahead: %v", ahead)
			}
			for _, tok := range []token.Secret{fine, vault, late, gone, test.stdin} {
				if _, signature, ok := strings.Cut(strings.TrimPrefix(tok.Reveal(), "eyJ"), "."); ok && token.NewSecret(signature).RepeatedIn(string(out)+stderr.String()) {
					t.Errorf("%s: a token is shown:\n%s", test.name, out)
				}
			}
			return wrong
		})
	}
}
