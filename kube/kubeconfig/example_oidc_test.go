package kubeconfig_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/kube/kubeconfig"
	"github.com/tokenlife/tokenlife/refresh"
)

// A program that uses the login of a kubectl whose ID token has ended: it gets another,
// and so does kubectl.
func ExampleOIDC() {
	issuer := issuing()
	defer issuer.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, id, _ := strings.Cut(r.Header.Get("Authorization"), "Bearer ")
		fmt.Println("the API server sees an ID token:", strings.Count(id, ".") == 2)
	}))
	defer server.Close()
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "config")
	if err := os.WriteFile(path, fmt.Appendf(nil, `
users:
- name: mira
  user:
    auth-provider:
      name: oidc
      config:
        idp-issuer-url: %s
        client-id: kubectl
        refresh-token: r1
`, issuer.URL), 0o600); err != nil {
		fmt.Println(err)
		return
	}

	src := refresh.New(&kubeconfig.OIDC{
		Files:   kubeconfig.Files{path}, // nil is what kubectl reads
		User:    "mira",
		Dir:     filepath.Join(dir, "pairs"), // empty is one in the user's configuration folder
		OnEvent: func(e kubeconfig.Event) { fmt.Println("the kubeconfig was written:", e.Err == nil) },
	})
	cfg := kube.Config(&rest.Config{Host: server.URL}, src)
	client, err := rest.HTTPClientFor(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := client.Get(server.URL + "/version")
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()

	text, err := os.ReadFile(path)
	fmt.Println("the new refresh token is there:", strings.Contains(string(text), `"r2"`), err)
	// Output:
	// the kubeconfig was written: true
	// the API server sees an ID token: true
	// the new refresh token is there: true <nil>
}

// issuing is an issuer on a loopback address, which may do without TLS.
func issuing() *httptest.Server {
	enc := base64.RawURLEncoding.EncodeToString
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"token_endpoint":%q}`, server.URL, server.URL+"/token")
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		now := time.Now().Unix()
		id := enc([]byte(`{"alg":"RS256"}`)) + "." + enc(fmt.Appendf(nil, `{"sub":"mira","iat":%d,"exp":%d}`, now, now+3600)) + ".c2lnbmF0dXJl"
		fmt.Fprintf(w, `{"access_token":"a","id_token":%q,"refresh_token":"r2"}`, id)
	})
	return server
}
