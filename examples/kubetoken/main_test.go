package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
)

// The credentials that must not be printed.
const ourToken = "our-0wn-t0ken"

// theirToken returns the token of the account, which says what lifetime it has.
func theirToken() string {
	b64 := base64.RawURLEncoding.EncodeToString
	now := time.Now().Unix()
	claims := fmt.Sprintf(`{"iss":"https://kubernetes.default.svc","sub":"system:serviceaccount:ci:builder","aud":["https://kubernetes.default.svc","api"],"iat":%d,"exp":%d}`, now, now+3600)
	return b64([]byte(`{"alg":"RS256"}`)) + "." + b64([]byte(claims)) + "." + b64([]byte("signature"))
}

// cluster starts an API server that knows one service account, ci/builder, whose
// tokens live an hour, and two namespaces, and returns the name of a kubeconfig for
// it. It refuses what does not come with the right credential.
func cluster(t *testing.T, mayList bool) (kubeconfig, secret string) {
	secret = theirToken()
	answer := func(w http.ResponseWriter, status int, body string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
	failure := func(w http.ResponseWriter, status int, reason, message string) {
		answer(w, status, fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","status":"Failure","message":%q,"reason":%q,"code":%d}`, message, reason, status))
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/namespaces/{namespace}/serviceaccounts/{account}/token", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "Bearer "+ourToken:
			failure(w, 401, "Unauthorized", "Unauthorized")
		case r.PathValue("namespace") != "ci" || r.PathValue("account") != "builder":
			failure(w, 404, "NotFound", fmt.Sprintf("serviceaccounts %q not found", r.PathValue("account")))
		default:
			body, _ := io.ReadAll(r.Body)
			obj, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, nil)
			if err != nil {
				t.Error(err)
				return
			}
			req := obj.(*authenticationv1.TokenRequest)
			if asked := req.Spec.ExpirationSeconds; asked != nil && *asked > 3600 {
				w.Header().Set("Warning", fmt.Sprintf(`299 - "requested expiration of %d seconds shortened to 3600 seconds"`, *asked))
			}
			req.SetGroupVersionKind(authenticationv1.SchemeGroupVersion.WithKind("TokenRequest"))
			req.Spec.ExpirationSeconds = new(int64(3600))
			req.Status = authenticationv1.TokenRequestStatus{Token: secret, ExpirationTimestamp: metav1.NewTime(time.Now().Add(time.Hour))}
			body, _ = json.Marshal(req)
			answer(w, 201, string(body))
		}
	})
	mux.HandleFunc("GET /api/v1/namespaces", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "Bearer "+secret:
			failure(w, 401, "Unauthorized", "Unauthorized")
		case !mayList:
			failure(w, 403, "Forbidden", `namespaces is forbidden: User "system:serviceaccount:ci:builder" cannot list resource "namespaces"`)
		default:
			answer(w, 200, `{"kind":"NamespaceList","apiVersion":"v1","items":[{"metadata":{"name":"ci"}},{"metadata":{"name":"default"}}]}`)
		}
	})
	server := httptest.NewTLSServer(mux)
	t.Cleanup(server.Close)

	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	kubeconfig = filepath.Join(t.TempDir(), "config")
	text := fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","current-context":"test",
		"clusters":[{"name":"test","cluster":{"server":%q,"certificate-authority-data":%q}}],
		"users":[{"name":"me","user":{"token":%q}}],
		"contexts":[{"name":"test","context":{"cluster":"test","user":"me","namespace":"ci"}}]}`,
		server.URL, base64.StdEncoding.EncodeToString(ca), ourToken)
	if err := os.WriteFile(kubeconfig, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return kubeconfig, secret
}

func TestRun(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		mayList bool
		args    []string
		status  int
		stdout  string // all of it, but of the help
		stderr  string // a part of it
	}{
		{"listed", true, []string{"-serviceaccount", "builder"}, 0, "ci\ndefault\n", ""},
		{"namespace by flag", true, []string{"-serviceaccount", "builder", "-namespace", "ci", "-audience", "api"}, 0, "ci\ndefault\n", ""},
		{"shortened", true, []string{"-serviceaccount", "builder", "-lifetime", "2h"}, 0, "ci\ndefault\n", "kubetoken: shortened: token of service account ci/builder, good for 1h0m0s where 2h0m0s was asked for: the server has a maximum; the server says \"requested expiration of 7200 seconds shortened to 3600 seconds\"\n"},
		{"bad lifetime", true, []string{"-serviceaccount", "builder", "-lifetime", "2"}, 2, "", `kubetoken: invalid value "2" for flag -lifetime`},
		{"no right to list", false, []string{"-serviceaccount", "builder"}, 1, "", "kubetoken: listing namespaces: namespaces is forbidden"},
		{"no such account", true, []string{"-serviceaccount", "bulider"}, 1, "", `kubetoken: kube: token of service account ci/bulider: serviceaccounts "bulider" not found`},
		{"no account", true, nil, 2, "", "kubetoken: -serviceaccount is needed"},
		{"unknown flag", true, []string{"-x"}, 2, "", "kubetoken: flag provided but not defined: -x"},
		{"argument", true, []string{"-serviceaccount", "builder", "x"}, 2, "", `kubetoken: unexpected argument "x"`},
		{"no such kubeconfig", true, []string{"-serviceaccount", "builder", "-kubeconfig", "missing"}, 1, "", "kubetoken: no way to the cluster: "},
		{"help", true, []string{"-h"}, 0, usage, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			kubeconfig, secret := cluster(t, tt.mayList)
			var stdout, stderr bytes.Buffer
			args := append([]string{"-kubeconfig", kubeconfig}, tt.args...)
			if status := run(t.Context(), args, &stdout, &stderr); status != tt.status {
				t.Errorf("run(%q) = %d, want %d", tt.args, status, tt.status)
			}
			if stdout.String() != tt.stdout {
				t.Errorf("run(%q) wrote to stdout %q, want %q", tt.args, stdout.String(), tt.stdout)
			}
			lines := strings.Count(stderr.String(), "\n")
			if !strings.Contains(stderr.String(), tt.stderr) || (lines == 1) != (tt.stderr != "") {
				t.Errorf("run(%q) wrote to stderr %q, want one line with %q, or none", tt.args, stderr.String(), tt.stderr)
			}
			for _, s := range []string{secret, ourToken} {
				if strings.Contains(stdout.String()+stderr.String(), s) {
					t.Error("a credential was printed")
				}
			}
		})
	}
}

// stopper ends ctx once what is written has come.
type stopper struct {
	bytes.Buffer
	at   string
	stop context.CancelFunc
}

func (s *stopper) Write(p []byte) (int, error) {
	n, err := s.Buffer.Write(p)
	if strings.Contains(s.String(), s.at) {
		s.stop()
	}
	return n, err
}

func TestWatch(t *testing.T) {
	t.Parallel()
	kubeconfig, secret := cluster(t, true)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stdout, stderr := &stopper{at: "2 namespaces: ci default\n", stop: cancel}, new(bytes.Buffer)
	if status := run(ctx, []string{"-kubeconfig", kubeconfig, "-serviceaccount", "builder", "-watch"}, stdout, stderr); status != 0 {
		t.Errorf("run = %d, want 0", status)
	}
	if out := stdout.String(); !strings.Contains(out, "token: obtained in ") || strings.Contains(out, secret) || strings.Contains(out, "failed") {
		t.Errorf("run wrote %q, want the event of the token, not the token", out)
	}
	if stderr.Len() > 0 {
		t.Errorf("run wrote to stderr %q", stderr)
	}
}
