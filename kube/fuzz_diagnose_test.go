package kube_test

import (
	"errors"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/token"
)

// FuzzDiagnoseToken gives any text for a token: what is said of it can be read, and
// repeats none of what may be secret in it.
func FuzzDiagnoseToken(f *testing.F) {
	for _, c := range diagnosisCases {
		if c.make != nil {
			if text := c.make().Reveal(); len(text) < 5000 {
				f.Add(text)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		secret := token.NewSecret(text)
		a := newFakeAPI(secret)
		a.reject("invalid bearer token")
		for _, cfg := range []*rest.Config{nil, a.config()} {
			d := kube.Diagnose(t.Context(), kube.Suspect{Token: secret}, cfg)
			readable(t, d)
			if _, signature, ok := strings.Cut(text[strings.LastIndexByte(text, '.')+1:], "."); ok && len(signature) > 20 && strings.Contains(d.String(), signature) {
				t.Errorf("%v", d)
			}
			if cfg != nil && len(d.Findings) == 0 {
				t.Error("it is refused, and nothing is found")
			}
		}
		a.harmless(t)
	})
}

// FuzzDiagnoseAnswer gives any answer to one of the questions.
func FuzzDiagnoseAnswer(f *testing.F) {
	for i := range diagnosisPaths {
		f.Add(i, 200, `{"kind":"SelfSubjectReview","status":{"userInfo":{"username":"x"}}}`)
		f.Add(i, 201, `{"kind":"TokenReview","status":{"authenticated":false,"error":"service account UID (1) does not match claim (2)"}}`)
		f.Add(i, 200, `{"metadata":{"uid":"1","deletionTimestamp":"2000-01-01T00:00:00Z","creationTimestamp":null},"data":{"token":"eA=="}}`)
		f.Add(i, 200, `{"issuer":"x","keys":[{"kid":"a"},{"kid":"b"}]}`)
		f.Add(i, 403, `{"kind":"Status","message":"pods is forbidden: User \"a\" cannot list resource \"pods\" in API group \"\""}`)
		f.Add(i, 401, `{"kind":"Status"}`)
		f.Add(i, 302, ``)
	}
	f.Fuzz(func(t *testing.T, path, status int, body string) {
		if status < 200 || status > 599 {
			return
		}
		secret := appToken(boundTo("pod"))
		if path%2 == 1 {
			secret = legacyToken()
		}
		a := newFakeAPI(secret)
		a.answers[diagnosisPaths[((path/2)%len(diagnosisPaths)+len(diagnosisPaths))%len(diagnosisPaths)]] = say(status, body)
		d := kube.Diagnose(t.Context(), kube.Suspect{Token: secret, Access: &kube.Access{Verb: "list", Resource: "pods"}}, a.config())
		readable(t, d)
		a.harmless(t)
	})
}

// FuzzDiagnoseError gives any words of a 403: what they say becomes a command that is
// no more than it should be.
func FuzzDiagnoseError(f *testing.F) {
	f.Add(`pods "web" is forbidden: User "alice" cannot get resource "pods/log" in API group "" in the namespace "ci"`, "web")
	f.Add(`forbidden: User "alice" cannot get path "/metrics"`, "")
	f.Add(`x is forbidden: User "a\"b" cannot get resource "x" in API group "y" at the cluster scope`, "$(reboot)")
	f.Add(`User "system:serviceaccount:ci:app" cannot -f resource ";" in API group "&" in the namespace "|"`, "-f")
	f.Add(`pods is forbidden: User "system:anonymous" cannot list resource "pods"`, "")
	f.Fuzz(func(t *testing.T, message, name string) {
		err := apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, name, errors.New("x"))
		err.ErrStatus.Message = message
		secret := token.NewSecret("abcdef.0123456789abcdef")
		a := newFakeAPI(secret)
		a.answers[accessPath] = permits(false, "")
		for _, cfg := range []*rest.Config{nil, a.config()} {
			d := kube.Diagnose(t.Context(), kube.Suspect{Token: secret, Err: err}, cfg)
			readable(t, d)
			for _, finding := range d.Findings {
				_, command, found := strings.Cut(finding.Remedy, "kubectl ")
				command, _, _ = strings.Cut(command, ";")
				if found && strings.Trim(command, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -._:/@+=&") != "" || strings.Count(command, "&") > 2 {
					t.Errorf("this is more than a command should be: %s", command)
				}
			}
		}
		a.harmless(t)
	})
}
