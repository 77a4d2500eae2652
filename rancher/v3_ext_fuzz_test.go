package rancher

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// Whatever is taken for a thing of ext.cattle.io is JSON that encoding/json
// reads in the same way, with a name that can be looked up and a lifetime that
// is none or more than that.
func FuzzExt(f *testing.F) {
	for _, seed := range []string{
		`{"metadata":{"name":"token-7d9xk","creationTimestamp":"2026-08-19T16:00:00Z"},"spec":{"userID":"user-abcde","userPrincipal":{"provider":"local"},"kind":"","description":"ci","ttl":3600000,"enabled":true,"clusterName":"c-1"},"status":{"value":"s","bearerToken":"ext/token-7d9xk:s","hash":"","current":false,"expired":false,"expiresAt":"2026-08-19T17:00:00Z","lastUpdateTime":""}}`,
		`{"metadata":{"name":"token-7d9xk","creationTimestamp":null},"spec":{"ttl":-1,"enabled":null},"status":{"value":"s"}}`,
		`{"items":[{"metadata":{"name":"token-7d9xk"},"spec":{"ttl":1}}],"metadata":{"continue":""}}`,
		`{"items":null}`, `{"items":[],"metadata":{"continue":"x"}}`,
		`{"metadata":{"name":"kubeconfig-x7k2p","creationTimestamp":"2026-08-19T16:00:00Z"},"spec":{"clusters":["*"],"description":"d","ttl":9223372036854775807},"status":{"summary":"Complete","tokens":["t"],"value":"apiVersion: v1\n"}}`,
		`{"metadata":{"name":"token-7d9xk"},"spec":{"seenAt":"2026-08-19T16:00:00Z"},"status":{"expiresAt":"2026-08-20T08:00:00Z"}}`,
		`{"metadata":{"name":"token-7d9xk"},"spec":{"seenAt":null},"status":{"expiresAt":""}}`,
		`{"config":"apiVersion: v1\n"}`, `{"metadata":{"name":"ext/a"},"spec":{"ttl":1.5}}`, `{"spec":null}`, `[]`, ``, `{`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		d := json.NewDecoder(strings.NewReader(body))
		d.UseNumber()
		var want map[string]any
		jsonErr := d.Decode(&want)
		at := func(part, member string) any {
			m, _ := want[part].(map[string]any)
			return m[member]
		}
		text := func(part, member string) string {
			s, _ := at(part, member).(string)
			return s
		}
		check := func(what string, err error, taken bool) bool {
			t.Helper()
			if err != nil {
				if taken {
					t.Fatalf("%s: refused, and something of it is returned", what)
				}
				return false
			}
			if jsonErr != nil {
				t.Fatalf("%s was taken, but encoding/json says: %v", what, jsonErr)
			}
			return true
		}
		lifetime := func(what string, d time.Duration) {
			t.Helper()
			ttl, _ := at("spec", "ttl").(json.Number)
			if text, ok := at("spec", "ttl").(string); ok {
				ttl = json.Number(text)
			}
			if n, err := ttl.Float64(); err != nil || d < 0 || (d > 0) != (n > 0) {
				t.Fatalf("%s: a lifetime of %v, with a ttl of %s", what, d, ttl)
			}
		}

		a := &answer{body: body}
		tok, err := parseExt(a)
		if check("a token", err, false) {
			if !isName(tok.Name) || text("metadata", "name") != tok.Name {
				t.Fatalf("the name is %q, but encoding/json says %q", tok.Name, text("metadata", "name"))
			}
			if tok.UserID != text("spec", "userID") || tok.Description != text("spec", "description") {
				t.Fatalf("read %+v, but encoding/json says %v", tok, want["spec"])
			}
			if s := tok.secret.Reveal(); s != "" && !strings.HasPrefix(s, "ext/"+tok.Name+":") {
				t.Fatal("the secret is not the token's")
			}
			lifetime("a token", tok.Lifetime)
		}
		items, _ := want["items"].([]any)
		list, err := parseExts(a)
		if check("a list", err, list != nil) && len(list) != len(items) {
			t.Fatalf("%d tokens, but encoding/json says %d", len(list), len(items))
		}
		k, config, err := parseKubeconfig(a)
		if check("a kubeconfig", err, !config.IsZero()) {
			if config.Reveal() != text("status", "value") {
				t.Fatal("the kubeconfig is another than encoding/json says")
			}
			lifetime("a kubeconfig", k.Lifetime)
		}
		act, err := parseActivity(a)
		check("activity", err, act != V3Activity{})
		config, err = parseGenerated(a)
		if check("a generated kubeconfig", err, !config.IsZero()) && config.Reveal() != want["config"] {
			t.Fatal("the kubeconfig is another than encoding/json says")
		}
	})
}

// Whatever the text, the most that it names is a number of seconds in it.
func FuzzMaxTTL(f *testing.F) {
	for _, seed := range []string{"spec.ttl 86401 exceeds max ttl 86400", "spec.ttl 1 exceeds max ttl 0", "spec.ttl 1 exceeds max ttl -5", " exceeds max ttl 1", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, message string) {
		most, ok := parseMaxTTL(message)
		if most < 0 || !ok && most != 0 || ok && !strings.Contains(message, "spec.ttl ") {
			t.Fatalf("%d, %t", most, ok)
		}
	})
}
