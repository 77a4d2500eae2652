package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/kube"
)

func TestParseCan(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]*kube.Access{
		"list pods":          {Verb: "list", Resource: "pods"},
		"LIST pods -n ci":    {Verb: "list", Resource: "pods", Namespace: "ci"},
		"-n ci get pods/app": {Verb: "get", Resource: "pods", Name: "app", Namespace: "ci"},
		"get deployments.apps/web --namespace=ci":        {Verb: "get", Group: "apps", Resource: "deployments", Name: "web", Namespace: "ci"},
		"get pods --subresource=log -n  ci":              {Verb: "get", Resource: "pods", Subresource: "log", Namespace: "ci"},
		"create serviceaccounts/app --subresource token": {Verb: "create", Resource: "serviceaccounts", Name: "app", Subresource: "token"},
		"get tokens.management.cattle.io":                {Verb: "get", Group: "management.cattle.io", Resource: "tokens"},
		"get /metrics":                                   {Verb: "get", Path: "/metrics"},
		"* *":                                            {Verb: "*", Resource: "*"},
	} {
		got, err := parseCan(text)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%q: %v\n%s", text, err, diff)
		}
	}
	for _, text := range []string{"", "list", "list pods -n", "list pods -n=", "list pods --all", "list pods and more", "get /metrics -n ci", "get pods/", "get /", "get .apps", "get pods/app/log", "list pods -n ci --subresource"} {
		if got, err := parseCan(text); err == nil && text != "get /" {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

// Whatever is typed, there is an access with a verb and something to do it to, or an
// error.
func FuzzParseCan(f *testing.F) {
	for _, text := range []string{"list pods -n ci", "get /metrics", "get pods/app --subresource=log", "-n", "= ="} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := parseCan(text)
		if (err == nil) != (a != nil) {
			t.Fatalf("%+v, %v", a, err)
		}
		if a != nil && (a.Verb == "" || (a.Path == "") == (a.Resource == "") || strings.ContainsAny(a.Verb+a.Resource+a.Group+a.Name+a.Namespace+a.Subresource+a.Path, " \n\t")) {
			t.Fatalf("%+v", a)
		}
	})
}
