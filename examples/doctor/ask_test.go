package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/tokenlife/tokenlife/token"
)

// Servers that answer nonsense, for ever, or with what they were sent.
func TestHostileServers(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	_, other, err := d.disabled(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	good, session := must(t, d.good), must(t, d.session)
	for name, h := range map[string]http.HandlerFunc{
		"an echo": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(401)
			fmt.Fprintf(w, `{"kind":"Status","message":%q,"code":%[1]q}`, fmt.Sprint(r.Header))
		},
		"a terminal's": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(403)
			io.WriteString(w, `{"kind":"Status","status":"Failure","message":"\u001b[2J\u009b1m\u202eowned"}`)
		},
		"10 MB":   func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, strings.Repeat("[", 10<<20)) },
		"nothing": func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) },
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, d.dashboard, http.StatusTemporaryRedirect)
		},
	} {
		server := httptest.NewServer(h)
		defer server.Close()
		kubeconfig := d.write(t, "hostile-"+strings.ReplaceAll(name, " ", "-"), fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","clusters":[{"name":"a","cluster":{"server":%q}}],"contexts":[{"name":"a","context":{"cluster":"a","user":"a"}}],"users":[{"name":"a","user":{"token":%q}}]}`, server.URL, d.api.admin.Reveal()))
		for _, test := range []struct {
			tok  token.Secret
			args []string
		}{
			{good, []string{"-kubeconfig", kubeconfig, "-context", "a"}},
			{other, []string{"-rancher", server.URL}},
			{session, []string{"-dashboard", server.URL}},
			{good, []string{"-dashboard", server.URL}},
		} {
			for _, args := range [][]string{test.args, append([]string{"-json"}, test.args...)} {
				got := d.run(t, test.tok.Reveal(), args, test.tok)
				if got.status == 2 || got.status == 0 && name != "a terminal's" || got.stderr != "" || len(got.stdout) > 30_000 || strings.ContainsAny(got.stdout, "\x1b\u009b\u202e") {
					t.Errorf("%s, %q: %d, %s%s", name, args, got.status, got.stdout, got.stderr)
				}
			}
		}
	}
}

// A cluster that the kubeconfig does not lead to: what is said has nothing of its
// addresses, where a password may be.
func TestCluster(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for name, test := range map[string]struct{ cluster, want string }{
		"not there":  {`{"name":"b"}`, "the cluster \"a\", which is not in the kubeconfig"},
		"proxy":      {`{"name":"a","cluster":{"server":"https://127.0.0.1:1","proxy-url":"http://bob:hunter2hunter3@bad host"}}`, "something is wrong with the cluster"},
		"no server":  {`{"name":"a","cluster":{}}`, "something is wrong with the cluster"},
		"no URL":     {`{"name":"a","cluster":{"server":"https://bob:hunter2hunter3@bad host"}}`, "is no URL"},
		"no CA file": {`{"name":"a","cluster":{"server":"https://127.0.0.1:1","certificate-authority":"none"}}`, "something is wrong with the cluster"},
	} {
		kubeconfig := d.write(t, "to-"+name, `{"clusters":[`+test.cluster+`],"contexts":[{"name":"a","context":{"cluster":"a","user":"a"}}],"users":[{"name":"a","user":{"token":"hunter4hunter5"}}]}`)
		for _, who := range []string{"-context", "-user"} {
			got := d.run(t, must(t, d.good).Reveal(), []string{"-kubeconfig", kubeconfig, who, "a"}, token.NewSecret("hunter2hunter3"))
			if got.status != 2 || !strings.Contains(got.stderr, test.want) {
				t.Errorf("%s: %d, %s%s", name, got.status, got.stdout, got.stderr)
			}
		}
	}
	// As kubectl has it, a server may be a host and a port.
	bare := d.write(t, "bare", `{"clusters":[{"name":"a","cluster":{"server":"127.0.0.1:1"}}],"contexts":[{"name":"a","context":{"cluster":"a","user":"a"}}]}`)
	if got := d.run(t, must(t, d.good).Reveal(), []string{"-kubeconfig", bare, "-context", "a"}); got.status != 1 || !strings.Contains(got.stdout, "asked      Kubernetes at http://127.0.0.1:1, of the context a") {
		t.Errorf("%d, %s%s", got.status, got.stdout, got.stderr)
	}
}

// Of a certificate nobody was asked, and nobody says so.
func TestRunCertificate(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	cert, key := certificate(t)
	away := d.write(t, "away", fmt.Sprintf(`{"clusters":[{"name":"a","cluster":{"server":"https://127.0.0.1:1"}}],"contexts":[{"name":"a","context":{"cluster":"a","user":"a"}}],"users":[{"name":"a","user":{"client-certificate-data":%q,"client-key-data":%q}}]}`, base64.StdEncoding.EncodeToString(cert), base64.StdEncoding.EncodeToString(key)))
	got := d.run(t, "", []string{"-kubeconfig", away, "-user", "a"}, token.NewSecret(string(key)))
	if got.status != 3 || strings.Contains(got.stdout, "asked ") || !strings.Contains(got.stdout, "The cluster was not asked") {
		t.Errorf("%d, %s%s", got.status, got.stdout, got.stderr)
	}
}

// What an address has besides is not shown.
func TestAddress(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://ann:hunter2@a.example:8443/k8s/c?token=hunter2#hunter2": "https://a.example:8443/k8s/c",
		"https://hunter2@":     "an address that is none",
		"https://a b/?hunter2": "an address that is none",
	} {
		if got := address(text); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// Certificates of -ca are trusted besides those of the system.
func TestTransport(t *testing.T) {
	t.Parallel()
	cert, _ := certificate(t)
	path := filepath.Join(t.TempDir(), "ca")
	if err := os.WriteFile(path, cert, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := options{ca: path}.transport()
	if err != nil {
		t.Fatal(err)
	}
	want, err := x509.SystemCertPool()
	if err != nil {
		t.Skip(err)
	}
	want.AppendCertsFromPEM(cert)
	if !got.TLSClientConfig.RootCAs.Equal(want) || got.TLSClientConfig.InsecureSkipVerify {
		t.Error("what is trusted is not the system's and that")
	}
}

// A token beside a certificate is not what the API server goes by.
func TestRunCertificateAndToken(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	cert, key := certificate(t)
	both := d.write(t, "both", fmt.Sprintf(`{"clusters":[{"name":"a","cluster":{"server":"https://127.0.0.1:1"}}],"contexts":[{"name":"a","context":{"cluster":"a","user":"a"}}],"users":[{"name":"a","user":{"token":%q,"client-certificate-data":%q,"client-key-data":%q}}]}`,
		must(t, d.expired).Reveal(), base64.StdEncoding.EncodeToString(cert), base64.StdEncoding.EncodeToString(key)))
	got := d.run(t, "", []string{"-kubeconfig", both, "-user", "a"}, token.NewSecret(string(key)))
	if got.status != 1 || strings.Contains(got.stdout, "asked ") || strings.Contains(got.stdout, builder) || !strings.Contains(got.stdout, "The cluster was not asked") || !strings.Contains(got.stdout, "in 59 minutes") && !strings.Contains(got.stdout, "in 1 hour") {
		t.Errorf("%d, %s%s", got.status, got.stdout, got.stderr)
	}
}

// certificate returns a client certificate and its key, in PEM.
func certificate(t *testing.T) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})
}

// What a cluster says of the credential that it is asked with is not shown, however
// that is kept in the kubeconfig.
func TestEchoOfAsker(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch sent := r.Header.Get("Authorization"); {
		case r.URL.Path == "/version":
			if sent != "" {
				t.Errorf("%s with a credential", r.URL.Path)
			}
			answer(w, 200, object{"major": "1", "minor": "37", "gitVersion": "v1.37.1"})
		case strings.HasSuffix(r.URL.Path, "/tokenreviews"):
			answer(w, 201, object{"kind": "TokenReview", "apiVersion": "authentication.k8s.io/v1", "status": object{"error": "sent was " + sent}})
		default:
			refuse(w, 403, "Forbidden", "sent was "+sent)
		}
	}))
	t.Cleanup(server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	for name, user := range map[string]string{
		"token":     `{"token":"hunter2hunter3hunter4"}`,
		"tokenFile": fmt.Sprintf(`{"tokenFile":%q}`, d.write(t, "asker", "hunter2hunter3hunter4\n")),
		"password":  `{"username":"ann","password":"hunter2hunter3hunter4"}`,
	} {
		config := d.write(t, "echo-"+name, fmt.Sprintf(`{"clusters":[{"name":"a","cluster":{"server":%q,"certificate-authority-data":%q}}],"contexts":[{"name":"a","context":{"cluster":"a","user":"a"}}],"users":[{"name":"a","user":%s},{"name":"suspect","user":{"token":%q}}]}`,
			server.URL, base64.StdEncoding.EncodeToString(ca), user, must(t, d.good).Reveal()))
		basic := base64.StdEncoding.EncodeToString([]byte("ann:hunter2hunter3hunter4"))
		for _, args := range [][]string{{"-context", "a"}, {"-context", "a", "-user", "suspect"}} {
			got := d.run(t, must(t, d.good).Reveal(), append([]string{"-kubeconfig", config}, args...), token.NewSecret("hunter2hunter3hunter4"), token.NewSecret(basic))
			if got.status != 1 || !strings.Contains(got.stdout, "[redacted: it repeats a secret]") {
				t.Errorf("%s, %q: %d, %s%s", name, args, got.status, got.stdout, got.stderr)
			}
		}
	}
}

// clientcmd on its own would copy the kubeconfig of old to where it is today.
func TestNothingIsChanged(t *testing.T) {
	d := newDesk(t)
	today := clientcmd.RecommendedHomeFile
	t.Cleanup(func() { clientcmd.RecommendedHomeFile = today })
	t.Setenv("HOME", d.dir)
	if err := os.Mkdir(filepath.Join(d.dir, ".kube"), 0o700); err != nil {
		t.Fatal(err)
	}
	clientcmd.RecommendedHomeFile = filepath.Join(d.dir, ".kube", "config")
	d.write(t, filepath.Join(".kube", ".kubeconfig"), "{}")
	if got := d.run(t, must(t, d.good).Reveal(), []string{"-kubeconfig", d.kubeconfig, "-context", "demo"}); got.status != 0 {
		t.Errorf("%d, %s%s", got.status, got.stdout, got.stderr)
	}
	if _, err := os.Stat(clientcmd.RecommendedHomeFile); err == nil {
		t.Error("a kubeconfig was made")
	}
}
