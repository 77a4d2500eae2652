package kube_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/flowcontrol"

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

	// A proxy such as Rancher's serves a cluster below a path.
	cfg.Host, s.accept = s.URL+"/k8s/clusters/c-1", "ours"
	if status, err := get(t, kube.Config(cfg, src), cfg.Host); err != nil || status != http.StatusOK {
		t.Errorf("below a path: status %d, %v", status, err)
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

// A redirect is followed on the server itself, and to no other host: that would get
// what is in the body, and its answer would be believed.
func TestConfigRedirect(t *testing.T) {
	var leads string
	asked := 0
	other := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	t.Cleanup(other.Close)
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			w.Header().Set("Location", leads)
			w.WriteHeader(http.StatusTemporaryRedirect)
		}
	}))
	t.Cleanup(s.Close)
	cfg := &rest.Config{Host: s.URL}
	cfg.Insecure = true
	client, err := rest.HTTPClientFor(kube.Config(cfg, token.Static(token.Token{Value: token.NewSecret("ours")})))
	if err != nil {
		t.Fatal(err)
	}
	post := func(to string) error {
		leads = to
		resp, err := client.Post(s.URL, "text/plain", strings.NewReader("secret"))
		if err == nil {
			resp.Body.Close()
		}
		return err
	}
	for _, near := range []string{"/there", s.URL + "/there", strings.ToUpper(s.URL[:5]) + s.URL[5:] + "/there"} {
		if err := post(near); err != nil {
			t.Errorf("to %s: %v", near, err)
		}
	}
	for _, far := range []string{other.URL, strings.Replace(s.URL, "https:", "http:", 1), strings.Replace(s.URL, "127.0.0.1", "localhost", 1)} {
		said := post(far)
		if said == nil || !strings.Contains(said.Error(), s.URL+" redirects to another host, and is not followed there") {
			t.Errorf("to %s: %v", far, said)
		}
		_, err := kube.NewSource(creator(func(string, *authenticationv1.TokenRequest) (*authenticationv1.TokenRequest, error) {
			return nil, said
		}), "builder").Token(t.Context())
		if e, ok := errors.AsType[*kube.Error](err); !ok || e.Reason != kube.BadAnswer || !strings.Contains(e.Remedy, "the page of a proxy") {
			t.Errorf("to %s, for a Source: %v", far, err)
		}
	}
	if asked != 0 {
		t.Errorf("the other host was asked %d times", asked)
	}
	if closer, ok := client.Transport.(interface{ CloseIdleConnections() }); !ok {
		t.Error("its connections cannot be closed")
	} else {
		closer.CloseIdleConnections()
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

// kept are the fields of a rest.Config that Config keeps, and left those that
// would authenticate with something else.
var (
	kept = []string{"Host", "APIPath", "ContentConfig", "Impersonate", "Insecure", "ServerName", "CAFile", "CAData", "NextProtos",
		"UserAgent", "DisableCompression", "Transport", "WrapTransport", "QPS", "Burst", "RateLimiter", "WarningHandler",
		"WarningHandlerWithContext", "Timeout", "Dial", "Proxy"}
	left = []string{"Username", "Password", "BearerToken", "BearerTokenFile", "AuthProvider", "AuthConfigPersister", "ExecProvider",
		"CertFile", "CertData", "KeyFile", "KeyData"}
)

// Every field is either kept or left: one that a later client-go adds has to be
// looked at.
func TestConfigFields(t *testing.T) {
	full := &rest.Config{
		Host: "https://cluster.example", APIPath: "/apis", ContentConfig: rest.ContentConfig{ContentType: "application/json"},
		Username: "x", Password: "x", BearerToken: "x", BearerTokenFile: "x",
		Impersonate:  rest.ImpersonationConfig{UserName: "jane", UID: "1", Groups: []string{"a"}, Extra: map[string][]string{"b": {"c"}}},
		AuthProvider: &clientcmdapi.AuthProviderConfig{Name: "x"}, AuthConfigPersister: persister{}, ExecProvider: &clientcmdapi.ExecConfig{},
		TLSClientConfig: rest.TLSClientConfig{Insecure: true, ServerName: "n", CertFile: "x", KeyFile: "x", CAFile: "ca",
			CertData: []byte("x"), KeyData: []byte("x"), CAData: []byte("ca"), NextProtos: []string{"h2"}},
		UserAgent: "test", DisableCompression: true, Transport: http.DefaultTransport,
		WrapTransport: func(rt http.RoundTripper) http.RoundTripper { return rt },
		QPS:           1, Burst: 2, RateLimiter: flowcontrol.NewFakeAlwaysRateLimiter(), WarningHandler: rest.NoWarnings{},
		WarningHandlerWithContext: rest.NoWarnings{}, Timeout: time.Second,
		Dial:  func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("not here") },
		Proxy: http.ProxyFromEnvironment,
	}
	got := kube.Config(full, token.Static(token.Token{}))
	var check func(before, after reflect.Value)
	check = func(before, after reflect.Value) {
		for i := range before.NumField() {
			name, before, after := before.Type().Field(i).Name, before.Field(i), after.Field(i)
			switch {
			case name == "TLSClientConfig":
				check(before, after)
			case before.IsZero():
				t.Errorf("this test does not set %s", name)
			case slices.Contains(kept, name):
				same := before.Kind() == reflect.Func && !after.IsNil() || reflect.DeepEqual(before.Interface(), after.Interface())
				if !same {
					t.Errorf("%s is not kept", name)
				}
			case slices.Contains(left, name):
				if !after.IsZero() {
					t.Errorf("%s is not left out", name)
				}
			default:
				t.Errorf("%s is new: can it authenticate?", name)
			}
		}
	}
	check(reflect.ValueOf(*full), reflect.ValueOf(*got))
}

type persister struct{}

func (persister) Persist(map[string]string) error { return nil }

// A client certificate is not shown, not even on a connection that the
// configuration it came in has opened before.
func TestConfigClientCertificate(t *testing.T) {
	var certificates []int
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		certificates = append(certificates, len(r.TLS.PeerCertificates))
	}))
	s.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	s.StartTLS()
	t.Cleanup(s.Close)
	key, err := x509.MarshalPKCS8PrivateKey(s.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	cfg := &rest.Config{Host: s.URL}
	cfg.CAData = caOf(s)
	cfg.CertData, cfg.KeyData = cfg.CAData, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
	for _, cfg := range []*rest.Config{cfg, kube.Config(cfg, token.Static(token.Token{Value: token.NewSecret("ours")}))} {
		if _, err := get(t, cfg, s.URL); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(certificates, []int{1, 0}) {
		t.Errorf("client certificates shown: %v, want one, and none by Config", certificates)
	}
}

// The wrappers of the configuration see the token, and what Config puts around
// them goes with a copy of the configuration but not with an anonymous one.
func TestConfigWraps(t *testing.T) {
	s := newServer(t, true)
	s.accept = "ours"
	var seen []string
	cfg := &rest.Config{Host: s.URL}
	cfg.CAData = caOf(s.Server)
	cfg.Wrap(func(base http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			seen = append(seen, r.Header.Get("Authorization"))
			return base.RoundTrip(r)
		})
	})
	as := kube.Config(cfg, token.Static(token.Token{Value: token.NewSecret("ours")}))
	for _, test := range []struct {
		cfg    *rest.Config
		status int
	}{
		{as, http.StatusOK}, {rest.CopyConfig(as), http.StatusOK}, {rest.AnonymousClientConfig(as), http.StatusUnauthorized},
		{kube.Config(as, token.Static(token.Token{Value: token.NewSecret("another")})), http.StatusUnauthorized},
	} {
		if status, err := get(t, test.cfg, s.URL); err != nil || status != test.status {
			t.Errorf("status %d, want %d; %v", status, test.status, err)
		}
	}
	if want := []string{"Bearer ours", "Bearer ours", "Bearer another"}; !slices.Equal(seen, want) {
		t.Errorf("the wrapper saw %q, want %q", seen, want)
	}
}

// Without a Source nothing is sent, and without a server there is nowhere to send
// it.
func TestConfigIncomplete(t *testing.T) {
	s := newServer(t, true)
	cfg := &rest.Config{Host: s.URL}
	cfg.CAData = caOf(s.Server)
	if _, err := get(t, kube.Config(cfg, nil), s.URL); err == nil || len(s.seen) != 0 {
		t.Errorf("without a Source: %v, %d requests", err, len(s.seen))
	}
	for _, host := range []string{"https://[::1", "https://a b", "http:// x"} {
		bad := *cfg
		bad.Host = host
		if _, err := get(t, kube.Config(&bad, token.Static(token.Token{Value: token.NewSecret("ours")})), s.URL); err == nil || len(s.seen) != 0 {
			t.Errorf("with Host %q: %v, %d requests", host, err, len(s.seen))
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// caOf returns the certificate of s as PEM.
func caOf(s *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}
