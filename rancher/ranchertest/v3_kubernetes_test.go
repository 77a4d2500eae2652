package ranchertest_test

import (
	"strings"
	"testing"
)

func TestV3Kubernetes(t *testing.T) {
	t.Parallel()
	status := func(message string) string {
		return `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"` + message + `","reason":"Forbidden","details":{},"code":403}`
	}
	for _, tt := range []struct{ request, who, cannot string }{
		{"GET /api/v1/namespaces", "namespaces", `list resource \"namespaces\" in API group \"\" at the cluster scope`},
		{"GET /api/v1/nodes/n-1", `nodes \"n-1\"`, `get resource \"nodes\" in API group \"\" at the cluster scope`},
		{"GET /apis/apps/v1/deployments", "deployments.apps", `list resource \"deployments\" in API group \"apps\" at the cluster scope`},
		{"GET /k8s/clusters/local/api/v1/nodes", "nodes", `list resource \"nodes\" in API group \"\" at the cluster scope`},
	} {
		t.Run("B.7 Kubernetes-style paths: "+tt.request, func(t *testing.T) {
			t.Parallel()
			_, admin, alice, _ := noon2x(t, "v2.13.0")
			alice.TB, admin.TB = t, t
			refused := alice.with("token-zzzzz:"+strings.Repeat("b", 54)).gets(tt.request, "", 403,
				status(tt.who+` is forbidden: User \"system:cattle:error\" cannot `+tt.cannot))
			if got := refused.header.Get("X-Api-Cattle-Auth"); got != "false" {
				t.Errorf("X-API-Cattle-Auth of a refused token: %q", got)
			}
			forbidden := alice.gets(tt.request, "", 403, status(tt.who+` is forbidden: User \"<user>\" cannot `+tt.cannot))
			if got := forbidden.header.Get("X-Api-Cattle-Auth"); got != "true" {
				t.Errorf("X-API-Cattle-Auth of one who may not: %q", got)
			}
			admin.gets(tt.request, "", 200, `{"apiVersion":"v1","items":[],"kind":"List","metadata":{"resourceVersion":"1"}}`)
		})
	}
	t.Run("B.7 Kubernetes-style paths: /api and /apis", func(t *testing.T) {
		t.Parallel()
		_, _, alice, _ := noon2x(t, "v2.13.0")
		alice.TB = t
		alice.gets("GET /api", "", 200, `{"kind":"APIVersions","versions":["v1"]}`)
		alice.gets("GET /apis", "", 200, "")
		alice.with("").gets("GET /api", "", 403, status(`forbidden: User \"system:cattle:error\" cannot get path \"/api\"`))
	})
	t.Run("B.7 a cluster other than the local one answers 401", func(t *testing.T) {
		t.Parallel()
		s, admin, alice, _ := noon2x(t, "v2.13.0")
		alice.TB, admin.TB = t, t
		s.AddCluster("c-m-x")
		alice.with("").gets("GET /k8s/clusters/c-m-x/api/v1/nodes", "", 401, `{"type":"error","status":"401","message":"Unauthorized 401: must authenticate"}`)
		alice.gets("GET /k8s/clusters/c-m-x/api/v1/nodes", "", 403, status(`nodes is forbidden: User \"<user>\" cannot list resource \"nodes\" in API group \"\" at the cluster scope`))
		alice.gets("GET /k8s/clusters/c-m-x/version", "", 200, "")
		alice.gets("GET /k8s/clusters/c-m-y/version", "", 404, "")
		admin.gets("GET /k8s/clusters/c-m-x/api/v1/nodes", "", 200, "")
	})
	t.Run("B.6 a token confined to a cluster works there alone", func(t *testing.T) {
		t.Parallel()
		s, _, alice, _ := noon2x(t, "v2.13.0")
		alice.TB = t
		s.AddCluster("c-m-x")
		s.AddCluster("c-m-xy")
		confined := alice.with(alice.text(alice.asks("POST /v3/tokens", `{"type":"token","clusterId":"c-m-x"}`), "token"))
		for request, status := range map[string]int{
			"GET /k8s/clusters/c-m-x/version": 200, "GET /v3/clusters/c-m-x": 200,
			"GET /k8s/clusters/c-m-xy/version": 401, "GET /v3/clusters/c-m-xy": 401, "GET /v3/clusters": 401,
			"GET /v3/users?me=true": 401, "GET /v3/tokens": 401, "GET " + extTokens: 403, "GET /k8s/clusters/local/version": 403,
		} {
			confined.gets(request, "", status, "")
		}
		alice.gets("GET /v3/clusters", "", 200, "")
	})
}
