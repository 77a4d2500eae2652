package kube_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/token"
)

// legacyClaims are those of a token that lives in a Secret.
func legacyClaims(secret string) map[string]any {
	const prefix = "kubernetes.io/serviceaccount/"
	return map[string]any{
		"iss": "kubernetes/serviceaccount", "sub": "system:serviceaccount:ci:builder",
		prefix + "namespace": "ci", prefix + "secret.name": secret,
		prefix + "service-account.name": "builder", prefix + "service-account.uid": "u",
	}
}

// secretGetter is a SecretGetter of one function.
type secretGetter func(name string) (*corev1.Secret, error)

func (s secretGetter) Get(_ context.Context, name string, _ metav1.GetOptions) (*corev1.Secret, error) {
	return s(name)
}

// legacySecret returns the Secret of a token, changed by change.
func legacySecret(change func(*corev1.Secret)) secretGetter {
	return func(name string) (*corev1.Secret, error) {
		s := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{
				Name: name, Namespace: "ci",
				Annotations: map[string]string{corev1.ServiceAccountNameKey: "builder"},
			},
			Type: corev1.SecretTypeServiceAccountToken,
			Data: map[string][]byte{"token": []byte(jwt(legacyClaims(name))), "namespace": []byte("ci")},
		}
		if change != nil {
			change(s)
		}
		return s, nil
	}
}

func label(name, value string) func(*corev1.Secret) {
	return func(s *corev1.Secret) { s.Labels = map[string]string{"kubernetes.io/legacy-token-" + name: value} }
}

func TestLegacy(t *testing.T) {
	t.Parallel()
	used := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		change func(*corev1.Secret)
		want   kube.LegacyToken
	}{
		"never used":            {nil, kube.LegacyToken{}},
		"used":                  {label("last-used", "2026-11-26"), kube.LegacyToken{LastUsed: used}},
		"used, nobody can tell": {label("last-used", "yesterday"), kube.LegacyToken{}},
		"not marked":            {label("invalid-since", ""), kube.LegacyToken{}},
	} {
		l := &kube.Legacy{Client: legacySecret(test.change), Secret: "builder-token"}
		got, err := l.Read(t.Context())
		if err != nil || got.ServiceAccount != "builder" || !got.LastUsed.Equal(test.want.LastUsed) || !got.InvalidSince.IsZero() || !got.Deleted.IsZero() {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		tok, err := l.Token(t.Context())
		if err != nil || tok.Value.Reveal() != jwt(legacyClaims("builder-token")) || !tok.Equal(got.Token) {
			t.Errorf("%s: %v", name, err)
		}
		if tok.RefreshIn != 10*time.Minute || !tok.Expiry.IsZero() || tok.ExpiresIn != 0 {
			t.Errorf("%s: %+v; want a look in ten minutes, and no word of an end", name, tok)
		}
		if text := fmt.Sprintf("%+v %#v", got, got); strings.Contains(text, tok.Value.Reveal()) {
			t.Errorf("%s: the token prints", name)
		}
	}
}

// A token that the server refuses is read, and not handed out.
func TestLegacyRefused(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		change func(*corev1.Secret)
		want   []string
	}{
		"invalid": {label("invalid-since", "2026-01-02"), []string{"since 2026-01-02", "kubectl label secret builder-token kubernetes.io/legacy-token-invalid-since-"}},
		"deleted": {func(s *corev1.Secret) { s.DeletionTimestamp = &metav1.Time{Time: day} }, []string{"being deleted since 2026-01-02T00:00:00Z", "kube.Source"}},
	} {
		l := &kube.Legacy{Client: legacySecret(test.change), Secret: "builder-token"}
		got, err := l.Read(t.Context())
		if err != nil || got.Token.IsZero() || !got.InvalidSince.Equal(day) && !got.Deleted.Equal(day) {
			t.Errorf("%s: Read: %+v, %v", name, got, err)
		}
		tok, err := l.Token(t.Context())
		e, ok := errors.AsType[*kube.Error](err)
		if !ok || !tok.IsZero() || e.Reason != kube.Unauthenticated || !errors.Is(err, token.ErrRefused) || errors.Is(err, token.ErrInvalid) {
			t.Errorf("%s: Token: %v", name, err)
			continue
		}
		for _, want := range append(test.want, "kube: token in Secret builder-token: ") {
			if !strings.Contains(e.Error(), want) {
				t.Errorf("%s: %q is not in: %v", name, want, e)
			}
		}
		t.Log(e)
	}
}

func TestLegacyErrors(t *testing.T) {
	t.Parallel()
	resource := schema.GroupResource{Resource: "secrets"}
	fails := func(err error) secretGetter { return func(string) (*corev1.Secret, error) { return nil, err } }
	data := func(text string) secretGetter {
		return legacySecret(func(s *corev1.Secret) { s.Data["token"] = []byte(text) })
	}
	good := jwt(legacyClaims("builder-token"))
	long := strings.Repeat("x\n", 2000)
	for name, test := range map[string]struct {
		client secretGetter
		reason kube.Reason
		want   []string
	}{
		"no RBAC": {fails(apierrors.NewForbidden(resource, "builder-token", errors.New(`User "nobody" cannot get resource "secrets"`))),
			kube.Forbidden, []string{`"nobody"`, `verb "get"`, `resource "secrets"`, `resourceNames "builder-token"`}},
		"missing":                {fails(apierrors.NewNotFound(resource, "builder-token")), kube.Missing, []string{`"builder-token" not found`, "Legacy.Secret", "Legacy.Client", "kube.Source"}},
		"own credential refused": {fails(apierrors.NewUnauthorized("Unauthorized")), kube.Unauthenticated, []string{"renew"}},
		"own credential expired": {fails(token.ErrExpired), kube.Unauthenticated, []string{"renew"}},
		"away":                   {fails(errors.New("dial tcp 127.0.0.1:6443: connect: connection refused")), kube.Away, []string{"connection refused"}},
		"nil":                    {fails(nil), kube.BadAnswer, []string{"no Secret"}},
		"another type":           {legacySecret(func(s *corev1.Secret) { s.Type = corev1.SecretTypeOpaque }), kube.Misconfigured, []string{`"Opaque"`, `"kubernetes.io/service-account-token"`, "Legacy.Secret"}},
		"no type":                {legacySecret(func(s *corev1.Secret) { s.Type = "" }), kube.BadAnswer, []string{"the answer has no type"}},
		"empty Secret":           {func(string) (*corev1.Secret, error) { return new(corev1.Secret), nil }, kube.BadAnswer, []string{"the answer has no type"}},
		"another Secret":         {legacySecret(func(s *corev1.Secret) { s.Name = "other-token" }), kube.BadAnswer, []string{`metadata.name of the answer is "other-token"`}},
		"token as name":          {legacySecret(func(s *corev1.Secret) { s.Name = good }), kube.BadAnswer, []string{"[redacted]"}},
		"token as type":          {legacySecret(func(s *corev1.Secret) { s.Type = corev1.SecretType(good) }), kube.Misconfigured, []string{"[redacted]"}},
		"token as label":         {legacySecret(label("invalid-since", good)), kube.BadAnswer, []string{"[redacted]"}},
		"token as annotation":    {legacySecret(func(s *corev1.Secret) { s.Data, s.Annotations[corev1.ServiceAccountNameKey] = nil, good }), kube.Missing, []string{"[redacted]"}},
		"no data":                {legacySecret(func(s *corev1.Secret) { s.Data = nil }), kube.Missing, []string{"no data.token yet", `service account "builder"`, corev1.ServiceAccountNameKey}},
		"long type":              {legacySecret(func(s *corev1.Secret) { s.Type = corev1.SecretType(long) }), kube.Misconfigured, []string{"type"}},
		"long annotation":        {legacySecret(func(s *corev1.Secret) { s.Data, s.Annotations[corev1.ServiceAccountNameKey] = nil, long }), kube.Missing, []string{"no data.token yet"}},
		"long label":             {legacySecret(label("invalid-since", long)), kube.BadAnswer, []string{"legacy-token-invalid-since"}},
		"refused by a proxy": {fails(apierrors.NewGenericServerResponse(403, "get", resource, "builder-token", "<html>", 0, true)),
			kube.Forbidden, []string{"a proxy before it refused the request"}},
		"empty":              {data(""), kube.Missing, []string{"no data.token yet"}},
		"half":               {data(good[:len(good)-9]), kube.BadAnswer, []string{"data.token", "segment 3"}},
		"line break":         {data(good + "\n"), kube.BadAnswer, []string{"data.token", "white space"}},
		"opaque":             {data("secret"), kube.BadAnswer, []string{"data.token", "no JWT"}},
		"huge":               {data(strings.Repeat("secret", token.MaxSize)), kube.BadAnswer, []string{"data.token", "length"}},
		"invalid since when": {legacySecret(label("invalid-since", "yes")), kube.BadAnswer, []string{"legacy-token-invalid-since", `"yes"`, "kubectl label secret builder-token"}},
		"invalid since ever": {legacySecret(label("invalid-since", "0001-01-01")), kube.BadAnswer, []string{"legacy-token-invalid-since"}},
	} {
		l := &kube.Legacy{Client: test.client, Secret: "builder-token"}
		tok, err := l.Token(t.Context())
		e, ok := errors.AsType[*kube.Error](err)
		if !ok || !tok.IsZero() || e.Reason != test.reason {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, want := range append(test.want, "kube: token in Secret builder-token: ") {
			if !strings.Contains(e.Error(), want) {
				t.Errorf("%s: %q is not in: %v", name, want, e)
			}
		}
		if errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrRefused) != (test.reason == kube.Unauthenticated) {
			t.Errorf("%s: ErrInvalid %t, ErrRefused %t", name, errors.Is(err, token.ErrInvalid), errors.Is(err, token.ErrRefused))
		}
		if strings.Contains(e.Error(), good[:20]) || strings.Contains(e.Error(), "secretsecret") || strings.Contains(e.Error(), "\n") || len(e.Error()) > 1024 {
			t.Errorf("%s: the error repeats what the Secret holds: %.200s", name, e)
		}
	}
}

func TestLegacyMisconfigured(t *testing.T) {
	t.Parallel()
	for want, l := range map[string]*kube.Legacy{
		"Legacy.Client":                       {Secret: "builder-token"},
		"Legacy.Secret is empty":              {Client: legacySecret(nil)},
		`Legacy.Secret is "ci/builder-token"`: {Client: legacySecret(nil), Secret: "ci/builder-token"},
		`Legacy.Secret is "two lines"`:        {Client: legacySecret(nil), Secret: "two\nlines"},
	} {
		_, err := l.Token(t.Context())
		if e, ok := errors.AsType[*kube.Error](err); !ok || e.Reason != kube.Misconfigured || !strings.Contains(err.Error(), want) {
			t.Errorf("without %s: %v", want, err)
		}
	}
}
