package kube_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/internal/e2e/apiserver"
	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/token"
)

// object makes a Pod that runs as a service account, a Secret or a Node.
func object(t *testing.T, s *apiserver.Server, kind, namespace, name, account string) *authenticationv1.BoundObjectReference {
	t.Helper()
	core, meta := s.Client().CoreV1(), metav1.ObjectMeta{Name: name}
	var uid types.UID
	var err error
	switch kind {
	case "Pod":
		var o *corev1.Pod
		o, err = core.Pods(namespace).Create(t.Context(), &corev1.Pod{ObjectMeta: meta, Spec: corev1.PodSpec{
			ServiceAccountName: account, AutomountServiceAccountToken: new(false), Containers: []corev1.Container{{Name: "c", Image: "i"}},
		}}, metav1.CreateOptions{})
		uid = o.UID
	case "Secret":
		var o *corev1.Secret
		o, err = core.Secrets(namespace).Create(t.Context(), &corev1.Secret{ObjectMeta: meta}, metav1.CreateOptions{})
		uid = o.UID
	case "Node":
		var o *corev1.Node
		o, err = core.Nodes().Create(t.Context(), &corev1.Node{ObjectMeta: meta}, metav1.CreateOptions{})
		uid = o.UID
	}
	if err != nil {
		t.Fatalf("making %s %s: %v", kind, name, err)
	}
	return &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: kind, Name: name, UID: uid}
}

// remove deletes what object made, at once.
func remove(t *testing.T, s *apiserver.Server, namespace string, o *authenticationv1.BoundObjectReference) {
	t.Helper()
	core, now := s.Client().CoreV1(), metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))}
	var err error
	switch o.Kind {
	case "Pod":
		err = core.Pods(namespace).Delete(t.Context(), o.Name, now)
	case "Secret":
		err = core.Secrets(namespace).Delete(t.Context(), o.Name, now)
	case "Node":
		err = core.Nodes().Delete(t.Context(), o.Name, now)
	}
	if err != nil {
		t.Fatalf("deleting %s %s: %v", o.Kind, o.Name, err)
	}
}

// heard collects the events of a kube.Source.
type heard struct {
	mu  sync.Mutex
	all []kube.Event
}

func (h *heard) add(e kube.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, e)
}

func (h *heard) take() []kube.Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	defer func() { h.all = nil }()
	return h.all
}

// asAdmin returns a Source that asks as one who may do everything.
func asAdmin(t *testing.T, s *apiserver.Server, r kube.Request) (*kube.Source, *heard) {
	t.Helper()
	cfg := s.Admin()
	cfg.WarningHandlerWithContext = kube.Warnings{Next: unwanted{t}}
	cs, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	h := new(heard)
	return &kube.Source{Client: cs.CoreV1().ServiceAccounts(r.Namespace), Request: r, OnEvent: h.add}, h
}

// unwanted is a handler of warnings that belong elsewhere.
type unwanted struct{ t *testing.T }

func (u unwanted) HandleWarningHeaderWithContext(_ context.Context, _ int, _, text string) {
	u.t.Errorf("the warning %q went to Next", text)
}

// All that a Request can ask for is what the token has, and it dies with what it is
// bound to.
func TestRequest(t *testing.T) {
	t.Parallel()
	s, _ := setUp(t)
	account, err := s.Client().CoreV1().ServiceAccounts("ci").Get(t.Context(), "builder", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"", "Pod", "Secret", "Node"} {
		r := kube.Request{
			Namespace: "ci", ServiceAccount: "builder", UID: account.UID,
			Audiences: []string{"vault", "api"}, Lifetime: 20 * time.Minute,
		}
		if kind != "" {
			r.BoundTo = object(t, s, kind, "ci", "one", "builder")
		}
		src, heard := asAdmin(t, s, r)
		var seen, unseen token.Token
		var e []kube.Event
		for _, tok := range []*token.Token{&seen, &unseen} {
			var told []kube.Event
			*tok, told = prompt(t, src, heard)
			e = append(e, told...)
			about(t, fmt.Sprintf("what is left when bound to %q", kind), tok.ExpiresIn, r.Lifetime)
		}
		for _, audience := range r.Audiences {
			if st := review(t, s, seen, audience); !st.Authenticated || st.User.UID != string(account.UID) {
				t.Errorf("bound to %q, reviewed for %s: %+v", kind, audience, st)
			}
		}
		if len(e) > 0 {
			t.Errorf("bound to %q: %v", kind, e)
		}
		if kind != "" {
			remove(t, s, "ci", r.BoundTo)
			// What the server knows of the object is milliseconds old, and an approval
			// that it gave meanwhile stays for ten seconds.
			eventually(t, "the token is void, since the "+kind+" is gone", func() error {
				if st := review(t, s, unseen, "vault"); st.Authenticated {
					return errors.New("it is good")
				}
				return nil
			})
		}
	}
}

// A maximum of the server shortens the life, and the program is told.
func TestShortened(t *testing.T) {
	t.Parallel()
	s := apiserver.Start(t, "--service-account-max-token-expiration=1h")
	s.CreateServiceAccount(t, "ci", "builder")
	src, heard := asAdmin(t, s, kube.Request{Namespace: "ci", ServiceAccount: "builder", Lifetime: 2 * time.Hour})
	tok, all := prompt(t, src, heard)
	about(t, "ExpiresIn", tok.ExpiresIn, time.Hour)
	if len(all) != 1 || all[0].Kind != kube.Shortened || all[0].Asked != 2*time.Hour ||
		!slices.Equal(all[0].Warnings, []string{"requested expiration of 7200 seconds shortened to 3600 seconds"}) {
		t.Fatalf("told %+v", all)
	}
	about(t, "Granted", all[0].Granted, time.Hour)
	about(t, "Exp", all[0].Exp, time.Hour)
	t.Logf("it reads: %v", all[0])

	// What is within the maximum is no event, and what the server says of other
	// things is nobody's token.
	src.Lifetime = time.Hour
	if _, all := prompt(t, src, heard); len(all) != 0 {
		t.Errorf("for an hour: %v", all)
	}

	// Without OnEvent the warning is Next's.
	var next texts
	cfg := s.Admin()
	cfg.WarningHandlerWithContext = kube.Warnings{Next: &next}
	cs, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	src.Client, src.OnEvent, src.Lifetime = cs.CoreV1().ServiceAccounts("ci"), nil, 2*time.Hour
	if _, err := src.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(next) != 1 {
		t.Errorf("Next got %q", next)
	}
}

type texts []string

func (w *texts) HandleWarningHeaderWithContext(_ context.Context, _ int, _, text string) {
	*w = append(*w, text)
}

var _ rest.WarningHandlerWithContext = (*texts)(nil)

// The server accepts what pods are given for a year; it is useful for as long as it
// was asked for, and the program is told.
func TestExtended(t *testing.T) {
	t.Parallel()
	s, _ := setUp(t)
	const asked, year = 3607 * time.Second, 365 * 24 * time.Hour
	pod := object(t, s, "Pod", "ci", "one", "builder")
	for _, audiences := range [][]string{nil, {apiserver.Issuer}, {"vault"}} {
		src, heard := asAdmin(t, s, kube.Request{
			Namespace: "ci", ServiceAccount: "builder", Lifetime: asked, BoundTo: pod, Audiences: audiences,
		})
		tok, all := prompt(t, src, heard)
		about(t, fmt.Sprintf("ExpiresIn for %q", audiences), tok.ExpiresIn, asked)
		if slices.Equal(audiences, []string{"vault"}) {
			if len(all) != 0 {
				t.Errorf("for vault: %v", all)
			}
			continue
		}
		if len(all) != 1 || all[0].Kind != kube.Extended || all[0].Exp != year || all[0].Granted != tok.ExpiresIn {
			t.Fatalf("for %q: told %+v", audiences, all)
		}
		t.Logf("it reads: %v", all[0])
	}
}

// prompt returns a token that came within a second, and what was told of it: the server
// reads its clock twice while it makes one, and looks at what it is bound to between, so
// that a token that took longer lives less by as much.
func prompt(t *testing.T, src *kube.Source, h *heard) (token.Token, []kube.Event) {
	t.Helper()
	for try := 1; ; try++ {
		began := time.Now()
		tok, err := src.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all := h.take()
		if time.Since(began) < time.Second || try == 10 {
			return tok, all
		}
	}
}

// about compares two times of which the server cuts both ends to the second.
func about(t *testing.T, what string, got, want time.Duration) {
	t.Helper()
	if (got - want).Abs() > time.Second {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}
