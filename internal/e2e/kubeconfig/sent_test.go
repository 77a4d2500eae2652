package kubeconfig_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "k8s.io/client-go/plugin/pkg/client/auth"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/tokenlife/tokenlife/kube/kubeconfig"
)

// The kind of a user, and its token, are what client-go sends; and where a user has two
// credentials, that is said.
func TestKindIsWhatIsSent(t *testing.T) {
	cert, key := selfSigned(t)
	id := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256"}`)) + "." + base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"exp":%d}`, time.Now().Add(time.Hour).Unix())) + ".c2ln"
	dir := t.TempDir()
	file := filepath.Join(dir, "token")
	if err := os.WriteFile(file, []byte("of-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	plugin := filepath.Join(dir, "plugin")
	answer := `{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"of-plugin"}}`
	if err := os.WriteFile(plugin, []byte("#!/bin/sh\necho '"+answer+"'\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	const none = "" // of both
	fields := map[string]string{
		"cert":  `"client-certificate-data": "` + base64.StdEncoding.EncodeToString(cert) + `", "client-key-data": "` + base64.StdEncoding.EncodeToString(key) + `"`,
		"token": `"token": "of-kubeconfig"`,
		"file":  `"tokenFile": "` + file + `"`,
		"gone":  `"tokenFile": "` + file + `.gone"`,
		"basic": `"username": "u", "password": "p"`,
		"exec":  `"exec": {"command": "` + plugin + `", "apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never"}`,
		"oidc":  `"auth-provider": {"name": "oidc", "config": {"idp-issuer-url": "https://127.0.0.1:1", "client-id": "c", "id-token": "` + id + `"}}`,
		"none":  `"auth-provider": {"name": "oidc", "config": {"idp-issuer-url": "https://127.0.0.1:1", "client-id": "c", "id-token": "opaque", "refresh-token": "r"}}`,
		"both":  `"client-certificate": "` + file + `"`,
		"group": `"as-groups": ["g"]`,
		"gcp":   `"auth-provider": {"name": "gcp", "config": {"access-token": "x"}}`,
	}
	const basic = "Basic dTpw"
	for _, test := range []struct {
		has     string
		kind    kubeconfig.Kind
		sent    string // the header, or the error of client-go
		problem bool   // is there one that says remove one of them?
	}{
		{"", kubeconfig.None, none, false},
		{"cert", kubeconfig.Certificate, none, false},
		{"token", kubeconfig.Token, "Bearer of-kubeconfig", false},
		{"file", kubeconfig.TokenFile, "Bearer of-file", false},
		{"basic", kubeconfig.Basic, basic, false},
		{"exec", kubeconfig.Exec, "Bearer of-plugin", false},
		{"oidc", kubeconfig.OpenID, "Bearer " + id, false},
		{"none", kubeconfig.OpenID, "error: ", false},
		{"token none", kubeconfig.Token, "Bearer of-kubeconfig", true},
		{"cert none", kubeconfig.Certificate, "error: ", true},
		{"gcp", kubeconfig.AuthProvider, "error: ", false},

		{"token group", kubeconfig.Token, "error: ", false},
		{"token file", kubeconfig.TokenFile, "Bearer of-file", true},
		{"token gone", kubeconfig.TokenFile, "Bearer of-kubeconfig", true},
		{"token basic", kubeconfig.Token, "error: ", true},
		{"cert both", kubeconfig.Certificate, "error: ", true},
		{"cert token", kubeconfig.Certificate, "Bearer of-kubeconfig", true},
		{"cert basic", kubeconfig.Certificate, basic, true},
		{"cert exec", kubeconfig.Certificate, none, true},
		{"token exec", kubeconfig.Token, "Bearer of-kubeconfig", true},
		{"basic exec", kubeconfig.Basic, basic, true},
		{"token oidc", kubeconfig.Token, "Bearer of-kubeconfig", true},
		{"basic oidc", kubeconfig.Basic, basic, true},
		{"exec oidc", kubeconfig.Exec, "error: ", true},
		{"cert oidc", kubeconfig.Certificate, "Bearer " + id, true},
	} {
		t.Run(test.has, func(t *testing.T) {
			var sent string
			var shown bool
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				sent, shown = r.Header.Get("Authorization"), len(r.TLS.PeerCertificates) > 0
				w.Header().Set("Content-Type", "application/json")
				json.NewEncoder(w).Encode(map[string]string{})
			}))
			server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
			server.StartTLS()
			defer server.Close()
			var user []string
			for name := range strings.FieldsSeq(test.has) {
				user = append(user, fields[name])
			}
			path := filepath.Join(t.TempDir(), "config")
			text := fmt.Sprintf(`{"current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
				"clusters": [{"name": "c", "cluster": {"server": %q, "insecure-skip-tls-verify": true}}], "users": [{"name": "u", "user": {%s}}]}`, server.URL, strings.Join(user, ", "))
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			err := get(path)
			switch refused := strings.HasPrefix(test.sent, "error: "); {
			case refused && err == nil || !refused && err != nil:
				t.Errorf("client-go: %v", err)
			case !refused && sent != test.sent:
				t.Errorf("it sent %q, want %q", sent, test.sent)
			case !refused && shown != (test.kind == kubeconfig.Certificate):
				t.Errorf("it showed a certificate: %t", shown)
			}
			u, err := kubeconfig.Files{path}.User("")
			if err != nil {
				t.Fatal(err)
			}
			if u.Kind != test.kind {
				t.Errorf("it is said to be %v, want %v", u.Kind, test.kind)
			}
			if want, ok := strings.CutPrefix(sent, "Bearer "); ok && u.Kind != kubeconfig.Exec && u.Token.Value.Reveal() != want {
				t.Errorf("another token is said to be sent than %q", want)
			}
			if is := strings.Contains(strings.Join(u.Problems, "\n"), "remove one of them"); is != test.problem {
				t.Errorf("problems %q", u.Problems)
			}
		})
	}
}

// get makes a request with client-go.
func get(path string) error {
	cfg, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(&clientcmd.ClientConfigLoadingRules{ExplicitPath: path}, nil).ClientConfig()
	if err != nil {
		return err
	}
	client, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return err
	}
	resp, err := client.Get(cfg.Host + "/version")
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func selfSigned(t *testing.T) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}
