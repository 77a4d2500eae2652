package kube_test

import (
	"context"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// server is an API server that accepts one bearer token.
type server struct {
	*httptest.Server
	accept string
	seen   []http.Header
}

func newServer(t *testing.T, tls bool) *server {
	s := new(server)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.seen = append(s.seen, r.Header)
		if r.Header.Get("Authorization") != "Bearer "+s.accept {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	if tls {
		s.Server = httptest.NewTLSServer(h)
	} else {
		s.Server = httptest.NewServer(h)
	}
	t.Cleanup(s.Close)
	return s
}

func get(t *testing.T, cfg *rest.Config, url string) (int, error) {
	t.Helper()
	client, err := rest.HTTPClientFor(cfg)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Get(url)
	if err != nil {
		return 0, err
	}
	resp.Body.Close()
	return resp.StatusCode, nil
}

func TestConfigHasOneCredential(t *testing.T) {
	s := newServer(t, true)
	s.accept = "ours"
	cfg := &rest.Config{
		Host:            s.URL,
		BearerToken:     "theirs",
		BearerTokenFile: "/nonexistent",
		Username:        "admin", Password: "password",
		AuthProvider: &clientcmdapi.AuthProviderConfig{Name: "nonexistent"},
		ExecProvider: &clientcmdapi.ExecConfig{Command: "nonexistent"},
		Impersonate:  rest.ImpersonationConfig{UserName: "jane"},
		UserAgent:    "test",
	}
	cfg.CAData = caOf(s.Server)
	cfg.CertFile, cfg.KeyFile = "/nonexistent", "/nonexistent"

	c := kube.Config(cfg, token.Static(token.Token{Value: token.NewSecret("ours")}))
	status, err := get(t, c, s.URL)
	if err != nil || status != http.StatusOK {
		t.Fatalf("status %d, error %v", status, err)
	}
	if h := s.seen[0]; h.Get("Impersonate-User") != "jane" || h.Get("User-Agent") != "test" {
		t.Errorf("headers %v", h)
	}
	if cfg.BearerToken != "theirs" || cfg.WrapTransport != nil {
		t.Error("the given configuration was changed")
	}
	if text := c.String() + c.GoString(); strings.Contains(text, "ours") || strings.Contains(text, "theirs") {
		t.Errorf("the configuration prints as %s", text)
	}
}

// The first 401 is retried inside.
func TestConfigRetries(t *testing.T) {
	s := newServer(t, true)
	s.accept = "second"
	n := 0
	src := refresh.New(token.SourceFunc(func(context.Context) (token.Token, error) {
		n++
		return token.Token{Value: token.NewSecret([]string{"first", "second"}[n-1]), ExpiresIn: time.Hour}, nil
	}))
	cfg := &rest.Config{Host: s.URL}
	cfg.CAData = caOf(s.Server)
	if status, err := get(t, kube.Config(cfg, src), s.URL); err != nil || status != http.StatusOK || n != 2 || len(s.seen) != 2 {
		t.Errorf("status %d, error %v, %d tokens, %d requests", status, err, n, len(s.seen))
	}
}

// token.Wrap fits client-go's own hook, for a configuration that has no other
// credential.
func TestWrap(t *testing.T) {
	s := newServer(t, true)
	s.accept = "ours"
	cfg := &rest.Config{Host: s.URL}
	cfg.CAData = caOf(s.Server)
	cfg.Wrap(token.Wrap(token.Static(token.Token{Value: token.NewSecret("ours")})))
	if status, err := get(t, cfg, s.URL); err != nil || status != http.StatusOK {
		t.Errorf("status %d, error %v", status, err)
	}
}

// The token goes to the configured server only, and not in the clear.
func TestConfigOrigin(t *testing.T) {
	s, other := newServer(t, true), newServer(t, true)
	src := token.Static(token.Token{Value: token.NewSecret("ours")})
	cfg := &rest.Config{Host: s.URL}
	cfg.Insecure = true
	get(t, kube.Config(cfg, src), other.URL)
	if h := other.seen[0].Get("Authorization"); h != "" {
		t.Errorf("another server got %q", h)
	}

	plain := &rest.Config{Host: "http://kubernetes.invalid"}
	if _, err := get(t, kube.Config(plain, src), plain.Host); err == nil || !strings.Contains(err.Error(), "https") {
		t.Errorf("in the clear: %v", err)
	}
	// kubectl proxy listens on loopback.
	local := newServer(t, false)
	local.accept = "ours"
	if status, err := get(t, kube.Config(&rest.Config{Host: local.URL}, src), local.URL); err != nil || status != http.StatusOK {
		t.Errorf("on loopback: status %d, %v", status, err)
	}
}

// A host without a scheme is https if anything says so, even if that is the
// client certificate that is left out.
func TestConfigScheme(t *testing.T) {
	for _, test := range []struct {
		cfg  rest.Config
		want string
	}{
		{rest.Config{Host: "10.0.0.1:6443", TLSClientConfig: rest.TLSClientConfig{CertData: []byte("x")}}, "https://10.0.0.1:6443"},
		{rest.Config{Host: "10.0.0.1:6443", TLSClientConfig: rest.TLSClientConfig{CAData: []byte("x")}}, "https://10.0.0.1:6443"},
		{rest.Config{Host: "https://example/prefix"}, "https://example/prefix"},
		{rest.Config{Host: "10.0.0.1:8080"}, "http://10.0.0.1:8080"},
	} {
		if got := kube.Config(&test.cfg, token.Static(token.Token{})).Host; got != test.want {
			t.Errorf("Host %s became %s, want %s", test.cfg.Host, got, test.want)
		}
	}
}

// caOf returns the certificate of s as PEM.
func caOf(s *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}
