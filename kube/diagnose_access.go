package kube

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/tokenlife/tokenlife/token"
)

const accessReviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

// An accessReview is a SelfSubjectAccessReview of authorization.k8s.io/v1, as far as
// it is needed.
type accessReview struct {
	Kind       string `json:"kind"`
	APIVersion string `json:"apiVersion"`
	Spec       struct {
		Resource *resourceAttributes `json:"resourceAttributes,omitempty"`
		Other    *pathAttributes     `json:"nonResourceAttributes,omitempty"`
	} `json:"spec"`
	Status struct {
		Allowed         bool   `json:"allowed"`
		Reason          string `json:"reason"`
		EvaluationError string `json:"evaluationError"`
	} `json:"status"`
}

type resourceAttributes struct {
	Namespace   string `json:"namespace,omitempty"`
	Verb        string `json:"verb,omitempty"`
	Group       string `json:"group,omitempty"`
	Resource    string `json:"resource,omitempty"`
	Subresource string `json:"subresource,omitempty"`
	Name        string `json:"name,omitempty"`
}

type pathAttributes struct {
	Path string `json:"path,omitempty"`
	Verb string `json:"verb,omitempty"`
}

// A permitted is what a server says of whether somebody may do something.
type permitted struct {
	seen
	known, allowed bool
	unsure         bool // whatever was to decide could not be asked
	reason         string
}

// mayI asks whether whoever a is may do what a says.
func mayI(ctx context.Context, a *asker, want Access) permitted {
	question := accessReview{Kind: "SelfSubjectAccessReview", APIVersion: "authorization.k8s.io/v1"}
	if want.Path != "" {
		question.Spec.Other = &pathAttributes{Path: want.Path, Verb: want.Verb}
	} else {
		question.Spec.Resource = &resourceAttributes{
			Namespace: want.Namespace, Verb: want.Verb, Group: want.Group,
			Resource: want.Resource, Subresource: want.Subresource, Name: want.Name,
		}
	}
	p := permitted{seen: a.post(ctx, question.Kind, accessReviews, question)}
	var answer accessReview
	if p.read(&answer) && answer.Kind == question.Kind {
		p.known, p.allowed, p.unsure = true, answer.Status.Allowed, answer.Status.EvaluationError != ""
		p.reason = brief(strings.TrimSpace(answer.Status.Reason+" "+answer.Status.EvaluationError), longestExcerpt)
	}
	return p
}

// evidence is for what is known.
func (p permitted) evidence(want Access) token.Evidence {
	answer := "no"
	if p.allowed {
		answer = "yes"
	}
	if p.reason != "" {
		answer += ": " + p.reason
	}
	return saw(p.what+", to "+want.text(), "%s", answer)
}

// text says what a is, as kubectl auth can-i does.
func (a Access) text() string {
	if a.Path != "" {
		return brief(a.Verb+" "+a.Path, 300)
	}
	s := a.Verb + " " + a.resource() + " " + a.Name
	if a.Namespace != "" {
		s += " in namespace " + a.Namespace
	}
	return brief(s, 400)
}

// resource returns the resource as kubectl create role has it.
func (a Access) resource() string {
	s := a.Resource
	if a.Group != "" {
		s += "." + a.Group
	}
	if a.Subresource != "" {
		s += "/" + a.Subresource
	}
	return s
}

// wanted returns what the suspect was refused for: what the caller says, or what a
// server says in err.
func (s Suspect) wanted() (a Access, known bool) {
	if s.Access != nil && *s.Access != (Access{}) {
		return *s.Access, true
	}
	status, _ := statusOf(s.Err)
	if status.Code != http.StatusForbidden {
		return Access{}, false
	}
	a, known = accessIn(status.Message)
	if status.Details != nil {
		a.Name = status.Details.Name
	}
	return a, known
}

// accessIn reads what an API server says that somebody may not do (k8s.io/apiserver,
// pkg/endpoints/handlers/responsewriters/errors.go):
//
//	pods "web" is forbidden: User "alice" cannot get resource "pods/log" in API group "" in the namespace "ci"
//	forbidden: User "alice" cannot get path "/metrics"
func accessIn(message string) (a Access, ok bool) {
	_, rest, _ := strings.Cut(message, `User "`)
	rest, _ = afterQuote(rest)
	rest, ok = strings.CutPrefix(rest, " cannot ")
	a.Verb, rest, _ = strings.Cut(rest, " ")
	quoted := func(words string) string {
		after, found := strings.CutPrefix(rest, words+` "`)
		left, ended := afterQuote(after)
		if !found || !ended {
			return ""
		}
		rest = left
		return after[:len(after)-len(left)-1]
	}
	a.Path = quoted("path")
	a.Resource, a.Subresource, _ = strings.Cut(quoted("resource"), "/")
	a.Group = quoted(" in API group")
	a.Namespace = quoted(" in the namespace")
	return a, ok && a.Verb != "" && (a.Path != "" || a.Resource != "")
}

// userIn returns the user that a server's message of a 403 speaks of, or "".
func userIn(message string) string {
	_, rest, _ := strings.Cut(message, `User "`)
	left, ended := afterQuote(rest)
	if !ended {
		return ""
	}
	return rest[:len(rest)-len(left)-1]
}

// denied is the finding that the user of a good token may not do something.
func (f *facts) denied(proved bool, want Access, user string, evidence ...token.Evidence) token.Finding {
	return finding(proved, causeForbidden, f.grant(want, user), evidence...)
}

// grant says how to let somebody do something.
func (f *facts) grant(a Access, user string) string {
	if user == "" && f.ofKubernetes() {
		user = accountPrefix + f.namespace() + ":" + f.name()
	}
	verb := plain(a.Verb, "VERB")
	what := "--resource=" + plain(a.resource(), "RESOURCE")
	if a.Path != "" {
		what = "--non-resource-url=" + plain(a.Path, "PATH")
	}
	switch {
	case a.Name == "", verb == "list", verb == "watch", verb == "deletecollection":
	case verb == "create" && a.Subresource == "": // what is to be made has no name yet
	default:
		what += " --resource-name=" + plain(a.Name, "NAME")
	}
	if a.Namespace != "" {
		ns := named(a.Namespace, "NAMESPACE")
		return fmt.Sprintf("have whoever may do so grant it: kubectl -n %s create role NAME --verb=%s %s && kubectl -n %[1]s create rolebinding NAME --role=NAME %[4]s; another token of the same user fares no better", ns, verb, what, subject(user))
	}
	return fmt.Sprintf("have whoever may do so grant it: kubectl create clusterrole NAME --verb=%s %s && kubectl create clusterrolebinding NAME --clusterrole=NAME %s; another token of the same user fares no better", verb, what, subject(user))
}
