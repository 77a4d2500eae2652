package kube_test

import (
	"math"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/token"
)

// What cannot be asked for is not asked for, and the error names the field.
func TestMisconfigured(t *testing.T) {
	t.Parallel()
	client := creator(func(string, *authenticationv1.TokenRequest) (*authenticationv1.TokenRequest, error) {
		t.Error("it was asked for")
		return nil, nil
	})
	named := func(change func(*kube.Request)) *kube.Source {
		src := kube.NewSource(client, "builder")
		change(&src.Request)
		return src
	}
	for _, test := range []struct {
		src  *kube.Source
		want string
	}{
		{kube.NewSource(nil, "builder"), "Source.Client is nil"},
		{kube.NewSource(client, ""), "Request.ServiceAccount is empty"},
		{kube.NewSource(client, "ci/builder"), `Request.ServiceAccount is "ci/builder"`},
		{kube.NewSource(client, ".."), "Request.ServiceAccount"},
		{kube.NewSource(client, "Builder\n"), "Request.ServiceAccount"},
		{kube.NewSource(client, strings.Repeat("a", 254)), "Request.ServiceAccount"},
		{named(func(r *kube.Request) { r.Namespace = "a/b" }), "Request.Namespace"},
		{named(func(r *kube.Request) { r.Lifetime = -time.Second }), "Request.Lifetime is -1s"},
		{named(func(r *kube.Request) { r.Audiences = []string{"vault", ""} }), "Request.Audiences[1] is empty"},
		{named(func(r *kube.Request) { r.BoundTo = new(authenticationv1.BoundObjectReference) }), "Request.BoundTo"},
		{named(func(r *kube.Request) { r.BoundTo = &authenticationv1.BoundObjectReference{Kind: "Pod"} }), "Request.BoundTo"},
		{named(func(r *kube.Request) { r.BoundTo = &authenticationv1.BoundObjectReference{Name: "p"} }), "Request.BoundTo"},
	} {
		_, err := test.src.Token(t.Context())
		isFailure(t, test.want, err, kube.Misconfigured, test.want)
	}
}

// What comes is what was asked for, or an error that names the field that is not.
func TestBadAnswers(t *testing.T) {
	t.Parallel()
	type reply = authenticationv1.TokenRequest
	now := time.Now()
	pod := map[string]any{"pod": map[string]any{"name": "p", "uid": "pu"}}
	bound := &authenticationv1.BoundObjectReference{Kind: "Pod", Name: "p", UID: "pu"}
	asked := kube.Request{Namespace: "ci", ServiceAccount: "builder", UID: "u", Audiences: []string{"vault"}, BoundTo: bound}
	good := func() *reply {
		a := answer(now, time.Hour, time.Hour, pod)
		a.ObjectMeta = metav1.ObjectMeta{Namespace: "ci", Name: "builder", UID: "u"}
		a.Spec.Audiences, a.Spec.BoundObjectRef = []string{"vault"}, bound
		return a
	}
	claims := func(change func(claims, kubernetes map[string]any)) func(*reply) {
		return func(a *reply) {
			k := map[string]any{"namespace": "ci", "serviceaccount": map[string]any{"name": "builder", "uid": "u"}, "pod": pod["pod"]}
			c := map[string]any{"sub": "system:serviceaccount:ci:builder", "aud": []string{"vault"}, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "kubernetes.io": k}
			change(c, k)
			a.Status.Token = jwt(c)
		}
	}
	opaque := func(a *reply) { a.Status.Token = "opaque" }
	get := func(t *testing.T, r kube.Request, changes ...func(*reply)) (token.Token, error) {
		a := good()
		for _, c := range changes {
			c(a)
		}
		return (&kube.Source{Request: r, Client: creator(func(string, *reply) (*reply, error) { return a, nil })}).Token(t.Context())
	}

	for name, changes := range map[string][]func(*reply){
		"as asked for":           nil,
		"more audiences":         {func(a *reply) { a.Spec.Audiences = []string{"api", "vault"} }},
		"opaque":                 {opaque},
		"without metadata":       {func(a *reply) { a.ObjectMeta = metav1.ObjectMeta{} }},
		"without a number":       {func(a *reply) { a.Spec.ExpirationSeconds = nil }},
		"the claims of the test": {claims(func(_, _ map[string]any) {})},
	} {
		if _, err := get(t, asked, changes...); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}

	anyUID := asked
	anyUID.BoundTo = &authenticationv1.BoundObjectReference{Kind: "Pod", Name: "p"}
	if _, err := get(t, anyUID); err != nil {
		t.Errorf("bound to whichever Pod has the name: %v", err)
	}

	type changes = []func(*reply)
	set := func(f func(*reply)) changes { return changes{f} }
	for name, test := range map[string]struct {
		changes changes
		want    string
	}{
		"empty":                  {set(func(a *reply) { *a = reply{} }), "status.token"},
		"no token":               {set(func(a *reply) { a.Status.Token = "" }), "status.token"},
		"two lines":              {set(func(a *reply) { a.Status.Token += "\n" }), "status.token"},
		"two lines, opaque":      {set(func(a *reply) { a.Status.Token = "hush\nhush" }), "status.token"},
		"a space":                {set(func(a *reply) { a.Status.Token = "hush hush" }), "status.token"},
		"not ASCII":              {set(func(a *reply) { a.Status.Token = "hüsh" }), "status.token"},
		"DEL":                    {set(func(a *reply) { a.Status.Token = "hush\x7f" }), "status.token"},
		"endless":                {set(func(a *reply) { a.Status.Token = strings.Repeat("a", token.MaxSize+1) }), "status.token has"},
		"cut off":                {set(func(a *reply) { a.Status.Token = a.Status.Token[:len(a.Status.Token)-90] }), "status.token"},
		"another audience":       {set(func(a *reply) { a.Spec.Audiences = []string{"api"} }), `spec.audiences of the answer lacks "vault"`},
		"no audience":            {set(func(a *reply) { a.Spec.Audiences = []string{} }), "spec.audiences"},
		"of another audience":    {changes{claims(func(c, _ map[string]any) { c["aud"] = []string{"api"} })}, `the aud of status.token lacks "vault"`},
		"of no audience":         {changes{claims(func(c, _ map[string]any) { delete(c, "aud") })}, `the aud of status.token lacks "vault"`},
		"of no UID":              {changes{claims(func(_, k map[string]any) { k["serviceaccount"] = map[string]any{"name": "builder"} })}, "status.token does not say the UID"},
		"another name":           {set(func(a *reply) { a.Name = "other" }), "metadata.name"},
		"another namespace":      {set(func(a *reply) { a.Namespace = "other" }), "metadata.namespace"},
		"of another account":     {changes{claims(func(_, k map[string]any) { k["serviceaccount"] = map[string]any{"name": "other", "uid": "u"} })}, `service account "other"`},
		"of another namespace":   {changes{claims(func(_, k map[string]any) { k["namespace"] = "other" })}, `namespace "other"`},
		"of another sub":         {changes{claims(func(c, _ map[string]any) { c["sub"] = "system:serviceaccount:ci:other" })}, "the sub of status.token"},
		"of a sub like it":       {changes{claims(func(c, _ map[string]any) { c["sub"] = "ci:builder" })}, "the sub of status.token"},
		"of a sub elsewhere":     {changes{claims(func(c, _ map[string]any) { c["sub"] = "system:serviceaccount:other:builder" })}, "the sub of status.token"},
		"of a user":              {changes{claims(func(c, _ map[string]any) { c["sub"] = "builder"; delete(c, "kubernetes.io") })}, "the sub of status.token"},
		"not bound":              {changes{claims(func(_, k map[string]any) { delete(k, "pod") })}, "status.token is not bound to Pod p"},
		"bound to another":       {changes{claims(func(_, k map[string]any) { k["pod"] = map[string]any{"name": "q", "uid": "pu"} })}, "another Pod"},
		"bound to another UID":   {changes{claims(func(_, k map[string]any) { k["pod"] = map[string]any{"name": "p", "uid": "x"} })}, "another Pod"},
		"opaque, not bound":      {changes{opaque, func(a *reply) { a.Spec.BoundObjectRef = nil }}, "spec.boundObjectRef"},
		"no timestamp":           {set(func(a *reply) { a.Status.ExpirationTimestamp = metav1.Time{} }), "status.expirationTimestamp"},
		"timestamp 0":            {set(func(a *reply) { a.Status.ExpirationTimestamp = metav1.Unix(0, 0) }), "status.expirationTimestamp"},
		"opaque, no timestamp":   {changes{opaque, func(a *reply) { a.Status.ExpirationTimestamp = metav1.Time{} }}, "status.expirationTimestamp"},
		"opaque, timestamp 0":    {changes{opaque, func(a *reply) { a.Status.ExpirationTimestamp = metav1.Unix(0, 0) }}, "status.expirationTimestamp"},
		"timestamp at iat":       {set(func(a *reply) { a.Status.ExpirationTimestamp = metav1.NewTime(now.Truncate(time.Second)) }), "status.expirationTimestamp is not after"},
		"timestamp before iat":   {set(func(a *reply) { a.Status.ExpirationTimestamp = metav1.NewTime(now.Add(-time.Hour)) }), "status.expirationTimestamp is not after"},
		"exp before iat":         {changes{claims(func(c, _ map[string]any) { c["exp"] = now.Add(-time.Hour).Unix() })}, "not after the iat"},
		"0 seconds":              {set(func(a *reply) { a.Spec.ExpirationSeconds = new(int64(0)) }), "spec.expirationSeconds"},
		"negative seconds":       {set(func(a *reply) { a.Spec.ExpirationSeconds = new(int64(-1)) }), "spec.expirationSeconds"},
		"absurd seconds":         {set(func(a *reply) { a.Spec.ExpirationSeconds = new(int64(math.MaxInt64)) }), "spec.expirationSeconds"},
		"more than 2^32 seconds": {set(func(a *reply) { a.Spec.ExpirationSeconds = new(int64(1<<32 + 1)) }), "spec.expirationSeconds"},
		"opaque, no seconds":     {changes{opaque, func(a *reply) { a.Spec.ExpirationSeconds = nil }}, "spec.expirationSeconds"},
	} {
		tok, err := get(t, asked, test.changes...)
		isFailure(t, name, err, kube.BadAnswer, test.want)
		if !tok.IsZero() {
			t.Errorf("%s: there is a token with the error", name)
		}
	}
	if _, err := (&kube.Source{Request: asked, Client: creator(func(string, *reply) (*reply, error) { return nil, nil })}).Token(t.Context()); err == nil {
		t.Error("no answer is no error")
	}

	// A server that does not know the precondition gives a token of the new account.
	_, err := get(t, asked, claims(func(_, k map[string]any) { k["serviceaccount"] = map[string]any{"name": "builder", "uid": "new"} }))
	isFailure(t, "of a recreated account", err, kube.Recreated, `UID "new"`, "Request.UID (u)")

	// Secrets and nodes are looked for where they are.
	for kind, claim := range map[string]string{"Secret": "secret", "Node": "node"} {
		r := asked
		r.BoundTo = &authenticationv1.BoundObjectReference{Kind: kind, Name: "o", UID: "ou"}
		if _, err := get(t, r, claims(func(_, k map[string]any) { k[claim] = map[string]any{"name": "o", "uid": "ou"} })); err != nil {
			t.Errorf("bound to a %s: %v", kind, err)
		}
		_, err := get(t, r)
		isFailure(t, kind, err, kube.BadAnswer, "not bound to "+kind)
	}

	// What a later server can bind to is believed if the answer has it.
	later := asked
	later.BoundTo = &authenticationv1.BoundObjectReference{Kind: "Lease", Name: "l"}
	if _, err := get(t, later, func(a *reply) { a.Spec.BoundObjectRef = later.BoundTo }); err != nil {
		t.Errorf("bound to a Lease: %v", err)
	}
	_, err = get(t, later, func(a *reply) { a.Spec.BoundObjectRef = nil })
	isFailure(t, "not bound to a Lease", err, kube.BadAnswer, "spec.boundObjectRef is missing", "Lease l")
}
