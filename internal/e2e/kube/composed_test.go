package kube_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/internal/e2e/apiserver"
	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
	"github.com/tokenlife/tokenlife/token/seal"
)

// pod returns the configuration of a program that has nothing but the token file of a
// service account.
func pod(t *testing.T, s *apiserver.Server, account string) (*rest.Config, *kubernetes.Clientset) {
	t.Helper()
	v := volume{t.TempDir()}
	tok, err := kube.NewSource(s.Client().CoreV1().ServiceAccounts("prod"), account).Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v.project(t, tok.Value.Reveal())
	cfg := kube.Config(s.Admin(), refresh.New(kube.Projected(v.path())))
	cs, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return cfg, cs
}

// A replica of a service has one door for people, who have sessions, and one for
// programs, which have service account tokens. It calls a partner, with the access
// token of a rotating pair.
type service struct {
	web
	programs string // the URL
	partner  *refresh.Source
}

// bound is for how long the service remembers what the API server said of a token.
const bound = time.Second

func newReplica(t *testing.T, s *apiserver.Server, issuer *strict, login refresh.Pair) service {
	cfg, cs := pod(t, s, "api")
	client, err := rest.HTTPClientFor(cfg) // it trusts the API server, and has the token
	if err != nil {
		t.Fatal(err)
	}
	guard := &kube.Both{
		Offline: &jwt.Policy{
			Issuer: apiserver.Issuer, Audience: []string{"api"},
			Keys: &jwt.Remote{URL: cfg.Host + "/openid/v1/jwks", Client: client},
		},
		Online: kube.NewReviewer(cs.AuthenticationV1().TokenReviews(), "api"),
		Bound:  bound,
	}
	shared := cs.CoreV1().Secrets("web")
	return service{
		web:      newWeb(t, &seal.Keyring{Load: kube.Keys(shared, "session-keys")}),
		programs: serve(t, guard), // token.Require(guard, …)
		partner: refresh.New(&refresh.Rotator{
			Exchanger: issuer, Store: &kube.SecretStore{Client: shared}, Key: "github", Initial: login,
		}),
	}
}

// Everything at once: a controller calls the two replicas of a service as two service
// accounts, while one of these is deleted, the keys of the sessions and the pair of
// the replicas are replaced, and the API server is killed and comes back.
func TestComposed(t *testing.T) {
	t.Parallel()
	s := apiserver.Start(t)
	for _, account := range []string{"builder", "painter"} {
		s.CreateServiceAccount(t, "ci", account)
		s.AllowTokenRequests(t, "ci", account, "system:serviceaccount:prod:controller")
	}
	s.CreateServiceAccount(t, "prod", "controller")
	s.CreateServiceAccount(t, "prod", "api")
	delegate(t, s) // prod/api may review tokens
	role := documentedRole(t)
	role.Namespace = "web" // where the Secrets are that the replicas share
	role.Rules = append(role.Rules, rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: []string{"session-keys"}, Verbs: []string{"get"}})
	permit(t, s, role, "system:serviceaccount:prod:api")
	keys := func(letters string) { apply(t, s, map[string][]byte{"keys": []byte(keyText(letters))}) }
	keys("a")

	issuer := newStrict(time.Hour)
	login := issuer.login(t)
	one, two := newReplica(t, s, issuer, login), newReplica(t, s, issuer, login)

	_, cs := pod(t, s, "controller")
	tokens := &kube.Tokens{Client: func(namespace string) kube.TokenCreator { return cs.CoreV1().ServiceAccounts(namespace) }}
	as := func(account string) *http.Client {
		src := tokens.Source(kube.Request{Namespace: "ci", ServiceAccount: account, Audiences: []string{"api"}})
		return &http.Client{Transport: &token.Transport{Source: src}}
	}
	builder, painter := as("builder"), as("painter")
	answers := func(client *http.Client, replica service, status int) error {
		resp, err := client.Get(replica.programs)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != status {
			return fmt.Errorf("%s, want %d", resp.Status, status)
		}
		return nil
	}
	must := func(what string, errs ...error) {
		t.Helper()
		if err := errors.Join(errs...); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	// partner returns the token that both replicas show to the partner.
	partner := func() token.Token {
		t.Helper()
		a, err1 := one.partner.Token(t.Context())
		b, err2 := two.partner.Token(t.Context())
		if err := errors.Join(err1, err2); err != nil || !a.Value.Equal(b.Value) {
			t.Fatalf("the replicas do not have one token: %v", err)
		}
		return a
	}

	must("builder is let in", answers(builder, one, 200), answers(builder, two, 200))
	must("painter is let in", answers(painter, one, 200), answers(painter, two, 200))
	early := one.login(t)
	two.visit(t, early) // what one replica sealed the other opens
	first := partner()

	// The account is deleted. Meanwhile a new key comes to the end of the list: it opens.
	must("deleting", s.Client().CoreV1().ServiceAccounts("ci").Delete(t.Context(), "builder", metav1.DeleteOptions{}))
	keys("ab")
	for deleted := time.Now(); time.Since(deleted) < bound+serverKeeps+allowance; time.Sleep(200 * time.Millisecond) {
		must("painter is let in", answers(painter, one, 200), answers(painter, two, 200))
	}
	must("builder is refused", answers(builder, one, 401))
	err := answers(builder, two, 401) // the controller gave the token up, and gets no other
	if e, ok := errors.AsType[*kube.Error](err); !ok || e.Reason != kube.Missing {
		t.Errorf("it is not said why there is no token: %v", err)
	}
	t.Log(err)

	// The new key comes first, and seals; the pair is exchanged, by one of them.
	keys("ba")
	three := newReplica(t, s, issuer, refresh.Pair{}) // begins with the new order
	for _, cookie := range []string{early, three.login(t)} {
		one.visit(t, cookie)
		two.visit(t, cookie)
	}
	one.partner.Invalidate(first)
	two.partner.Invalidate(first)
	if second, n := partner(), issuer.exchanged(t); second.Value.Equal(first.Value) || n != 2 {
		t.Errorf("after %d exchanges the old token: %v", n, second.Value.Equal(first.Value))
	}

	// While the API server is away nobody can tell whether a token is still good, and
	// nothing else stops.
	s.Stop()
	time.Sleep(bound)
	must("nobody can tell", answers(painter, one, 503), answers(painter, two, 503))
	one.visit(t, early)
	partner()
	s.Restart(t)
	eventually(t, "painter is let in again", func() error {
		return errors.Join(answers(painter, one, 200), answers(painter, two, 200))
	})
}
