package kube_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/tokenlife/tokenlife/internal/e2e/apiserver"
	"github.com/tokenlife/tokenlife/internal/e2e/process"
	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// tokenOf has the API server make a token of a service account of namespace ci.
func tokenOf(t *testing.T, s *apiserver.Server, r kube.Request) token.Secret {
	t.Helper()
	tok, err := (&kube.Source{Client: s.Client().CoreV1().ServiceAccounts("ci"), Request: r}).Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return tok.Value
}

// delegate lets the service account prod/api review tokens, by the ClusterRole that
// every cluster has, and waits until the server does; until it shows its keys to service
// accounts, too, by another of its own roles.
func delegate(t *testing.T, s *apiserver.Server) {
	t.Helper()
	_, err := s.Client().RbacV1().ClusterRoleBindings().Create(t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "api-reviews-tokens"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "system:auth-delegator"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: "prod", Name: "api"}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	const api = "system:serviceaccount:prod:api"
	s.AwaitAllowed(t, authorizationv1.SubjectAccessReviewSpec{User: api, ResourceAttributes: &authorizationv1.ResourceAttributes{
		Verb: "create", Group: authenticationv1.GroupName, Resource: "tokenreviews",
	}})
	s.AwaitAllowed(t, authorizationv1.SubjectAccessReviewSpec{User: api, Groups: []string{"system:serviceaccounts"}, NonResourceAttributes: &authorizationv1.NonResourceAttributes{
		Verb: "get", Path: "/openid/v1/jwks",
	}})
}

// asAPI returns a client of s that is the service account prod/api, by tokens of
// its own.
func asAPI(t *testing.T, s *apiserver.Server) *kubernetes.Clientset {
	t.Helper()
	src := refresh.New(kube.NewSource(s.Client().CoreV1().ServiceAccounts("prod"), "api"))
	cs, err := kubernetes.NewForConfig(kube.Config(s.Admin(), src))
	if err != nil {
		t.Fatal(err)
	}
	return cs
}

// setUpReviews starts a server with the service accounts ci/builder and prod/api,
// of which the latter may review tokens.
func setUpReviews(t *testing.T, flags ...string) (*apiserver.Server, *kubernetes.Clientset) {
	t.Helper()
	s := apiserver.Start(t, flags...)
	s.CreateServiceAccount(t, "ci", "builder")
	s.CreateServiceAccount(t, "prod", "api")
	delegate(t, s)
	return s, asAPI(t, s)
}

// signed returns a token that is signed as the server signs, with other claims.
func signed(t *testing.T, key *ecdsa.PrivateKey, header, claims map[string]any) token.Secret {
	t.Helper()
	part := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	text := part(header) + "." + part(claims)
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return token.NewSecret(text + "." + base64.RawURLEncoding.EncodeToString(signature))
}

// refused fails the test unless err is a verdict of the given kind with the
// server's own words in it.
func refused(t *testing.T, name string, err, kind error, words string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: approved", name)
		return
	}
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), words) {
		t.Errorf("%s: not %v with %q: %v", name, kind, words, err)
	}
	if kind == token.ErrInvalid {
		for _, other := range []error{token.ErrAudience, token.ErrExpired, token.ErrNotYetValid, token.ErrRevoked, token.ErrSignature, token.ErrIssuer, token.ErrMalformed} {
			if errors.Is(err, other) {
				t.Errorf("%s: also %v", name, other)
			}
		}
	}
	t.Logf("%s: %v", name, err)
}

// settled waits until the server refuses a token that it has not seen. It learns of
// a deletion by a watch of its own, some milliseconds after it was made; what it
// approves of before that it keeps like any other. Spare are tokens that nothing else
// is to be tried with.
func settled(t *testing.T, s *apiserver.Server, spare []token.Secret) {
	t.Helper()
	began := time.Now()
	for i, secret := range spare {
		if st := review(t, s, token.New(secret), "api.example"); !st.Authenticated {
			t.Logf("the server knows after %v", time.Since(began).Round(time.Millisecond))
			return
		}
		// Longer each time, to forty seconds in all, on a machine that is busy.
		time.Sleep(time.Duration(i+1) * 50 * time.Millisecond)
	}
	t.Fatal("the server does not learn of a deletion")
}

// spare returns tokens for settled.
func spare(t *testing.T, s *apiserver.Server, r kube.Request) []token.Secret {
	t.Helper()
	r.Audiences = []string{"api.example"}
	all := make([]token.Secret, 40)
	for i := range all {
		all[i] = tokenOf(t, s, r)
	}
	return all
}

// Everything that a server says of tokens, of real ones where it makes such.
func TestReview(t *testing.T) {
	t.Parallel()
	s, cs := setUpReviews(t)
	ctx := t.Context()
	core := s.Client().CoreV1()
	r := kube.NewReviewer(cs.AuthenticationV1().TokenReviews(), "vault.example", "api.example")
	check := func(name string, secret token.Secret, kind error, words string) {
		t.Helper()
		_, err := r.Verify(ctx, secret)
		refused(t, name, err, kind, words)
	}

	// Approved.
	account, err := core.ServiceAccounts("ci").Get(ctx, "builder", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	good := tokenOf(t, s, kube.Request{ServiceAccount: "builder", Audiences: []string{"api.example", "other.example"}})
	claims, err := r.Verify(ctx, good)
	if err != nil {
		t.Fatal(err)
	}
	info, _ := token.Inspect(good)
	if claims.Subject != "system:serviceaccount:ci:builder" || !slices.Equal(claims.Audience, []string{"api.example"}) ||
		claims.ID != info.Claims.ID || claims.ID == "" || !claims.Expiry.Equal(info.Claims.Expiry) {
		t.Errorf("claims: %+v", claims)
	}
	user, err := r.Review(ctx, good)
	if err != nil || user.UID != string(account.UID) || !slices.Contains(user.Groups, "system:serviceaccounts:ci") {
		t.Errorf("user: %+v, %v", user, err)
	}
	var decoded authenticationv1.UserInfo
	if err := claims.Decode(&decoded); err != nil || decoded.Username != user.Username || decoded.UID != user.UID || len(decoded.Groups) != len(user.Groups) || len(decoded.Extra) != len(user.Extra) {
		t.Errorf("decoded: %+v, %v", decoded, err)
	}
	both := tokenOf(t, s, kube.Request{ServiceAccount: "builder", Audiences: []string{"api.example", "vault.example"}})
	if claims, err := r.Verify(ctx, both); err != nil || len(claims.Audience) != 2 {
		t.Errorf("for both names: %q, %v", claims.Audience, err)
	}

	// Of no good.
	check("another audience", tokenOf(t, s, kube.Request{ServiceAccount: "builder", Audiences: []string{"other.example"}}), token.ErrAudience, `"other.example"`)
	check("the API server's audience", tokenOf(t, s, kube.Request{ServiceAccount: "builder"}), token.ErrAudience, apiserver.Issuer)
	check("garbage", token.NewSecret("x"), token.ErrInvalid, "invalid bearer token")
	check("three parts of garbage", token.NewSecret("aaa.bbb.ccc"), token.ErrInvalid, "invalid bearer token")
	text := good.Reveal()
	tail := byte('A')
	if text[len(text)-10] == tail {
		tail = 'B'
	}
	check("a bad signature", token.NewSecret(text[:len(text)-10]+string(tail)+text[len(text)-9:]), token.ErrSignature, "cryptographic primitive")
	now := time.Now()
	made := func(change map[string]any) token.Secret {
		all := map[string]any{
			"iss": apiserver.Issuer, "sub": "system:serviceaccount:ci:builder", "aud": []string{"api.example"},
			"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(10 * time.Minute).Unix(), "jti": "j",
			"kubernetes.io": map[string]any{"namespace": "ci", "serviceaccount": map[string]any{"name": "builder", "uid": string(account.UID)}},
		}
		for k, v := range change {
			all[k] = v
		}
		return signed(t, s.SigningKey, map[string]any{"alg": "ES256"}, all)
	}
	if _, err := r.Verify(ctx, made(nil)); err != nil {
		t.Errorf("a token that was made here: %v", err)
	}
	check("another key", signed(t, s.SigningKey, map[string]any{"alg": "ES256", "kid": "unknown"}, map[string]any{"iss": apiserver.Issuer}), token.ErrSignature, "no keys found")
	check("another issuer", made(map[string]any{"iss": "https://issuer.example"}), token.ErrInvalid, "invalid bearer token")
	// Further off than this test can take: the server forgives a minute.
	check("nbf", made(map[string]any{"nbf": now.Add(time.Hour).Unix(), "exp": now.Add(2 * time.Hour).Unix()}), token.ErrNotYetValid, "not valid yet")
	check("iat", made(map[string]any{"iat": now.Add(time.Hour).Unix(), "exp": now.Add(2 * time.Hour).Unix()}), token.ErrNotYetValid, "issued in the future")
	check("exp", made(map[string]any{"exp": now.Add(-2 * time.Minute).Unix()}), token.ErrExpired, "has expired")

	// The clocks of a real server.
	const life = 10 * time.Minute
	request := kube.Request{ServiceAccount: "builder", Audiences: []string{"api.example"}, Lifetime: life}
	early, late := tokenOf(t, s, request), tokenOf(t, s, request)
	s.SetClock(t, -20*time.Minute)
	check("the server's clock is behind", early, token.ErrNotYetValid, "not valid yet")
	s.SetClock(t, life+2*time.Minute)
	check("expired", late, token.ErrExpired, "has expired")
	s.SetClock(t, 0)

	// What is gone.
	pod, err := core.Pods("ci").Create(ctx, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "p"},
		Spec:       corev1.PodSpec{ServiceAccountName: "builder", AutomountServiceAccountToken: new(false), Containers: []corev1.Container{{Name: "c", Image: "i"}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	secret, err := core.Secrets("ci").Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ofPod := request
	ofPod.BoundTo = &authenticationv1.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: "p", UID: pod.UID}
	ofSecret := request
	ofSecret.BoundTo = &authenticationv1.BoundObjectReference{Kind: "Secret", APIVersion: "v1", Name: "s", UID: secret.UID}
	ofPods, ofSecrets, frees := spare(t, s, ofPod), spare(t, s, ofSecret), spare(t, s, request)
	podToken, secretToken, free := tokenOf(t, s, ofPod), tokenOf(t, s, ofSecret), tokenOf(t, s, request)
	if claims, err := r.Verify(ctx, tokenOf(t, s, ofPod)); err != nil || claims.Subject == "" {
		t.Errorf("a pod's: %v", err)
	}
	if err := core.Pods("ci").Delete(ctx, "p", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := core.Secrets("ci").Delete(ctx, "s", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	settled(t, s, ofPods)
	settled(t, s, ofSecrets)
	check("pod deleted", podToken, token.ErrRevoked, "invalidated")
	check("secret deleted", secretToken, token.ErrRevoked, "invalidated")

	gone := tokenOf(t, s, request)
	if err := core.ServiceAccounts("ci").Delete(ctx, "builder", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	settled(t, s, frees)
	check("service account deleted", gone, token.ErrRevoked, `serviceaccounts "builder" not found`)
	s.CreateServiceAccount(t, "ci", "builder")
	check("service account created again", free, token.ErrRevoked, "does not match claim")
	if _, err := r.Verify(ctx, tokenOf(t, s, request)); err != nil {
		t.Errorf("a token of the new service account: %v", err)
	}
}

// What is no token: the server takes a blank one for none, and approves of nobody
// for whatever audience, and it cuts one at its first space.
func TestReviewSpaces(t *testing.T) {
	t.Parallel()
	s, cs := setUpReviews(t)
	good := tokenOf(t, s, kube.Request{ServiceAccount: "builder", Audiences: []string{"api"}}).Reveal()
	reviewer := kube.NewReviewer(cs.AuthenticationV1().TokenReviews(), "api")
	for _, text := range []string{"   ", good + " junk"} {
		st := review(t, s, token.New(token.NewSecret(text)), "api")
		if !st.Authenticated || !slices.Equal(st.Audiences, []string{"api"}) {
			t.Errorf("the server is not as it is said to be: %+v", st)
		}
		t.Logf("the server takes it for %s, for %q", st.User.Username, st.Audiences)
		if _, err := reviewer.Verify(t.Context(), token.NewSecret(text)); !errors.Is(err, token.ErrMalformed) {
			t.Errorf("got %v", err)
		}
	}
}

// With AnyAudience tokens are good that are for the API server.
func TestReviewAnyAudience(t *testing.T) {
	t.Parallel()
	s, cs := setUpReviews(t)
	r := &kube.Reviewer{Client: cs.AuthenticationV1().TokenReviews(), AnyAudience: true}
	if claims, err := r.Verify(t.Context(), tokenOf(t, s, kube.Request{ServiceAccount: "builder"})); err != nil || !slices.Equal(claims.Audience, []string{apiserver.Issuer}) {
		t.Errorf("for the API server: %q, %v", claims.Audience, err)
	}
	_, err := r.Verify(t.Context(), tokenOf(t, s, kube.Request{ServiceAccount: "builder", Audiences: []string{"vault"}}))
	refused(t, "for another", err, token.ErrAudience, "vault")

	// A static token, which says nothing of itself.
	alice := token.NewSecret(s.User("alice").BearerToken)
	if claims, err := r.Verify(t.Context(), alice); err != nil || claims.Subject != "alice" || claims.ID != "" || !claims.Expiry.IsZero() {
		t.Errorf("alice: %+v, %v", claims, err)
	}
	_, err = kube.NewReviewer(r.Client, "api").Verify(t.Context(), alice)
	refused(t, "alice, for a service", err, token.ErrInvalid, "invalid bearer token")

	// A legacy token, which is as good as its Secret.
	account, err := s.Client().CoreV1().ServiceAccounts("ci").Get(t.Context(), "builder", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	legacy := signed(t, s.SigningKey, map[string]any{"alg": "ES256"}, map[string]any{
		"iss": "kubernetes/serviceaccount", "sub": "system:serviceaccount:ci:builder",
		"kubernetes.io/serviceaccount/namespace":            "ci",
		"kubernetes.io/serviceaccount/secret.name":          "old",
		"kubernetes.io/serviceaccount/service-account.name": "builder",
		"kubernetes.io/serviceaccount/service-account.uid":  string(account.UID),
	})
	secrets := s.Client().CoreV1().Secrets("ci")
	_, err = r.Verify(t.Context(), legacy)
	refused(t, "a legacy token without its Secret", err, token.ErrRevoked, "invalidated")
	secret, err := secrets.Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "old", Annotations: map[string]string{corev1.ServiceAccountNameKey: "builder"}},
		Type:       corev1.SecretTypeServiceAccountToken,
		Data:       map[string][]byte{"token": []byte("another")},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Verify(t.Context(), legacy)
	refused(t, "a legacy token that was replaced", err, token.ErrRevoked, "server's copy")
	secret.Data["token"] = []byte(legacy.Reveal())
	secret.Labels = map[string]string{"kubernetes.io/legacy-token-invalid-since": "2026-01-01"}
	if _, err = secrets.Update(t.Context(), secret, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the server sees the Secret", func() error {
		if _, err = r.Verify(t.Context(), legacy); err == nil || !strings.Contains(err.Error(), "marked invalid") {
			return fmt.Errorf("%v", err)
		}
		return nil
	})
	refused(t, "a legacy token that was switched off", err, token.ErrRevoked, "legacy-token-invalid-since")
	if _, err = secrets.Patch(t.Context(), "old", "application/merge-patch+json", []byte(`{"metadata":{"labels":{"kubernetes.io/legacy-token-invalid-since":null}}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the legacy token is good", func() error {
		_, err := r.Verify(t.Context(), legacy)
		return err
	})
}

// serve returns the URL of a server that lets in whom v approves.
func serve(t *testing.T, v token.Verifier) string {
	t.Helper()
	server := httptest.NewServer(token.Require(v, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := token.FromContext(r.Context())
		fmt.Fprint(w, claims.Subject)
	})))
	t.Cleanup(server.Close)
	return server.URL
}

// present sends secret to url, and returns the answer's status and body.
func present(t *testing.T, url string, secret token.Secret) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	token.New(secret).SetHeader(req)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// Whoever asks needs a right, which the error names; and what is wrong with whoever
// asks is never the fault of the token.
func TestReviewRights(t *testing.T) {
	t.Parallel()
	s := apiserver.Start(t)
	s.CreateServiceAccount(t, "ci", "builder")
	s.CreateServiceAccount(t, "prod", "api")
	r := kube.NewReviewer(asAPI(t, s).AuthenticationV1().TokenReviews(), "api")
	url := serve(t, r)
	good := tokenOf(t, s, kube.Request{ServiceAccount: "builder", Audiences: []string{"api"}})

	fails := func(name string, reason kube.Reason, words string) {
		t.Helper()
		_, err := r.Verify(t.Context(), good)
		e, ok := errors.AsType[*kube.Error](err)
		if !ok || e.Reason != reason || errors.Is(err, token.ErrInvalid) || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), good.Reveal()) {
			t.Errorf("%s: not an *Error that says %s with %q: %v", name, reason, words, err)
		}
		if code, body := present(t, url, good); code != http.StatusServiceUnavailable {
			t.Errorf("%s: %d %s", name, code, body)
		}
		t.Logf("%s: %v", name, err)
	}
	fails("no RBAC", kube.Forbidden, "--clusterrole=system:auth-delegator")
	delegate(t, s)
	eventually(t, "the right takes effect", func() error {
		_, err := r.Verify(t.Context(), good)
		return err
	})
	if code, body := present(t, url, good); code != 200 || body != "system:serviceaccount:ci:builder" {
		t.Errorf("with it: %d %s", code, body)
	}

	cfg := s.User("alice")
	cfg.BearerToken = tokenOf(t, s, kube.Request{ServiceAccount: "builder", Audiences: []string{"api"}}).Reveal() // is not for the API server
	dead, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.Client = dead.AuthenticationV1().TokenReviews()
	fails("own credential refused", kube.Unauthenticated, "Unauthorized")
	if _, err := r.Verify(t.Context(), good); !errors.Is(err, token.ErrRefused) {
		t.Errorf("it does not match ErrRefused: %v", err)
	}

	// The service's own account is deleted: its next token cannot be had.
	own := asAPI(t, s)
	if err := s.Client().CoreV1().ServiceAccounts("prod").Delete(t.Context(), "api", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	r.Client = own.AuthenticationV1().TokenReviews()
	fails("own account deleted", kube.Away, `serviceaccounts "api" not found`)

	s.Stop()
	fails("server away", kube.Away, "no token for POST")
	admin := kube.NewReviewer(s.Client().AuthenticationV1().TokenReviews(), "api")
	_, err = admin.Verify(t.Context(), good)
	if e, ok := errors.AsType[*kube.Error](err); !ok || e.Reason != kube.Away || errors.Is(err, token.ErrInvalid) {
		t.Errorf("server away: %v", err)
	}
	t.Logf("server away: %v", err)
}

// ownListener listens on a port that nobody else is given once it is closed, as another
// test's server would be that is started just then.
func ownListener(t *testing.T) net.Listener {
	t.Helper()
	port, err := process.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", net.JoinHostPort(process.Loopback, strconv.Itoa(port)))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// What a server says that asks others about tokens: an authentication webhook that
// is away, in trouble, refuses by 401 or 403, answers something else, or knows no
// audiences; and an OpenID Connect issuer that is away.
func TestReviewWebhook(t *testing.T) {
	t.Parallel()
	var answer atomic.Pointer[http.HandlerFunc]
	hook := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*answer.Load())(w, r) }))
	hook.Listener.Close()
	hook.Listener = ownListener(t)
	hook.Start()
	t.Cleanup(hook.Close)
	config := filepath.Join(t.TempDir(), "webhook")
	if err := os.WriteFile(config, fmt.Appendf(nil, `{"apiVersion":"v1","kind":"Config","current-context":"x",
		"clusters":[{"name":"hook","cluster":{"server":%q}}],"users":[{"name":"me","user":{}}],
		"contexts":[{"name":"x","context":{"cluster":"hook","user":"me"}}]}`, hook.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	s, cs := setUpReviews(t, "--authentication-token-webhook-config-file="+config, "--authentication-token-webhook-version=v1",
		"--authentication-token-webhook-cache-ttl=1ms", "--oidc-issuer-url=https://127.0.0.1:1", "--oidc-client-id=api")
	r := kube.NewReviewer(cs.AuthenticationV1().TokenReviews(), "api")
	anyAudience := &kube.Reviewer{Client: r.Client, AnyAudience: true}
	says := func(code int, body string) {
		answer.Store(new(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			io.WriteString(w, body)
		})))
	}
	approves := func(user string) string {
		return `{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","status":{"authenticated":true,"user":` + user + `}}`
	}
	n := 0
	opaque := func() token.Secret { n++; return token.NewSecret(fmt.Sprintf("opaque-%d", n)) }
	noAnswer := func(name string, r *kube.Reviewer, secret token.Secret, reason kube.Reason, words string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		_, err := r.Verify(ctx, secret)
		e, ok := errors.AsType[*kube.Error](err)
		if !ok || e.Reason != reason || errors.Is(err, token.ErrInvalid) || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: not an *Error that says %s with %q: %v", name, reason, words, err)
		}
		t.Logf("%s: %v", name, err)
	}

	says(200, approves(`{"username":"carol","uid":"1"}`))
	_, err := r.Verify(t.Context(), opaque())
	refused(t, "a webhook that knows no audiences", err, token.ErrInvalid, "invalid bearer token")
	if claims, err := anyAudience.Verify(t.Context(), opaque()); err != nil || claims.Subject != "carol" {
		t.Errorf("for the API server: %+v, %v", claims, err)
	}
	says(200, approves(`{}`))
	noAnswer("a user without a name", anyAudience, opaque(), kube.BadAnswer, "status.user.username")
	says(200, `{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","status":{"authenticated":false,"error":"no such token"}}`)
	_, err = anyAudience.Verify(t.Context(), opaque())
	refused(t, "a webhook that says no", err, token.ErrInvalid, "no such token")
	says(401, "")
	_, err = anyAudience.Verify(t.Context(), opaque())
	refused(t, "a webhook that says no by 401", err, token.ErrInvalid, "invalid bearer token")
	says(403, "")
	_, err = anyAudience.Verify(t.Context(), opaque())
	refused(t, "a webhook that says no by 403", err, token.ErrInvalid, "invalid bearer token")
	for _, code := range []int{301, 400, 404, 405, 408, 413, 429, 500, 502, 503, 504} {
		says(code, "<html>")
		noAnswer(fmt.Sprintf("webhook %d", code), anyAudience, opaque(), kube.Away, "status.error")
	}
	for name, body := range map[string]string{
		"no answer":       "",
		"a page":          "<html>",
		"another version": `{"apiVersion":"authentication.k8s.io/v1beta1","kind":"TokenReview","status":{"authenticated":true,"user":{"username":"carol"}}}`,
		"a Status":        `{"apiVersion":"v1","kind":"Status","status":"Failure"}`,
		"anything":        `{"apiVersion":"x/v1","kind":"X"}`,
	} {
		says(200, body)
		noAnswer("a webhook that answers with "+name, anyAudience, opaque(), kube.Away, "status.error")
	}
	answer.Store(new(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		io.WriteString(w, `{"apiVersion":`)
	})))
	noAnswer("a webhook whose answer is cut", anyAudience, opaque(), kube.Away, "status.error")

	says(200, `{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","status":{"authenticated":false}}`)
	idToken := signed(t, s.SigningKey, map[string]any{"alg": "ES256"}, map[string]any{"iss": "https://127.0.0.1:1", "aud": "api", "sub": "u", "exp": time.Now().Add(time.Hour).Unix()})
	noAnswer("issuer away", anyAudience, idToken, kube.Away, "status.error is [invalid bearer token, oidc: authenticator not initialized]")

	hook.Close()
	// A connection that was kept ends with EOF, a new one is refused.
	noAnswer("webhook away", anyAudience, opaque(), kube.Away, "status.error is [invalid bearer token, Post ")
	good := tokenOf(t, s, kube.Request{ServiceAccount: "builder", Audiences: []string{"api"}})
	if _, err := r.Verify(t.Context(), good); err != nil {
		t.Errorf("webhook away, and a service account token: %v", err)
	}
	// What the server itself says of its own tokens stands.
	late := tokenOf(t, s, kube.Request{ServiceAccount: "builder", Audiences: []string{"api"}})
	s.SetClock(t, 2*time.Hour)
	_, err = r.Verify(t.Context(), late)
	refused(t, "webhook away, and an expired token", err, token.ErrExpired, "expired, Post ")
	if !apierrors.IsNotFound(s.Client().CoreV1().ServiceAccounts("ci").Delete(t.Context(), "ghost", metav1.DeleteOptions{})) {
		t.Error("the admin is not well")
	}
}
