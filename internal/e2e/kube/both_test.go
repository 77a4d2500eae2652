package kube_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/internal/e2e/apiserver"
	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// offlineFor returns what checks tokens of s for the audience api without asking
// about each, as the service account prod/api.
func offlineFor(t *testing.T, s *apiserver.Server) *jwt.Policy {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.CA)
	keys := &jwt.Remote{
		URL:    s.URL + "/openid/v1/jwks",
		Client: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}},
		Source: refresh.New(kube.NewSource(s.Client().CoreV1().ServiceAccounts("prod"), "api")),
	}
	if err := keys.Fetch(t.Context()); err != nil {
		t.Fatal(err)
	}
	return &jwt.Policy{
		Keys: keys, Issuer: apiserver.Issuer, Audience: []string{"api"},
		Leeway: jwt.Leeway{Expiry: jwt.KubernetesLeeway, NotBefore: jwt.KubernetesLeeway, IssuedAt: jwt.KubernetesLeeway},
	}
}

// serverKeeps is how long the API server itself keeps an approval, as its fixed
// choice; what the machine adds when it is busy is allowed for.
const (
	serverKeeps = 10 * time.Second
	allowance   = 5 * time.Second
)

// A caller presents one token ten times a second, and notes when what it gets
// changes.
type caller struct {
	name  string
	codes []int     // one after another, without repetitions
	let   time.Time // when it last asked and was let in: the decision was later
	over  time.Time // when it last had an answer: the decision was earlier
}

// noAnswer is how long a Both waits for the server. It then says 503, which says nothing
// but that the machine is busy.
const noAnswer = 12 * time.Second

// drive presents secret to url until it gets the status last, or for three minutes.
func (c *caller) drive(t *testing.T, url string, secret token.Secret, last int) {
	for began := time.Now(); time.Since(began) < 3*time.Minute; time.Sleep(100 * time.Millisecond) {
		asked := time.Now()
		code, _ := present(t, url, secret)
		if code == http.StatusServiceUnavailable && code != last && time.Since(asked) >= noAnswer {
			continue
		}
		c.over = time.Now()
		if n := len(c.codes); n == 0 || c.codes[n-1] != code {
			c.codes = append(c.codes, code)
		}
		if code == http.StatusOK {
			c.let = asked
		}
		if code == last {
			return
		}
	}
}

// A token in use is refused within Bound and the ten seconds of the server after its
// service account was deleted, and another one at once; so is one whose account was
// made again, and one whose pod is gone.
func TestBothRevocation(t *testing.T) {
	t.Parallel()
	s, cs := setUpReviews(t)
	ctx := t.Context()
	core := s.Client().CoreV1()
	offline := offlineFor(t, s)
	s.CreateServiceAccount(t, "ci", "again")
	s.CreateServiceAccount(t, "ci", "podded")
	pod, err := core.Pods("ci").Create(ctx, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "p"},
		Spec:       corev1.PodSpec{ServiceAccountName: "podded", AutomountServiceAccountToken: new(false), Containers: []corev1.Container{{Name: "c", Image: "i"}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	accounts := map[string]kube.Request{
		"deleted":   {ServiceAccount: "builder", Audiences: []string{"api"}},
		"recreated": {ServiceAccount: "again", Audiences: []string{"api"}},
		"pod gone": {ServiceAccount: "podded", Audiences: []string{"api"},
			BoundTo: &authenticationv1.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: "p", UID: pod.UID}},
	}
	bounds := map[time.Duration]time.Duration{0: 10 * time.Second, 2 * time.Second: 2 * time.Second, 20 * time.Second: 20 * time.Second, -1: 0}

	// Before the callers begin, as it may take a while.
	spares := map[string][]token.Secret{}
	for name, request := range accounts {
		spares[name] = spare(t, s, request)
	}
	var wg sync.WaitGroup
	callers := map[*caller]time.Duration{}
	fresh := map[string]token.Secret{}
	var urls []string
	for bound, effective := range bounds {
		url := serve(t, &kube.Both{Offline: offline, Online: kube.NewReviewer(cs.AuthenticationV1().TokenReviews(), "api"), Bound: bound})
		urls = append(urls, url)
		for name, request := range accounts {
			secret := tokenOf(t, s, request)
			if code, body := present(t, url, secret); code != 200 || body != "system:serviceaccount:ci:"+request.ServiceAccount {
				t.Fatalf("%s: %d %s", name, code, body)
			}
			c := &caller{name: fmt.Sprintf("%s, Bound %v", name, bound)}
			callers[c] = effective
			wg.Go(func() { c.drive(t, url, secret, http.StatusUnauthorized) })
			fresh[url+name] = tokenOf(t, s, request)
		}
	}
	// Somewhere in the middle of what is remembered.
	time.Sleep(3 * time.Second)
	deleted := time.Now()
	for _, name := range []string{"builder", "again"} {
		if err := core.ServiceAccounts("ci").Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := core.Pods("ci").Delete(ctx, "p", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	s.CreateServiceAccount(t, "ci", "again")
	for _, tokens := range spares {
		settled(t, s, tokens)
	}
	known := time.Now() // to the server: what it does not keep it refuses
	for _, url := range urls {
		for name := range accounts {
			if code, body := present(t, url, fresh[url+name]); code != http.StatusUnauthorized || !strings.Contains(body, "revoked") {
				t.Errorf("%s: a token that was not seen before: %d %s", name, code, body)
			}
		}
		if code, body := present(t, url, tokenOf(t, s, accounts["recreated"])); code != 200 {
			t.Errorf("a token of the new account: %d %s", code, body)
		}
	}
	t.Logf("fresh tokens were refused within %v", time.Since(deleted).Round(time.Millisecond))
	wg.Wait()
	for c, bound := range callers {
		if len(c.codes) != 2 || c.codes[0] != 200 || c.codes[1] != http.StatusUnauthorized {
			t.Errorf("%s: answered %v", c.name, c.codes)
			continue
		}
		if took := c.let.Sub(known); took > bound+serverKeeps+allowance {
			t.Errorf("%s: let in %v after the server knew", c.name, took)
		}
		t.Logf("%s: refused %v after the deletion began, of %v allowed", c.name, c.over.Sub(deleted).Round(10*time.Millisecond), bound+serverKeeps)
	}
}

// The longest that a token can be in use after its account was deleted: the server
// approves of it when it has kept its own approval for nearly as long as it does, and
// then Both keeps that for Bound.
func TestBothRevocationWorst(t *testing.T) {
	t.Parallel()
	s, cs := setUpReviews(t)
	offline := offlineFor(t, s)
	var wg sync.WaitGroup
	for i, bound := range []time.Duration{2 * time.Second, 10 * time.Second, 20 * time.Second} {
		// once does it with a service account of its own, and reports false if the machine
		// was so busy that the server was asked too late.
		once := func(try int) bool {
			name := fmt.Sprintf("account-%d-%d", i, try)
			s.CreateServiceAccount(t, "ci", name)
			secret := tokenOf(t, s, kube.Request{ServiceAccount: name, Audiences: []string{"api"}})
			url := serve(t, &kube.Both{Offline: offline, Online: kube.NewReviewer(cs.AuthenticationV1().TokenReviews(), "api"), Bound: bound})
			reviewed := time.Now()
			if st := review(t, s, token.New(secret), "api"); !st.Authenticated {
				t.Errorf("%+v", st)
			}
			deleted := time.Now()
			if err := s.Client().CoreV1().ServiceAccounts("ci").Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Until(reviewed.Add(serverKeeps - 500*time.Millisecond)))
			c := caller{}
			c.drive(t, url, secret, http.StatusUnauthorized)
			if late := time.Since(reviewed) > serverKeeps; late && len(c.codes) == 1 && c.codes[0] == http.StatusUnauthorized {
				return false
			}
			if len(c.codes) != 2 || c.codes[0] != 200 {
				t.Errorf("Bound %v: answered %v, and the server was to approve of it once more", bound, c.codes)
				return true
			}
			if took := c.let.Sub(deleted); took > bound+serverKeeps+allowance {
				t.Errorf("Bound %v: let in %v after the deletion began", bound, took)
			}
			t.Logf("Bound %v: refused %v after the deletion began, of %v allowed", bound, c.over.Sub(deleted).Round(10*time.Millisecond), bound+serverKeeps)
			return true
		}
		wg.Go(func() {
			const tries = 10
			for try := range tries {
				if once(try) {
					return
				}
			}
			t.Errorf("Bound %v: in %d tries the server was asked too late", bound, tries)
		})
	}
	wg.Wait()
}

// While the server is away tokens are let in to the end of Bound, and no longer: then
// nobody can tell. When it is back they are good again.
func TestBothServerAway(t *testing.T) {
	t.Parallel()
	s, cs := setUpReviews(t)
	const bound = 15 * time.Second
	b := &kube.Both{Offline: offlineFor(t, s), Online: kube.NewReviewer(cs.AuthenticationV1().TokenReviews(), "api"), Bound: bound}
	url := serve(t, b)
	request := kube.Request{ServiceAccount: "builder", Audiences: []string{"api"}}
	var used, unused token.Secret
	var stopped time.Time
	var c caller
	// away stops the server, and reports false if the machine was so busy that the time
	// of the token was over before it was presented again.
	away := func() bool {
		used, unused, c = tokenOf(t, s, request), tokenOf(t, s, request), caller{}
		asked := time.Now()
		if code, body := present(t, url, used); code != 200 {
			t.Fatalf("%d %s", code, body)
		}
		approved := time.Now()
		s.Stop()
		stopped = time.Now()
		if code, body := present(t, url, unused); code != http.StatusServiceUnavailable {
			t.Errorf("a token that was not seen before: %d %s", code, body)
		}
		c.drive(t, url, used, http.StatusServiceUnavailable)
		served := c.over.Sub(asked)
		if served >= bound && len(c.codes) == 1 && c.codes[0] == http.StatusServiceUnavailable {
			return false
		}
		if len(c.codes) != 2 || c.codes[0] != 200 {
			t.Fatalf("answered %v", c.codes)
		}
		if served < bound {
			t.Errorf("served for %v of %v", served, bound)
		}
		if served := c.let.Sub(approved); served > bound {
			t.Errorf("served for %v of %v", served, bound)
		}
		return true
	}
	for try := 1; !away(); try++ {
		if try == 5 {
			t.Fatal("in five tries the time of the token was over too soon")
		}
		s.Restart(t)
	}
	_, err := b.Verify(t.Context(), used)
	if e, ok := errors.AsType[*kube.Error](err); !ok || e.Reason != kube.Away || errors.Is(err, token.ErrInvalid) || strings.Contains(err.Error(), used.Reveal()) {
		t.Errorf("then: %v", err)
	}
	t.Logf("served for %v after the server was away: %v", c.over.Sub(stopped).Round(10*time.Millisecond), err)

	// What needs no server to be refused is refused.
	now := time.Now()
	forged := signed(t, s.SigningKey, map[string]any{"alg": "ES256", "kid": kidOf(t, used)}, map[string]any{
		"iss": apiserver.Issuer, "sub": "system:serviceaccount:ci:builder", "aud": "api", "iat": now.Add(-time.Hour).Unix(), "exp": now.Add(-10 * time.Minute).Unix(),
	})
	if code, body := present(t, url, forged); code != http.StatusUnauthorized || !strings.Contains(body, "expired") {
		t.Errorf("an expired token: %d %s", code, body)
	}
	if code, body := present(t, url, token.NewSecret("garbage")); code != http.StatusUnauthorized {
		t.Errorf("garbage: %d %s", code, body)
	}

	s.Restart(t)
	back := time.Now()
	for _, secret := range []token.Secret{used, unused} {
		eventually(t, "tokens are good again", func() error {
			if code, body := present(t, url, secret); code != 200 {
				return fmt.Errorf("%d %s", code, body)
			}
			return nil
		})
	}
	t.Logf("good again %v after the restart", time.Since(back).Round(10*time.Millisecond))
}

// What a service in a pod needs is in its rest.Config: the keys too can be had with it.
func TestBothInPod(t *testing.T) {
	t.Parallel()
	s, cs := setUpReviews(t)
	cfg := kube.Config(s.Admin(), refresh.New(kube.NewSource(s.Client().CoreV1().ServiceAccounts("prod"), "api")))
	client, err := rest.HTTPClientFor(cfg)
	if err != nil {
		t.Fatal(err)
	}
	url := serve(t, &kube.Both{
		Offline: &jwt.Policy{Issuer: apiserver.Issuer, Audience: []string{"api"}, Keys: &jwt.Remote{URL: cfg.Host + "/openid/v1/jwks", Client: client}},
		Online:  kube.NewReviewer(cs.AuthenticationV1().TokenReviews(), "api"),
	})
	if code, body := present(t, url, tokenOf(t, s, kube.Request{ServiceAccount: "builder", Audiences: []string{"api"}})); code != 200 || body != "system:serviceaccount:ci:builder" {
		t.Errorf("%d %s", code, body)
	}
	if code, body := present(t, url, tokenOf(t, s, kube.Request{ServiceAccount: "builder"})); code != http.StatusUnauthorized || !strings.Contains(body, "audience") {
		t.Errorf("the token that each pod has: %d %s", code, body)
	}
}

func kidOf(t *testing.T, secret token.Secret) string {
	t.Helper()
	info, err := token.Inspect(secret)
	if err != nil {
		t.Fatal(err)
	}
	return info.KeyID
}

// A token that the server would approve and that does not suit here is refused, and
// one that is good here and no good there; the server hears only of the second.
func TestBothRefuses(t *testing.T) {
	t.Parallel()
	s, _ := setUpReviews(t)
	rec := new(record)
	cfg := s.Admin()
	cfg.Wrap(rec.wrap)
	counted, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	// An approval is good for as long as the test takes.
	b := &kube.Both{Offline: offlineFor(t, s), Online: kube.NewReviewer(counted.AuthenticationV1().TokenReviews(), "api"), Bound: time.Hour}
	url := serve(t, b)
	request := kube.Request{ServiceAccount: "builder", Audiences: []string{"api"}}
	other := kube.Request{ServiceAccount: "builder", Audiences: []string{"other"}}
	now := time.Now()
	unknown := map[string]any{
		"iss": apiserver.Issuer, "sub": "system:serviceaccount:ci:ghost", "aud": "api", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		"kubernetes.io": map[string]any{"namespace": "ci", "serviceaccount": map[string]any{"name": "ghost", "uid": "u"}},
	}
	impostor := map[string]any{
		"iss": apiserver.Issuer, "sub": "system:serviceaccount:prod:api", "aud": "api", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	account, err := s.Client().CoreV1().ServiceAccounts("ci").Get(t.Context(), "builder", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// The server goes by the private claims, and does not compare sub with them.
	impostor["kubernetes.io"] = map[string]any{"namespace": "ci", "serviceaccount": map[string]any{"name": "builder", "uid": string(account.UID)}}
	good := tokenOf(t, s, request)
	header := map[string]any{"alg": "ES256", "kid": kidOf(t, good)}
	for _, test := range []struct {
		name   string
		secret token.Secret
		code   int
		words  string
		asked  int
	}{
		{"good", good, 200, "system:serviceaccount:ci:builder", 1},
		{"good again", good, 200, "system:serviceaccount:ci:builder", 0},
		{"another audience", tokenOf(t, s, other), 401, "audience", 0},
		{"garbage", token.NewSecret("garbage"), 401, "malformed", 0},
		{"no such account", signed(t, s.SigningKey, header, unknown), 401, "revoked", 1},
		{"a sub of another account", signed(t, s.SigningKey, header, impostor), 401, "not valid", 1},
	} {
		n := len(rec.since(0))
		code, body := present(t, url, test.secret)
		if code != test.code || !strings.Contains(body, test.words) {
			t.Errorf("%s: %d %s", test.name, code, body)
		}
		if asked := len(rec.since(n)); asked != test.asked {
			t.Errorf("%s: asked %d times, want %d", test.name, asked, test.asked)
		}
	}

	// Callers that come together share one question.
	shared, n := tokenOf(t, s, request), len(rec.since(0))
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if claims, err := b.Verify(t.Context(), shared); err != nil || claims.Subject != "system:serviceaccount:ci:builder" {
				t.Errorf("one of many: %+v, %v", claims, err)
			}
		})
	}
	wg.Wait()
	if asked := len(rec.since(n)); asked != 1 {
		t.Errorf("50 callers with one token: asked %d times", asked)
	}
}

// A server that has too much to do is asked a few times more by client-go itself;
// then whoever is waiting learns when to come back. It is a stand-in: of a real one no
// test can say for how long it is busy.
func TestBothBusy(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.answer(http.MethodPost, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "Too many requests, please try again later.", http.StatusTooManyRequests)
	})
	url := serve(t, &kube.Both{
		Offline: token.VerifierFunc(func(context.Context, token.Secret) (token.Claims, error) { return token.Claims{Subject: "x"}, nil }),
		Online:  kube.NewReviewer(s.client().AuthenticationV1().TokenReviews(), "api"),
	})
	for try := 1; ; try++ {
		began := time.Now()
		req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer x")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		took := time.Since(began)
		t.Logf("%s after %v", resp.Status, took.Round(10*time.Millisecond))
		if resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") == "1" {
			return
		}
		// client-go pauses for ten seconds in all. Where the machine is busy it may not be
		// done when Both goes on without it.
		if took < noAnswer || try == 5 {
			t.Fatalf("%s, Retry-After %q", resp.Status, resp.Header.Get("Retry-After"))
		}
	}
}
