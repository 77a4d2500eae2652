package kube_test

import (
	"encoding/json"
	"encoding/pem"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/tokenlife/tokenlife/token/jwt/jwttest"
)

// absentIssuer is one that the server takes users of, and that never answers.
const absentIssuer = "https://127.0.0.1:1"

// newOpenID starts an issuer of ID tokens, by TLS, and returns it with the path of
// the configuration by which a server takes its users.
func newOpenID(t *testing.T) (issuer *jwttest.Issuer, authentication string) {
	t.Helper()
	issuer = jwttest.NewServer(t)
	target, err := url.Parse(issuer.URL)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewTLSServer(httputil.NewSingleHostReverseProxy(target))
	t.Cleanup(front.Close)
	issuer.URL = front.URL
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw})
	users := func(issuer string) any {
		return map[string]any{
			"issuer":        map[string]any{"url": issuer, "audiences": []string{"kubernetes"}, "certificateAuthority": string(ca)},
			"claimMappings": map[string]any{"username": map[string]any{"claim": "sub", "prefix": "oidc:"}},
		}
	}
	text, err := json.Marshal(map[string]any{
		"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration",
		"jwt": []any{users(issuer.URL), users(absentIssuer)},
	})
	if err != nil {
		t.Fatal(err)
	}
	authentication = filepath.Join(t.TempDir(), "authentication")
	if err := os.WriteFile(authentication, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return issuer, authentication
}
