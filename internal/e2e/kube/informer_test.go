package kube_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/tokenlife/tokenlife/internal/e2e/apiserver"
	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/refresh"
)

// An informer is one of client-go's, for the ConfigMaps of the namespace ci,
// with all that it tells its handler, its error handler and its log.
type informer struct {
	mu     sync.Mutex
	state  map[string]string // by name: the item "step" of its data, or "deleted"
	errors []error
	log    bytes.Buffer
	stop   func()
}

// watchTimeout is how long a watch lives: a token is looked at when one begins,
// so that each lifetime has to have several.
const watchTimeout = 2 * time.Second

// inform runs an informer with the only credential in cfg until it is stopped, or the
// test ends.
func inform(t *testing.T, cfg *rest.Config) *informer {
	t.Helper()
	cs, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	i := &informer{state: map[string]string{}}
	factory := informers.NewSharedInformerFactoryWithOptions(cs, 0, informers.WithNamespace("ci"),
		informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.TimeoutSeconds = new(int64(watchTimeout / time.Second)) }))
	maps := factory.Core().V1().ConfigMaps().Informer()
	handle := func(obj any, deleted bool) {
		if gone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
			obj = gone.Obj
		}
		m := obj.(*corev1.ConfigMap)
		i.mu.Lock()
		defer i.mu.Unlock()
		i.state[m.Name] = m.Data["step"]
		if deleted {
			i.state[m.Name] = "deleted"
		}
	}
	if _, err := maps.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { handle(obj, false) },
		UpdateFunc: func(_, obj any) { handle(obj, false) },
		DeleteFunc: func(obj any) { handle(obj, true) },
	}); err != nil {
		t.Fatal(err)
	}
	if err := maps.SetWatchErrorHandlerWithContext(func(ctx context.Context, r *cache.Reflector, err error) {
		i.mu.Lock()
		i.errors = append(i.errors, err)
		i.mu.Unlock()
		cache.DefaultWatchErrorHandler(ctx, r, err)
	}); err != nil {
		t.Fatal(err)
	}
	// At this level client-go's log has every watch that ends.
	sink := slog.NewTextHandler(i, &slog.HandlerOptions{Level: slog.Level(-4)})
	ctx, cancel := context.WithCancel(klog.NewContext(t.Context(), logr.FromSlogHandler(sink)))
	factory.StartWithContext(ctx)
	i.stop = func() { cancel(); factory.Shutdown() }
	t.Cleanup(i.stop)
	return i
}

// Write implements io.Writer, for the log.
func (i *informer) Write(p []byte) (int, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.log.Write(p)
}

// saw reports whether the informer has told of a step of an object.
func (i *informer) saw(name, step string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.state[name] == step
}

// aboutCredentials is what errors and logs say of a refused or missing one.
var aboutCredentials = regexp.MustCompile(`(?i)unauthorized|forbidden|credential|logged in|anonymous`)

// trouble returns what was told to the error handler, and of the log what is about
// credentials or more than a message for debugging.
func (i *informer) trouble() (all []string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, err := range i.errors {
		all = append(all, "error: "+err.Error())
	}
	for line := range strings.Lines(i.log.String()) {
		if aboutCredentials.MatchString(line) || !strings.Contains(line, "level=DEBUG") {
			all = append(all, "log: "+line)
		}
	}
	return all
}

// churn creates, changes and deletes ConfigMaps as an administrator until ctx is
// done, each step once the informer has told of the one before, and returns how
// many there were. It must tell of each within two minutes: after an outage
// client-go waits for up to one before it looks again.
func churn(ctx context.Context, t *testing.T, s *apiserver.Server, i *informer) int {
	maps := s.Client().CoreV1().ConfigMaps("ci")
	var steps atomic.Int64
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				name := fmt.Sprintf("m-%d-%d", worker, n)
				for _, step := range []string{"created", "changed", "changed again", "deleted"} {
					var err error
					for began := time.Now(); time.Since(began) < 2*time.Minute; time.Sleep(10 * time.Millisecond) {
						if err = do(t.Context(), maps, name, step); err == nil {
							break
						}
					}
					told := false
					for began := time.Now(); err == nil && !told && time.Since(began) < 2*time.Minute; time.Sleep(10 * time.Millisecond) {
						told = i.saw(name, step)
					}
					if !told {
						t.Errorf("%s %s (%v): the informer did not tell", name, step, err)
						return
					}
					steps.Add(1)
				}
			}
		})
	}
	wg.Wait()
	return int(steps.Load())
}

// do makes one step, which may have been made already by a try that seemed to
// fail.
func do(ctx context.Context, maps typedcorev1.ConfigMapInterface, name, step string) error {
	m := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string]string{"step": step}}
	switch step {
	case "created":
		_, err := maps.Create(ctx, m, metav1.CreateOptions{})
		if apierrors.IsAlreadyExists(err) {
			return nil
		}
		return err
	case "deleted":
		err := maps.Delete(ctx, name, metav1.DeleteOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return err
	}
	_, err := maps.Update(ctx, m, metav1.UpdateOptions{})
	return err
}

// allow lets the service account ci/builder do what the rules say, and waits until the
// server does: all are in one role, so that the first holds when all do.
func allow(t *testing.T, s *apiserver.Server, rules ...rbacv1.PolicyRule) {
	t.Helper()
	rbac := s.Client().RbacV1()
	role, err := rbac.ClusterRoles().Create(t.Context(), &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "builder-"}, Rules: rules,
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rbac.ClusterRoleBindings().Create(t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "builder-"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: "ci", Name: "builder"}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	resource, subresource, _ := strings.Cut(rules[0].Resources[0], "/")
	s.AwaitAllowed(t, authorizationv1.SubjectAccessReviewSpec{User: builder, ResourceAttributes: &authorizationv1.ResourceAttributes{
		Namespace: "ci", Verb: rules[0].Verbs[0], Group: rules[0].APIGroups[0], Resource: resource, Subresource: subresource,
	}})
}

var watchConfigMaps = rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"list", "watch"}}

// An informer runs through two lifetimes of its tokens, a server that is killed and
// away while a token dies, and two lifetimes more. It misses nothing that happens
// meanwhile, and there is nothing of it in its log. Beside it runs one with a token
// that nobody replaces, to show that trouble would be seen.
//
// A watch that is on its way in the moment the server is killed is trouble, too, and so
// is all that a machine which stands still does to tokens of ten seconds. That is why it
// has four tries.
func TestInformer(t *testing.T) {
	t.Parallel()
	// A server refuses what its roles allow until it has read them, and answers
	// before that: no matter of tokens, so all may do all.
	s := apiserver.Start(t, "--authorization-mode=AlwaysAllow")
	s.CreateServiceAccount(t, "ci", "builder")
	alice, err := kubernetes.NewForConfig(s.User("alice"))
	if err != nil {
		t.Fatal(err)
	}
	base := &kube.Source{Client: alice.CoreV1().ServiceAccounts("ci"), Request: kube.Request{ServiceAccount: "builder", Lifetime: 10 * time.Minute}}
	p := race(t, s)
	undisturbed(t, p, func(c *trial) { informed(t, s, base, p, c) })
}

// informed is one try.
func informed(t *testing.T, s *apiserver.Server, base *kube.Source, p *pulse, c *trial) {
	var seen events
	src := &refresh.Source{Base: hurried(base), OnEvent: seen.add}
	var wire record
	cfg := s.Admin()
	cfg.Wrap(wire.wrap)
	ours := inform(t, kube.Config(cfg, src))
	defer ours.stop()

	tok, err := src.Token(t.Context())
	if err != nil { // it was dead when it came
		c.wrongf("no token: %v", err)
		return
	}
	alone := rest.AnonymousClientConfig(s.Admin())
	alone.BearerToken = tok.Value.Reveal()
	theirs := inform(t, alone)
	defer theirs.stop()

	ctx, cancel := context.WithCancel(t.Context())
	var steps int
	var wg sync.WaitGroup
	wg.Go(func() { steps = churn(ctx, t, s, ours) })
	defer func() { cancel(); wg.Wait() }()
	const lifetime = 10 * time.Minute / speed
	time.Sleep(2 * lifetime)

	renewed := seen.count(refresh.Renewed)
	eventually(t, "the next renewal", func() error {
		if seen.count(refresh.Renewed) == renewed {
			return errors.New("not yet")
		}
		return nil
	})
	time.Sleep(lifetime * 13 / 20) // a little before the next
	before := wire.watches()
	killed := time.Now()
	s.Stop()
	time.Sleep(lifetime * 9 / 20)
	s.Restart(t)
	p.took(time.Since(killed)) // which may have been what was wrong
	time.Sleep(2 * lifetime)
	cancel()
	wg.Wait()

	watches := wire.watches()
	for when, began := range map[string][]exchange{"before": before, "after": watches[len(before):]} {
		if n := distinct(began); n < 2 {
			c.wrongf("the watches in two lifetimes %s the restart began with %d tokens", when, n)
		}
	}
	for _, x := range watches {
		if x.status == http.StatusUnauthorized || x.status != 0 && x.proto != "HTTP/2.0" {
			c.wrongf("a watch was answered %d over %s", x.status, x.proto)
		}
	}
	for _, line := range ours.trouble() {
		c.wrongf("%s", line)
	}
	if theirs.trouble() == nil {
		c.wrongf("the informer with a dead token had no trouble: would it be seen?")
	}
	t.Logf("%d steps, %d watches with %d tokens, %d of %d attempts for one failed", steps, len(watches), distinct(watches), seen.count(refresh.Failed), len(seen.all))
	t.Logf("%d lines of trouble of the other informer, such as %s", len(theirs.trouble()), slices.Concat(theirs.trouble(), []string{""})[0])
	t.Logf("the log:\n%s", ours.log.String())
}
