package kube_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/token"
)

var saResource = schema.GroupResource{Resource: "serviceaccounts"}

// isFailure checks that err is an Error for that reason, and reads as one.
func isFailure(t *testing.T, name string, err error, reason kube.Reason, words ...string) {
	t.Helper()
	e, ok := errors.AsType[*kube.Error](err)
	if !ok || e.Reason != reason {
		t.Errorf("%s: got %v, want an *Error for the reason %q", name, err, reason)
		return
	}
	for _, w := range words {
		if !strings.Contains(e.Error(), w) {
			t.Errorf("%s: %q is not in: %s", name, w, e)
		}
	}
	if errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrRefused) != (reason == kube.Unauthenticated) {
		t.Errorf("%s: ErrInvalid %t, ErrRefused %t", name, errors.Is(err, token.ErrInvalid), errors.Is(err, token.ErrRefused))
	}
	if text := e.Error(); len(text) > 2<<10 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == '\x7f' || r == '\u202e' }) || strings.Contains(text, "eyJ") {
		t.Errorf("%s: it reads %q", name, text)
	}
}

// statusOf is what an API server answers.
func statusOf(code int, reason metav1.StatusReason, kind, message string, causes ...metav1.StatusCause) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: int32(code), Reason: reason, Message: message,
		Details: &metav1.StatusDetails{Kind: kind, Causes: causes},
	}}
}

// page is what client-go makes of an answer that is no Status.
func page(code, retryAfter int) error {
	return apierrors.NewGenericServerResponse(code, "POST", saResource, "builder", "<html> raw body", retryAfter, true)
}

// post is an error of http.Client.
func post(err error) error { return &url.Error{Op: "Post", URL: "https://10.0.0.1:6443/api", Err: err} }

func TestErrors(t *testing.T) {
	t.Parallel()
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: context.DeadlineExceeded}
	invalid := func(f *field.Error) error {
		return apierrors.NewInvalid(schema.GroupKind{Group: "authentication.k8s.io", Kind: "TokenRequest"}, "", field.ErrorList{f})
	}
	const up = "is it running, and reachable from here?"
	for _, test := range []struct {
		name   string
		err    error
		reason kube.Reason
		want   []string
	}{
		{"no RBAC", apierrors.NewForbidden(saResource, "builder", errors.New(`User "nobody" cannot create resource "serviceaccounts/token" in API group "" in the namespace "ci"`)), kube.Forbidden,
			[]string{"service account ci/builder", `grant whoever asks the verb "create" on the resource "serviceaccounts/token" (resourceNames "builder") in namespace "ci"`}},
		{"anonymous", apierrors.NewForbidden(saResource, "builder", errors.New(`User "system:anonymous" cannot create resource "serviceaccounts/token"`)), kube.Forbidden, []string{"give the Client one"}},
		{"admission", statusOf(403, metav1.StatusReasonForbidden, "serviceaccounts", `admission webhook "x" denied the request: no`), kube.Forbidden, []string{"no lack of rights"}},
		{"leaving", statusOf(403, metav1.StatusReasonForbidden, "serviceaccounts", "is being terminated", metav1.StatusCause{Type: corev1.NamespaceTerminatingCause}), kube.Forbidden, []string{"the namespace is being deleted"}},
		{"page 403", page(403, 0), kube.Forbidden, []string{"HTTP status 403 Forbidden", "a proxy"}},
		{"no account", apierrors.NewNotFound(saResource, "builder"), kube.Missing, []string{`"builder" not found`, "create it, or correct Request.ServiceAccount"}},
		{"no namespace", statusOf(404, metav1.StatusReasonNotFound, "namespaces", `namespaces "ci" not found`), kube.Missing, []string{"correct the namespace"}},
		{"no pod", statusOf(404, metav1.StatusReasonNotFound, "pods", `pods "p" not found`), kube.Unbound, []string{"the Pod is gone"}},
		{"no details", &apierrors.StatusError{ErrStatus: metav1.Status{Code: 404, Reason: metav1.StatusReasonNotFound, Message: "gone"}}, kube.Missing, []string{"create it"}},
		{"page 404", page(404, 0), kube.BadAnswer, []string{"HTTP status 404 Not Found", "lead to a Kubernetes API server"}},
		{"recreated", statusOf(409, metav1.StatusReasonConflict, "TokenRequest", "the UID in the token request (a) does not match the UID of the service account (b)"), kube.Recreated, []string{"Request.UID"}},
		{"another pod", statusOf(409, metav1.StatusReasonConflict, "Pod", "the UID in the bound object reference (a) does not match"), kube.Unbound, []string{"it is not the Pod it was", "Request.BoundTo.UID"}},
		{"too short", invalid(field.Invalid(field.NewPath("spec", "expirationSeconds"), 60, "may not specify a duration less than 10 minutes")), kube.Rejected, []string{"correct Request.Lifetime (1m0s)", "10m0s"}},
		{"audience", invalid(field.Invalid(field.NewPath("spec", "audiences").Index(0), "x", "no")), kube.Rejected, []string{"correct Request.Audiences"}},
		{"bound to nothing known", apierrors.NewBadRequest("cannot bind token to object of type /v1, Kind=ConfigMap."), kube.Rejected, []string{"Kind=ConfigMap; correct Request.BoundTo"}},
		{"reference", invalid(field.Invalid(field.NewPath("spec", "boundObjectRef", "name"), "x", "no")), kube.Rejected, []string{"correct Request.BoundTo"}},
		{"something else", apierrors.NewBadRequest("no"), kube.Rejected, []string{"for the reason it gives"}},
		{"own credential", apierrors.NewUnauthorized("Unauthorized"), kube.Unauthenticated, []string{"renew that of the Client"}},
		{"page 401", page(401, 0), kube.Unauthenticated, []string{"renew that of the Client"}},
		{"own credential expired", post(fmt.Errorf("get: %w", token.ErrExpired)), kube.Unauthenticated, []string{"expired", "renew that of the Client"}},
		{"own credential dead", post(token.Refused(errors.New("dead"))), kube.Unauthenticated, []string{"renew that of the Client"}},
		{"no credential to ask with", post(&kube.Error{Op: "token of service account x", Reason: kube.Forbidden, Err: apierrors.NewForbidden(saResource, "x", errors.New("cannot create resource")), Remedy: "do that"}), kube.Away, []string{"do that"}},
		{"no token to ask with", post(errors.New("token: no token for POST https://127.0.0.1:6443: refresh: no usable token: connection refused")), kube.Away, []string{"connection refused; nothing was sent", "a credential of its own"}},
		{"busy", page(429, 7), kube.Busy, []string{"HTTP status 429", "ask less often"}},
		{"busy here", fmt.Errorf("client rate limiter Wait returned an error: rate: Wait(n=1) would exceed context deadline"), kube.Busy, []string{"QPS"}},
		{"broken", apierrors.NewInternalError(errors.New("etcd")), kube.Away, []string{"in trouble"}},
		{"page 502", page(502, 0), kube.Away, []string{"HTTP status 502 Bad Gateway", "in trouble"}},
		{"page 302", page(302, 0), kube.BadAnswer, []string{"HTTP status 302 Found"}},
		{"page 999", page(399, 0), kube.BadAnswer, []string{"HTTP status 399;"}},
		{"away", post(errors.New("dial tcp 127.0.0.1:6443: connect: connection refused")), kube.Away, []string{"connection refused", up}},
		{"away, no types", errors.New("read: connection reset by peer"), kube.Away, []string{up}},
		{"breaks off", fmt.Errorf("unexpected error when reading response body. Please retry. Original error: %w", errors.New("stream error")), kube.Away, []string{up}},
		{"ends at once", io.EOF, kube.Away, []string{up}},
		{"ends", io.ErrUnexpectedEOF, kube.Away, []string{up}},
		{"cannot be dialled", post(dial), kube.Away, []string{up}},
		{"not JSON", errors.New("couldn't get version/kind; json parse error: invalid character '<' looking for beginning of value"), kube.BadAnswer, []string{"json parse error", "lead to a Kubernetes API server"}},
		{"repeats the answer", errors.New("Object 'Kind' is missing in '{\"token\":\"" + jwt(nil) + "\"}'"), kube.BadAnswer, []string{"[redacted]"}},
		{"no namespace in the Client", errors.New("an empty namespace may not be set when a resource name is provided"), kube.Misconfigured, []string{"the Client is for no namespace"}},
		{"untrusted", post(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}), kube.Untrusted, []string{"CAFile"}},
		{"untrusted for another reason", post(&tls.CertificateVerificationError{Err: errors.New("revoked")}), kube.Untrusted, []string{"revoked", "CAFile"}},
		{"untrusted by another stack", x509.UnknownAuthorityError{}, kube.Untrusted, []string{"CAFile"}},
		{"another host", post(&tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: new(x509.Certificate), Host: "x"}}), kube.Untrusted, []string{"ServerName"}},
		{"old certificate", post(&tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Cert: new(x509.Certificate), Reason: x509.Expired}}), kube.Untrusted, []string{"renew the certificate", "clock"}},
		{"hostile text", statusOf(403, metav1.StatusReasonForbidden, "", "a\nb\x1b[31m\u202e"+strings.Repeat("x", 1<<20)), kube.Forbidden, []string{"a b [31m "}},
		{"hostile token", statusOf(403, metav1.StatusReasonForbidden, "", "Bearer eyJhb-Gci_.eyJ9.a-b_c09, "+jwt(nil)+" and more"), kube.Forbidden, []string{"Bearer [redacted], [redacted] and more;"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			src := kube.NewSource(creator(func(string, *authenticationv1.TokenRequest) (*authenticationv1.TokenRequest, error) {
				return &authenticationv1.TokenRequest{Status: authenticationv1.TokenRequestStatus{Token: "the-secret"}}, test.err
			}), "builder")
			src.Namespace, src.Lifetime = "ci", time.Minute
			src.BoundTo = &authenticationv1.BoundObjectReference{Kind: "Pod", Name: "p"}
			tok, err := src.Token(t.Context())
			isFailure(t, test.name, err, test.reason, test.want...)
			if !tok.IsZero() {
				t.Error("there is a token with the error")
			}
			for _, never := range []string{"the-secret", "raw body", "<html>", "%!", ".;"} {
				if strings.Contains(err.Error(), never) {
					t.Errorf("%q is in: %v", never, err)
				}
			}
			// The predicates of apimachinery work through it.
			if want := apierrors.ReasonForError(test.err); apierrors.ReasonForError(err) != want {
				t.Errorf("its reason for apimachinery is %q, want %q", apierrors.ReasonForError(err), want)
			}
		})
	}
}

// Whoever gives up is told so, and no server is blamed for it.
func TestErrorsGivenUp(t *testing.T) {
	t.Parallel()
	for err, reason := range map[error]kube.Reason{
		context.Canceled: "", post(context.Canceled): "", context.DeadlineExceeded: kube.Away, post(context.DeadlineExceeded): kube.Away,
	} {
		_, got := kube.NewSource(creator(func(string, *authenticationv1.TokenRequest) (*authenticationv1.TokenRequest, error) { return nil, err }), "builder").Token(t.Context())
		isFailure(t, err.Error(), got, reason)
		if e, ok := errors.AsType[*kube.Error](got); !ok || e.Remedy != "" || !errors.Is(got, errors.Unwrap(err)) && !errors.Is(got, err) {
			t.Errorf("%v: %v", err, got)
		}
	}
}

// RetryAfter is what the server says, within reason.
func TestErrorRetryAfter(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  error
		want time.Duration
	}{
		{page(http.StatusTooManyRequests, 7), 7 * time.Second},
		{page(http.StatusServiceUnavailable, 3), 3 * time.Second},
		{page(http.StatusTooManyRequests, 1<<31-1), time.Hour},
		{page(http.StatusTooManyRequests, -5), 0},
		{page(http.StatusTooManyRequests, 0), 0},
		{apierrors.NewServerTimeout(schema.GroupResource{}, "create", -3), 0},
		{post(later(time.Minute)), time.Minute},
		{io.EOF, 0},
	} {
		_, err := kube.NewSource(creator(func(string, *authenticationv1.TokenRequest) (*authenticationv1.TokenRequest, error) {
			return nil, test.err
		}), "builder").Token(t.Context())
		e, ok := errors.AsType[*kube.Error](err)
		if !ok || e.RetryAfter() != test.want {
			t.Errorf("%v: RetryAfter is %v, want %v", test.err, e.RetryAfter(), test.want)
		}
	}
}

// later is the error of a credential that will be there in a while.
type later time.Duration

func (l later) Error() string             { return "later" }
func (l later) RetryAfter() time.Duration { return time.Duration(l) }
