package kube_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/tokenlife/tokenlife/kube"
)

// What is asked whether it is allowed is what the caller says, or an API server's 403.
func TestDiagnoseAccessAsked(t *testing.T) {
	t.Parallel()
	type spec struct {
		Resource, Other map[string]string
	}
	log := map[string]string{"verb": "get", "resource": "pods", "subresource": "log", "namespace": "ci", "name": "web"}
	for name, test := range map[string]struct {
		ask  func(*kube.Suspect)
		want spec
	}{
		"a path": {func(s *kube.Suspect) { s.Access = &kube.Access{Verb: "get", Path: "/metrics"} }, spec{Other: map[string]string{"verb": "get", "path": "/metrics"}}},
		"a resource": {func(s *kube.Suspect) {
			s.Access = &kube.Access{Verb: "get", Group: "apps", Resource: "deployments", Subresource: "scale", Namespace: "ci", Name: "web"}
		}, spec{Resource: map[string]string{"verb": "get", "group": "apps", "resource": "deployments", "subresource": "scale", "namespace": "ci", "name": "web"}}},
		"a 403": {func(s *kube.Suspect) {
			s.Err = forbiddenIn("pods", "web", "ci", `pods "web" is forbidden: User "a\"b" cannot get resource "pods/log" in API group "" in the namespace "ci"`)
		}, spec{Resource: log}},
		"a 403 of a path": {func(s *kube.Suspect) {
			s.Err = forbiddenIn("", "", "", `forbidden: User "alice" cannot get path "/metrics"`)
		}, spec{Other: map[string]string{"verb": "get", "path": "/metrics"}}},
	} {
		var asked struct {
			Spec struct {
				Resource map[string]string `json:"resourceAttributes"`
				Other    map[string]string `json:"nonResourceAttributes"`
			}
		}
		diagnose(t, diagnosisCase{ask: test.ask, with: at(accessPath, func(w http.ResponseWriter, r *http.Request) {
			if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			permits(true, "")(w, r)
		})})
		if got := (spec{asked.Spec.Resource, asked.Spec.Other}); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: asked for %v, not %v", name, got, test.want)
		}
	}
}

// A 403 whose words do not say what it is that is forbidden is no lack of rights.
func TestDiagnoseForbiddenInOtherWords(t *testing.T) {
	t.Parallel()
	for _, message := range []string{
		`User "alice" cannot get path ""`, `User "alice" cannot  path "/x"`, `User "alice" cannot get resource ""`, `User "alice" cannot  resource "pods"`, `User "alice" cannot get resource "/log"`,
		`User "alice" cannot get pods`, `User "alice" may not get resource "pods"`, `User "alice"get resource "pods"`, `User "alice`, `User "alice" cannot get path "/x`, `User "alice" cannot get resource "pods`, `cannot get resource "pods"`, "",
	} {
		d := diagnose(t, diagnosisCase{cfg: unasked, ask: func(s *kube.Suspect) { s.Err = forbiddenIn("pods", "", "ci", message) }})
		if len(d.Findings) != 1 || !strings.Contains(d.Findings[0].Cause, "an admission plugin or a webhook") {
			t.Errorf("%s:\n%v", message, d)
		}
	}
}

// A name goes into a command if a server takes it, however long.
func TestDiagnoseLongestName(t *testing.T) {
	t.Parallel()
	for length, in := range map[int]bool{300: true, 301: false} {
		name := strings.Repeat("a", length)
		d := diagnose(t, diagnosisCase{cfg: unasked, ask: func(s *kube.Suspect) { s.Audiences = []string{name} }})
		if strings.Contains(d.String(), "--audience="+name) != in || strings.Contains(d.String(), "--audience=AUDIENCE") == in {
			t.Errorf("%d bytes:\n%v", length, d)
		}
	}
}
