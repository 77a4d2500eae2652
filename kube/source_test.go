package kube_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/skew"
)

// creator is a TokenCreator of one function.
type creator func(name string, req *authenticationv1.TokenRequest) (*authenticationv1.TokenRequest, error)

func (c creator) CreateToken(_ context.Context, name string, req *authenticationv1.TokenRequest, _ metav1.CreateOptions) (*authenticationv1.TokenRequest, error) {
	a, err := c(name, req)
	if a != nil && a.Spec.Audiences == nil {
		a.Spec.Audiences = req.Spec.Audiences // as the server does
	}
	return a, err
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

// All of a Request is sent, and nothing of it is shared.
func TestRequest(t *testing.T) {
	t.Parallel()
	pod := &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: "p", UID: "pu"}
	for _, test := range []struct {
		name string
		r    kube.Request
		want authenticationv1.TokenRequest
	}{
		{"plain", kube.Request{ServiceAccount: "builder"}, authenticationv1.TokenRequest{}},
		{"audiences", kube.NewSource(nil, "builder", "vault", "api").Request, authenticationv1.TokenRequest{
			Spec: authenticationv1.TokenRequestSpec{Audiences: []string{"vault", "api"}}}},
		{"lifetime", kube.Request{ServiceAccount: "builder", Lifetime: 20*time.Minute + 900*time.Millisecond}, authenticationv1.TokenRequest{
			Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: new(int64(1200))}}},
		{"UID", kube.Request{ServiceAccount: "builder", UID: "u"}, authenticationv1.TokenRequest{ObjectMeta: metav1.ObjectMeta{UID: "u"}}},
		{"bound", kube.Request{ServiceAccount: "builder", BoundTo: pod}, authenticationv1.TokenRequest{
			Spec: authenticationv1.TokenRequestSpec{BoundObjectRef: pod.DeepCopy()}}},
	} {
		src := kube.Source{Request: test.r, Client: creator(func(name string, req *authenticationv1.TokenRequest) (*authenticationv1.TokenRequest, error) {
			if diff := cmp.Diff(&test.want, req); diff != "" || name != "builder" {
				t.Errorf("%s: of %s (-want +got):\n%s", test.name, name, diff)
			}
			a := answer(time.Now(), time.Hour, time.Hour, nil)
			a.Status.Token = "opaque"
			a.Spec.Audiences, a.Spec.BoundObjectRef = slices.Clone(req.Spec.Audiences), req.Spec.BoundObjectRef.DeepCopy()
			if req.Spec.BoundObjectRef != nil {
				req.Spec.BoundObjectRef.Name = "changed"
			}
			for i := range req.Spec.Audiences {
				req.Spec.Audiences[i] = "changed"
			}
			return a, nil
		})}
		for range 2 {
			if _, err := src.Token(t.Context()); err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
		}
	}
}

// What is left of a token is its useful life, by the server's own clock, which
// may be anywhere.
func TestUsefulLife(t *testing.T) {
	t.Parallel()
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
		{"iat set back", func(now time.Time) *authenticationv1.TokenRequest {
			a := answer(now.Add(-time.Minute), 61*time.Minute, 61*time.Minute, nil)
			a.Spec.ExpirationSeconds = new(int64(3600))
			return a
		}, time.Hour},
		{"iat of 1970", func(now time.Time) *authenticationv1.TokenRequest {
			a := answer(time.Unix(0, 0), time.Duration(now.Unix()+3600)*time.Second, time.Hour, nil)
			a.Status.ExpirationTimestamp = metav1.NewTime(now.Add(time.Hour))
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
	t.Parallel()
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

// A token that does not say when it was issued teaches nothing, and is no fault.
func TestClockUnread(t *testing.T) {
	t.Parallel()
	src := kube.NewSource(creator(func(string, *authenticationv1.TokenRequest) (*authenticationv1.TokenRequest, error) {
		a := answer(time.Now(), time.Hour, time.Hour, nil)
		a.Status.Token = "opaque"
		return a, nil
	}), "builder")
	src.Clock = &skew.Clock{OnIgnored: func(o skew.Observation, err error) { t.Errorf("observed %v: %v", o.Remote, err) }}
	if _, err := src.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
}
