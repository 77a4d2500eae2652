package ranchertest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const extKubeconfigs = "/ext/apis/ext.cattle.io/v1/kubeconfigs"

func kubeconfigSpec(spec string) string {
	return `{"apiVersion":"ext.cattle.io/v1","kind":"Kubeconfig","spec":{` + spec + `}}`
}

func TestV3Kubeconfigs(t *testing.T) {
	t.Parallel()
	const (
		meta  = `"metadata":{"creationTimestamp":"2026-08-19T16:00:00Z","labels":{"cattle.io/user-id":"<user>"},"name":"kubeconfig-x7k2p","resourceVersion":"1","uid":"<uuid>"},`
		shown = `{"apiVersion":"ext.cattle.io/v1","kind":"Kubeconfig",` + meta +
			`"spec":{"clusters":["c-m-x"],"currentContext":"c-m-x","description":"ci","ttl":3600},"status":{"summary":"Complete","tokens":["kubeconfig-<user><5>"]`
		value = `apiVersion: v1\nkind: Config\nclusters:\n- name: \"c-m-x\"\n  cluster:\n    server: \"https://rancher.example/k8s/clusters/c-m-x\"\n` +
			`\nusers:\n- name: \"c-m-x\"\n  user:\n    token: \"kubeconfig-<user><5>:<secret>\"\n` +
			`\ncontexts:\n- name: \"c-m-x\"\n  context:\n    user: \"c-m-x\"\n    cluster: \"c-m-x\"\n\ncurrent-context: \"c-m-x\"\n`
		asked = `"clusters":["c-m-x"],"currentContext":"c-m-x","description":"ci","ttl":3600`
	)
	t.Run("B.8 Kubeconfig: the value only on create; deleting it deletes its tokens", func(t *testing.T) {
		t.Parallel()
		s, admin, alice, _ := noon2x(t, "v2.13.1")
		alice.TB, admin.TB = t, t
		s.AddCluster("c-m-x")
		r := alice.gets("POST "+extKubeconfigs, kubeconfigSpec(asked), 201, shown+`,"value":"`+value+`"}}`)
		config, name := alice.text(r, "status", "value"), alice.text(r, "metadata", "name")
		_, rest, _ := strings.Cut(config, `token: "`)
		secret, _, _ := strings.Cut(rest, `"`)
		kubectl := alice.with(secret)
		kubectl.gets("GET /k8s/clusters/c-m-x/version", "", 200, "")
		alice.gets("GET "+extKubeconfigs+"/"+name, "", 200, shown+`}}`)
		alice.gets("GET "+extKubeconfigs, "", 200, `{"apiVersion":"ext.cattle.io/v1","items":[`+shown+`}}],"kind":"KubeconfigList","metadata":{"resourceVersion":"1"}}`)
		if r := alice.asks("GET /v3/tokens/"+kubectl.name(), ""); !strings.Contains(r.body, `"ttl":3600000,`) || !strings.Contains(r.body, `"isDerived":true`) {
			t.Errorf("its token is %s", anonymous(r.body, alice.id))
		}
		admin.gets("DELETE "+extKubeconfigs+"/"+name, "", 200,
			`{"apiVersion":"v1","details":{"group":"ext.cattle.io","kind":"kubeconfigs","name":"kubeconfig-x7k2p","uid":"<uuid>"},"kind":"Status","metadata":{},"status":"Success"}`)
		kubectl.gets("GET /k8s/clusters/c-m-x/version", "", 401, "")
		for _, method := range []string{"GET", "DELETE"} {
			alice.gets(method+" "+extKubeconfigs+"/"+name, "", 404,
				`{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"kubeconfigs.ext.cattle.io \"kubeconfig-x7k2p\" not found",`+
					`"reason":"NotFound","details":{"group":"ext.cattle.io","kind":"kubeconfigs","name":"kubeconfig-x7k2p"},"code":404}`)
		}
	})
	for _, tt := range []struct {
		row, def, max, ttl string
		status             int
		want               string
	}{
		{"negative", "60", "0", "-1", 400, "spec.ttl can't be negative"},
		{"0 is the default", "60", "0", "0", 201, `"ttl":3600}`},
		{"up to the default", "60", "0", "3600", 201, `"ttl":3600}`},
		{"above the default", "60", "0", "3601", 400, "spec.ttl 3601 exceeds max ttl 3600"},
		{"the default is clamped to the maximum", "60", "30", "1801", 400, "spec.ttl 1801 exceeds max ttl 1800"},
		{"a default of 0 is the maximum", "0", "30", "0", 201, `"ttl":1800}`},
		{"for ever", "0", "0", "0", 201, `"ttl":0}`},
		{"for ever is less than any", "0", "0", "1", 400, "spec.ttl 1 exceeds max ttl 0"},
	} {
		t.Run("B.8 Kubeconfig: ttl in seconds: "+tt.row, func(t *testing.T) {
			t.Parallel()
			s, _, alice, _ := noon2x(t, "v2.13.1")
			alice.TB = t
			s.Set("kubeconfig-default-token-ttl-minutes", tt.def)
			s.Set("kubeconfig-token-ttl-minutes", "0")
			s.Set("auth-token-max-ttl-minutes", tt.max)
			r := alice.asks("POST "+extKubeconfigs, kubeconfigSpec(`"ttl":`+tt.ttl))
			if tt.status == 400 {
				tt.want = badRequest(tt.want)
			}
			if r.status != tt.status || !strings.Contains(r.body, tt.want) {
				t.Errorf("%d %s, want %d %s", r.status, anonymous(r.body, alice.id), tt.status, tt.want)
			}
		})
	}
	t.Run("B.8 Kubeconfig: clusters", func(t *testing.T) {
		t.Parallel()
		s, _, alice, _ := noon2x(t, "v2.13.1")
		alice.TB = t
		s.AddCluster("c-m-x")
		alice.gets("POST "+extKubeconfigs, kubeconfigSpec(`"clusters":["c-m-y"]`), 400, badRequest("cluster c-m-y not found"))
		alice.gets("POST "+extKubeconfigs, kubeconfigSpec(`"clusters":["local","c-m-x","local"]`), 400, badRequest("spec.clusters must be unique"))
		alice.gets("POST "+extKubeconfigs, kubeconfigSpec(`"clusters":["local"],"currentContext":"c-m-x"`), 400, badRequest("invalid currentContext c-m-x"))
		r := alice.gets("POST "+extKubeconfigs, kubeconfigSpec(`"clusters":["*"]`), 201, "")
		for _, server := range []string{"", "/k8s/clusters/local", "/k8s/clusters/c-m-x"} {
			if config := alice.text(r, "status", "value"); !strings.Contains(config, fmt.Sprintf("server: %q", s.URL+server)) {
				t.Errorf("there is no %s in\n%s", server, anonymous(config, alice.id))
			}
		}
		if n := len(s.Tokens()); n != 3 {
			t.Errorf("there are %d tokens, and what was refused has made none", n)
		}
	})
	t.Run("B.6 kubeconfig-default-token-ttl-minutes that is no number", func(t *testing.T) {
		t.Parallel()
		s, _, alice, _ := noon2x(t, "v2.13.1")
		alice.TB = t
		s.Set("kubeconfig-default-token-ttl-minutes", "a month")
		alice.gets("POST "+extKubeconfigs, kubeconfigSpec(``), 500, "")
		alice.gets("POST /v3/clusters/local?action=generateKubeconfig", "", 500, "")
	})

	const generated = `{"baseType":"generateKubeconfigOutput","config":"`
	t.Run("B.9 a new token per call, ttl = min(kubeconfig-default, max)", func(t *testing.T) {
		t.Parallel()
		s, _, alice, _ := noon2x(t, "v2.13.1")
		alice.TB = t
		s.AddCluster("c-m-x")
		s.Set("auth-token-max-ttl-minutes", "90")
		for range 2 {
			r := alice.gets("POST /v3/clusters/c-m-x?action=generateKubeconfig", "", 200, generated+value+`","type":"generateKubeconfigOutput"}`)
			if !strings.Contains(r.header.Get("Content-Type"), "application/json") {
				t.Errorf("it is said to be %s", r.header.Get("Content-Type"))
			}
		}
		names := map[string]bool{}
		for _, tok := range s.Tokens() {
			if tok.Kubeconfig {
				names[tok.Name] = true
				if tok.TTL != 90*time.Minute || !tok.Derived || tok.Cluster != "" {
					t.Errorf("a token of a kubeconfig: %v, derived: %t, cluster %q", tok.TTL, tok.Derived, tok.Cluster)
				}
			}
		}
		if len(names) != 2 {
			t.Errorf("%d tokens", len(names))
		}
		alice.gets("POST /v3/clusters/c-m-y?action=generateKubeconfig", "", 404,
			`{"baseType":"error","code":"NotFound","message":"clusters.management.cattle.io \"c-m-y\" not found","status":404,"type":"error"}`)
	})
	t.Run("B.9 kubeconfig-generate-token false: rancher token", func(t *testing.T) {
		t.Parallel()
		s, _, alice, _ := noon2x(t, "v2.13.1")
		alice.TB = t
		s.AddCluster("c-m-x")
		s.Set("kubeconfig-generate-token", "false")
		for _, config := range []string{
			alice.text(alice.asks("POST /v3/clusters/c-m-x?action=generateKubeconfig", ""), "config"),
			alice.text(alice.asks("POST "+extKubeconfigs, kubeconfigSpec(asked)), "status", "value"),
		} {
			const exec = "    exec:\n      apiVersion: client.authentication.k8s.io/v1beta1\n      command: rancher\n      args:\n" +
				"      - token\n      - --server=rancher.example\n      - --user=alice\n      - --cluster=c-m-x\n"
			if !strings.Contains(config, exec) || strings.Contains(config, "token:") {
				t.Errorf("got\n%s", anonymous(config, alice.id))
			}
		}
		if n := len(s.Tokens()); n != 2 {
			t.Errorf("%d tokens", n)
		}
	})
}
