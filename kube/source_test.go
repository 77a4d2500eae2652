package kube_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/skew"
	"github.com/tokenlife/tokenlife/token"
)

// creator is a TokenCreator of one function.
type creator func(name string, req *authenticationv1.TokenRequest) (*authenticationv1.TokenRequest, error)

func (c creator) CreateToken(_ context.Context, name string, req *authenticationv1.TokenRequest, _ metav1.CreateOptions) (*authenticationv1.TokenRequest, error) {
	return c(name, req)
}

// jwt returns an unsigned JWT with the given claims.
func jwt(claims map[string]any) string {
	body, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	e := base64.RawURLEncoding.EncodeToString
	return e([]byte(`{"alg":"ES256","kid":"k"}`)) + "." + e(body) + "." + e(make([]byte, 64))
}

// answer is what an API server whose clock reads now says to a request for life.
func answer(now time.Time, life, status time.Duration, extra map[string]any) *authenticationv1.TokenRequest {
	claims := map[string]any{
		"iss": "https://kubernetes.default.svc", "sub": "system:serviceaccount:ci:builder", "aud": []string{"vault"},
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(life).Unix(),
		"kubernetes.io": map[string]any{"namespace": "ci", "serviceaccount": map[string]any{"name": "builder", "uid": "u"}},
	}
	for k, v := range extra {
		claims["kubernetes.io"].(map[string]any)[k] = v
	}
	return &authenticationv1.TokenRequest{
		Spec:   authenticationv1.TokenRequestSpec{ExpirationSeconds: new(int64(status / time.Second))},
		Status: authenticationv1.TokenRequestStatus{Token: jwt(claims), ExpirationTimestamp: metav1.NewTime(now.Add(status).Truncate(time.Second))},
	}
}

func TestRequest(t *testing.T) {
	for _, test := range []struct {
		name string
		src  kube.Source
		want authenticationv1.TokenRequestSpec
	}{
		{"plain", kube.Source{ServiceAccount: "builder"}, authenticationv1.TokenRequestSpec{}},
		{"audience", *kube.NewSource(nil, "builder", "vault", "api"), authenticationv1.TokenRequestSpec{Audiences: []string{"vault", "api"}}},
		{"lifetime", kube.Source{ServiceAccount: "builder", Lifetime: 20 * time.Minute}, authenticationv1.TokenRequestSpec{ExpirationSeconds: new(int64(1200))}},
	} {
		src := test.src
		src.Client = creator(func(name string, req *authenticationv1.TokenRequest) (*authenticationv1.TokenRequest, error) {
			if name != "builder" || fmt.Sprint(req.Spec.Audiences) != fmt.Sprint(test.want.Audiences) ||
				(req.Spec.ExpirationSeconds == nil) != (test.want.ExpirationSeconds == nil) ||
				req.Spec.ExpirationSeconds != nil && *req.Spec.ExpirationSeconds != *test.want.ExpirationSeconds {
				t.Errorf("%s: asked for %s, %v", test.name, name, req.Spec)
			}
			return answer(time.Now(), time.Hour, time.Hour, nil), nil
		})
		if _, err := src.Token(t.Context()); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// What is left of a token is its useful life, by the server's own clock, which
// may be anywhere.
func TestUsefulLife(t *testing.T) {
	const year = 365 * 24 * time.Hour
	for _, test := range []struct {
		name string
		ask  func(now time.Time) *authenticationv1.TokenRequest
		want time.Duration
	}{
		{"an hour", func(now time.Time) *authenticationv1.TokenRequest { return answer(now, time.Hour, time.Hour, nil) }, time.Hour},
		{"extended to a year", func(now time.Time) *authenticationv1.TokenRequest {
			return answer(now, year, 3607*time.Second, map[string]any{"warnafter": now.Add(3607 * time.Second).Unix()})
		}, 3607 * time.Second},
		{"extended, status says so too", func(now time.Time) *authenticationv1.TokenRequest {
			return answer(now, year, year, map[string]any{"warnafter": now.Add(3607 * time.Second).Unix()})
		}, 3607 * time.Second},
		{"extended, and not said when to warn", func(now time.Time) *authenticationv1.TokenRequest { return answer(now, year, time.Hour, nil) }, time.Hour},
		{"status later than exp", func(now time.Time) *authenticationv1.TokenRequest { return answer(now, time.Hour, 2*time.Hour, nil) }, time.Hour},
		{"no status", func(now time.Time) *authenticationv1.TokenRequest {
			a := answer(now, time.Hour, time.Hour, nil)
			a.Status.ExpirationTimestamp = metav1.Time{}
			return a
		}, time.Hour},
		{"unreadable", func(now time.Time) *authenticationv1.TokenRequest {
			a := answer(now, time.Hour, 20*time.Minute, nil)
			a.Status.Token = "opaque"
			return a
		}, 20 * time.Minute},
	} {
		for _, off := range []time.Duration{0, 10 * time.Minute, -10 * time.Minute} {
			t.Run(fmt.Sprintf("%s, %v off", test.name, off), func(t *testing.T) {
				src := kube.NewSource(creator(func(string, *authenticationv1.TokenRequest) (*authenticationv1.TokenRequest, error) {
					return test.ask(time.Now().Add(off)), nil
				}), "builder")
				tok, err := src.Token(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if tok.ExpiresIn != test.want {
					t.Errorf("ExpiresIn = %v, want %v", tok.ExpiresIn, test.want)
				}
			})
		}
	}
}

func TestClockLearns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src := kube.NewSource(creator(func(string, *authenticationv1.TokenRequest) (*authenticationv1.TokenRequest, error) {
			time.Sleep(20 * time.Millisecond)
			return answer(time.Now().Add(10*time.Minute), time.Hour, time.Hour, nil), nil
		}), "builder")
		src.Clock = new(skew.Clock)
		if _, err := src.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		if off := src.Clock.Estimate().Offset - 10*time.Minute; off.Abs() > time.Second {
			t.Errorf("the clock is estimated %v wrong", off)
		}
	})
}

var saResource = schema.GroupResource{Resource: "serviceaccounts"}

func TestErrors(t *testing.T) {
	secret := "the-secret-in-the-answer"
	for _, test := range []struct {
		name       string
		err        error
		want       []string // in the message
		is         func(error) bool
		refused    bool
		retryAfter time.Duration
	}{
		{"no RBAC", apierrors.NewForbidden(saResource, "builder", errors.New(`User "nobody" cannot create resource "serviceaccounts/token" in API group "" in the namespace "ci"`)),
			[]string{"service account builder", `verb "create"`, `"serviceaccounts/token"`, `namespace "ci"`}, apierrors.IsForbidden, false, 0},
		{"service account missing", apierrors.NewNotFound(saResource, "builder"),
			[]string{`"builder" not found`, "create it"}, apierrors.IsNotFound, false, 0},
		{"too short", apierrors.NewInvalid(schema.GroupKind{Kind: "TokenRequest"}, "", field.ErrorList{field.Invalid(field.NewPath("spec", "expirationSeconds"), 60, "may not specify a duration less than 10 minutes")}),
			[]string{"expirationSeconds", "Source.Lifetime (1m0s)", "10m"}, apierrors.IsInvalid, false, 0},
		{"own credential refused", apierrors.NewUnauthorized("Unauthorized"),
			[]string{"refused", "Source.Client"}, apierrors.IsUnauthorized, true, 0},
		{"busy", apierrors.NewTooManyRequests("busy", 7),
			[]string{"ask less often"}, apierrors.IsTooManyRequests, false, 7 * time.Second},
		{"broken", apierrors.NewInternalError(errors.New("etcd")),
			[]string{"in trouble"}, apierrors.IsInternalError, false, 0},
		{"away", errors.New("dial tcp 127.0.0.1:6443: connect: connection refused"),
			[]string{"connection refused", "is it running"}, nil, false, 0},
		{"cancelled", context.Canceled, []string{"canceled"}, func(err error) bool { return errors.Is(err, context.Canceled) }, false, 0},
		{"credential of the client expired", fmt.Errorf("get: %w", token.ErrExpired), []string{"expired"}, nil, true, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			src := kube.NewSource(creator(func(string, *authenticationv1.TokenRequest) (*authenticationv1.TokenRequest, error) {
				return &authenticationv1.TokenRequest{Status: authenticationv1.TokenRequestStatus{Token: secret}}, test.err
			}), "builder")
			src.Lifetime = time.Minute
			tok, err := src.Token(t.Context())
			e, ok := errors.AsType[*kube.Error](err)
			if !ok || !tok.IsZero() {
				t.Fatalf("got %v", err)
			}
			for _, want := range test.want {
				if !strings.Contains(e.Error(), want) {
					t.Errorf("%q is not in: %s", want, e)
				}
			}
			if strings.Contains(e.Error(), secret) {
				t.Errorf("the answer's token is in: %s", e)
			}
			if test.is != nil && !test.is(err) {
				t.Errorf("the predicate does not hold for %v", err)
			}
			if errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrRefused) != test.refused {
				t.Errorf("ErrInvalid %t, ErrRefused %t; want false, %t", errors.Is(err, token.ErrInvalid), errors.Is(err, token.ErrRefused), test.refused)
			}
			if got := e.RetryAfter(); got != test.retryAfter {
				t.Errorf("RetryAfter = %v, want %v", got, test.retryAfter)
			}
		})
	}
}

func TestBadAnswers(t *testing.T) {
	now := time.Now()
	backwards := answer(now, -time.Hour, -time.Hour, nil)
	silent := answer(now, time.Hour, time.Hour, nil)
	silent.Status.Token, silent.Spec.ExpirationSeconds, silent.Status.ExpirationTimestamp = "opaque", nil, metav1.Time{}
	for name, test := range map[string]struct {
		answer *authenticationv1.TokenRequest
		want   string
	}{
		"nil":            {nil, "status.token"},
		"empty":          {new(authenticationv1.TokenRequest), "status.token"},
		"backwards":      {backwards, "expirationTimestamp"},
		"says no expiry": {silent, "expirationSeconds"},
	} {
		src := kube.NewSource(creator(func(string, *authenticationv1.TokenRequest) (*authenticationv1.TokenRequest, error) {
			return test.answer, nil
		}), "builder")
		if _, err := src.Token(t.Context()); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMisconfigured(t *testing.T) {
	for want, src := range map[string]*kube.Source{
		"Source.Client":         {ServiceAccount: "builder"},
		"Source.ServiceAccount": {Client: creator(nil)},
	} {
		if _, err := src.Token(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("without %s: %v", want, err)
		}
	}
}
