package kube_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/storetest"
)

var (
	_ refresh.Store = (*kube.SecretStore)(nil)

	one, two, three = []byte("one"), []byte("two"), []byte("three")
	never           time.Time
)

func TestSecretStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) refresh.Store { return &kube.SecretStore{Client: new(secrets)} })
}

// swap fails the test unless the Swap says want.
func swap(t *testing.T, s refresh.Store, key string, old, new []byte, want bool) {
	t.Helper()
	if got, err := s.Swap(t.Context(), key, old, new, never); err != nil || got != want {
		t.Errorf("Swap(%q, %q, %q) = %t, %v; want %t", key, old, new, got, err, want)
	}
}

// holds fails the test unless the value of a key is want.
func holds(t *testing.T, s refresh.Store, key string, want []byte) {
	t.Helper()
	if got, err := s.Get(t.Context(), key); err != nil || !cmp.Equal(got, want) {
		t.Errorf("Get(%q) = %q, %v; want %q", key, got, err, want)
	}
}

// storeError fails the test unless err is an *Error of a reason, with these words.
func storeError(t *testing.T, err error, reason kube.Reason, words ...string) {
	t.Helper()
	e, ok := errors.AsType[*kube.Error](err)
	if !ok || e.Reason != reason {
		t.Errorf("got %v, want an *Error with the reason %q", err, reason)
		return
	}
	for _, w := range words {
		if !strings.Contains(e.Error(), w) {
			t.Errorf("%q is not in: %v", w, e)
		}
	}
}

// TestSecret shows what a Secret looks like, and that what others put into it stays.
func TestSecret(t *testing.T) {
	t.Parallel()
	c := new(secrets)
	s := &kube.SecretStore{Client: c}
	key := "pair/\xff\x00"
	swap(t, s, key, nil, one, true)
	got := c.secret(t, s.Name(key))
	want := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: s.Name(key), Namespace: "ci", UID: got.UID, ResourceVersion: got.ResourceVersion,
			Labels: map[string]string{"app.kubernetes.io/managed-by": "tokenlife"}},
		Type: corev1.SecretTypeOpaque,
		Data: map[string][]byte{"key": []byte(key), "value": one, "format": []byte("1")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the Secret (-want +got):\n%s", diff)
	}

	c.change(s.Name(key), func(others *corev1.Secret) {
		others.Labels = map[string]string{"app.kubernetes.io/managed-by": "somebody", "a": "b"}
		others.Annotations = map[string]string{"c": "d"}
		others.OwnerReferences = []metav1.OwnerReference{{Name: "owner"}}
		others.Finalizers = []string{"example.com/keep"}
		others.Data["note"] = []byte("mine")
	})
	want = c.secret(t, s.Name(key))
	if ok, err := s.Swap(t.Context(), key, one, two, time.UnixMilli(1<<42)); err != nil || !ok {
		t.Fatal(ok, err)
	}
	got = c.secret(t, s.Name(key))
	want.ResourceVersion, want.Data["value"], want.Data["expires"] = got.ResourceVersion, two, []byte("4398046511104")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after a Swap (-want +got):\n%s", diff)
	}
	// Kept by the finalizer, it counts as absent, and nothing can be put there.
	swap(t, s, key, two, nil, true)
	holds(t, s, key, nil)
	swap(t, s, key, two, one, false)
	swap(t, s, key, nil, nil, true)
	_, err := s.Swap(t.Context(), key, nil, three, never)
	storeError(t, err, kube.Rejected, "being deleted", "finalizer", "ci/"+s.Name(key))
	c.forget(s.Name(key))
	swap(t, s, key, nil, three, true)
}

func TestSecretName(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 188)
	for prefix, ok := range map[string]bool{
		"": true, "app": true, "0": true, "a-b.c0-d": true, "a-": true, long: true,
		long + "a": false, "A": false, "-a": false, ".a": false, "a.": false, "a..b": false, "a.-b": false, "a-.b": false, "a_b": false, "a/b": false, "a b": false, "é": false, "a\n": false,
	} {
		c := new(secrets)
		s := &kube.SecretStore{Client: c, Prefix: prefix}
		_, err := s.Swap(t.Context(), "k", nil, one, never)
		if ok != (err == nil) {
			t.Errorf("Prefix %.20q: %v", prefix, err)
		}
		if !ok {
			storeError(t, err, kube.Misconfigured, "SecretStore: Prefix")
			if _, err = s.Get(t.Context(), "k"); err == nil || len(c.calls) > 0 {
				t.Errorf("Prefix %.20q: Get: %v, and it sent %q", prefix, err, c.calls)
			}
		} else if n := len(s.Name("k")); n > 253 || !strings.HasPrefix(s.Name("k"), prefix) {
			t.Errorf("Prefix %.20q: a name of %d bytes", prefix, n)
		}
	}
	a, b := &kube.SecretStore{}, &kube.SecretStore{Prefix: "other"}
	if a.Name("k") == a.Name("K") || a.Name("k") == b.Name("k") {
		t.Error("two keys have one name")
	}
	// It is what the documentation says.
	doc, err := os.ReadFile("secretstore.go")
	if err != nil {
		t.Fatal(err)
	}
	if name := a.Name("pair/github"); !strings.Contains(string(doc), `resourceNames: ["`+name+`"]`) {
		t.Errorf("the Role in the documentation is not for %s", name)
	}
	_, err = a.Get(t.Context(), "k")
	storeError(t, err, kube.Misconfigured, "SecretStore.Client is nil", a.Name("k"))
}

// TestSecretCalls counts the requests.
func TestSecretCalls(t *testing.T) {
	t.Parallel()
	c := new(secrets)
	s := &kube.SecretStore{Client: c}
	for _, step := range []struct {
		old, new []byte
		ok       bool
		want     string
	}{
		{nil, nil, true, "get"},
		{one, two, false, "get"},
		{nil, one, true, "get create"},
		{two, three, false, "get"},
		{one, two, true, "get update"},
		{two, nil, true, "get delete"},
	} {
		swap(t, s, "k", step.old, step.new, step.ok)
		if got := strings.Join(c.counted(), " "); got != step.want {
			t.Errorf("Swap(%q, %q) made the requests %s, want %s", step.old, step.new, got, step.want)
		}
	}
	holds(t, s, "k", nil)
	if got := c.counted(); len(got) != 1 {
		t.Errorf("Get made the requests %q", got)
	}
	for _, key := range []string{"", strings.Repeat("k", 257)} {
		_, err := s.Get(t.Context(), key)
		_, err2 := s.Swap(t.Context(), key, nil, one, never)
		if err == nil || err2 == nil || !strings.HasPrefix(err.Error(), "kube: SecretStore key of") {
			t.Errorf("key of %d bytes: %v, %v", len(key), err, err2)
		}
	}
	for _, v := range [][2][]byte{{one, {}}, {{}, one}, {one, make([]byte, 64<<10+1)}, {make([]byte, 64<<10+1), one}} {
		if _, err := s.Swap(t.Context(), "k", v[0], v[1], never); err == nil || !strings.HasPrefix(err.Error(), "kube: SecretStore value") {
			t.Errorf("values of %d and %d bytes: %v", len(v[0]), len(v[1]), err)
		}
	}
	if got := c.counted(); len(got) != 0 {
		t.Errorf("what no Store takes made the requests %q", got)
	}
}

// TestSecretExpires shows that a value is there to the end and no longer.
func TestSecretExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := new(secrets)
		s := &kube.SecretStore{Client: c}
		if ok, err := s.Swap(t.Context(), "k", nil, one, time.Now().Add(time.Minute)); err != nil || !ok {
			t.Fatal(ok, err)
		}
		time.Sleep(time.Minute - time.Millisecond)
		holds(t, s, "k", one)
		time.Sleep(time.Millisecond)
		holds(t, s, "k", nil)
		swap(t, s, "k", one, two, false)
		c.counted()
		swap(t, s, "k", nil, nil, true)
		swap(t, s, "k", nil, two, true)
		if got := fmt.Sprint(c.counted()); got != "[get get update]" {
			t.Errorf("the requests were %s", got)
		}
		time.Sleep(24 * 365 * time.Hour)
		holds(t, s, "k", two)
	})
}

// TestSecretOfOthers: a Secret that has the name and is not ours is never written to.
func TestSecretOfOthers(t *testing.T) {
	t.Parallel()
	name := new(kube.SecretStore).Name("k")
	for want, data := range map[string]map[string][]byte{
		`item "key" is`:     {"key": []byte("K"), "value": one},
		`item "key" `:       {"value": one},
		` item "key"`:       nil,
		`item "value"`:      {"key": []byte("k")},
		`item "value" is`:   {"key": []byte("k"), "value": {}},
		"missing, empty":    {"key": []byte("k"), "value": nil},
		"newer version":     {"key": []byte("k"), "value": one, "format": []byte("2")},
		`item "format" is`:  {"key": []byte("k"), "value": one},
		"too long":          {"key": []byte("k"), "value": make([]byte, 64<<10+1)},
		`item "expires"`:    {"key": []byte("k"), "value": one, "format": []byte("1"), "expires": []byte("soon")},
		`item "expires" is`: {"key": []byte("k"), "value": one, "format": []byte("1"), "expires": {}},
	} {
		c := new(secrets)
		s := &kube.SecretStore{Client: c}
		c.change(name, func(others *corev1.Secret) { others.Data = data })
		before := c.secret(t, name)
		_, err := s.Get(t.Context(), "k")
		storeError(t, err, kube.Misconfigured, want, "ci/"+name, "SecretStore.Prefix")
		for _, v := range [][2][]byte{{nil, two}, {one, two}, {one, nil}, {nil, nil}, {two, three}} {
			ok, err := s.Swap(t.Context(), "k", v[0], v[1], never)
			storeError(t, err, kube.Misconfigured, want, "ci/"+name)
			if ok {
				t.Errorf("%s: Swap said true", want)
			}
		}
		if diff := cmp.Diff(before, c.secret(t, name)); diff != "" {
			t.Errorf("%s: it was written to:\n%s", want, diff)
		}
	}
}

// TestSecretAnswers: an answer without what makes the next write safe is none.
func TestSecretAnswers(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*corev1.Secret) *corev1.Secret{
		"nil":        func(s *corev1.Secret) *corev1.Secret { return nil },
		"no version": func(s *corev1.Secret) *corev1.Secret { s.ResourceVersion = ""; return s },
		"no UID":     func(s *corev1.Secret) *corev1.Secret { s.UID = ""; return s },
		"other name": func(s *corev1.Secret) *corev1.Secret { s.Name = "other"; return s },
		"empty":      func(s *corev1.Secret) *corev1.Secret { return new(corev1.Secret) },
	} {
		c := new(secrets)
		good := &kube.SecretStore{Client: c}
		swap(t, good, "k", nil, one, true)
		s := &kube.SecretStore{Client: spoiled{c, spoil}}
		c.counted()
		_, err := s.Get(t.Context(), "k")
		storeError(t, err, kube.BadAnswer, "metadata.uid", s.Name("k"))
		_, err = s.Swap(t.Context(), "k", one, two, never)
		storeError(t, err, kube.BadAnswer, "resourceVersion")
		if got := fmt.Sprint(c.counted()); got != "[get get]" {
			t.Errorf("%s: the requests were %s", name, got)
		}
		holds(t, good, "k", one)
	}
	long, c := new(kube.SecretStore), new(secrets)
	c.change(long.Name("k"), func(s *corev1.Secret) {})
	long.Client = spoiled{c, func(s *corev1.Secret) *corev1.Secret { s.Namespace = strings.Repeat("\n", 1<<20); return s }}
	if _, err := long.Get(t.Context(), "k"); err == nil || len(err.Error()) > 1<<10 || strings.Contains(err.Error(), "\n") {
		t.Errorf("an error of %d bytes", len(err.Error()))
	}
}

// A spoiled client answers with something else than what it got.
type spoiled struct {
	*secrets
	how func(*corev1.Secret) *corev1.Secret
}

func (s spoiled) Get(ctx context.Context, name string, opts metav1.GetOptions) (*corev1.Secret, error) {
	got, err := s.secrets.Get(ctx, name, opts)
	if err != nil {
		return nil, err
	}
	return s.how(got), nil
}

// TestSecretAliasing: neither a client that keeps what it gave and was given, nor a
// caller that goes on using its slices, changes what the other has.
func TestSecretAliasing(t *testing.T) {
	t.Parallel()
	c := &keeping{secrets: new(secrets)}
	s := &kube.SecretStore{Client: c}
	swap(t, s, "k", nil, one, true)
	kept := c.secret(t, s.Name("k"))
	c.got = kept
	value, err := s.Get(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	value[0] = 'X'
	next := []byte("next")
	swap(t, s, "k", one, next, true)
	next[0] = 'X'
	if string(kept.Data["value"]) != "one" || string(c.sent.Data["value"]) != "next" {
		t.Errorf("the client gave %q, and was given %q", kept.Data["value"], c.sent.Data["value"])
	}
}

// keeping is a client that hands out one Secret, and keeps what it is sent.
type keeping struct {
	*secrets
	got, sent *corev1.Secret
}

func (k *keeping) Get(ctx context.Context, name string, opts metav1.GetOptions) (*corev1.Secret, error) {
	if k.got != nil {
		return k.got, nil
	}
	return k.secrets.Get(ctx, name, opts)
}

func (k *keeping) Update(ctx context.Context, s *corev1.Secret, opts metav1.UpdateOptions) (*corev1.Secret, error) {
	k.sent = s
	return k.secrets.Update(ctx, s, opts)
}
