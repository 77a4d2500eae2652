// Package kube_test runs package kube against a real API server.
package kube_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/tokenlife/tokenlife/internal/e2e/apiserver"
	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/skew"
	"github.com/tokenlife/tokenlife/token"
)

// A token lives ten minutes at least, which is too long to wait for. So the
// server's clock runs speed times as fast as this machine's, and what it says of
// a token's life is divided by as much.
const speed = 60

// race lets the server's clock run at speed until the test ends. Whatever keeps it from
// being set, here or in the server, the pulse notes.
func race(t *testing.T, s *apiserver.Server) *pulse {
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	p := new(pulse)
	began := time.Now()
	wg.Go(func() {
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		for last := began; ; {
			select {
			case <-tick.C:
				s.SetClock(t, time.Since(began)*(speed-1))
				p.took(time.Since(last))
				last = time.Now()
			case <-ctx.Done():
				return
			}
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	return p
}

// A pulse knows the longest of the times that are told it: of what takes a moment, unless
// the machine is busy.
type pulse struct{ longest atomic.Int64 }

func (p *pulse) took(d time.Duration) {
	for old := p.longest.Load(); int64(d) > old && !p.longest.CompareAndSwap(old, int64(d)); {
		old = p.longest.Load()
	}
}

// hesitation is how long a moment may be. Where the clock runs at speed, two seconds lie
// between a token's renewal and its end, and a few such moments fit in there.
const hesitation = 400 * time.Millisecond

// A trial is one try of something that goes by the clock.
type trial struct {
	mu    sync.Mutex
	wrong []string
}

func (c *trial) wrongf(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
}

// undisturbed does once what goes by the clock. If something was wrong with it, and the
// machine stood still meanwhile for so long that it may be for that, it does it again, up
// to four times in all: in the last whatever is wrong is wrong.
func undisturbed(t *testing.T, p *pulse, once func(c *trial)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for last := time.Now(); ctx.Err() == nil; last = time.Now() {
			time.Sleep(50 * time.Millisecond)
			p.took(time.Since(last))
		}
	})
	defer wg.Wait()
	defer cancel()
	for try := 1; ; try++ {
		p.longest.Store(0)
		c := new(trial)
		once(c)
		stood := time.Duration(p.longest.Load())
		if len(c.wrong) > 0 && stood > hesitation && try < 4 {
			t.Logf("try %d, in which a moment took %v: %q", try, stood.Round(time.Millisecond), c.wrong)
			continue
		}
		for _, wrong := range c.wrong {
			t.Error(wrong)
		}
		return
	}
}

// hurried is src as it looks where the time runs as on this machine.
func hurried(src token.Source) token.Source {
	return token.SourceFunc(func(ctx context.Context) (token.Token, error) {
		tok, err := src.Token(ctx)
		tok.ExpiresIn /= speed
		return tok, err
	})
}

// setUp starts a server with the service account ci/builder, which may list
// namespaces, and returns a source of its tokens that acts as alice.
func setUp(t *testing.T) (*apiserver.Server, *kube.Source) {
	s := apiserver.Start(t)
	s.CreateServiceAccount(t, "ci", "builder")
	s.AllowTokenRequests(t, "ci", "builder", "alice")
	rbac := s.Client().RbacV1()
	if _, err := rbac.ClusterRoles().Create(t.Context(), &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: "list-namespaces"},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"namespaces"}, Verbs: []string{"list"}}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := rbac.ClusterRoleBindings().Create(t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "list-namespaces"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "list-namespaces"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: "ci", Name: "builder"}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.AwaitAllowed(t, authorizationv1.SubjectAccessReviewSpec{User: builder, ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: "list", Resource: "namespaces"}})
	cs, err := kubernetes.NewForConfig(s.User("alice"))
	if err != nil {
		t.Fatal(err)
	}
	return s, &kube.Source{
		Client:  cs.CoreV1().ServiceAccounts("ci"),
		Request: kube.Request{ServiceAccount: "builder", Lifetime: 10 * time.Minute},
		Clock:   new(skew.Clock),
	}
}

// A wire counts the answers that came over it by status.
type wire struct {
	http.RoundTripper
	refusals *atomic.Int64
}

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := w.RoundTripper.RoundTrip(r)
	if err == nil && resp.StatusCode == http.StatusUnauthorized {
		w.refusals.Add(1)
	}
	return resp, err
}

// clientOf returns a client of s whose only credential is src, and the number
// of 401 that the server answered it.
func clientOf(t *testing.T, s *apiserver.Server, src token.Source) (*kubernetes.Clientset, *atomic.Int64) {
	t.Helper()
	refusals := new(atomic.Int64)
	cfg := s.Admin()
	cfg.Wrap(func(base http.RoundTripper) http.RoundTripper { return wire{base, refusals} })
	cs, err := kubernetes.NewForConfig(kube.Config(cfg, src))
	if err != nil {
		t.Fatal(err)
	}
	return cs, refusals
}

// call makes one call that needs the service account's own rights.
func call(ctx context.Context, cs *kubernetes.Clientset) error {
	_, err := cs.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
	return err
}

// drive has callers call for a while, and returns how many calls they made. No
// call may fail. The longest of them p knows.
func drive(ctx context.Context, cs *kubernetes.Clientset, span time.Duration, p *pulse, wrongf func(format string, args ...any)) int64 {
	var calls atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for began := time.Now(); time.Since(began) < span; time.Sleep(20 * time.Millisecond) {
				asked := time.Now()
				err := call(ctx, cs)
				p.took(time.Since(asked))
				if err != nil {
					wrongf("after %v: %v", time.Since(began).Round(time.Millisecond), err)
					return
				}
				calls.Add(1)
			}
		})
	}
	wg.Wait()
	return calls.Load()
}

// review asks the server what it thinks of a token. It must not have seen it in
// the last ten seconds: it keeps approvals for so long.
func review(t *testing.T, s *apiserver.Server, tok token.Token, audiences ...string) authenticationv1.TokenReviewStatus {
	t.Helper()
	r, err := s.Client().AuthenticationV1().TokenReviews().Create(t.Context(), &authenticationv1.TokenReview{
		Spec: authenticationv1.TokenReviewSpec{Token: tok.Value.Reveal(), Audiences: audiences},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return r.Status
}

// events collects what happens to a Source.
type events struct {
	mu  sync.Mutex
	all []refresh.Event
}

func (e *events) add(ev refresh.Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = append(e.all, ev)
}

func (e *events) count(kind refresh.Kind) (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, ev := range e.all {
		if ev.Kind == kind {
			n++
		}
	}
	return n
}

// tell tells p how long the attempts took.
func (e *events) tell(p *pulse) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, ev := range e.all {
		p.took(ev.Took)
	}
}

// A token is kept fresh through five lifetimes and used all the while, and the
// old ones die; no call fails, and the server never refuses one.
func TestKeptFresh(t *testing.T) {
	t.Parallel()
	s, base := setUp(t)
	base.Audiences = []string{apiserver.Issuer}
	p := race(t, s)
	undisturbed(t, p, func(c *trial) {
		var seen events
		src := &refresh.Source{Base: hurried(base), OnEvent: seen.add}
		first, err := src.Token(t.Context())
		if err != nil { // if only because it came after its end
			seen.tell(p)
			c.wrongf("%v", err)
			return
		}
		cs, refusals := clientOf(t, s, src)
		calls := drive(t.Context(), cs, 5*10*time.Minute/speed, p, c.wrongf)
		seen.tell(p)
		if n := seen.count(refresh.Renewed); n < 5 || n > 8 {
			c.wrongf("the token was renewed %d times in five lifetimes: %v", n, seen.all)
		}
		if n := refusals.Load(); n != 0 {
			c.wrongf("%d requests went out with a dead token", n)
		}
		if st := review(t, s, first); st.Authenticated || !strings.Contains(st.Error, "expired") {
			c.wrongf("the first token is not dead: %+v", st)
		}
		t.Logf("%d calls, %d renewals, %d refusals", calls, seen.count(refresh.Renewed), refusals.Load())
	})
}

// The same for a token that is for somebody else, whom the server tells so.
func TestAudience(t *testing.T) {
	t.Parallel()
	s, base := setUp(t)
	base.Audiences = []string{"vault"}
	p := race(t, s)
	undisturbed(t, p, func(c *trial) {
		src := refresh.New(hurried(base))
		seen := map[string]bool{}
		for began := time.Now(); time.Since(began) < 2*10*time.Minute/speed; time.Sleep(100 * time.Millisecond) {
			asked := time.Now()
			tok, err := src.Token(t.Context())
			p.took(time.Since(asked))
			if err != nil {
				c.wrongf("%v", err)
				return
			}
			st := review(t, s, tok, "vault")
			p.took(time.Since(asked))
			if !st.Authenticated || st.User.Username != builder {
				c.wrongf("vault would not accept the token: %s", st.Error)
				return
			}
			seen[tok.Value.Reveal()] = true
			if st := review(t, s, tok, "other"); st.Authenticated {
				t.Fatal("others would accept the token")
			}
		}
		if len(seen) < 2 {
			c.wrongf("%d tokens in two lifetimes", len(seen))
		}
	})
}

// The server's clock jumps past the token's end, or back before its beginning:
// callers do not notice.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	s, base := setUp(t)
	var seen events
	src := &refresh.Source{Base: base, OnEvent: seen.add}
	cs, refusals := clientOf(t, s, src)
	for i, offset := range []time.Duration{0, 20 * time.Minute, -20 * time.Minute, 0} {
		s.SetClock(t, offset)
		// The server keeps an approval for ten seconds, and on a busy machine there is
		// no telling whether a call comes soon after.
		drive(t.Context(), cs, 13*time.Second, new(pulse), t.Errorf)
		for began := time.Now(); i > 0 && refusals.Load() == 0 && time.Since(began) < time.Minute; {
			drive(t.Context(), cs, time.Second, new(pulse), t.Errorf)
		}
		if i > 0 && refusals.Load() == 0 {
			t.Errorf("the clock went to %v, and the server did not refuse the old token", offset)
		}
		refusals.Store(0)
		// An answer that took long says less, and the estimate says so.
		e := base.Clock.Estimate()
		if got := e.Offset - offset; got.Abs() > max(time.Second, e.Error) {
			t.Errorf("with the server's clock at %v the estimate is %v off", offset, got)
		}
	}
	if n := seen.count(refresh.Obtained); n != 4 {
		t.Errorf("%d tokens for four settings of the clock: %v", n, seen.all)
	}
}

// Errors name the cause and the remedy, and once that is done it works by
// itself.
func TestErrors(t *testing.T) {
	t.Parallel()
	s, base := setUp(t)
	s.CreateServiceAccount(t, "ci", "other")
	ctx := t.Context()

	check := func(name string, err error, is func(error) bool, words ...string) {
		t.Helper()
		e, ok := errors.AsType[*kube.Error](err)
		if !ok || is != nil && !is(err) {
			t.Errorf("%s: %v", name, err)
			return
		}
		for _, w := range append(words, "kube: token of service account") {
			if !strings.Contains(e.Error(), w) {
				t.Errorf("%s: %q is not in: %s", name, w, e)
			}
		}
		if errors.Is(err, token.ErrInvalid) {
			t.Errorf("%s: it matches ErrInvalid", name)
		}
		t.Logf("%s: %v", name, e)
	}

	other := *base
	other.ServiceAccount = "other"
	src := refresh.New(&other)
	_, err := src.Token(ctx)
	check("no RBAC", err, apierrors.IsForbidden, `User "alice"`, `verb "create"`, `"serviceaccounts/token"`, `namespace "ci"`)
	s.AllowTokenRequests(t, "ci", "other", "alice")
	recovers(t, src)

	short := *base
	short.Lifetime = 599 * time.Second
	_, err = short.Token(ctx)
	check("too short", err, apierrors.IsInvalid, "may not specify a duration less than 10 minutes", "Request.Lifetime (9m59s)")

	admin := *base
	admin.Client = s.Client().CoreV1().ServiceAccounts("ci")
	admin.ServiceAccount = "ghost"
	_, err = admin.Token(ctx)
	check("missing", err, apierrors.IsNotFound, `"ghost" not found`, "create it")

	stranger := s.User("alice")
	stranger.BearerToken = "not a token"
	cs, err := kubernetes.NewForConfig(stranger)
	if err != nil {
		t.Fatal(err)
	}
	refused := *base
	refused.Client = cs.CoreV1().ServiceAccounts("ci")
	_, err = refused.Token(ctx)
	check("own credential refused", err, func(err error) bool { return errors.Is(err, token.ErrRefused) }, "renew that of the Client")

	gone := refresh.New(base)
	client, _ := clientOf(t, s, gone)
	if err := call(ctx, client); err != nil {
		t.Fatal(err)
	}
	accounts := s.Client().CoreV1().ServiceAccounts("ci")
	if err := accounts.Delete(ctx, "builder", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	// The approval of the old token is kept for ten seconds.
	eventually(t, "a call with the token of a deleted service account fails", func() error {
		if call(ctx, client) == nil {
			return errors.New("it succeeds")
		}
		return nil
	})
	_, err = gone.Token(ctx)
	check("deleted", err, apierrors.IsNotFound, `"builder" not found`)
	s.CreateServiceAccount(t, "ci", "builder")
	recovers(t, gone)
	if err := call(ctx, client); err != nil {
		t.Errorf("after it was created again: %v", err)
	}
}

// The server is gone for longer than the token lives, and back.
func TestServerAway(t *testing.T) {
	t.Parallel()
	s, base := setUp(t)
	p := race(t, s)
	undisturbed(t, p, func(c *trial) {
		var seen events
		src := &refresh.Source{Base: hurried(base), OnEvent: seen.add}
		cs, refusals := clientOf(t, s, src)
		drive(t.Context(), cs, time.Second, p, c.wrongf)

		s.Stop()
		const away = 20 * time.Second
		var last error
		for began := time.Now(); time.Since(began) < away; time.Sleep(50 * time.Millisecond) {
			tok, err := src.Token(t.Context())
			if err == nil && tok.ExpiresIn <= 0 {
				t.Fatalf("got a dead token after %v", time.Since(began))
			}
			last = err
		}
		if e, ok := errors.AsType[*kube.Error](last); !ok || !strings.Contains(e.Error(), "is it running") {
			c.wrongf("while the server is away: %v", last)
		}
		failed := seen.count(refresh.Failed)
		if failed < 2 || failed > 8 {
			c.wrongf("%d attempts in %v: %v", failed, away, seen.all)
		}
		t.Logf("%d attempts in %v; the error reads: %v", failed, away, last)

		s.Restart(t)
		recovers(t, src)
		drive(t.Context(), cs, time.Second, p, c.wrongf)
		if n := refusals.Load(); n != 0 {
			c.wrongf("%d requests went out with a dead token", n)
		}
	})
}

// recovers waits until src has a token again, which it must get by itself.
func recovers(t *testing.T, src token.Source) {
	t.Helper()
	began := time.Now()
	eventually(t, "the source recovers", func() error {
		_, err := src.Token(t.Context())
		return err
	})
	t.Logf("recovered after %v", time.Since(began).Round(time.Millisecond))
}

// eventually waits for at most a minute until f returns nil.
func eventually(t *testing.T, what string, f func() error) {
	t.Helper()
	within(t, time.Minute, what, f)
}

// within waits for at most so long until f returns nil.
func within(t *testing.T, most time.Duration, what string, f func() error) {
	t.Helper()
	began := time.Now()
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Since(began) > most {
			t.Fatal(fmt.Errorf("%s: not in %v: %w", what, most, err))
		}
		time.Sleep(100 * time.Millisecond)
	}
}
