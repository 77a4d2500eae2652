package execcred_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"
	clientexec "k8s.io/client-go/tools/auth/exec"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/tokenlife/tokenlife/kube/execcred"
)

// client-go runs what Answer is the answer of, in both versions.
func TestClientGoReadsAnswer(t *testing.T) {
	t.Parallel()
	for _, version := range []string{execcred.V1, execcred.V1Beta1} {
		var sent []string
		server := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			sent = append(sent, r.Header.Get("Authorization"))
		}))
		defer server.Close()
		cfg := configOf(server)
		cfg.ExecProvider = &clientcmdapi.ExecConfig{
			APIVersion: version, Command: self(), ProvideClusterInfo: true, InteractiveMode: clientcmdapi.NeverExecInteractiveMode,
			Env: []clientcmdapi.ExecEnvVar{{Name: "ROLE", Value: "answers"}, {Name: "TOKEN", Value: `of<"` + version}},
		}
		client, err := rest.HTTPClientFor(cfg)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if diff := cmp.Diff([]string{`Bearer of<"` + version}, sent); diff != "" {
			t.Errorf("sent (-want +got):\n%s", diff)
		}
	}
}

// What client-go leaves in the environment is what ReadRequest reads, and what a
// Plugin leaves there client-go reads.
func TestClientGoRequest(t *testing.T) {
	t.Parallel()
	var told string
	server := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		value := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		text, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			t.Error(err)
		}
		told = string(text)
	}))
	defer server.Close()
	cfg := configOf(server)
	cfg.ExecProvider = &clientcmdapi.ExecConfig{
		APIVersion: execcred.V1, Command: self(), ProvideClusterInfo: true, InteractiveMode: clientcmdapi.NeverExecInteractiveMode,
		Env: []clientcmdapi.ExecEnvVar{{Name: "ROLE", Value: "tells"}},
	}
	client, err := rest.HTTPClientFor(cfg)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	text, ok := strings.CutPrefix(strings.SplitN(told, "\n", 2)[0], "KUBERNETES_EXEC_INFO=")
	if !ok {
		t.Fatalf("client-go left %q", told)
	}
	got, err := execcred.ParseRequest([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := execcred.Request{APIVersion: execcred.V1, Cluster: &execcred.Cluster{Server: server.URL, CertificateAuthorityData: cfg.CAData}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ReadRequest (-want +got):\n%s", diff)
	}

	want.Cluster = &execcred.Cluster{
		Server: "https://a.example", TLSServerName: "b.example", CertificateAuthorityData: []byte("PEM"),
		ProxyURL: "http://p.example", DisableCompression: true, Config: json.RawMessage(`{"audience":"x"}`),
	}
	left, err := execcred.Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	_, read, err := clientexec.LoadExecCredential([]byte(left))
	if err != nil {
		t.Fatal(err)
	}
	if read.Host != want.Cluster.Server || read.ServerName != "b.example" || string(read.CAData) != "PEM" || !read.DisableCompression || read.Proxy == nil {
		t.Errorf("client-go reads %s as %v", left, read)
	}
}

// What client-go has of an expirationTimestamp: it runs the plugin again when that is
// past, and uses the token until then.
func TestClientGoStamp(t *testing.T) {
	t.Parallel()
	s, p := newStock(t)
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	cfg := configOf(server)
	cfg.ExecProvider = &clientcmdapi.ExecConfig{
		APIVersion: execcred.V1, Command: self(), InteractiveMode: clientcmdapi.NeverExecInteractiveMode,
		Env: []clientcmdapi.ExecEnvVar{{Name: "ROLE", Value: "reads"}, {Name: "FILE", Value: s.file}},
	}
	client, err := rest.HTTPClientFor(cfg)
	if err != nil {
		t.Fatal(err)
	}
	get := func() {
		t.Helper()
		resp, err := client.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	s.put("old", -time.Second)
	get()
	get()
	if s.runs() != 2 {
		t.Errorf("%d runs for two requests with a token that is old on arrival", s.runs())
	}
	tok, err := p.Token(t.Context()) // where a Plugin says what is wrong
	failure(t, tok, err)
	s.put("new", time.Hour)
	get()
	get()
	if s.runs() != 4 {
		t.Errorf("%d runs", s.runs())
	}
}

// A stamp is read, or refused, as client-go does it.
func TestClientGoReadsStamp(t *testing.T) {
	t.Parallel()
	for _, stamp := range []string{
		`null`, `""`, `"0001-01-01T00:00:00Z"`, `"9999-12-31T23:59:59Z"`, `2082758400`, `"2082758400"`, `true`, `{}`,
		`"2036-01-01T00:00:00Z"`, `"2036-01-01T00:00:00.123456789Z"`, `"2036-01-01T00:00:00,5Z"`, `"2036-01-01T00:00:00+05:30"`,
		`"2036-01-01T00:00:00\u002B00:00"`, `"2036-01-01T00\u003a00:00\u005a"`, // as encoders write it that are shy of +
		`"2036-01-01t00:00:00z"`, `"2036-01-01 00:00:00Z"`, `"2036-01-01T00:00:00"`, `"2036-01-01T00:00Z"`, `"2036-01-01T00:00:00+0000"`,
		`"2036-01-01"`, `"2036-01-01T24:00:00Z"`, `"2036-02-30T00:00:00Z"`, `"2036-01-01T00:00:60Z"`, `" 2036-01-01T00:00:00Z"`, `"2036-01-01T00:00:00Z\n"`,
	} {
		text := []byte(request(`,"status":{"token":"t","expirationTimestamp":` + stamp + `}`))
		want, ok := clientGo(text)
		got, err := execcred.ReadCredential(text, execcred.V1, time.Now())
		switch {
		case ok != (err == nil):
			t.Errorf("%s: %v; client-go takes it: %v", stamp, err, ok)
		case ok && !want.Status.ExpirationTimestamp.IsZero() && !want.Status.ExpirationTimestamp.Time.Equal(got.Expiry):
			t.Errorf("%s: %v, and of client-go %v", stamp, got.Expiry, want.Status.ExpirationTimestamp)
		case !ok:
			says(t, err, "standard output: status.expirationTimestamp: no time of RFC 3339")
		}
	}
}
