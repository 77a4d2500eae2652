package kube_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/tokenlife/tokenlife/internal/e2e/apiserver"
	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// legacyToken returns the token that the controller-manager, which does not run here,
// would write into a Secret.
func legacyToken(t *testing.T, s *apiserver.Server, account *corev1.ServiceAccount, secret string) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(&s.SigningKey.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	e := base64.RawURLEncoding.EncodeToString
	kid := sha256.Sum256(der)
	const prefix = "kubernetes.io/serviceaccount/"
	claims, err := json.Marshal(map[string]string{
		"iss": "kubernetes/serviceaccount", "sub": "system:serviceaccount:" + account.Namespace + ":" + account.Name,
		prefix + "namespace": account.Namespace, prefix + "secret.name": secret,
		prefix + "service-account.name": account.Name, prefix + "service-account.uid": string(account.UID),
	})
	if err != nil {
		t.Fatal(err)
	}
	text := e(fmt.Appendf(nil, `{"alg":"ES256","kid":%q}`, e(kid[:]))) + "." + e(claims)
	sum := sha256.Sum256([]byte(text))
	r, sig, err := ecdsa.Sign(rand.Reader, s.SigningKey, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	sig.FillBytes(signature[32:])
	return []byte(text + "." + e(signature))
}

// A token that does not expire is read from its Secret and used; the server notes the
// day. Marked as invalid it is refused, and says so; then it is brought back, and at
// last its Secret deleted.
func TestLegacy(t *testing.T) {
	t.Parallel()
	s := apiserver.Start(t)
	ctx := t.Context()
	account := s.CreateServiceAccount(t, "ci", "builder")
	secrets := s.Client().CoreV1().Secrets("ci")
	l := &kube.Legacy{Client: secrets, Secret: "builder-token"}

	check := func(name string, err error, reason kube.Reason, words ...string) {
		t.Helper()
		e, ok := errors.AsType[*kube.Error](err)
		if !ok || e.Reason != reason || errors.Is(err, token.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
			return
		}
		for _, w := range words {
			if !strings.Contains(e.Error(), w) {
				t.Errorf("%s: %q is not in: %v", name, w, e)
			}
		}
		t.Logf("%s: %v", name, e)
	}

	_, err := l.Token(ctx)
	check("no Secret", err, kube.Missing, `"builder-token" not found`)
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "builder-token", Annotations: map[string]string{corev1.ServiceAccountNameKey: "builder"}},
		Type:       corev1.SecretTypeServiceAccountToken,
	}
	if secret, err = secrets.Create(ctx, secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	_, err = l.Token(ctx)
	check("not filled", err, kube.Missing, "no data.token yet", `service account "builder"`)
	secret.Data = map[string][]byte{"token": legacyToken(t, s, account, secret.Name)}
	if _, err = secrets.Update(ctx, secret, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}

	src := refresh.New(l)
	accepted := func() (bool, string) {
		t.Helper()
		tok, err := l.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		status := review(t, s, tok.Token)
		return status.Authenticated, status.Error
	}
	got, err := l.Read(ctx)
	if err != nil || got.ServiceAccount != "builder" || !got.LastUsed.IsZero() || !got.InvalidSince.IsZero() {
		t.Errorf("before it is used: %+v, %v", got, err)
	}
	// It may list nothing, which is for the server to say of a user it knows.
	known := func(cs *kubernetes.Clientset) error {
		if err := call(ctx, cs); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "system:serviceaccount:ci:builder") {
			return fmt.Errorf("used, it gets %w", err)
		}
		return nil
	}
	// The server learns what is in the Secret by a watch of its own, and refuses the
	// token until it has.
	eventually(t, "the server knows the token", func() error {
		cs, _ := clientOf(t, s, token.Static(got.Token))
		return known(cs)
	})
	cs, refusals := clientOf(t, s, src)
	if err := known(cs); err != nil {
		t.Error(err)
	}
	if got, err = l.Read(ctx); err != nil || time.Since(got.LastUsed) > 25*time.Hour || time.Until(got.LastUsed) > 0 {
		t.Errorf("after it was used: %+v, %v", got, err)
	}
	t.Logf("used on %s", got.LastUsed.Format(time.DateOnly))

	mark := func(value string) {
		t.Helper()
		patch := fmt.Sprintf(`{"metadata":{"labels":{"kubernetes.io/legacy-token-invalid-since":%s}}}`, value)
		if _, err := secrets.Patch(ctx, "builder-token", types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	mark(`"2026-01-02"`)
	if got, err = l.Read(ctx); err != nil || got.Token.IsZero() || got.InvalidSince.Format(time.DateOnly) != "2026-01-02" {
		t.Errorf("marked as invalid: %+v, %v", got, err)
	}
	_, err = l.Token(ctx)
	check("marked as invalid", err, kube.Unauthenticated, "since 2026-01-02", "kubectl label secret builder-token kubernetes.io/legacy-token-invalid-since-")
	if !errors.Is(err, token.ErrRefused) {
		t.Errorf("marked as invalid: the error does not match ErrRefused: %v", err)
	}
	// The server keeps its approval for ten seconds; then the program learns why.
	eventually(t, "the server refuses it", func() error {
		if err := call(ctx, cs); !apierrors.IsUnauthorized(err) {
			return fmt.Errorf("it answers %w", err)
		}
		return nil
	})
	if refusals.Load() == 0 {
		t.Error("it was not the server that refused it")
	}
	_, why := accepted()
	if !strings.Contains(why, "marked invalid") {
		t.Errorf("the server refuses it for %q", why)
	}
	if _, err := src.Token(ctx); !errors.Is(err, token.ErrRefused) {
		t.Errorf("the program is told %v", err)
	}

	mark("null")
	recovers(t, src)
	eventually(t, "the server accepts it again", func() error {
		if ok, why := accepted(); !ok {
			return errors.New(why)
		}
		return nil
	})

	// With a finalizer the Secret stays, and its token is dead all the same.
	patch := `{"metadata":{"finalizers":["example.com/keep"]}}`
	if _, err := secrets.Patch(ctx, "builder-token", types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := secrets.Delete(ctx, "builder-token", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if got, err = l.Read(ctx); err != nil || time.Since(got.Deleted).Abs() > time.Minute {
		t.Errorf("being deleted: %+v, %v", got, err)
	}
	_, err = l.Token(ctx)
	check("being deleted", err, kube.Unauthenticated, "is being deleted since")
	eventually(t, "the server refuses it", func() error {
		if ok, _ := accepted(); ok {
			return errors.New("it does not")
		}
		return nil
	})
	patch = `{"metadata":{"finalizers":null}}`
	if _, err := secrets.Patch(ctx, "builder-token", types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	_, err = l.Token(ctx)
	check("deleted", err, kube.Missing, "if it was deleted")
	src.Invalidate(got.Token)
	if _, err := src.Token(ctx); !apierrors.IsNotFound(err) {
		t.Errorf("deleted: the program is told %v", err)
	}
}

// Whoever may not read the Secret is told what to be granted.
func TestLegacyForbidden(t *testing.T) {
	t.Parallel()
	s := apiserver.Start(t)
	s.CreateServiceAccount(t, "ci", "builder")
	cs, _ := clientOf(t, s, token.Static(token.New(token.NewSecret(s.User("alice").BearerToken))))
	_, err := (&kube.Legacy{Client: cs.CoreV1().Secrets("ci"), Secret: "builder-token"}).Token(t.Context())
	e, ok := errors.AsType[*kube.Error](err)
	if !ok || e.Reason != kube.Forbidden || !strings.Contains(e.Error(), `User "alice"`) || !strings.Contains(e.Error(), `verb "get" on the resource "secrets"`) {
		t.Errorf("no RBAC: %v", err)
	}
	t.Log(err)
}
