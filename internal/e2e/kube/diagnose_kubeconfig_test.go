package kube_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/tokenlife/tokenlife/kube"
	kubeconfigs "github.com/tokenlife/tokenlife/kube/kubeconfig"
	"github.com/tokenlife/tokenlife/token"
)

// testKubeconfig has users of kubeconfig files diagnosed, and asks a real kubectl: where
// nothing is found it goes on, and where something is certain it does not.
func (l *lab) testKubeconfig(t *testing.T) {
	kubectl := kubectlPath()
	if kubectl == "" {
		t.Log("no kubectl is asked: there is none")
	}
	cfg := l.Admin()
	cert := cfg.CertData
	dir := t.TempDir()
	plugin := filepath.Join(dir, "plugin")
	ran := filepath.Join(dir, "ran")
	if err := os.WriteFile(plugin, []byte("#!/bin/sh\ntouch "+ran+"\necho no\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	with := func(s kube.Suspect) *clientcmdapi.AuthInfo { return &clientcmdapi.AuthInfo{Token: s.Token.Reveal()} }
	run := func(e clientcmdapi.ExecConfig) *clientcmdapi.AuthInfo {
		e.Command = plugin
		return &clientcmdapi.AuthInfo{Exec: &e}
	}
	openID := func(config map[string]string) *clientcmdapi.AuthInfo {
		config["idp-issuer-url"], config["client-id"] = l.issuer.URL, "kubernetes"
		return &clientcmdapi.AuthInfo{AuthProvider: &clientcmdapi.AuthProviderConfig{Name: "oidc", Config: config}}
	}
	id := func(change map[string]any) string { return idToken(change)(t, l).Token.Reveal() }
	tokenFile := filepath.Join(dir, "token")
	if err := os.WriteFile(tokenFile, []byte(fine(t, l).Token.Reveal()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		user    *clientcmdapi.AuthInfo
		cause   string // how that of the first finding begins; empty if there is none
		certain bool
	}{
		{"a good token", with(fine(t, l)), "", false},
		{"a token of an account that was deleted", with(revoked(t, l)), accountGone, true},
		{"an expired token", with(minted(func(now time.Time) map[string]any { return map[string]any{"exp": now.Add(-time.Hour).Unix()} })(t, l)), expired, true},
		{"a token for a service", with(kube.Suspect{Token: l.mint(t, "vault.example")}), audience, true},
		{"a token file", &clientcmdapi.AuthInfo{TokenFile: tokenFile}, "", false},
		{"no token file", &clientcmdapi.AuthInfo{TokenFile: filepath.Join(dir, "none")}, "the tokenFile is no good", true},
		{"a good certificate", &clientcmdapi.AuthInfo{ClientCertificateData: cert, ClientKeyData: cfg.KeyData}, "", false},
		{"another's key", &clientcmdapi.AuthInfo{ClientCertificateData: cert, ClientKeyData: newKey(t)}, "the client-key does not go with", true},
		{"no key", &clientcmdapi.AuthInfo{ClientCertificateData: cert}, "there is a client-certificate, and no client-key", true},
		{"a password", &clientcmdapi.AuthInfo{Username: "alice", Password: "hush"}, "the API server takes no passwords", true},
		{"a token and a password", &clientcmdapi.AuthInfo{Username: "alice", Password: "hush", Token: fine(t, l).Token.Reveal()}, "there is a token and a password", true},
		{"a plugin of v1alpha1", run(clientcmdapi.ExecConfig{APIVersion: "client.authentication.k8s.io/v1alpha1", InteractiveMode: "Never"}), "exec.apiVersion is v1alpha1", true},
		{"a plugin without a version", run(clientcmdapi.ExecConfig{InteractiveMode: "Never"}), "exec.apiVersion is missing", true},
		{"a plugin without a mode", run(clientcmdapi.ExecConfig{APIVersion: "client.authentication.k8s.io/v1"}), "exec.interactiveMode is missing", true},
		{"a provider that is gone", &clientcmdapi.AuthInfo{AuthProvider: &clientcmdapi.AuthProviderConfig{Name: "gcp"}}, "the auth-provider gcp is gone", true},
		{"a good ID token", openID(map[string]string{"id-token": id(nil)}), "", false},
		{"an ID token for another client", openID(map[string]string{"id-token": id(map[string]any{"aud": "another"})}), audience, true},
		{"an expired ID token", openID(map[string]string{"id-token": id(map[string]any{"exp": time.Now().Add(-time.Hour).Unix()})}), "the login is over", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "config")
			writeKubeconfig(t, path, cfg, test.user)
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			unhurried(t, func() (wrong []string) {
				fault := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
				mark := l.sync(t)
				d, err := kubeconfigs.Files{path}.Diagnose(t.Context(), "app", cfg)
				if err != nil {
					t.Fatal(err)
				}
				t.Logf("\n%v", d)
				for _, a := range l.audit.between(t, mark, l.sync(t)) {
					if !a.harmless() {
						fault("the server was asked to %s %s", a.Verb, a.RequestURI)
					}
				}
				if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
					fault("the kubeconfig has changed: %v", err)
				}
				if _, err := os.Stat(ran); err == nil {
					fault("the plugin was run")
				}
				first := token.Finding{}
				if len(d.Findings) > 0 {
					first = d.Findings[0]
				}
				if (first.Cause == "") != (test.cause == "") || !strings.HasPrefix(first.Cause, test.cause) || first.Certain != test.certain {
					fault("the first finding (certain: %t) is %q, and not (%t) %q", first.Certain, first.Cause, test.certain, test.cause)
				}
				for _, f := range d.Findings {
					if said := strings.Join(evidence(f), " "); !strings.Contains(said, path) || !strings.Contains(said, "app") {
						fault("the user and the file are not named: %q", said)
					}
				}
				return wrong
			})
			if kubectl == "" {
				return
			}
			if err := whoIs(t.Context(), kubectl, path); test.certain != (err != nil) {
				t.Errorf("certain: %t, and kubectl: %v", test.certain, err)
			}
		})
	}
}

// whoIs has a real kubectl ask who its user is.
func whoIs(ctx context.Context, kubectl, path string) error {
	return exec.CommandContext(ctx, kubectl, "--kubeconfig="+path, "auth", "whoami").Run()
}

// revoked makes a token whose service account was deleted.
func revoked(t *testing.T, l *lab) kube.Suspect {
	account := l.account(t).Name
	return kube.Suspect{Token: l.lose(t, kube.Request{ServiceAccount: account}, func() { deleteAccount(t, l, account) })}
}

// newKey returns a key in PEM.
func newKey(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
}
