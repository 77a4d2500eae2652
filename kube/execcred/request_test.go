package execcred_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/kube/execcred"
)

func request(members string) string {
	return `{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1"` + members + `}`
}

func TestReadRequest(t *testing.T) { // not parallel: it sets the environment
	for _, test := range []struct {
		name, text string
		want       execcred.Request
	}{
		{"none", "", execcred.Request{APIVersion: execcred.V1Beta1}},
		{"v1", request(`,"spec":{"interactive":true}`), execcred.Request{APIVersion: execcred.V1, Interactive: true}},
		{"v1beta1", strings.Replace(request(`,"spec":{}`), "/v1", "/v1beta1", 1), execcred.Request{APIVersion: execcred.V1Beta1}},
		{"no spec", request(""), execcred.Request{APIVersion: execcred.V1}},
		{"null", request(`,"spec":{"cluster":null,"interactive":null},"status":null`), execcred.Request{APIVersion: execcred.V1}},
		{
			"as client-go writes it", request(`,"spec":{"cluster":{"server":"https://a.example","config":null},"interactive":false}`),
			execcred.Request{APIVersion: execcred.V1, Cluster: &execcred.Cluster{Server: "https://a.example"}},
		},
		{
			"all of a cluster", " " + request(`,"spec":{"cluster":{"server":"s","tls-server-name":"n","insecure-skip-tls-verify":true,
				"certificate-authority-data":"UEVN","proxy-url":"p","disable-compression":true,"config":{"audience":[1, 2]}}}`) + "\n",
			execcred.Request{APIVersion: execcred.V1, Cluster: &execcred.Cluster{
				Server: "s", TLSServerName: "n", InsecureSkipTLSVerify: true, CertificateAuthorityData: []byte("PEM"),
				ProxyURL: "p", DisableCompression: true, Config: json.RawMessage(`{"audience":[1, 2]}`),
			}},
		},
		{
			"newer than this", request(`,"spec":{"cluster":{"server":"s","later":[{}]},"later":1},"later":{"a":null}`),
			execcred.Request{APIVersion: execcred.V1, Cluster: &execcred.Cluster{Server: "s"}},
		},
	} {
		t.Setenv("KUBERNETES_EXEC_INFO", test.text)
		got, err := execcred.ReadRequest()
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestReadRequestRefuses(t *testing.T) { // not parallel: it sets the environment
	for _, test := range []struct{ name, text, want string }{
		{"text", "canary", "no JSON object"},
		{"array", "[]", "no JSON object"},
		{"null", "null", "no JSON object"},
		{"cut off", `{"kind":"canary`, "not JSON, or cut off"},
		{"cut off after a member", `{"kind":"canary"`, "not JSON, or cut off"},
		{"cut off in a member", `{"kind":{"canary":1,`, "not JSON, or cut off"},
		{"no name", `{1:2}`, "not JSON, or cut off"},
		{"two", request("") + "{}", "more text after the JSON object"},
		{"byte order mark", "\ufeff" + request(""), "no JSON object"},
		{"not UTF-8", request(`,"canary":"` + "\xff" + `"`), "not JSON: it is not UTF-8"},
		{"long", request(`,"canary":"` + strings.Repeat("x", 1<<20) + `"`), "longer than 1 MiB"},
		{"deep", request(`,"canary":` + strings.Repeat("[", 20_000)), "not JSON, or cut off"},
		{"no kind", `{"apiVersion":"client.authentication.k8s.io/v1"}`, "kind: not ExecCredential"},
		{"other kind", strings.Replace(request(""), "Exec", "canary", 1), "kind: not ExecCredential"},
		{"kind in another case", strings.Replace(request(""), "kind", "Kind", 1), "kind: not ExecCredential"},
		{"kind of a number", strings.Replace(request(""), `"ExecCredential"`, "7", 1), "kind: not a string"},
		{"no version", `{"kind":"ExecCredential"}`, "apiVersion: neither client.authentication.k8s.io/v1 nor client.authentication.k8s.io/v1beta1"},
		{"other version", strings.Replace(request(""), "/v1", "/canary", 1), "apiVersion: neither"},
		{"v1alpha1", strings.Replace(request(""), "/v1", "/v1alpha1", 1), "apiVersion: client.authentication.k8s.io/v1alpha1, which Kubernetes 1.24 dropped: write client.authentication.k8s.io/v1 into users[].user.exec.apiVersion"},
		{"spec", request(`,"spec":"canary"`), "spec: no JSON object"},
		{"interactive", request(`,"spec":{"interactive":"canary"}`), "spec.interactive: neither true nor false"},
		{"cluster", request(`,"spec":{"cluster":["canary"]}`), "spec.cluster: no JSON object"},
		{"server", request(`,"spec":{"cluster":{"server":{"canary":1}}}`), "spec.cluster.server: not a string"},
		{"CA", request(`,"spec":{"cluster":{"certificate-authority-data":"canary!"}}`), "spec.cluster.certificate-authority-data: not base64"},
		{"skip", request(`,"spec":{"cluster":{"insecure-skip-tls-verify":"true"}}`), "spec.cluster.insecure-skip-tls-verify: neither"},
		{"twins", request(`,"kind":"canary"`), "kind: there twice"},
		{"twins in another case", request(`,"KIND":"canary"`), "kind: there twice"},
		{"inner twins", request(`,"spec":{"cluster":{"server":"a","server":"canary"}}`), "spec.cluster.server: there twice"},
		{"nameless twins", request(`,"spec":{"canary":1,"canary":2}`), "spec.some member: there twice"},
	} {
		t.Setenv("KUBERNETES_EXEC_INFO", test.text)
		got, err := execcred.ReadRequest()
		if err == nil || got != (execcred.Request{}) {
			t.Errorf("%s: got %v, %v", test.name, got, err)
			continue
		}
		says(t, err, "execcred: environment variable KUBERNETES_EXEC_INFO: "+test.want)
		if strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the error repeats what is there: %v", test.name, err)
		}
	}
}
