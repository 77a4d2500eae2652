package apiserver

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// OIDCPrefix stands before the sub of an ID token in the name of its user, as the
// server of [TrustIssuer] has it.
const OIDCPrefix = "oidc:"

// TrustIssuer returns a flag for [Start] with which the server takes the ID tokens
// that an OpenID Connect issuer makes for client, and no others. The issuer's URL is
// https, and ca, in PEM, signed its certificate. It had better run already: the server
// looks for it at its start, and again every ten seconds only.
func TrustIssuer(tb testing.TB, issuer, client string, ca []byte) (flag string) {
	tb.Helper()
	// JSON is YAML, too.
	text, err := json.Marshal(map[string]any{
		"apiVersion": "apiserver.config.k8s.io/v1",
		"kind":       "AuthenticationConfiguration",
		"jwt": []map[string]any{{
			"issuer":        map[string]any{"url": issuer, "audiences": []string{client}, "certificateAuthority": string(ca)},
			"claimMappings": map[string]any{"username": map[string]string{"claim": "sub", "prefix": OIDCPrefix}},
		}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	file := filepath.Join(tb.TempDir(), "authentication.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		tb.Fatal(err)
	}
	return "--authentication-config=" + file
}
