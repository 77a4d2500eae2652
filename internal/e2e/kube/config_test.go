package kube_test

import (
	"context"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"github.com/tokenlife/tokenlife/internal/e2e/apiserver"
	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/refresh"
)

// whoami asks the server whom cfg authenticates.
func whoami(t *testing.T, cfg *rest.Config) (authenticationv1.UserInfo, error) {
	t.Helper()
	cs, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r, err := cs.AuthenticationV1().SelfSubjectReviews().Create(t.Context(), &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return authenticationv1.UserInfo{}, err
	}
	return r.Status.UserInfo, nil
}

const builder = "system:serviceaccount:ci:builder"

// The server knows the administrator by a client certificate, and would take that
// before a token: it does not get it. A copy of the configuration has the
// credential, an anonymous one has not.
func TestConfigWhoIsIt(t *testing.T) {
	t.Parallel()
	s, base := setUp(t)
	cfg := kube.Config(s.Admin(), refresh.New(base))
	for name, cfg := range map[string]*rest.Config{
		"itself": cfg, "a copy": rest.CopyConfig(cfg),
		"over another credential": kube.Config(s.User("bob"), refresh.New(base)),
		"over another Source":     kube.Config(kube.Config(s.Admin(), refresh.New(first(deadAt(t, s, base), base))), refresh.New(base)),
	} {
		if who, err := whoami(t, cfg); err != nil || who.Username != builder {
			t.Errorf("%s: the server sees %q, %v", name, who.Username, err)
		}
	}
	if who, err := whoami(t, rest.AnonymousClientConfig(cfg)); err == nil {
		t.Errorf("an anonymous copy: the server sees %q", who.Username)
	}
	if who, err := whoami(t, s.Admin()); err != nil || who.Username == builder {
		t.Errorf("the configuration it was made from: the server sees %q, %v", who.Username, err)
	}
}

// Impersonation goes with the token, and with the next one after a refusal.
func TestConfigImpersonates(t *testing.T) {
	t.Parallel()
	s, base := setUp(t)
	allow(t, s,
		rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"users", "groups"}, Verbs: []string{"impersonate"}},
		rbacv1.PolicyRule{APIGroups: []string{"authentication.k8s.io"}, Resources: []string{"userextras/team", "uids"}, Verbs: []string{"impersonate"}})
	cfg := s.Admin()
	cfg.Impersonate = rest.ImpersonationConfig{UserName: "jane", UID: "4711", Groups: []string{"developers"}, Extra: map[string][]string{"team": {"a"}}}
	var wire record
	cfg.Wrap(wire.wrap)
	who, err := whoami(t, kube.Config(cfg, refresh.New(first(deadAt(t, s, base), base))))
	if err != nil || who.Username != "jane" || who.UID != "4711" || !slices.Contains(who.Groups, "developers") || len(who.Extra["team"]) != 1 {
		t.Errorf("the server sees %+v, %v", who, err)
	}
	all := wire.since(0)
	if len(all) != 2 || all[0].status != http.StatusUnauthorized || all[1].header.Get("Impersonate-User") != "jane" {
		t.Errorf("not refused once and asked again as jane: %v", all)
	}
}

// A leader stays one while its tokens are replaced.
func TestLeaderElection(t *testing.T) {
	t.Parallel()
	s, base := setUp(t)
	allow(t, s, rbacv1.PolicyRule{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: []string{"get", "create", "update"}})
	const lifetime = 10 * time.Minute / speed
	p := race(t, s)
	undisturbed(t, p, func(c *trial) {
		var seen events
		cs, refusals := clientOf(t, s, &refresh.Source{Base: hurried(base), OnEvent: seen.add})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var began, ended atomic.Int64
		over := time.AfterFunc(3*lifetime, cancel)
		defer over.Stop()
		leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
			Lock: &resourcelock.LeaseLock{
				LeaseMeta: metav1.ObjectMeta{Namespace: "ci", Name: "leader"}, Client: cs.CoordinationV1(),
				LockConfig: resourcelock.ResourceLockConfig{Identity: "one"},
			},
			LeaseDuration: 8 * time.Second, RenewDeadline: 5 * time.Second, RetryPeriod: 200 * time.Millisecond,
			Callbacks: leaderelection.LeaderCallbacks{
				OnStartedLeading: func(context.Context) { began.Add(1) },
				OnStoppedLeading: func() {
					if ctx.Err() == nil {
						ended.Add(1)
					}
				},
			},
		})
		seen.tell(p)
		if ctx.Err() == nil || began.Load() != 1 || ended.Load() != 0 {
			c.wrongf("began to lead %d times, and stopped %d times before the end", began.Load(), ended.Load())
		}
		if n := seen.count(refresh.Renewed); n < 2 || refusals.Load() != 0 {
			c.wrongf("%d renewals, %d requests refused", n, refusals.Load())
		}
	})
}

// What the server says in Warning headers arrives where the configuration says.
func TestConfigWarnings(t *testing.T) {
	t.Parallel()
	s := apiserver.Start(t, "--service-account-max-token-expiration=1h")
	s.CreateServiceAccount(t, "ci", "builder")
	s.AllowTokenRequests(t, "ci", "builder", builder)
	admin := &kube.Source{Client: s.Client().CoreV1().ServiceAccounts("ci"), Request: kube.Request{ServiceAccount: "builder"}}
	var said, asked atomic.Int64
	cfg := s.Admin()
	cfg.WarningHandlerWithContext = warningFunc(func(_ context.Context, _ int, _, text string) {
		if text != "" {
			said.Add(1)
		}
	})
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return countingWire{next, &asked} })
	cs, err := kubernetes.NewForConfig(kube.Config(cfg, refresh.New(admin)))
	if err != nil {
		t.Fatal(err)
	}
	itself := &kube.Source{Client: cs.CoreV1().ServiceAccounts("ci"), Request: kube.Request{ServiceAccount: "builder", Lifetime: 2 * time.Hour}}
	tok, _ := prompt(t, itself, new(heard))
	about(t, "ExpiresIn", tok.ExpiresIn, time.Hour)
	if n := said.Load(); n != asked.Load() {
		t.Errorf("%d warnings with %d tokens", n, asked.Load())
	}
}

type warningFunc func(context.Context, int, string, string)

func (f warningFunc) HandleWarningHeaderWithContext(ctx context.Context, code int, agent, text string) {
	f(ctx, code, agent, text)
}
