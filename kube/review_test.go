package kube_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/token"
)

// reviews is a TokenReviewer of one function.
type reviews func(ctx context.Context, spec authenticationv1.TokenReviewSpec) (*authenticationv1.TokenReview, error)

func (f reviews) Create(ctx context.Context, review *authenticationv1.TokenReview, _ metav1.CreateOptions) (*authenticationv1.TokenReview, error) {
	return f(ctx, review.Spec)
}

// says returns a TokenReviewer that always gives the same answer, and repeats the
// token in it, as a server does.
func says(status authenticationv1.TokenReviewStatus) reviews {
	return func(_ context.Context, spec authenticationv1.TokenReviewSpec) (*authenticationv1.TokenReview, error) {
		return &authenticationv1.TokenReview{Spec: spec, Status: status}, nil
	}
}

const builder = "system:serviceaccount:ci:builder"

// approval is what an API server says of a good token.
func approval() authenticationv1.TokenReviewStatus {
	return authenticationv1.TokenReviewStatus{
		Authenticated: true,
		User: authenticationv1.UserInfo{
			Username: builder,
			UID:      "0b9e",
			Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:ci", "system:authenticated"},
			Extra:    map[string]authenticationv1.ExtraValue{"authentication.kubernetes.io/credential-id": {"JTI=7a1c"}},
		},
		Audiences: []string{"api"},
	}
}

// presented returns a token like those of an API server that ends in an hour.
func presented(now time.Time) token.Secret {
	return token.NewSecret(answer(now, time.Hour, time.Hour, nil).Status.Token)
}

// kinds are those of ErrInvalid, which comes first.
var kinds = []error{
	token.ErrInvalid, token.ErrMalformed, token.ErrSignature, token.ErrExpired, token.ErrNotYetValid,
	token.ErrIssuer, token.ErrAudience, token.ErrRevoked,
}

// checkKind fails the test unless err matches kind and no other of the kinds of
// ErrInvalid; a nil kind means that it must match none.
func checkKind(t *testing.T, err, kind error) {
	t.Helper()
	if err == nil {
		t.Fatal("approved")
	}
	for _, k := range kinds {
		if want := kind != nil && (k == kind || k == token.ErrInvalid); errors.Is(err, k) != want {
			t.Errorf("errors.Is(err, %v) = %t: %v", k, !want, err)
		}
	}
}

// What is asked, and what is made of an approval.
func TestReviewApproved(t *testing.T) {
	t.Parallel()
	secret := presented(time.Now())
	var asked authenticationv1.TokenReviewSpec
	r := kube.NewReviewer(reviews(func(ctx context.Context, spec authenticationv1.TokenReviewSpec) (*authenticationv1.TokenReview, error) {
		asked = spec
		return says(approval())(ctx, spec)
	}), "api", "api.prod")

	user, err := r.Review(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	want := approval().User
	if diff := cmp.Diff(&want, user); diff != "" {
		t.Errorf("user (-want +got):\n%s", diff)
	}
	if asked.Token != secret.Reveal() || !slices.Equal(asked.Audiences, []string{"api", "api.prod"}) {
		t.Errorf("asked for audiences %q", asked.Audiences)
	}

	claims, err := r.Verify(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	info, err := token.Inspect(secret)
	if err != nil {
		t.Fatal(err)
	}
	if claims.Subject != builder || !slices.Equal(claims.Audience, []string{"api"}) || claims.ID != "7a1c" || !claims.Expiry.Equal(info.Expiry) || claims.Issuer != "" {
		t.Errorf("claims: %+v", claims)
	}
	var decoded authenticationv1.UserInfo
	if err := claims.Decode(&decoded); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, decoded); diff != "" {
		t.Errorf("decoded (-want +got):\n%s", diff)
	}
}

// A token that the server lives with for a year after it should have been replaced
// ends when it ends.
func TestReviewExpiry(t *testing.T) {
	t.Parallel()
	now := time.Now()
	const year = 365 * 24 * time.Hour
	extended := answer(now, year, time.Hour, map[string]any{"warnafter": now.Add(-time.Hour).Unix()}).Status.Token
	for text, want := range map[string]time.Time{
		extended:       now.Add(year).UTC().Truncate(time.Second),
		"opaque":       {},
		"a.b.c":        {},
		"eyJhIjoxfQ.x": {}, // begins as a JWT and is none
	} {
		claims, err := kube.NewReviewer(says(approval()), "api").Verify(t.Context(), token.NewSecret(text))
		if err != nil || !claims.Expiry.Equal(want) {
			t.Errorf("%.20s: %v, %v, want %v", text, claims.Expiry, err, want)
		}
	}
}

// The ID is told only where the server says it plainly.
func TestReviewID(t *testing.T) {
	t.Parallel()
	for want, ids := range map[string][][]string{
		"":  {nil, {}, {"JTI=a", "JTI=b"}, {"X509SHA256=a"}, {"a"}, {"JTI="}},
		"a": {{"JTI=a"}},
	} {
		for _, id := range ids {
			s := approval()
			s.User.Extra = map[string]authenticationv1.ExtraValue{"authentication.kubernetes.io/credential-id": id}
			claims, err := kube.NewReviewer(says(s), "api").Verify(t.Context(), token.NewSecret("opaque"))
			if err != nil || claims.ID != want {
				t.Errorf("%q: ID %q, %v", id, claims.ID, err)
			}
		}
	}
}

// The audience counts by the server's own answer, to the letter.
func TestReviewAudience(t *testing.T) {
	t.Parallel()
	many := make([]string, 5000)
	for i := range many {
		many[i] = strings.Repeat("x", 1000)
	}
	for _, test := range []struct {
		name      string
		audiences []string // nil means any
		said      []string
		want      []string // nil means refused
		words     string
	}{
		{"the one", []string{"api"}, []string{"api"}, []string{"api"}, ""},
		{"one of several", []string{"api", "b"}, []string{"b"}, []string{"b"}, ""},
		{"more than was asked for", []string{"api", "b"}, []string{"c", "b", "d"}, []string{"b"}, ""},
		{"another", []string{"api"}, []string{"b"}, nil, `status.audiences is ["b"], none of ["api"]: request tokens for one of them`},
		{"longer", []string{"api"}, []string{"api.prod"}, nil, `["api.prod"]`},
		{"another case", []string{"api"}, []string{"API"}, nil, `["API"]`},
		{"empty", []string{"api"}, []string{""}, nil, `[""]`},
		{"many", []string{"api"}, many, nil, `none of`},
		{"none", []string{"api"}, nil, nil, "status.audiences is empty"},
		{"none, in another form", []string{"api"}, []string{}, nil, "status.audiences is empty"},
		{"any, none", nil, nil, []string{}, ""},
		{"any, one", nil, []string{"https://kubernetes.default.svc"}, []string{"https://kubernetes.default.svc"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := approval()
			s.Audiences = test.said
			r := &kube.Reviewer{Client: says(s), Audiences: test.audiences, AnyAudience: test.audiences == nil}
			claims, err := r.Verify(t.Context(), presented(time.Now()))
			if test.want != nil {
				if err != nil || !slices.Equal(claims.Audience, test.want) {
					t.Errorf("got %q, %v", claims.Audience, err)
				}
				return
			}
			checkKind(t, err, token.ErrAudience)
			if !strings.Contains(err.Error(), test.words) || len(err.Error()) > 1024 {
				t.Errorf("%q is not in %d bytes: %.1024v", test.words, len(err.Error()), err)
			}
			if user, err := r.Review(t.Context(), presented(time.Now())); user != nil || !errors.Is(err, token.ErrAudience) {
				t.Errorf("Review: %v, %v", user, err)
			}
		})
	}
}

// A client may give all callers the same answer, which is not changed, and may change
// what it is sent.
func TestReviewSharedAnswer(t *testing.T) {
	t.Parallel()
	shared := &authenticationv1.TokenReview{Status: approval()}
	shared.Status.Audiences = []string{"other", "api"}
	r := kube.NewReviewer(reviews(func(_ context.Context, spec authenticationv1.TokenReviewSpec) (*authenticationv1.TokenReview, error) {
		spec.Audiences[0] = "changed"
		return shared, nil
	}), "api")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			claims, err := r.Verify(t.Context(), presented(time.Now()))
			if err != nil || !slices.Equal(claims.Audience, []string{"api"}) {
				t.Errorf("%q, %v", claims.Audience, err)
			}
		})
	}
	wg.Wait()
	if !slices.Equal(shared.Status.Audiences, []string{"other", "api"}) {
		t.Errorf("the answer was changed: %q", shared.Status.Audiences)
	}
}

// What the server's words mean. The first of each row is what a real server said.
func TestReviewRefused(t *testing.T) {
	t.Parallel()
	const uid = "4b3d8f0e-8a5c-4a43-9b53-0e2a3a5f2c11"
	for said, kind := range map[string]error{
		"":                     token.ErrInvalid,
		"invalid bearer token": token.ErrInvalid,
		`[invalid bearer token, token audiences ["vault.example"] is invalid for the target audiences ["other.example"]]`: token.ErrAudience,
		"[invalid bearer token, go-jose/go-jose: error in cryptographic primitive]":                                       token.ErrSignature,
		"[invalid bearer token, square/go-jose: error in cryptographic primitive]":                                        token.ErrSignature,
		"[invalid bearer token, invalid signature, no keys found]":                                                        token.ErrSignature,
		"[invalid bearer token, service account token has expired]":                                                       token.ErrExpired,
		"[invalid bearer token, service account token is not valid yet]":                                                  token.ErrNotYetValid,
		"[invalid bearer token, service account token is issued in the future]":                                           token.ErrNotYetValid,
		`[invalid bearer token, serviceaccounts "app" not found]`:                                                         token.ErrRevoked,
		`[invalid bearer token, serviceaccount "app" not found]`:                                                          token.ErrRevoked,
		"[invalid bearer token, service account UID (" + uid + ") does not match claim (" + uid + ")]":                    token.ErrRevoked,
		"[invalid bearer token, service account ci/app has been deleted]":                                                 token.ErrRevoked,
		"[invalid bearer token, service account token has been invalidated]":                                              token.ErrRevoked,
		"[invalid bearer token, pod UID (" + uid + ") does not match service account pod ref claim (" + uid + ")]":        token.ErrRevoked,
		"[invalid bearer token, secret UID (" + uid + ") does not match service account secret ref claim (" + uid + ")]":  token.ErrRevoked,
		"[invalid bearer token, node UID (" + uid + ") does not match service account node ref claim (" + uid + ")]":      token.ErrRevoked,
		"[invalid bearer token, Token has been invalidated]":                                                              token.ErrRevoked,
		"[invalid bearer token, Token does not match server's copy]":                                                      token.ErrRevoked,
		"[invalid bearer token, ServiceAccount ci/app has been deleted]":                                                  token.ErrRevoked,
		"[invalid bearer token, ServiceAccount UID (" + uid + ") does not match claim (" + uid + ")]":                     token.ErrRevoked,
		"[invalid bearer token, the token in secret ci/s for service account ci/app has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the 'kubernetes.io/legacy-token-invalid-since' label from the secret to temporarily allow use of this token]": token.ErrRevoked,
		`[invalid bearer token, token issuer "https://x.example" is invalid]`: token.ErrIssuer,

		// An OpenID Connect issuer's tokens.
		"[invalid bearer token, oidc: verify token: oidc: token is expired (Token Expiry: 2026-11-26 08:00:00 +0000 UTC)]": token.ErrExpired,
		`[invalid bearer token, oidc: verify token: oidc: expected audience in ["a"] got ["b"]]`:                           token.ErrAudience,
		`[invalid bearer token, oidc: verify token: oidc: id token issued by a different provider, expected "a" got "b"]`:  token.ErrIssuer,
		"[invalid bearer token, oidc: verify token: failed to verify signature: failed to verify id token signature]":      token.ErrSignature,
		"[invalid bearer token, oidc: verify token: oidc: current time 2026 before the nbf (not before) time: 2027]":       token.ErrNotYetValid,
		"[invalid bearer token, oidc: malformed jwt: square/go-jose: compact JWS format must have three parts]":            token.ErrMalformed,
		"[invalid bearer token, failed to verify signature]":                                                               token.ErrSignature,
		"[invalid bearer token, failed to verify id token signature]":                                                      token.ErrSignature,
		"the token has expired":                                                              token.ErrExpired,
		"[invalid bearer token, oidc: email not verified]":                                   token.ErrInvalid,
		"[invalid bearer token, the server has asked for the client to provide credentials]": token.ErrInvalid, // a webhook that says no by 401
		"no such token": token.ErrInvalid,
		`[invalid bearer token, service account token has expired, Post "https://hook/": dial tcp 10.0.0.1:443: connect: connection refused]`:  token.ErrExpired,
		`[invalid bearer token, serviceaccounts "app" not found, oidc: authenticator for issuer "https://idp.example" is not initialized]`:     token.ErrRevoked,
		`[invalid bearer token, oidc: verify token: oidc: expected audience in ["a"] got ["Post \"\": dial tcp: connection refused: x509: "]]`: token.ErrAudience,
		`[invalid bearer token, token audiences ["service account token has expired"] is invalid for the target audiences ["api"]]`:            token.ErrAudience,
		`[invalid bearer token, oidc: expected audience in ["service account token has expired" "b]`:                                           token.ErrAudience,
		`[invalid bearer token, oidc: expected audience in ["a"] got ["b\" dial tcp: connection refused"]]`:                                    token.ErrAudience,
		// Words that whoever made up a token chose, in its header.
		"[invalid bearer token, oidc: verify token: oidc: malformed jwt: json: duplicate key 'dial tcp ' in object]":                         token.ErrMalformed,
		"[invalid bearer token, oidc: verify token: oidc: malformed jwt: json: duplicate key 'service account token has expired' in object]": token.ErrMalformed,
		`"service account token has expired`: token.ErrInvalid,
		`"\`:                                 token.ErrInvalid,

		// The server could not tell.
		`[invalid bearer token, Post "https://hook.example/authenticate?timeout=30s": dial tcp 10.0.0.1:443: connect: connection refused]`:                                       nil,
		`[invalid bearer token, Post "https://hook.example/authenticate": EOF]`:                                                                                                  nil,
		"[invalid bearer token, Post https://hook.example/authenticate: dial tcp: i/o timeout]":                                                                                  nil,
		`[invalid bearer token, oidc: verify token: failed to verify signature: fetching keys oidc: get keys failed Get "https://idp/keys": dial tcp: lookup idp: no such host]`: nil,
		"[invalid bearer token, oidc: verify token: fetching keys oidc: get keys failed: 500 Internal Server Error]":                                                             nil,
		`[invalid bearer token, oidc: authenticator for issuer "https://idp.example" is not initialized]`:                                                                        nil,
		"[invalid bearer token, oidc: authenticator not initialized]":                                                                                                            nil,
		"[invalid bearer token, an error on the server (\"oops\") has prevented the request from succeeding]":                                                                    nil,
		"[invalid bearer token, the server is currently unable to handle the request]":                                                                                           nil,
		"[invalid bearer token, the server was unable to return a response in the time allotted, but may still be processing the request]":                                       nil,
		"[invalid bearer token, Internal error occurred: authentication failed unexpectedly]":                                                                                    nil,
		"[invalid bearer token, context deadline exceeded]":                                                                                                                      nil,
		"context canceled": nil,
		`[invalid bearer token, Get "https://idp.example/keys": EOF]`:                                                               nil,
		"[invalid bearer token, write tcp 10.0.0.2:1->10.0.0.1:443: write: broken pipe]":                                            nil,
		"[invalid bearer token, read tcp 10.0.0.2:1->10.0.0.1:443: read: connection timed out]":                                     nil,
		"[invalid bearer token, etcdserver: leader changed]":                                                                        nil,
		"[invalid bearer token, Too many requests, please try again later.]":                                                        nil,
		"[invalid bearer token, error while getting distributed claim JWT: 500 Internal Server Error]":                              nil,
		"[invalid bearer token, error while getting distributed claim JWT: 502 Bad Gateway]":                                        nil,
		"[invalid bearer token, error while getting distributed claim JWT: 503 Service Unavailable]":                                nil,
		"[invalid bearer token, error while getting distributed claim JWT: 504 Gateway Timeout]":                                    nil,
		"[invalid bearer token, oidc: verify token: failed to verify signature: fetching keys]":                                     nil,
		"[invalid bearer token, the server could not find the requested resource]":                                                  nil,
		"[invalid bearer token, the server rejected our request for an unknown reason]":                                             nil,
		"[invalid bearer token, the server does not allow this method on the requested resource]":                                   nil,
		"[invalid bearer token, the server responded with the status code 408 but did not return more information]":                 nil,
		"[invalid bearer token, unexpected error when reading response body. Please retry. Original error: unexpected EOF]":         nil,
		"[invalid bearer token, 0-length response with status code: 200 and content type: application/json]":                        nil,
		"[invalid bearer token, converting (v1.Status) to (v1.TokenReview): unknown conversion]":                                    nil,
		`[invalid bearer token, no kind "Foo" is registered for version "x/v1" in scheme "pkg/runtime/scheme.go:111"]`:              nil,
		"[invalid bearer token, couldn't get version/kind; json parse error: invalid character '<' looking for beginning of value]": nil,
		"[invalid bearer token, etcdserver: request timed out]":                                                                     nil,
		"[invalid bearer token, rpc error: code = Unavailable desc = keepalive ping failed]":                                        nil,
		"[invalid bearer token, tls: failed to verify certificate: x509: certificate signed by unknown authority]":                  nil,
		"[invalid bearer token, read tcp 10.0.0.2:1->10.0.0.1:443: read: connection reset by peer]":                                 nil,
		"[invalid bearer token, net/http: TLS handshake timeout]":                                                                   nil,
		"[invalid bearer token, dial tcp 10.0.0.1:443: connect: no route to host]":                                                  nil,
	} {
		t.Run(said, func(t *testing.T) {
			t.Parallel()
			_, err := kube.NewReviewer(says(authenticationv1.TokenReviewStatus{Error: said}), "api").Verify(t.Context(), presented(time.Now()))
			checkKind(t, err, kind)
			if said == "" && !strings.Contains(err.Error(), "neither status.authenticated nor status.error") {
				t.Error(err)
			}
			if kind == nil {
				if e, ok := errors.AsType[*kube.Error](err); !ok || e.Reason != kube.Away || !strings.Contains(err.Error(), "status.error is "+said) {
					t.Errorf("not an *Error that says Away: %v", err)
				}
			} else if said != "" && !strings.Contains(err.Error(), "the API server says: "+said) {
				t.Errorf("the server's words are not in: %v", err)
			}
		})
	}
}

// An answer that is none is no verdict, and the error names the field.
func TestReviewBadAnswer(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		spoil func(*authenticationv1.TokenReviewStatus)
		words string
	}{
		{"authenticated with an error", func(s *authenticationv1.TokenReviewStatus) { s.Error = "invalid bearer token" }, "status.error is invalid bearer token"},
		{"authenticated and expired", func(s *authenticationv1.TokenReviewStatus) { s.Error = "service account token has expired" }, "status.authenticated is true"},
		{"nobody", func(s *authenticationv1.TokenReviewStatus) { s.User = authenticationv1.UserInfo{} }, "status.user.username is empty"},
		{"no name", func(s *authenticationv1.TokenReviewStatus) { s.User.Username = "" }, "status.user.username is empty"},
		{"not UTF-8", func(s *authenticationv1.TokenReviewStatus) { s.User.Username += "\xff" }, "status.user.username is not UTF-8"},
		{"groups without end", func(s *authenticationv1.TokenReviewStatus) { s.User.Groups = make([]string, 10_000) }, "status.user cannot be used: "},
		{"keys that differ in case", func(s *authenticationv1.TokenReviewStatus) {
			s.User.Extra = map[string]authenticationv1.ExtraValue{"a": nil, "A": nil}
		}, "status.user cannot be used: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := approval()
			test.spoil(&s)
			_, err := kube.NewReviewer(says(s), "api").Verify(t.Context(), presented(time.Now()))
			checkKind(t, err, nil)
			e, ok := errors.AsType[*kube.Error](err)
			if !ok || e.Reason != kube.BadAnswer || !strings.HasPrefix(err.Error(), "kube: review of a token: ") || !strings.Contains(err.Error(), test.words) {
				t.Errorf("%q is not in: %v", test.words, err)
			}
		})
	}
	none := reviews(func(context.Context, authenticationv1.TokenReviewSpec) (*authenticationv1.TokenReview, error) {
		return nil, nil
	})
	_, err := kube.NewReviewer(none, "api").Verify(t.Context(), presented(time.Now()))
	checkKind(t, err, nil)
	if want := "kube: review of a token: there is no TokenReview in the answer"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

// Nobody is a user: a server that takes a token for none says system:anonymous, and
// that it is authenticated.
func TestReviewAnonymous(t *testing.T) {
	t.Parallel()
	for _, user := range []authenticationv1.UserInfo{
		{Username: "system:anonymous", Groups: []string{"system:unauthenticated"}},
		{Username: "system:anonymous"},
		{Username: builder, Groups: []string{"a", "system:unauthenticated"}},
	} {
		for _, any := range []bool{false, true} {
			s := approval()
			s.User = user
			r := &kube.Reviewer{Client: says(s), AnyAudience: any}
			if !any {
				r.Audiences = []string{"api"}
			}
			_, err := r.Verify(t.Context(), presented(time.Now()))
			checkKind(t, err, token.ErrInvalid)
			if !strings.Contains(err.Error(), "system:anonymous") {
				t.Error(err)
			}
		}
	}
}

// A text that cannot be a token is nobody's business. The real server would read
// the second row as no token, and approve of nobody, and of the third the token
// before the space.
func TestReviewUnpresentable(t *testing.T) {
	t.Parallel()
	never := reviews(func(_ context.Context, spec authenticationv1.TokenReviewSpec) (*authenticationv1.TokenReview, error) {
		t.Errorf("asked about %d bytes", len(spec.Token))
		return nil, nil
	})
	good := presented(time.Now()).Reveal()
	for text, want := range map[string]error{
		"":                                   token.ErrNoToken,
		"   ":                                token.ErrMalformed,
		good + " x":                          token.ErrMalformed,
		" " + good:                           token.ErrMalformed,
		good + "\n":                          token.ErrMalformed,
		good + "\r\nX: y":                    token.ErrMalformed,
		"\x00":                               token.ErrMalformed,
		"\x7f":                               token.ErrMalformed,
		"é":                                  token.ErrMalformed,
		strings.Repeat("x", token.MaxSize+1): token.ErrMalformed,
		"Bearer " + good:                     token.ErrMalformed,
		strings.Repeat("y", token.MaxSize) + "é": token.ErrMalformed,
	} {
		for name, v := range map[string]token.Verifier{
			"Reviewer": kube.NewReviewer(never, "api"),
			"Both": &kube.Both{Online: kube.NewReviewer(never, "api"), Offline: token.VerifierFunc(func(context.Context, token.Secret) (token.Claims, error) {
				t.Error("Offline was asked")
				return token.Claims{}, token.ErrExpired
			})},
		} {
			_, err := v.Verify(t.Context(), token.NewSecret(text))
			if !errors.Is(err, want) || errors.Is(err, token.ErrInvalid) != (want != token.ErrNoToken) {
				t.Errorf("%s, %.20q: %v, want %v", name, text, err, want)
			}
			if text != "" && strings.Contains(err.Error(), good) {
				t.Errorf("%s: the token is in: %v", name, err)
			}
		}
	}
	largest := strings.Repeat("x", token.MaxSize)
	if _, err := kube.NewReviewer(says(approval()), "api").Verify(t.Context(), token.NewSecret(largest)); err != nil {
		t.Errorf("the longest token: %v", err)
	}
}

// What is missing or wrong is said before anybody is asked.
func TestReviewMisconfigured(t *testing.T) {
	t.Parallel()
	never := reviews(func(context.Context, authenticationv1.TokenReviewSpec) (*authenticationv1.TokenReview, error) {
		t.Error("asked")
		return nil, nil
	})
	offline := token.VerifierFunc(func(context.Context, token.Secret) (token.Claims, error) {
		return token.Claims{}, token.ErrExpired
	})
	for words, v := range map[string]token.Verifier{
		"Reviewer.Client is nil":                   kube.NewReviewer(nil, "api"),
		"Reviewer.Audiences is empty":              kube.NewReviewer(never),
		"both Audiences and AnyAudience":           &kube.Reviewer{Client: never, Audiences: []string{"api"}, AnyAudience: true},
		"Reviewer.Audiences has an empty name":     kube.NewReviewer(never, "api", ""),
		"Both.Offline is nil":                      &kube.Both{Online: kube.NewReviewer(never, "api")},
		"Both.Online is nil":                       &kube.Both{Offline: offline},
		"Reviewer.Audiences is empty: set it to t": &kube.Both{Offline: offline, Online: kube.NewReviewer(never)},
	} {
		_, err := v.Verify(t.Context(), presented(time.Now()))
		checkKind(t, err, nil)
		if e, ok := errors.AsType[*kube.Error](err); !ok || e.Reason != kube.Misconfigured || !strings.Contains(err.Error(), words) || !strings.Contains(err.Error(), "set ") {
			t.Errorf("%q is not in: %v", words, err)
		}
	}
}

var reviewResource = schema.GroupResource{Group: "authentication.k8s.io", Resource: "tokenreviews"}

// Whatever goes wrong with the asking is no fault of the token.
func TestReviewFailed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		err     error
		reason  kube.Reason
		refused bool
		after   time.Duration
		words   []string
	}{
		{"own credential refused", apierrors.NewUnauthorized("Unauthorized"), kube.Unauthenticated, true, 0, []string{"Unauthorized", "credential"}},
		{"own credential expired", fmt.Errorf("Post: %w", token.ErrExpired), kube.Unauthenticated, true, 0, []string{"expired"}},
		{"own credential revoked", fmt.Errorf("Post: %w", token.ErrRevoked), kube.Unauthenticated, true, 0, nil},
		{"own credential lost", fmt.Errorf("Post: %w", token.ErrRefused), kube.Unauthenticated, true, 0, nil},
		{"no RBAC", apierrors.NewForbidden(reviewResource, "", errors.New(`User "x" cannot create resource "tokenreviews"`)), kube.Forbidden, false, 0,
			[]string{`User "x"`, "kubectl create clusterrolebinding", "--clusterrole=system:auth-delegator"}},
		{"no credential", apierrors.NewForbidden(reviewResource, "", errors.New(`User "system:anonymous" cannot create resource "tokenreviews"`)), kube.Forbidden, false, 0,
			[]string{"without a credential"}},
		{"no RBAC for a token to ask with", apierrors.NewForbidden(saResource, "x", errors.New("no")), kube.Forbidden, false, 0, []string{"serviceaccounts"}},
		{"no such API", apierrors.NewNotFound(reviewResource, ""), kube.Missing, false, 0, []string{"authentication.k8s.io/v1"}},
		{"busy", apierrors.NewTooManyRequests("busy", 7), kube.Busy, false, 7 * time.Second, nil},
		{"audiences that nobody looked at", apierrors.NewInternalError(errors.New("error validating audiences")), kube.Away, false, 0, []string{"error validating audiences"}},
		{"away", &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}, kube.Away, false, 0, []string{"connection refused"}},
		{"given up", context.Canceled, "", false, 0, []string{"canceled"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, secret := range []token.Secret{presented(time.Now()), token.NewSecret("opaque-" + strings.Repeat("z", 60)), {}} {
				echo := !secret.IsZero()
				if !echo {
					secret = presented(time.Now())
				}
				var after time.Duration
				r := kube.NewReviewer(reviews(func(_ context.Context, spec authenticationv1.TokenReviewSpec) (*authenticationv1.TokenReview, error) {
					err := test.err
					if echo {
						err = fmt.Errorf("sent %q: %w", spec.Token, err)
					}
					s := approval()
					return &authenticationv1.TokenReview{Spec: spec, Status: s}, err // an error is an error, whatever comes with it
				}), "api")
				_, err := r.Verify(t.Context(), secret)
				checkKind(t, err, nil)
				e, ok := errors.AsType[*kube.Error](err)
				if !ok || e.Reason != test.reason {
					t.Fatalf("not an *Error that says %s: %v", test.reason, err)
				}
				if after = token.RetryAfter(err); after != test.after {
					t.Errorf("RetryAfter = %v", after)
				}
				if errors.Is(err, token.ErrRefused) != test.refused {
					t.Errorf("ErrRefused: %t: %v", !test.refused, err)
				}
				for _, w := range test.words {
					if !strings.Contains(err.Error(), w) {
						t.Errorf("%q is not in: %v", w, err)
					}
				}
				if got := fmt.Sprintf("%v %+v %#v %s", err, err, err, errors.Unwrap(err)); strings.Contains(got, secret.Reveal()) {
					t.Errorf("the token is in: %s", got)
				}
				if test.name == "no RBAC for a token to ask with" && strings.Contains(err.Error(), "auth-delegator") {
					t.Errorf("the remedy is for another request: %v", err)
				}
			}
		})
	}
}

// What the server says is foreign: its length is bounded, it is one line of
// printable characters, and if it repeats the token that is left out.
func TestReviewForeignText(t *testing.T) {
	t.Parallel()
	for _, secret := range []token.Secret{presented(time.Now()), token.NewSecret("opaque-" + strings.Repeat("z", 60))} {
		for _, said := range []string{
			secret.Reveal(),
			"invalid bearer token " + secret.Reveal() + secret.Reveal(),
			"dial tcp " + secret.Reveal(),
			strings.Repeat("x", 450) + secret.Reveal(), // cut in the middle of it,
			strings.Repeat("é", 1<<20),
			strings.Repeat("\x1b[31m\r\n", 100),
			"\xff\u2028\u202e\u0000",
		} {
			for _, authenticated := range []bool{false, true} {
				s := approval()
				s.Authenticated, s.Error = authenticated, said
				_, err := kube.NewReviewer(says(s), "api").Verify(t.Context(), secret)
				if err == nil {
					t.Fatal("approved")
				}
				text := err.Error()
				if strings.Contains(text, secret.Reveal()) || strings.Contains(text, secret.Reveal()[:40]) {
					t.Errorf("the token is in: %s", text)
				}
				if len(text) > 1024 || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
					t.Errorf("%d bytes: %q", len(text), text)
				}
			}
		}
	}
}

// Through HTTP the three outcomes are 200, 401 and 503.
func TestReviewRequire(t *testing.T) {
	t.Parallel()
	var answer atomic.Pointer[reviews]
	server := token.Require(kube.NewReviewer(reviews(func(ctx context.Context, spec authenticationv1.TokenReviewSpec) (*authenticationv1.TokenReview, error) {
		return (*answer.Load())(ctx, spec)
	}), "api"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := token.FromContext(r.Context())
		fmt.Fprint(w, claims.Subject)
	}))
	fails := func(err error) reviews {
		return func(context.Context, authenticationv1.TokenReviewSpec) (*authenticationv1.TokenReview, error) {
			return nil, err
		}
	}
	for _, test := range []struct {
		name   string
		answer reviews
		status int
		body   string
		after  string
	}{
		{"approved", says(approval()), 200, builder, ""},
		{"expired", says(authenticationv1.TokenReviewStatus{Error: "service account token has expired"}), 401, "expired", ""},
		{"revoked", says(authenticationv1.TokenReviewStatus{Error: `serviceaccounts "app" not found`}), 401, "revoked", ""},
		{"own credential refused", fails(apierrors.NewUnauthorized("Unauthorized")), 503, "try again later", ""},
		{"own credential expired", fails(token.ErrExpired), 503, "try again later", ""},
		{"no RBAC", fails(apierrors.NewForbidden(reviewResource, "", errors.New("no"))), 503, "try again later", ""},
		{"busy", fails(apierrors.NewTooManyRequests("busy", 7)), 503, "try again later", "7"},
	} {
		answer.Store(&test.answer)
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		presentedToken := token.New(presented(time.Now()))
		presentedToken.SetHeader(r)
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.body) || w.Header().Get("Retry-After") != test.after {
			t.Errorf("%s: %d %q, Retry-After %q", test.name, w.Code, w.Body, w.Header().Get("Retry-After"))
		}
	}
}
