package kube_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/token"
)

// TestSecretConflicts has somebody else be faster than each kind of write.
func TestSecretConflicts(t *testing.T) {
	t.Parallel()
	name := new(kube.SecretStore).Name("k")
	put := func(value []byte) func(*secrets) {
		return func(c *secrets) {
			c.change(name, func(s *corev1.Secret) {
				s.Data = map[string][]byte{"key": []byte("k"), "value": value, "format": []byte("1")}
			})
		}
	}
	label := func(c *secrets) {
		c.change(name, func(s *corev1.Secret) { s.Labels = map[string]string{"a": "b"} })
	}
	remove := func(c *secrets) { c.forget(name) }
	again := func(value []byte) func(*secrets) { // with another UID
		return func(c *secrets) { remove(c); put(value)(c) }
	}
	for _, test := range []struct {
		name     string
		old, new []byte
		others   func(*secrets)
		verb     string
		ok       bool
		want     []byte // afterwards
	}{
		{"created meanwhile", nil, two, put(one), "create", false, one},
		{"created meanwhile with the same", nil, two, put(two), "create", false, two},
		{"created and removed meanwhile", nil, two, nil, "create", true, two},

		{"labelled meanwhile", one, two, label, "update", true, two},
		{"written meanwhile", one, two, put(three), "update", false, three},
		{"written meanwhile with the same", one, two, put(two), "update", false, two},
		{"removed meanwhile", one, two, remove, "update", false, nil},
		{"made again meanwhile", one, two, again(one), "update", true, two},
		{"made again otherwise", one, two, again(three), "update", false, three},

		{"labelled before it is removed", one, nil, label, "delete", true, nil},
		{"written before it is removed", one, nil, put(three), "delete", false, three},
		{"removed before it is removed", one, nil, remove, "delete", false, nil},
		{"made again before it is removed", one, nil, again(one), "delete", true, nil},
		{"made again otherwise before it is removed", one, nil, again(three), "delete", false, three},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := new(secrets)
			s := &kube.SecretStore{Client: c}
			if test.old != nil {
				swap(t, s, "k", nil, test.old, true)
			}
			times := 0
			c.before = func(verb, _ string) error {
				if verb != test.verb {
					return nil
				}
				if times++; times > 1 {
					return nil
				}
				if test.others == nil {
					return apierrors.NewAlreadyExists(corev1.Resource("secrets"), name)
				}
				test.others(c)
				return nil
			}
			c.counted()
			swap(t, s, "k", test.old, test.new, test.ok)
			if calls := c.counted(); times == 0 || len(calls) > 4 {
				t.Errorf("the requests were %q", calls)
			}
			holds(t, s, "k", test.want)
		})
	}
}

// TestSecretLanded: a write that landed, of which the server says otherwise. It is
// false if another value was seen then, and an error if nobody knows; never true.
func TestSecretLanded(t *testing.T) {
	t.Parallel()
	name := new(kube.SecretStore).Name("k")
	busy := apierrors.NewTimeoutError("request did not complete within the allotted timeout", 0)
	for _, test := range []struct {
		verb     string
		old, new []byte
		say      error
		fails    bool
	}{
		{"create", nil, two, apierrors.NewAlreadyExists(corev1.Resource("secrets"), name), false},
		{"update", one, two, conflict(name), false},
		{"delete", one, nil, conflict(name), false},
		{"delete", one, nil, notFound(name), false},
		{"create", nil, two, busy, true},
		{"update", one, two, busy, true},
		{"delete", one, nil, busy, true},
		{"update", one, two, &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}, true},
	} {
		c := new(secrets)
		s := &kube.SecretStore{Client: c}
		if test.old != nil {
			swap(t, s, "k", nil, test.old, true)
		}
		c.after = func(verb, _ string) error {
			if verb == test.verb {
				return test.say
			}
			return nil
		}
		ok, err := s.Swap(t.Context(), "k", test.old, test.new, never)
		if ok || (err != nil) != test.fails {
			t.Errorf("%s, and %v: %t, %v", test.verb, test.say, ok, err)
		}
		if test.fails {
			storeError(t, err, kube.Away, test.say.Error(), name)
		}
		holds(t, s, "k", test.new)
	}
}

// TestSecretRestless: a Secret that changes all the time is given up on.
func TestSecretRestless(t *testing.T) {
	t.Parallel()
	c := new(secrets)
	s := &kube.SecretStore{Client: c}
	swap(t, s, "k", nil, one, true)
	c.before = func(verb, name string) error {
		if verb == "update" {
			c.change(name, func(s *corev1.Secret) { s.Annotations = map[string]string{"now": time.Now().String()} })
		}
		return nil
	}
	c.counted()
	ok, err := s.Swap(t.Context(), "k", one, two, never)
	storeError(t, err, kube.Busy, "10 writes", "managedFields", s.Name("k"))
	if calls := c.counted(); ok || len(calls) != 20 {
		t.Errorf("%t after %d requests", ok, len(calls))
	}
	holds(t, s, "k", one)
}

// status is a refusal as an API server words it.
func status(code int32, reason metav1.StatusReason, kind, message string, causes ...metav1.StatusCause) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: code, Reason: reason, Message: message,
		Details: &metav1.StatusDetails{Kind: kind, Causes: causes},
	}}
}

// TestSecretRefusals: what a server has against a request, each with what to do.
func TestSecretRefusals(t *testing.T) {
	t.Parallel()
	name := new(kube.SecretStore).Name("k")
	rbac := func(verb string) error {
		return status(403, metav1.StatusReasonForbidden, "secrets", fmt.Sprintf(`secrets "x" is forbidden: User "alice" cannot %s resource "secrets" in API group "" in the namespace "ci"`, verb))
	}
	for _, test := range []struct {
		verb   string
		err    error
		reason kube.Reason
		words  []string
	}{
		{"get", rbac("get"), kube.Forbidden, []string{`the verb "get"`, name, "documentation of SecretStore"}},
		{"create", rbac("create"), kube.Forbidden, []string{`the verb "create"`, "documentation of SecretStore"}},
		{"update", rbac("update"), kube.Forbidden, []string{`the verb "update"`, name}},
		{"delete", rbac("delete"), kube.Forbidden, []string{`the verb "delete"`, name}},
		{"get", status(403, metav1.StatusReasonForbidden, "secrets", `secrets "x" is forbidden: User "system:anonymous" cannot get resource "secrets"`), kube.Forbidden, []string{"without a credential"}},
		{"create", status(403, metav1.StatusReasonForbidden, "secrets", `secrets "x" is forbidden: exceeded quota: q, requested: secrets=1, used: secrets=1, limited: secrets=1`),
			kube.Rejected, []string{"kubectl describe quota"}},
		{"create", status(403, metav1.StatusReasonForbidden, "secrets", `secrets "x" is forbidden: unable to create new content in namespace ci because it is being terminated`,
			metav1.StatusCause{Type: corev1.NamespaceTerminatingCause}), kube.Rejected, []string{"namespace is being deleted"}},
		{"create", status(404, metav1.StatusReasonNotFound, "namespaces", `namespaces "ci" not found`), kube.Missing, []string{`"ci" not found`, "create the namespace"}},
		{"update", status(422, metav1.StatusReasonInvalid, "secrets", `secrets "x" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no`), kube.Rejected, []string{"policy of the cluster"}},
		{"create", status(400, metav1.StatusReasonBadRequest, "", `admission webhook "w.example" denied the request: no`), kube.Rejected, []string{"policy of the cluster"}},
		{"create", status(403, metav1.StatusReasonForbidden, "", `admission webhook "w.example" denied the request: no`), kube.Rejected, []string{"policy of the cluster"}},
		{"update", status(422, metav1.StatusReasonInvalid, "Secret", "Secret \"x\" is invalid: data: Forbidden: field is immutable when `immutable` is set"), kube.Rejected, []string{"cannot be undone"}},
		{"get", apierrors.NewUnauthorized("Unauthorized"), kube.Unauthenticated, []string{"Client"}},
		{"update", apierrors.NewTooManyRequests("busy", 7), kube.Busy, []string{"ask less often"}},
		{"update", apierrors.NewInternalError(errors.New("etcd")), kube.Away, []string{"etcd"}},
		{"get", &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}, kube.Away, []string{"connection refused"}},
		// A proxy's 404 is not an API server's word that the Secret is absent.
		{"get", apierrors.NewGenericServerResponse(http.StatusNotFound, "get", corev1.Resource("secrets"), name, "<html>", 0, true), kube.BadAnswer, []string{"404 Not Found", "Kubernetes API server"}},
		{"update", apierrors.NewGenericServerResponse(http.StatusNotFound, "put", corev1.Resource("secrets"), name, "<html>", 0, true), kube.BadAnswer, []string{"404 Not Found", "Kubernetes API server"}},
		{"get", fmt.Errorf("credential: %w", token.ErrExpired), kube.Unauthenticated, nil},
		// Nor is what a server says of the credential that the Client asks with.
		{"get", &kube.Error{Op: "token of service account ci/x", Err: notFound("x")}, kube.Away, []string{"ci/x"}},
		{"create", &kube.Error{Op: "token of service account ci/x", Err: conflict("x")}, kube.Away, []string{"ci/x"}},
		{"update", &kube.Error{Op: "token of service account ci/x", Err: conflict("x")}, kube.Away, []string{"ci/x"}},
		{"update", &kube.Error{Op: "token of service account ci/x", Err: notFound("x")}, kube.Away, []string{"ci/x"}},
		{"update", status(413, metav1.StatusReasonRequestEntityTooLarge, "", "too large"), kube.Rejected, []string{"for the reason it gives"}},
	} {
		c := new(secrets)
		s := &kube.SecretStore{Client: c}
		var old, new []byte
		switch test.verb {
		case "create":
			new = two
		case "delete":
			old = one
		default:
			old, new = one, two
		}
		if old != nil {
			swap(t, s, "k", nil, old, true)
		}
		c.before = func(verb, _ string) error {
			if verb == test.verb {
				return test.err
			}
			return nil
		}
		ok, err := s.Swap(t.Context(), "k", old, new, never)
		storeError(t, err, test.reason, append(test.words, "kube: Secret "+name)...)
		if ok || errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrRefused) != (test.reason == kube.Unauthenticated) {
			t.Errorf("%t, %v", ok, err)
		}
		if test.verb == "create" && err != nil && strings.Contains(err.Error(), "resourceNames") {
			t.Errorf("a name does not limit create: %v", err)
		}
		if test.verb == "get" {
			v, err := s.Get(t.Context(), "k")
			storeError(t, err, test.reason, test.words...)
			if v != nil {
				t.Errorf("Get = %q", v)
			}
		}
		c.before = nil
		holds(t, s, "k", old)
	}
}

// TestSecretImmutable: what cannot be written to is not tried, and can be deleted.
func TestSecretImmutable(t *testing.T) {
	t.Parallel()
	c := new(secrets)
	s := &kube.SecretStore{Client: c}
	swap(t, s, "k", nil, one, true)
	c.change(s.Name("k"), func(s *corev1.Secret) { s.Immutable = new(true) })
	c.counted()
	ok, err := s.Swap(t.Context(), "k", one, two, never)
	storeError(t, err, kube.Rejected, "immutable", "delete the Secret", "ci/"+s.Name("k"))
	if calls := c.counted(); ok || len(calls) != 1 {
		t.Errorf("%t after the requests %q", ok, calls)
	}
	holds(t, s, "k", one)
	swap(t, s, "k", one, nil, true)
	swap(t, s, "k", nil, two, true)
}

// TestSecretContext: the error is that of the context, whatever the client calls it,
// and a context that is done asks nothing.
func TestSecretContext(t *testing.T) {
	t.Parallel()
	c := new(secrets)
	s := &kube.SecretStore{Client: c}
	ctx, cancel := context.WithCancel(t.Context())
	c.before = func(string, string) error { cancel(); return errors.New("the client's own words") }
	_, err := s.Get(ctx, "k")
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "the client's own words") {
		t.Error(err)
	}
	if e, ok := errors.AsType[*kube.Error](err); !ok || strings.Contains(e.Remedy, "running") {
		t.Errorf("the server is blamed: %v", err)
	}
	c.counted()
	_, err = s.Get(ctx, "k")
	_, err2 := s.Swap(ctx, "k", nil, one, never)
	if calls := c.counted(); !errors.Is(err, context.Canceled) || !errors.Is(err2, context.Canceled) || len(calls) > 0 {
		t.Errorf("%v, %v, after the requests %q", err, err2, calls)
	}

	// A client whose own deadline comes a little sooner.
	late, cancel := context.WithDeadline(context.Background(), time.Now().Add(time.Hour))
	defer cancel()
	passed := passed{late}
	c.before = func(string, string) error { return errors.New("the client's own words") }
	if _, err = s.Get(passed, "k"); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// passed is a context whose deadline has passed, and whose timer has not fired yet.
type passed struct{ context.Context }

func (passed) Deadline() (time.Time, bool) { return time.Now().Add(-time.Millisecond), true }

// An amiss is a SecretClient whose answers to writes are not what was written.
type amiss struct {
	*secrets
	answer func(*corev1.Secret) *corev1.Secret
}

func (a amiss) Create(ctx context.Context, secret *corev1.Secret, opts metav1.CreateOptions) (*corev1.Secret, error) {
	got, err := a.secrets.Create(ctx, secret, opts)
	return a.answer(got.DeepCopy()), err
}

func (a amiss) Update(ctx context.Context, secret *corev1.Secret, opts metav1.UpdateOptions) (*corev1.Secret, error) {
	got, err := a.secrets.Update(ctx, secret, opts)
	return a.answer(got.DeepCopy()), err
}

// A write counts only if its answer shows it: anything on the way can say 200.
func TestSecretWriteShown(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(*corev1.Secret) *corev1.Secret{
		"nothing":       func(*corev1.Secret) *corev1.Secret { return nil },
		"empty":         func(*corev1.Secret) *corev1.Secret { return new(corev1.Secret) },
		"another":       func(s *corev1.Secret) *corev1.Secret { s.Name += "x"; return s },
		"without value": func(s *corev1.Secret) *corev1.Secret { s.Data = nil; return s },
		"another value": func(s *corev1.Secret) *corev1.Secret { s.Data["value"] = three; return s },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &kube.SecretStore{Client: amiss{new(secrets), answer}}
			for _, old := range [][]byte{nil, one} {
				next := one
				if old != nil {
					next = two
				}
				ok, err := s.Swap(t.Context(), "k", old, next, time.Time{})
				e, is := errors.AsType[*kube.Error](err)
				if ok || !is || e.Reason != kube.BadAnswer || !strings.Contains(e.Error(), "data.value") {
					t.Errorf("Swap = %t, %v", ok, err)
				}
			}
		})
	}
}

// A webhook that is against a Secret may repeat what is in it.
func TestSecretEchoed(t *testing.T) {
	t.Parallel()
	old, next := []byte("the-refresh-token-that-was"), []byte("the-refresh-token-that-is-to-be")
	c := new(secrets)
	s := &kube.SecretStore{Client: c}
	swap(t, s, "k", nil, old, true)
	for _, text := range []string{string(old), string(next), base64.StdEncoding.EncodeToString(old), base64.StdEncoding.EncodeToString(next)} {
		c.before = func(verb, _ string) error {
			if verb == "get" {
				return nil
			}
			return apierrors.NewForbidden(corev1.Resource("secrets"), "k", fmt.Errorf("policy: no %q here", text))
		}
		_, err := s.Swap(t.Context(), "k", old, next, time.Time{})
		if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "[redacted]") || strings.Contains(fmt.Sprintf("%v %+v %s", err, err, err), text) {
			t.Errorf("%v", err)
		}
	}
}
