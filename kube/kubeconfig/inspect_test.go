package kubeconfig

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/kube/execcred"
	"github.com/tokenlife/tokenlife/token"
)

// until returns what has the form of a signed JWT that ends then.
func until(end time.Time) string {
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	return part(`{"alg":"RS256"}`) + "." + part(fmt.Sprintf(`{"exp":%d}`, end.Unix())) + "." + part("signature")
}

// endless has the form of a signed JWT that does not say when it ends.
var endless = func() string {
	parts := strings.Split(until(time.Time{}), ".")
	return parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"u"}`)) + "." + parts[2]
}()

// certified returns a client certificate, and its key.
func certified(t *testing.T, from, to time.Time) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: to}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}

func b64(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// What there is of a credential, what is wrong with it, and what will become of it.
func TestInspect(t *testing.T) {
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // in a bubble
	soon, gone := now.Add(37*time.Minute), now.Add(-72*time.Hour)
	cert, key := certified(t, gone, soon)
	_, otherKey := certified(t, gone, soon)
	oldCert, oldKey := certified(t, gone.Add(-time.Hour), gone)
	newCert, newKey := certified(t, now.Add(3*time.Hour), now.Add(5*time.Hour))
	folder := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := file("good", until(soon)+"\n", 0o640)
	open := file("open", until(soon)+"\n", 0o604)
	long := file("long", strings.Repeat("x", token.MaxSize+1), 0o600)
	empty := file("empty", "", 0o600)
	program := file("plugin", "#!/bin/sh\n", 0o700)
	keyFile := file("key", key, 0o600)
	certFile := file("cert", cert, 0o644)
	const v1, v1beta1 = execcred.V1, execcred.V1Beta1
	oidc := func(config string) string {
		return `{auth-provider: {name: oidc, config: {idp-issuer-url: "https://i", client-id: c, ` + config + `}}}`
	}
	for _, test := range []struct {
		name, user string
		kind       Kind
		expiry     time.Time
		problems   []string
		outlook    string
	}{
		{"nothing", `{}`, None, time.Time{}, nil, "There is no credential: kubectl asks for a name and a password, which no API server takes, and other programs send nothing; give the user one with kubectl config set-credentials u"},

		{"token", `{token: ` + until(soon) + `}`, Token, soon, nil, "The token expires in 37 minutes and nothing refreshes it: then put a new one there with kubectl config set-credentials u --token=..."},
		{"expired token", `{token: ` + until(gone) + `}`, Token, gone, nil, "The token expired 3 days ago and nothing refreshes it: put a new one there with kubectl config set-credentials u --token=..."},
		{"opaque token", `{token: abc}`, Token, time.Time{}, nil, "The token does not say when it ends and nothing refreshes it: once it is refused, put a new one there with kubectl config set-credentials u --token=..."},
		{"token with white space", `{token: "abc\n"}`, Token, time.Time{}, []string{"the token has white space in it, or characters that no token has, and is sent as it is: remove them"}, ""},
		{"half a token", `{token: ` + until(soon)[:40] + `}`, Token, time.Time{}, []string{"the token is not whole (segments: 2 of them, where a signed token has 3 and an encrypted one 5: was it cut off?); put it there again"}, ""},

		{"in groups, as nobody", `{token: abc, as-groups: [g]}`, Token, time.Time{}, []string{"there is an as-uid or as-groups, and no as: kubectl refuses to go on; add it, or remove them"}, ""},
		{"by a UID, as nobody", `{token: abc, as-uid: "1"}`, Token, time.Time{}, []string{"there is an as-uid or as-groups, and no as: kubectl refuses to go on; add it, or remove them"}, ""},
		{"in groups, as somebody", `{token: abc, as: a, as-groups: [g], as-uid: "1"}`, Token, time.Time{}, nil, ""},

		{"token file", `{tokenFile: ` + good + `}`, TokenFile, soon, nil, "The token in " + good + " expires in 37 minutes: what writes it is to put a new one there, which kubectl reads within a minute"},
		{"token file for all", `{tokenFile: ` + open + `}`, TokenFile, soon, []string{"everybody on this machine can read " + open + ", which has a secret in it: chmod go-rwx it"}, ""},
		{"no token file", `{tokenFile: /nowhere/t}`, TokenFile, time.Time{}, []string{"the tokenFile is no good: stat /nowhere/t: no such file or directory; is what writes it running, and the path right?"}, "There is no token in /nowhere/t, and nothing is sent until there is: look at what writes it"},
		{"empty token file", `{tokenFile: ` + empty + `}`, TokenFile, time.Time{}, []string{"the tokenFile is no good: " + empty + " is empty: whoever writes it has not written a token yet; is it the right file?"}, ""},
		{"long token file", `{tokenFile: ` + long + `}`, TokenFile, time.Time{}, []string{"the tokenFile is no good: " + long + " is longer than a token can be (" + strconv.Itoa(token.MaxSize) + " bytes): is it the right file?"}, ""},
		{"token and no token file", `{token: abc, tokenFile: /nowhere/t}`, TokenFile, time.Time{}, []string{
			"there is a token and a tokenFile: the file counts, and the token is sent only while that cannot be read; remove one of them",
			"the tokenFile is no good: stat /nowhere/t: no such file or directory; is what writes it running, and the path right?",
		}, "There is no token in /nowhere/t, and that in the kubeconfig is sent until there is: look at what writes it"},

		{"password", `{username: a, password: b}`, Basic, time.Time{}, []string{"the API server takes no passwords since Kubernetes 1.19; give the user another credential"}, "The password is refused by every API server since Kubernetes 1.19: give the user another credential with kubectl config set-credentials u"},

		{"certificate", `{client-certificate-data: ` + b64(cert) + `, client-key-data: ` + b64(key) + `}`, Certificate, soon, nil, "The client certificate expires in 37 minutes and nothing renews it: before that, have a new one signed, and put it there with kubectl config set-credentials u --client-certificate=... --client-key=..."},
		{"certificate behind its key", `{client-certificate-data: ` + b64(key+cert) + `, client-key-data: ` + b64(key) + `}`, Certificate, soon, nil, ""},
		{"certificate in files", `{client-certificate: ` + certFile + `, client-key: ` + keyFile + `}`, Certificate, soon, nil, ""},
		{"expired certificate", `{client-certificate-data: ` + b64(oldCert) + `, client-key-data: ` + b64(oldKey) + `}`, Certificate, gone, []string{"the client certificate expired 3 days ago, on 1999-12-29T00:00:00Z: have a new one signed"}, "The client certificate expired 3 days ago and nothing renews it: have a new one signed, and put it there with kubectl config set-credentials u --client-certificate=... --client-key=..."},
		{"certificate of the future", `{client-certificate-data: ` + b64(newCert) + `, client-key-data: ` + b64(newKey) + `}`, Certificate, now.Add(5 * time.Hour), []string{"the client certificate is not valid before 2000-01-01T03:00:00Z, which is in 3 hours by this machine's clock: is that right?"}, ""},
		{"certificate with another key", `{client-certificate-data: ` + b64(cert) + `, client-key-data: ` + b64(otherKey) + `}`, Certificate, soon, []string{"the client-key does not go with the client-certificate: private key does not match public key; put both there again"}, ""},
		{"certificate twice", `{client-certificate: ` + certFile + `, client-certificate-data: ` + b64(cert) + `, client-key-data: ` + b64(key) + `}`, Certificate, soon, []string{"there is a client-certificate-data and a client-certificate: the first counts, and kubectl refuses to go on; remove one of them"}, ""},
		{"key twice", `{client-certificate-data: ` + b64(cert) + `, client-key: ` + keyFile + `, client-key-data: ` + b64(key) + `}`, Certificate, soon, []string{"there is a client-key-data and a client-key: the first counts, and kubectl refuses to go on; remove one of them"}, ""},
		{"certificate without a key", `{client-certificate-data: ` + b64(cert) + `}`, Certificate, soon, []string{"there is a client-certificate, and no client-key: kubectl refuses to go on; add it, or remove the certificate"}, ""},
		{"key without a certificate", `{client-key-data: ` + b64(key) + `}`, None, time.Time{}, []string{"there is a client-key, and no client-certificate: kubectl sends neither; add it, or remove the key"}, ""},
		{"no certificate", `{client-certificate-data: ` + b64("x") + `, client-key-data: ` + b64(key) + `}`, Certificate, time.Time{}, []string{"the client-certificate is none that can be read: there is none in PEM form in it; put it there again"}, "The client certificate cannot be read: have a new one signed, and put it there with kubectl config set-credentials u --client-certificate=... --client-key=..."},
		{"certificate in a folder", `{client-certificate: ` + folder + `, client-key: ` + keyFile + `}`, Certificate, time.Time{}, []string{"the file of the client-certificate cannot be read: " + folder + " is not a regular file; name one, since it is read more than once"}, ""},
		{"no certificate file", `{client-certificate: /nowhere/c, client-key: ` + keyFile + `}`, Certificate, time.Time{}, []string{"the file of the client-certificate cannot be read: stat /nowhere/c: no such file or directory; is what writes it running, and the path right?"}, ""},

		{"plugin", `{exec: {command: ` + program + `, apiVersion: ` + v1 + `, interactiveMode: Never}}`, Exec, time.Time{}, nil, "kubectl runs the plugin " + program + " each time it starts, and again when its credential has expired or was refused: if that fails, run the plugin by hand to see why"},
		{"plugin without a mode", `{exec: {command: ` + program + `, apiVersion: ` + v1 + `}}`, Exec, time.Time{}, []string{"exec.interactiveMode is missing, which v1 requires: set it to Never, IfAvailable or Always"}, ""},
		{"plugin with another mode", `{exec: {command: ` + program + `, apiVersion: ` + v1 + `, interactiveMode: Maybe}}`, Exec, time.Time{}, []string{"exec.interactiveMode is none that kubectl knows: set it to Never, IfAvailable or Always"}, ""},
		{"plugin of v1beta1 without a mode", `{exec: {command: ` + program + `, apiVersion: ` + v1beta1 + `}}`, Exec, time.Time{}, nil, ""},
		{"plugin of v1alpha1", `{exec: {command: ` + program + `, apiVersion: client.authentication.k8s.io/v1alpha1, interactiveMode: Never}}`, Exec, time.Time{}, []string{"exec.apiVersion is v1alpha1, which kubectl does not know since 1.24: update the plugin, and set it to client.authentication.k8s.io/v1"}, ""},
		{"plugin without a version", `{exec: {command: ` + program + `, interactiveMode: Never}}`, Exec, time.Time{}, []string{"exec.apiVersion is missing: set it to client.authentication.k8s.io/v1, or to what the plugin's documentation says"}, ""},
		{"plugin of another version", `{exec: {command: ` + program + `, apiVersion: v2, interactiveMode: Never}}`, Exec, time.Time{}, []string{"exec.apiVersion is none that kubectl knows: set it to client.authentication.k8s.io/v1"}, ""},
		{"plugin without a command", `{exec: {apiVersion: ` + v1 + `, interactiveMode: Never}}`, Exec, time.Time{}, []string{"exec.command is missing: set it to the program that gets the credential"}, ""},
		{"plugin that is not in PATH", `{exec: {command: kubectl-no-such, apiVersion: ` + v1 + `, interactiveMode: Never, installHint: "brew\nit"}}`, Exec, time.Time{}, []string{`the plugin kubectl-no-such is in no folder of PATH; install it, as the kubeconfig says: "brew\nit"`}, ""},
		{"plugin that is not there", `{exec: {command: /no/such, apiVersion: ` + v1 + `, interactiveMode: Never}}`, Exec, time.Time{}, []string{`there is no program at /no/such, which is the plugin: install it, or set exec.command to where it is`}, ""},

		{"OpenID", oidc(`id-token: ` + until(soon) + `, refresh-token: r`), OpenID, soon, nil, "The ID token expires in 37 minutes, and kubectl then gets another with the refresh token; if the issuer refuses that, log in again"},
		{"expired OpenID", oidc(`id-token: ` + until(gone) + `, refresh-token: r`), OpenID, gone, nil, "The ID token expired 3 days ago: kubectl gets another with the refresh token at the next call; if the issuer refuses that, log in again"},
		{"OpenID without an ID token", oidc(`refresh-token: r`), OpenID, time.Time{}, nil, "There is no ID token yet: kubectl gets one with the refresh token; if the issuer refuses that, log in again"},
		{"OpenID without a refresh token", oidc(`id-token: ` + until(soon)), OpenID, soon, []string{"there is no refresh-token: the login ends with its ID token; ask for the scope offline_access when you log in"}, "The ID token expires in 37 minutes, and there is no refresh token to get another with: then log in again"},
		{"expired OpenID without a refresh token", oidc(`id-token: ` + until(gone)), OpenID, gone, []string{"there is no refresh-token: the login ends with its ID token; ask for the scope offline_access when you log in"}, "The ID token expired 3 days ago, and there is no refresh token to get another with: log in again"},
		{"OpenID without either", oidc(`x: z`), OpenID, time.Time{}, []string{"there is no refresh-token: the login ends with its ID token; ask for the scope offline_access when you log in"}, "There is no ID token, and no refresh token to get one with: log in again"},
		{"OpenID with another token", oidc(`id-token: abc, refresh-token: r`), OpenID, time.Time{}, []string{"the id-token is no JWT, so that kubectl refuses to go on, and does not refresh it either: log in again"}, "The ID token does not say when it ends, and kubectl may refuse it: log in again"},
		{"OpenID without an end", oidc(`id-token: ` + endless + `, refresh-token: r`), OpenID, time.Time{}, []string{"the id-token does not say when it ends, as each must, so that kubectl gets another for every call: log in again"}, ""},
		{"OpenID without an end and a refresh token", oidc(`id-token: ` + endless), OpenID, time.Time{}, []string{"there is no refresh-token: the login ends with its ID token; ask for the scope offline_access when you log in", "the id-token does not say when it ends, as each must, so that kubectl does not send it: log in again"}, ""},
		{"OpenID of nobody", `{auth-provider: {name: oidc, config: {refresh-token: r}}}`, OpenID, time.Time{}, []string{
			"auth-provider.config.idp-issuer-url is missing, without which kubectl refuses to go on: set it with kubectl config set-credentials u --auth-provider-arg=idp-issuer-url=...",
			"auth-provider.config.client-id is missing, without which kubectl refuses to go on: set it with kubectl config set-credentials u --auth-provider-arg=client-id=...",
		}, ""},

		{"gcp", `{auth-provider: {name: gcp}}`, AuthProvider, time.Time{}, []string{"the auth-provider gcp is gone since Kubernetes 1.26: install gke-gcloud-auth-plugin, and run gcloud container clusters get-credentials"}, "No kubectl knows this auth-provider any more: every call fails until the user has another credential, such as an exec plugin"},
		{"azure", `{auth-provider: {name: azure}}`, AuthProvider, time.Time{}, []string{"the auth-provider azure is gone since Kubernetes 1.26: install kubelogin of Azure, and run kubelogin convert-kubeconfig"}, ""},
		{"another", `{auth-provider: {name: "a b"}}`, AuthProvider, time.Time{}, []string{`kubectl knows no auth-provider "a b", nor any other but oidc: use an exec plugin`}, ""},
		{"no name", `{auth-provider: {config: {}}}`, AuthProvider, time.Time{}, []string{"auth-provider.name is missing: set it to oidc, or use an exec plugin"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := put(t, "users:\n- name: u\n  user: "+test.user+"\n")
			synctest.Test(t, func(t *testing.T) {
				u, err := Files{path}.User("u")
				if err != nil {
					t.Fatal(err)
				}
				if u.Kind != test.kind || !u.Expiry.Equal(test.expiry) || u.Name != "u" || u.File != path {
					t.Errorf("%v until %v, want %v until %v", u.Kind, u.Expiry, test.kind, test.expiry)
				}
				if diff := cmp.Diff(test.problems, u.Problems); diff != "" {
					t.Errorf("problems (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(test.outlook, u.Outlook()); diff != "" && test.outlook != "" {
					t.Errorf("outlook (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A plugin is told of the cluster if the kubeconfig wants that, and nobody is asked to
// run it.
func TestInspectPlugin(t *testing.T) {
	t.Parallel()
	path := put(t, `
current-context: two
contexts:
- {name: one, context: {cluster: a, user: u}}
- {name: two, context: {cluster: b, user: u}}
clusters:
- {name: a, cluster: {server: "https://a"}}
- name: b
  cluster:
    server: https://b
    tls-server-name: ns
    insecure-skip-tls-verify: true
    disable-compression: true
    proxy-url: http://p
    certificate-authority: ca
    extensions:
    - {name: other, extension: {}}
    - {name: client.authentication.k8s.io/exec, extension: {audience: "1", n: 1}}
users:
- name: u
  user:
    exec: {command: ./p, args: [a], env: [{name: NAME, value: v}], apiVersion: client.authentication.k8s.io/v1, provideClusterInfo: true, installHint: h}
`)
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "ca"), []byte("PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	u, err := Files{path}.User("")
	if err != nil {
		t.Fatal(err)
	}
	want := &execcred.Plugin{
		Command: filepath.Join(filepath.Dir(path), "p"), Args: []string{"a"}, Env: []string{"NAME=v"}, InstallHint: "h",
		Request: execcred.Request{APIVersion: execcred.V1, Cluster: &execcred.Cluster{
			Server: "https://b", TLSServerName: "ns", InsecureSkipTLSVerify: true, DisableCompression: true, ProxyURL: "http://p",
			CertificateAuthorityData: []byte("PEM"), Config: json.RawMessage(`{"audience":"1","n":1}`),
		}},
	}
	if diff := cmp.Diff(want, u.Exec); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	silent := put(t, strings.Replace(string(text), "provideClusterInfo: true", "provideClusterInfo: false", 1))
	if u, err := (Files{silent}).User(""); err != nil || u.Exec.Request.Cluster != nil {
		t.Errorf("it is told of the cluster: %v", err)
	}
	if _, err := u.Exec.Token(t.Context()); err == nil || !strings.Contains(err.Error(), "Allow") {
		t.Errorf("it runs: %v", err)
	}
	if diff := cmp.Diff([]string{"one", "two"}, u.Contexts); diff != "" || !u.Current {
		t.Errorf("current %t, contexts (-want +got):\n%s", u.Current, diff)
	}
}

// Nothing that a kubeconfig names is run by whatever looks at it.
func TestNothingIsRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ran := filepath.Join(dir, "ran")
	program := filepath.Join(dir, "program")
	if err := os.WriteFile(program, []byte("#!/bin/sh\ntouch "+ran+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	path := put(t, "users:\n- name: u\n  user: {token: opaque, exec: {command: "+program+", apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never}}\n")
	files := Files{path}
	_, err1 := files.Inspect()
	_, err2 := files.User("u")
	_, err3 := files.Forget(t.Context(), "u")
	_, err4 := files.Diagnose(t.Context(), "u", nil)
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(ran); !os.IsNotExist(err) {
		t.Errorf("the program ran: %v", err)
	}
}

// A User shows no secret, however it is printed.
func TestUserHidesSecrets(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	path := put(t, `
contexts: [{name: c, context: {cluster: c, user: a}}]
users:
- {name: a, user: {token: hunter2, username: hunter2, password: hunter2, exec: {command: c, args: [hunter2], env: [{name: A, value: hunter2}]}}}
- {name: b, user: {client-certificate-data: aHVudGVyMg==, client-key-data: aHVudGVyMg==}}
- {name: c, user: {auth-provider: {name: oidc, config: {id-token: hunter2, refresh-token: hunter2, client-secret: hunter2}}}}
- {name: d, user: {token: "hunter2 x"}}
- {name: e, user: {token: eyJhbGciOiJSUzI1NiJ9.hunter2}}
`)
	users, err := Files{path}.Inspect()
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range users {
		var log strings.Builder
		slog.New(slog.NewJSONHandler(&log, nil)).Info("user", "user", u)
		asJSON, err := json.Marshal(u)
		if err != nil {
			t.Error(err)
		}
		for _, text := range []string{fmt.Sprint(u), fmt.Sprintf("%+v", u), fmt.Sprintf("%#v", u), fmt.Sprintf("%+v", &u), log.String(), string(asJSON), u.Outlook(), u.Kind.String()} {
			for _, secret := range []string{secret, "aHVudGVyMg", fmt.Sprintf("%x", secret), "104 117 110 116"} {
				if strings.Contains(text, secret) {
					t.Errorf("%s: %s", u.Name, text)
				}
			}
		}
	}
}

// A Kind that there is not has a name too.
func TestKindString(t *testing.T) {
	t.Parallel()
	if got := Kind(len(kinds)).String() + Kind(-1).String() + OpenID.String(); got != "Kind(8)Kind(-1)OpenID Connect" {
		t.Errorf("%s", got)
	}
}

// Whoever made a name cannot make it look like something else.
func TestShow(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"a": "a", "/x/y": "/x/y", "": `""`, "a b": `"a b"`, "a\x1b[1m": `"a\x1b[1m"`, "a\nb": `"a\nb"`, strings.Repeat("x", 300): `"` + strings.Repeat("x", 200) + `..."`} {
		if got := show(name); got != want {
			t.Errorf("%q is shown as %s, want %s", name, got, want)
		}
	}
}

// Nor does what a kubeconfig names come through an error.
func TestProblemsArePrintable(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 5000)
	path := put(t, `
users:
- name: "u\e[2J"
  user:
    tokenFile: "/a\e[2J\n`+long+`"
    client-certificate: "/b\e[2J`+long+`"
    client-key: "/c\e[2J\u202e`+long+`"
    exec: {command: "/d\e[2J`+long+`", installHint: "\e[2J`+long+`"}
    auth-provider: {name: "\e[2J`+long+`"}
- name: pem
  user: {client-certificate-data: `+b64("-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n")+`, client-key-data: `+b64("-----BEGIN \x1b[2J-----\nYQ==\n-----END \x1b[2J-----\n")+`}
contexts: [{name: "c\e[2J`+long+`", context: {user: "u\e[2J", cluster: "k\e[2J`+long+`"}}]
`)
	users, err := Files{path}.Inspect()
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range users {
		for _, text := range append(u.Problems, u.Outlook()) {
			if strings.ContainsAny(text, "\x1b\n\u202e") || len(text) > 1000 {
				t.Errorf("%q", text)
			}
		}
	}
}

// Durations are in words that a person would use.
func TestLong(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "a second", time.Second: "a second", 119 * time.Second: "119 seconds", 2 * time.Minute: "2 minutes", 119 * time.Minute: "119 minutes",
		2 * time.Hour: "2 hours", 47 * time.Hour: "47 hours", 48 * time.Hour: "2 days", 365 * 24 * time.Hour: "365 days",
	} {
		if got := long(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
	if got := in(0) + "/" + ago(0) + "/" + in(time.Hour) + "/" + ago(time.Hour); got != "at once/just now/in 60 minutes/60 minutes ago" {
		t.Error(got)
	}
}

var _ token.Source = (*execcred.Plugin)(nil)
