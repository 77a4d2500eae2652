package kube_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/token"
)

// A reviewServer is an API server whose mind can be changed.
type reviewServer struct {
	mu     sync.Mutex
	status authenticationv1.TokenReviewStatus
	err    error

	asked atomic.Int64
}

func (s *reviewServer) set(status authenticationv1.TokenReviewStatus, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.err = status, err
}

func (s *reviewServer) reviewer() *kube.Reviewer {
	return kube.NewReviewer(reviews(func(_ context.Context, spec authenticationv1.TokenReviewSpec) (*authenticationv1.TokenReview, error) {
		s.asked.Add(1)
		s.mu.Lock()
		defer s.mu.Unlock()
		return &authenticationv1.TokenReview{Spec: spec, Status: s.status}, s.err
	}), "api")
}

// offline approves tokens that have not expired, as what they say they are.
var offline = token.VerifierFunc(func(_ context.Context, presented token.Secret) (token.Claims, error) {
	info, err := token.Inspect(presented)
	if err != nil {
		return token.Claims{}, err
	}
	if now := time.Now(); !now.Before(info.Expiry) {
		return token.Claims{}, &token.TimeError{Claim: "exp", Limit: info.Expiry, Now: now}
	}
	return info.Claims, nil
})

// What is refused offline, or cannot be told there, the server never hears of, with
// an approval remembered and without.
func TestBothOfflineFirst(t *testing.T) {
	t.Parallel()
	verdicts := append(slices.Clone(kinds), errors.New("the keys are not there"), apierrors.NewTooManyRequests("later", 3), context.Canceled)
	for _, verdict := range verdicts {
		var s reviewServer
		s.set(approval(), nil)
		var now error
		b := &kube.Both{Online: s.reviewer(), Offline: token.VerifierFunc(func(ctx context.Context, presented token.Secret) (token.Claims, error) {
			claims, _ := offline(ctx, presented)
			return claims, now
		})}
		secret := presented(time.Now())
		for _, asked := range []int64{0, 1} {
			now = verdict
			claims, err := b.Verify(t.Context(), secret)
			if err != verdict || claims.Subject != "" {
				t.Errorf("got %v, %v, want the error as it is: %v", claims, err, verdict)
			}
			if n := s.asked.Load(); n != asked {
				t.Errorf("%v: asked %d times, want %d", verdict, n, asked)
			}
			now = nil
			if _, err := b.Verify(t.Context(), secret); err != nil {
				t.Error(err)
			}
		}
		if n := s.asked.Load(); n != 1 {
			t.Errorf("asked %d times in all", n)
		}
	}
}

// The claims are those of Offline, and the caller's own.
func TestBothClaims(t *testing.T) {
	t.Parallel()
	var s reviewServer
	s.set(approval(), nil)
	b := &kube.Both{Online: s.reviewer(), Offline: offline}
	secret := presented(time.Now())
	for range 2 {
		claims, err := b.Verify(t.Context(), secret)
		if err != nil {
			t.Fatal(err)
		}
		if claims.Subject != builder || claims.Issuer != "https://kubernetes.default.svc" || !slices.Equal(claims.Audience, []string{"vault"}) {
			t.Errorf("claims: %+v", claims)
		}
		var all map[string]any
		if err := claims.Decode(&all); err != nil || all["kubernetes.io"] == nil {
			t.Errorf("decoded: %v, %v", all, err)
		}
	}
}

// An approval is good for Bound, counted from when the server was asked, and not
// for an instant more, whatever happens meanwhile; then the server is asked again.
func TestBothBound(t *testing.T) {
	t.Parallel()
	gone := authenticationv1.TokenReviewStatus{Error: `[invalid bearer token, serviceaccounts "builder" not found]`}
	for bound, want := range map[time.Duration]time.Duration{0: 10 * time.Second, 2 * time.Second: 2 * time.Second, time.Minute: time.Minute, -1: 0} {
		for name, after := range map[string]struct {
			status authenticationv1.TokenReviewStatus
			err    error
			kind   error
		}{
			"revoked":     {gone, nil, token.ErrRevoked},
			"server away": {approval(), errors.New("dial tcp: connection refused"), nil},
			"no RBAC":     {approval(), apierrors.NewForbidden(reviewResource, "", errors.New("no")), nil},
			"dead":        {approval(), apierrors.NewUnauthorized("Unauthorized"), nil},
		} {
			synctest.Test(t, func(t *testing.T) {
				var s reviewServer
				s.set(approval(), nil)
				b := &kube.Both{Online: s.reviewer(), Offline: offline, Bound: bound}
				secret := presented(time.Now())
				verify := func() error { _, err := b.Verify(t.Context(), secret); return err }
				if err := verify(); err != nil {
					t.Fatal(err)
				}
				s.set(after.status, after.err)
				if _, err := b.Verify(t.Context(), presented(time.Now().Add(time.Second))); err == nil {
					t.Errorf("%s: a fresh token is approved", name)
				}
				s.asked.Store(0)
				if want > 0 {
					time.Sleep(want - 1)
					if err := verify(); err != nil || s.asked.Load() != 0 {
						t.Errorf("%s, bound %v: before its end: %v, asked %d times", name, bound, err, s.asked.Load())
					}
					time.Sleep(time.Nanosecond)
				}
				err := verify()
				checkKind(t, err, after.kind)
				if s.asked.Load() != 1 {
					t.Errorf("%s, bound %v: asked %d times at the end", name, bound, s.asked.Load())
				}
				if errors.Is(err, token.ErrRefused) != (name == "dead") {
					t.Errorf("%s: ErrRefused: %v", name, err)
				}
				s.set(approval(), nil)
				time.Sleep(2 * time.Second) // refusals are remembered for so long
				if err := verify(); err != nil {
					t.Errorf("%s: it does not heal: %v", name, err)
				}
			})
		}
	}
}

// A token that was approved is refused once it has ended, however long Bound is and
// whatever Offline thinks of it.
func TestBothExpiry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s reviewServer
		s.set(approval(), nil)
		lax := token.VerifierFunc(func(context.Context, token.Secret) (token.Claims, error) { return token.Claims{Subject: builder}, nil })
		strict, loose := &kube.Both{Online: s.reviewer(), Offline: offline, Bound: 24 * time.Hour}, &kube.Both{Online: s.reviewer(), Offline: lax, Bound: 24 * time.Hour}
		secret := presented(time.Now())
		for _, b := range []*kube.Both{strict, loose} {
			if _, err := b.Verify(t.Context(), secret); err != nil {
				t.Fatal(err)
			}
		}
		s.set(authenticationv1.TokenReviewStatus{Error: "service account token has expired"}, nil)
		time.Sleep(time.Hour)
		s.asked.Store(0)
		_, err := strict.Verify(t.Context(), secret)
		checkKind(t, err, token.ErrExpired)
		if s.asked.Load() != 0 {
			t.Error("asked about a token that is refused offline")
		}
		_, err = loose.Verify(t.Context(), secret)
		checkKind(t, err, token.ErrExpired)
		if s.asked.Load() != 1 {
			t.Error("an approval outlived the token")
		}
	})
}

// A token must be the server's user: one that Offline takes for another is refused,
// each time.
func TestBothSubject(t *testing.T) {
	t.Parallel()
	for _, subject := range []string{"", "builder", "system:serviceaccount:ci:other", "System:serviceaccount:ci:builder", builder + "\x00", strings.Repeat("x", 1<<20)} {
		var s reviewServer
		s.set(approval(), nil)
		b := &kube.Both{Online: s.reviewer(), Offline: token.VerifierFunc(func(context.Context, token.Secret) (token.Claims, error) {
			return token.Claims{Subject: subject}, nil
		})}
		for range 3 {
			claims, err := b.Verify(t.Context(), presented(time.Now()))
			checkKind(t, err, token.ErrInvalid)
			if claims.Subject != "" || len(err.Error()) > 1024 {
				t.Errorf("%.100q: %v, %.1024v", subject, claims, err)
			}
		}
	}
}

// Callers with one token share one question, and at most 64 tokens are asked about
// at a time; the others are told when to come back.
func TestBothConcurrency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var running, most, asked atomic.Int64
		b := &kube.Both{Offline: offline, Online: kube.NewReviewer(reviews(func(ctx context.Context, spec authenticationv1.TokenReviewSpec) (*authenticationv1.TokenReview, error) {
			asked.Add(1)
			n := running.Add(1)
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
			}
			defer running.Add(-1)
			time.Sleep(time.Second)
			return says(approval())(ctx, spec)
		}), "api")}
		now := time.Now()
		var wg sync.WaitGroup
		var busy, good atomic.Int64
		for i := range 100 {
			secret := presented(now.Add(time.Duration(i) * time.Second))
			for range 10 {
				wg.Go(func() {
					_, err := b.Verify(t.Context(), secret)
					switch {
					case err == nil:
						good.Add(1)
					case token.RetryAfter(err) > 0 && !errors.Is(err, token.ErrInvalid):
						busy.Add(1)
					default:
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
		if asked.Load() != 64 || most.Load() != 64 || good.Load() != 640 || busy.Load() != 360 {
			t.Errorf("%d questions, %d at a time, %d approved, %d sent away", asked.Load(), most.Load(), good.Load(), busy.Load())
		}
	})
}

// Each caller leaves when its own context is done, and the question goes on for the
// others.
func TestBothCancel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &kube.Both{Offline: offline, Online: kube.NewReviewer(reviews(func(ctx context.Context, spec authenticationv1.TokenReviewSpec) (*authenticationv1.TokenReview, error) {
			select {
			case <-time.After(2 * time.Second):
				return says(approval())(ctx, spec)
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}), "api")}
		secret := presented(time.Now())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := b.Verify(ctx, secret)
			if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, token.ErrInvalid) {
				t.Errorf("who has gone: %v", err)
			}
		})
		wg.Go(func() {
			if _, err := b.Verify(t.Context(), secret); err != nil {
				t.Errorf("who stayed: %v", err)
			}
		})
		wg.Wait()
	})
}

// A server that never answers is given up.
func TestBothHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &kube.Both{Offline: offline, Online: kube.NewReviewer(reviews(func(ctx context.Context, _ authenticationv1.TokenReviewSpec) (*authenticationv1.TokenReview, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}), "api")}
		began := time.Now()
		_, err := b.Verify(t.Context(), presented(began))
		checkKind(t, err, nil)
		if took := time.Since(began); took < 11*time.Second || took > 13*time.Second {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

// A client that panics is an error, and the next call works.
func TestBothPanic(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	b := &kube.Both{Offline: offline, Online: kube.NewReviewer(reviews(func(ctx context.Context, spec authenticationv1.TokenReviewSpec) (*authenticationv1.TokenReview, error) {
		if calls.Add(1) == 1 {
			panic(spec.Token)
		}
		return says(approval())(ctx, spec)
	}), "api")}
	secret := presented(time.Now())
	_, err := b.Verify(t.Context(), secret)
	checkKind(t, err, nil)
	if strings.Contains(err.Error(), secret.Reveal()) {
		t.Error("the token is in the error")
	}
	if _, err := b.Verify(t.Context(), secret); err != nil {
		t.Error(err)
	}
}

// Size is how many approvals there is room for.
func TestBothSize(t *testing.T) {
	t.Parallel()
	for size, want := range map[int]int64{0: 100, 1: 199, -1: 200} {
		var s reviewServer
		s.set(approval(), nil)
		b := &kube.Both{Online: s.reviewer(), Offline: offline, Size: size, Bound: time.Hour}
		now := time.Now()
		for range 2 {
			for i := range 100 {
				if _, err := b.Verify(t.Context(), presented(now.Add(time.Duration(i)*time.Second))); err != nil {
					t.Fatal(err)
				}
			}
		}
		if n := s.asked.Load(); n < want-1 || n > want+1 {
			t.Errorf("Size %d: asked %d times, want about %d", size, n, want)
		}
	}
}

// An approval takes little room, whatever the server says of the user.
func TestBothRemembersLittle(t *testing.T) {
	t.Parallel()
	var s reviewServer
	big := approval()
	big.User.Groups = slices.Repeat([]string{strings.Repeat("g", 1000)}, 1000)
	s.set(big, nil)
	b := &kube.Both{Online: s.reviewer(), Offline: offline}
	secret := presented(time.Now())
	for range 3 {
		if _, err := b.Verify(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.asked.Load(); n != 1 {
		t.Errorf("a user in many groups is asked about %d times", n)
	}
}

// Through HTTP: served, 401, and 503 where nobody can tell.
func TestBothRequire(t *testing.T) {
	t.Parallel()
	var s reviewServer
	b := &kube.Both{Online: s.reviewer(), Offline: offline, Bound: -1}
	handler := token.Require(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := token.FromContext(r.Context())
		fmt.Fprint(w, claims.Subject)
	}))
	for _, test := range []struct {
		name   string
		status authenticationv1.TokenReviewStatus
		err    error
		code   int
		after  string
	}{
		{"good", approval(), nil, 200, ""},
		{"revoked", authenticationv1.TokenReviewStatus{Error: `serviceaccounts "app" not found`}, nil, 401, ""},
		{"away", authenticationv1.TokenReviewStatus{}, errors.New("connection refused"), 503, ""},
		{"busy", authenticationv1.TokenReviewStatus{}, apierrors.NewTooManyRequests("busy", 7), 503, "7"},
		{"own credential refused", authenticationv1.TokenReviewStatus{}, apierrors.NewUnauthorized("no"), 503, ""},
		{"own credential expired", authenticationv1.TokenReviewStatus{}, token.ErrExpired, 503, ""},
	} {
		s.set(test.status, test.err)
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		token.New(presented(time.Now())).SetHeader(r)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != test.code || w.Header().Get("Retry-After") != test.after {
			t.Errorf("%s: %d %q, Retry-After %q", test.name, w.Code, w.Body, w.Header().Get("Retry-After"))
		}
	}
}
