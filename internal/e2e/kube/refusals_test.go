package kube_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/token"
)

// refusal checks that err is of that reason, reads as it should, and blames no token
// that a caller presented.
func refusal(t *testing.T, name string, err error, reason kube.Reason, words ...string) {
	t.Helper()
	e, ok := errors.AsType[*kube.Error](err)
	if !ok || e.Reason != reason {
		t.Errorf("%s: %v, want reason %q", name, err, reason)
		return
	}
	for _, w := range words {
		if !strings.Contains(e.Error(), w) {
			t.Errorf("%s: %q is not in: %v", name, w, e)
		}
	}
	if errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrRefused) != (reason == kube.Unauthenticated) {
		t.Errorf("%s: ErrInvalid %t, ErrRefused %t", name, errors.Is(err, token.ErrInvalid), errors.Is(err, token.ErrRefused))
	}
	t.Logf("%s: [%s] %v", name, e.Reason, e)
}

// asks returns a Source for r with the credentials of cfg.
func asks(t *testing.T, cfg *rest.Config, r kube.Request) *kube.Source {
	t.Helper()
	cs, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &kube.Source{Client: cs.CoreV1().ServiceAccounts(r.Namespace), Request: r}
}

// Whatever the server refuses a Request for, the error says why in the server's
// words and what to do about it in ours.
func TestRefusals(t *testing.T) {
	t.Parallel()
	s, _ := setUp(t)
	account := s.CreateServiceAccount(t, "ci", "other")
	ctx := t.Context()
	builder := kube.Request{Namespace: "ci", ServiceAccount: "builder"}
	with := func(change func(*kube.Request)) kube.Request {
		r := builder
		change(&r)
		return r
	}
	bound := func(o *authenticationv1.BoundObjectReference) kube.Request {
		return with(func(r *kube.Request) { r.BoundTo = o })
	}
	another := func(o *authenticationv1.BoundObjectReference) kube.Request {
		o = o.DeepCopy()
		o.UID = "11111111-2222-3333-4444-555555555555"
		return bound(o)
	}
	pod, secret, node := object(t, s, "Pod", "ci", "mine", "builder"), object(t, s, "Secret", "ci", "mine", ""), object(t, s, "Node", "", "mine", "")
	theirs := object(t, s, "Pod", "ci", "theirs", "other")
	gone := func(kind string) kube.Request {
		return bound(&authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: kind, Name: "gone"})
	}
	stranger := rest.AnonymousClientConfig(s.Admin())
	stranger.BearerToken = "not-a-token-of-this-server"
	for _, test := range []struct {
		name   string
		as     *rest.Config
		r      kube.Request
		reason kube.Reason
		words  []string
	}{
		{"no RBAC", s.User("bob"), builder, kube.Forbidden, []string{`User "bob" cannot create`, `grant whoever asks the verb "create" on the resource "serviceaccounts/token"`, `"builder") in namespace "ci"`}},
		{"no credential", rest.AnonymousClientConfig(s.Admin()), builder, kube.Forbidden, []string{"system:anonymous", "give the Client one"}},
		{"own credential", stranger, builder, kube.Unauthenticated, []string{"renew that of the Client"}},
		{"no account", s.Admin(), kube.Request{Namespace: "ci", ServiceAccount: "ghost"}, kube.Missing, []string{`serviceaccounts "ghost" not found`, "create it, or correct Request.ServiceAccount"}},
		{"no namespace", s.Admin(), kube.Request{Namespace: "ghost", ServiceAccount: "builder"}, kube.Missing, []string{"token of service account ghost/builder", "correct "}},
		{"another UID", s.Admin(), with(func(r *kube.Request) { r.UID = account.UID }), kube.Recreated, []string{string(account.UID), "does not match", "Request.UID"}},
		{"Pod gone", s.Admin(), gone("Pod"), kube.Unbound, []string{`pods "gone" not found`, "the Pod is gone"}},
		{"Secret gone", s.Admin(), gone("Secret"), kube.Unbound, []string{`secrets "gone" not found`, "the Secret is gone"}},
		{"Node gone", s.Admin(), gone("Node"), kube.Unbound, []string{`nodes "gone" not found`, "the Node is gone"}},
		{"another Pod", s.Admin(), another(pod), kube.Unbound, []string{"does not match", "it is not the Pod it was"}},
		{"another Secret", s.Admin(), another(secret), kube.Unbound, []string{"it is not the Secret it was"}},
		{"another Node", s.Admin(), another(node), kube.Unbound, []string{"it is not the Node it was"}},
		{"ConfigMap", s.Admin(), gone("ConfigMap"), kube.Rejected, []string{"cannot bind token to object of type", "correct Request.BoundTo"}},
		{"Pod of another account", s.Admin(), bound(theirs), kube.Rejected, []string{"different serviceaccount", "correct Request.BoundTo"}},
		{"too short", s.Admin(), with(func(r *kube.Request) { r.Lifetime = 599 * time.Second }), kube.Rejected, []string{"less than 10 minutes", "correct Request.Lifetime (9m59s)"}},
		{"too long", s.Admin(), with(func(r *kube.Request) { r.Lifetime = (1<<32 + 1) * time.Second }), kube.Rejected, []string{"larger than 2^32 seconds", "correct Request.Lifetime"}},
	} {
		_, err := asks(t, test.as, test.r).Token(ctx)
		refusal(t, test.name, err, test.reason, test.words...)
	}

	// Deleted and made anew: of the same name, and not the same.
	was := with(func(r *kube.Request) { r.ServiceAccount, r.UID = "other", account.UID })
	src := asks(t, s.Admin(), was)
	if _, err := src.Token(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.Client().CoreV1().ServiceAccounts("ci").Delete(ctx, "other", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	_, err := src.Token(ctx)
	refusal(t, "deleted", err, kube.Missing)
	s.CreateServiceAccount(t, "ci", "other")
	_, err = src.Token(ctx)
	refusal(t, "recreated", err, kube.Recreated, "deleted and made anew", "stop asking")

	// A namespace that is going away keeps its accounts for a while.
	s.CreateServiceAccount(t, "leaving", "builder")
	if err := s.Client().CoreV1().Namespaces().Delete(ctx, "leaving", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	leaving := asks(t, s.Admin(), kube.Request{Namespace: "leaving", ServiceAccount: "builder"})
	_, err = leaving.Token(ctx)
	refusal(t, "namespace being deleted", err, kube.Forbidden, "is being deleted")

	// Not reached, or not trusted.
	named := s.Admin()
	named.Host = strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
	_, err = asks(t, named, builder).Token(ctx)
	refusal(t, "wrong name", err, kube.Untrusted, "ServerName")
	distrusting := s.Admin()
	distrusting.CAData = nil
	_, err = asks(t, distrusting, builder).Token(ctx)
	refusal(t, "wrong CA", err, kube.Untrusted, "CAFile")
	nowhere := asks(t, s.Admin(), kube.Request{ServiceAccount: "builder"})
	_, err = nowhere.Token(ctx)
	refusal(t, "a Client for no namespace", err, kube.Misconfigured, "the Client is for no namespace")
	hurry := s.Admin()
	hurry.QPS, hurry.Burst = 0.01, 1
	slow := asks(t, hurry, builder)
	for range 2 {
		limited, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		_, err = slow.Token(limited)
	}
	refusal(t, "the Client's own limit", err, kube.Busy, "QPS and Burst")
	plain := s.Admin()
	plain.Host, plain.TLSClientConfig = strings.Replace(s.URL, "https:", "http:", 1), rest.TLSClientConfig{}
	_, err = asks(t, plain, builder).Token(ctx)
	refusal(t, "http", err, kube.BadAnswer)
	s.Stop()
	eventually(t, "the last connection is known to be lost", func() error { // and shared by all who ask as the admin
		if _, err = asks(t, s.Admin(), builder).Token(ctx); err != nil && !strings.Contains(err.Error(), "connection refused") {
			return err
		}
		return nil
	})
	refusal(t, "stopped", err, kube.Away, "connection refused", "is it running, and reachable from here?")
}

// The server has too many requests of a user, and says how long to stay away.
func TestBusy(t *testing.T) {
	t.Parallel()
	s, _ := setUp(t)
	ctx := t.Context()
	flows := s.Client().FlowcontrolV1()
	if _, err := flows.PriorityLevelConfigurations().Create(ctx, &flowcontrolv1.PriorityLevelConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "none"},
		Spec: flowcontrolv1.PriorityLevelConfigurationSpec{Type: flowcontrolv1.PriorityLevelEnablementLimited, Limited: &flowcontrolv1.LimitedPriorityLevelConfiguration{
			NominalConcurrencyShares: new(int32(0)), LendablePercent: new(int32(0)), BorrowingLimitPercent: new(int32(0)),
			LimitResponse: flowcontrolv1.LimitResponse{Type: flowcontrolv1.LimitResponseTypeReject},
		}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	schema, err := flows.FlowSchemas().Create(ctx, &flowcontrolv1.FlowSchema{
		ObjectMeta: metav1.ObjectMeta{Name: "none"},
		Spec: flowcontrolv1.FlowSchemaSpec{
			PriorityLevelConfiguration: flowcontrolv1.PriorityLevelConfigurationReference{Name: "none"}, MatchingPrecedence: 2,
			Rules: []flowcontrolv1.PolicyRulesWithSubjects{{
				Subjects: []flowcontrolv1.Subject{{Kind: flowcontrolv1.SubjectKindUser, User: &flowcontrolv1.UserSubject{Name: "alice"}}},
				ResourceRules: []flowcontrolv1.ResourcePolicyRule{{
					Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}, Namespaces: []string{"*"}, ClusterScope: true,
				}},
			}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}

	client, err := rest.HTTPClientFor(s.User("alice"))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the server goes by the schema", func() error {
		resp, err := client.Get(s.URL + "/api/v1/namespaces/ci/serviceaccounts")
		if err != nil {
			return err
		}
		resp.Body.Close()
		if got := resp.Header.Get("X-Kubernetes-PF-FlowSchema-UID"); got != string(schema.UID) {
			return fmt.Errorf("it goes by %s", got)
		}
		return nil
	})

	// Whatever the level allows, one request is let in at a time: this one, whose
	// body does not end. It is refused itself, and sent again, while the one before
	// has not left; once in a second, since a server that refuses three in one has
	// everybody stay away for longer, and client-go does so ten times over.
	var holds sync.WaitGroup
	defer holds.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	holds.Go(func() {
		for ctx.Err() == nil {
			body, _ := io.Pipe()
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/api/v1/namespaces/ci/serviceaccounts/builder/token", body)
			if err != nil {
				t.Error(err)
				return
			}
			req.Header.Set("Content-Type", "application/json")
			if resp, err := client.Do(req); err == nil {
				resp.Body.Close()
			}
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
		}
	})
	var said atomic.Value // the last Retry-After
	cfg := s.User("alice")
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(r)
			if err == nil && resp.StatusCode == http.StatusTooManyRequests {
				said.Store(resp.Header.Get("Retry-After"))
			}
			return resp, err
		})
	})
	busy := asks(t, cfg, kube.Request{Namespace: "ci", ServiceAccount: "builder"})
	began := time.Now()
	within(t, 3*time.Minute, "the server is busy", func() error {
		_, err := busy.Token(ctx)
		if !apierrors.IsTooManyRequests(err) {
			return fmt.Errorf("it answers, or fails with %v", err)
		}
		refusal(t, "busy", err, kube.Busy, "HTTP status 429", "ask less often")
		if wait := token.RetryAfter(err); wait < time.Second || fmt.Sprint(wait.Seconds()) != said.Load() {
			t.Errorf("RetryAfter is %v, want %vs", wait, said.Load())
		}
		return nil
	})
	t.Logf("after %v", time.Since(began).Round(time.Millisecond))
}
