package kube_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/tokenlife/tokenlife/internal/e2e/apiserver"
	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// A counter notes when requests for tokens go out, by path, and how many there are
// at once.
type counter struct {
	http.RoundTripper

	mu     sync.Mutex
	sent   []time.Time
	paths  map[string]int
	flying int
	most   int

	flights pulse
}

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/token") {
		return c.RoundTripper.RoundTrip(r)
	}
	c.mu.Lock()
	c.sent = append(c.sent, time.Now())
	if c.paths == nil {
		c.paths = make(map[string]int)
	}
	c.paths[r.URL.Path]++
	c.flying++
	c.most = max(c.most, c.flying)
	c.mu.Unlock()
	off := time.Now()
	landed := sync.OnceFunc(func() {
		c.flights.took(time.Since(off))
		c.mu.Lock()
		c.flying--
		c.mu.Unlock()
	})
	resp, err := c.RoundTripper.RoundTrip(r)
	if err != nil {
		landed()
		return nil, err
	}
	resp.Body = &body{resp.Body, landed}
	return resp, nil
}

// A body tells when it is closed: until then the answer is on its way.
type body struct {
	io.ReadCloser
	closed func()
}

func (b *body) Close() error {
	defer b.closed()
	return b.ReadCloser.Close()
}

// since returns when the requests after the first n went out.
func (c *counter) since(n int) []time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.sent[n:])
}

// of returns how many requests went out for the tokens of a service account.
func (c *counter) of(account string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.paths["/api/v1/namespaces/ci/serviceaccounts/"+account+"/token"]
}

// atOnce returns the most requests that were in flight at once.
func (c *counter) atOnce() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.most
}

// idle reports whether all requests have been answered.
func (c *counter) idle() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.flying == 0
}

// many returns a server with so many service accounts, and Tokens of it that ask as
// alice, who may, over a wire that is counted.
func many(t *testing.T, accounts int) (*apiserver.Server, *kube.Tokens, *counter) {
	// A server that is busy has requests queue, and refuses those that have for long:
	// client-go then makes them again, and they would be counted twice.
	s := apiserver.Start(t, "--enable-priority-and-fairness=false")
	for i := range accounts {
		s.CreateServiceAccount(t, "ci", account(i))
		s.AllowTokenRequests(t, "ci", account(i), "alice")
	}
	sent := new(counter)
	cfg := s.User("alice")
	cfg.Wrap(func(base http.RoundTripper) http.RoundTripper {
		sent.RoundTripper = base
		return sent
	})
	cs, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s, &kube.Tokens{Client: func(namespace string) kube.TokenCreator { return cs.CoreV1().ServiceAccounts(namespace) }}, sent
}

func account(i int) string { return fmt.Sprintf("account-%d", i) }

// requests returns a Request for each of the accounts and audiences.
func requests(accounts, audiences int) (all []kube.Request) {
	for i := range accounts * audiences {
		all = append(all, kube.Request{
			Namespace: "ci", ServiceAccount: account(i % accounts),
			Audiences: []string{fmt.Sprintf("audience-%d", i/accounts)},
		})
	}
	return all
}

// ask asks for all tokens at once, and returns them and the errors.
func ask(ctx context.Context, tokens *kube.Tokens, all []kube.Request) (toks []token.Token, errs []error) {
	toks, errs = make([]token.Token, len(all)), make([]error, len(all))
	var wg sync.WaitGroup
	for i, r := range all {
		wg.Go(func() { toks[i], errs[i] = tokens.Token(ctx, r) })
	}
	wg.Wait()
	return toks, errs
}

// run has tokens renewed until the test ends, or stop is called.
func run(t *testing.T, tokens *kube.Tokens) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); tokens.Run(ctx) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

// shortLived has tokens asked for that live ten minutes, and says that they live no
// longer than life: their holder is to hurry.
func shortLived(client func(string) kube.TokenCreator, life time.Duration) func(string) kube.TokenCreator {
	return func(namespace string) kube.TokenCreator { return hasty{client(namespace), life} }
}

type hasty struct {
	kube.TokenCreator
	life time.Duration
}

func (h hasty) CreateToken(ctx context.Context, name string, req *authenticationv1.TokenRequest, opts metav1.CreateOptions) (*authenticationv1.TokenRequest, error) {
	answer, err := h.TokenCreator.CreateToken(ctx, name, req, opts)
	if err == nil {
		answer.Status.ExpirationTimestamp.Time = answer.Status.ExpirationTimestamp.Add(h.life - time.Duration(*answer.Spec.ExpirationSeconds)*time.Second)
	}
	return answer, err
}

// issued returns how many tokens the server says that it has issued.
func issued(t *testing.T, s *apiserver.Server) (n int) {
	t.Helper()
	text, err := s.Client().RESTClient().Get().AbsPath("/metrics").DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range regexp.MustCompile(`(?m)^apiserver_request_total\{.*code="201".*subresource="token".*\} (\S+)$`).FindAllStringSubmatch(string(text), -1) {
		count, err := strconv.ParseFloat(line[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		n += int(count)
	}
	return n
}

// A thousand tokens, a quarter of them bound to pods, take a thousand requests, at
// most 64 at once, and are the tokens that were asked for. Those of service accounts
// that are deleted, or that alice may not ask for, fail alone.
func TestTokens(t *testing.T) {
	t.Parallel()
	const accounts, audiences = 20, 50
	s, tokens, sent := many(t, accounts)
	all := requests(accounts, audiences)
	for i := range accounts {
		pod, err := s.Client().CoreV1().Pods("ci").Create(t.Context(), &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "pod-of-" + account(i)},
			Spec: corev1.PodSpec{ServiceAccountName: account(i), AutomountServiceAccountToken: new(false),
				Containers: []corev1.Container{{Name: "c", Image: "i"}}},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for k := i; k < len(all); k += 4 * accounts {
			all[k].BoundTo = &authenticationv1.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: pod.Name, UID: pod.UID}
		}
	}

	before := issued(t, s)
	began := time.Now()
	toks, errs := ask(t.Context(), tokens, all)
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	eventually(t, "the server has counted its answers", func() error { // which it may do after it has given them
		if by := issued(t, s) - before; by < len(all) {
			return fmt.Errorf("%d of %d", by, len(all))
		}
		return nil
	})
	if n, by := len(sent.since(0)), issued(t, s)-before; n != len(all) || by != len(all) {
		t.Errorf("%d requests for %d tokens, of which the server issued %d", n, len(all), by)
	}
	if n := sent.atOnce(); n > 64 {
		t.Errorf("%d requests were in flight at once", n)
	}
	t.Logf("%d tokens in %v, %d requests in flight at most", len(all), took.Round(time.Millisecond), sent.atOnce())

	for i := 0; i < len(all); i += 97 {
		st := review(t, s, toks[i], all[i].Audiences...)
		bound := len(st.User.Extra["authentication.kubernetes.io/pod-name"]) > 0
		if !st.Authenticated || st.User.Username != "system:serviceaccount:ci:"+all[i].ServiceAccount || bound != (all[i].BoundTo != nil) {
			t.Errorf("the token for %+v is %+v", all[i], st)
		}
	}
	if _, errs := ask(t.Context(), tokens, all); errors.Join(errs...) != nil || len(sent.since(0)) != len(all) {
		t.Errorf("asked again: %d requests, %v", len(sent.since(0)), errors.Join(errs...))
	}

	s.CreateServiceAccount(t, "ci", "forbidden")
	forbidden := kube.Request{Namespace: "ci", ServiceAccount: "forbidden"}

	// The tokens of account 0 are refused, of course: their holders say so.
	if err := s.Client().CoreV1().ServiceAccounts("ci").Delete(t.Context(), account(0), metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	for i, r := range all {
		if r.ServiceAccount == account(0) {
			tokens.Invalidate(r, toks[i])
		}
	}
	refused := time.Now()
	for range 10 {
		began := time.Now()
		var e *kube.Error
		if _, err := tokens.Token(t.Context(), forbidden); !errors.As(err, &e) || e.Reason != kube.Forbidden {
			t.Fatalf("alice may not ask for this: %v", err)
		}
		_, errs = ask(t.Context(), tokens, all)
		for i, err := range errs {
			switch deleted := all[i].ServiceAccount == account(0); {
			case deleted && (!errors.As(err, &e) || e.Reason != kube.Missing):
				t.Fatalf("the service account is deleted, and asking for its token: %v", err)
			case !deleted && err != nil:
				t.Fatalf("a service account beside the one deleted: %v", err)
			}
		}
		if took := time.Since(began); took > time.Minute {
			t.Errorf("a thousand tokens at hand took %v", took)
		}
	}
	// Between two requests is half a second at least, and twice as much each time.
	most, pause := 1, time.Second/2
	for left := time.Since(refused); left >= pause; most++ {
		left -= pause
		pause = min(2*pause, 30*time.Second)
	}
	most = max(most, 5)
	n, deleted, mayNot := len(sent.since(len(all))), sent.of(account(0))-audiences, sent.of("forbidden")
	if n != deleted+mayNot || deleted < audiences || deleted > most*audiences || mayNot > most {
		t.Errorf("%d requests for %d tokens of a deleted service account, %d for one that alice may not ask for, %d for others",
			deleted, audiences, mayNot, n-deleted-mayNot)
	}
	t.Logf("of a deleted service account: %v", errs[0])

	// Nobody needs the tokens of a pod that is gone.
	gone := all[1].BoundTo
	kept := tokens.Len()
	tokens.Drop(func(r kube.Request) bool { return r.BoundTo != nil && r.BoundTo.UID == gone.UID })
	if n := kept - tokens.Len(); n != (audiences+3)/4 {
		t.Errorf("%d tokens of a pod were dropped, want %d", n, (audiences+3)/4)
	}
}

// Once a service account has been deleted and made again, who asked for one with its
// UID is told so, and who asked by name gets a token of the new one.
func TestTokensRecreated(t *testing.T) {
	t.Parallel()
	s, tokens, _ := many(t, 1)
	accounts := s.Client().CoreV1().ServiceAccounts("ci")
	old, err := accounts.Get(t.Context(), account(0), metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	named := requests(1, 1)[0]
	pinned := named
	pinned.UID = old.UID
	toks, errs := ask(t.Context(), tokens, []kube.Request{named, pinned})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if err := accounts.Delete(t.Context(), old.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	created := s.CreateServiceAccount(t, "ci", old.Name)

	tokens.Invalidate(named, toks[0])
	tokens.Invalidate(pinned, toks[1])
	var e *kube.Error
	if _, err := tokens.Token(t.Context(), pinned); !errors.As(err, &e) || e.Reason != kube.Recreated {
		t.Errorf("a token of the service account that was deleted: %v", err)
	}
	tok, err := tokens.Token(t.Context(), named)
	if err != nil {
		t.Fatal(err)
	}
	// The server may know the old account for a moment more, and refuses the new one's
	// tokens until then.
	eventually(t, "the token is of the new account", func() error {
		if st := review(t, s, tok, named.Audiences...); st.User.UID != string(created.UID) {
			return fmt.Errorf("it is that of %q, want %q: %s", st.User.UID, created.UID, st.Error)
		}
		return nil
	})
}

// A token takes at most a kilobyte beside its text, with the real clientset, whose
// clients and answers must not hang on.
func TestTokensMemory(t *testing.T) {
	// Not parallel: the heap is that of all tests.
	_, tokens, _ := many(t, 20)
	all := requests(20, 50)
	// Connections and buffers come first.
	warm := &kube.Tokens{Client: tokens.Client}
	if _, errs := ask(t.Context(), warm, all); errors.Join(errs...) != nil {
		t.Fatal(errors.Join(errs...))
	}
	warm.Drop(func(kube.Request) bool { return true })
	before := heap()
	text := func() (n int) {
		toks, errs := ask(t.Context(), tokens, all)
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		for _, tok := range toks {
			n += len(tok.Value.Reveal())
		}
		return n
	}()
	each := (int(heap()-before) - text) / len(all)
	t.Logf("%d bytes a token beside its text of %d", each, text/len(all))
	if each > 1000 {
		t.Errorf("%d bytes a token beside its text", each)
	}
	runtime.KeepAlive(tokens)
	runtime.KeepAlive(warm)
	runtime.KeepAlive(all)
}

// heap returns how many bytes are in use, once what is not has been collected.
func heap() int64 {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Renewals come one after the other over a fifth of the life, as the server sees it,
// although all tokens were asked for at once. They are as many as the server could make
// in a second or two, which is what it would look like if they were not spread.
func TestTokensSpread(t *testing.T) {
	t.Parallel()
	const (
		life   = 30 * time.Second
		window = life / 5
	)
	_, tokens, sent := many(t, 20)
	client := shortLived(tokens.Client, life)
	all := requests(20, 15)
	for i := range all {
		all[i].Lifetime = 10 * time.Minute
	}
	p := new(pulse)
	undisturbed(t, p, func(c *trial) {
		tokens := &kube.Tokens{Client: client}
		eventually(t, "what an earlier try asked for is there", func() error {
			if !sent.idle() {
				return errors.New("it is not")
			}
			return nil
		})
		before := len(sent.since(0))
		began := time.Now()
		if _, errs := ask(t.Context(), tokens, all); errors.Join(errs...) != nil {
			t.Fatal(errors.Join(errs...))
		}
		// Each token is renewed within a fifth of its own life, and they were not all
		// issued at once: that matters with so short a life, and a server that is busy.
		took := time.Since(began)
		t.Logf("generation 1: within %v", took.Round(time.Millisecond))
		sent.flights.longest.Store(0)
		stop := run(t, tokens)
		defer stop()
		for generation := 2; generation <= 3; generation++ {
			eventually(t, fmt.Sprintf("generation %d comes", generation), func() error {
				if n := len(sent.since(before)); n < generation*len(all) || !sent.idle() {
					return fmt.Errorf("%d requests", n)
				}
				return nil
			})
			times := sent.since(before + (generation-1)*len(all))[:len(all)]
			seconds := make(map[time.Duration]int)
			most := 0
			for _, at := range times {
				second := at.Sub(times[0]).Truncate(time.Second)
				seconds[second]++
				most = max(most, seconds[second])
			}
			span, mean := times[len(times)-1].Sub(times[0]), len(all)/int(window.Seconds())
			t.Logf("generation %d: within %v, %d requests in the busiest second, %d in the mean", generation, span.Round(time.Millisecond), most, mean)
			// Some seconds more, since Run looks once a second, and this machine is busy.
			if span > window+took+allowance || span < life/8 || most > 3*mean {
				c.wrongf("generation %d: %d requests in the busiest second of %v", generation, most, span)
			}
		}
		if n := len(sent.since(before)); n > 3*len(all) {
			c.wrongf("%d requests in three generations of %d tokens", n, len(all))
		}
		// Where the server stood still, what was due meanwhile goes out afterwards.
		p.took(time.Duration(sent.flights.longest.Load()))
	})
	if n := sent.atOnce(); n > 64 {
		t.Errorf("%d requests were in flight at once", n)
	}
}

// The server is away in the middle of a renewal and for longer than the tokens live,
// and back: all is well again without anybody doing anything, and without a herd.
func TestTokensServerAway(t *testing.T) {
	t.Parallel()
	const (
		life = 12 * time.Second
		away = life + 2*time.Second
	)
	s, tokens, sent := many(t, 20)
	tokens.Client = shortLived(tokens.Client, life)
	var mu sync.Mutex
	came := make(map[string]bool) // those that were dead
	tokens.OnRefresh = func(r kube.Request, e refresh.Event) {
		if e.Kind == refresh.Obtained {
			mu.Lock()
			defer mu.Unlock()
			came[r.ServiceAccount+r.Audiences[0]] = true
		}
	}
	all := requests(20, 10)
	for i := range all {
		all[i].Lifetime = 10 * time.Minute
	}
	if _, errs := ask(t.Context(), tokens, all); errors.Join(errs...) != nil {
		t.Fatal(errors.Join(errs...))
	}
	run(t, tokens)
	eventually(t, "half of the tokens are renewed", func() error {
		if n := len(sent.since(len(all))); n < len(all)/2 {
			return fmt.Errorf("%d are", n)
		}
		return nil
	})
	s.Stop()
	stopped := len(sent.since(0))
	for began := time.Now(); time.Since(began) < away; time.Sleep(time.Second) {
		toks, errs := ask(t.Context(), tokens, all)
		for i, tok := range toks {
			if errs[i] == nil && tok.ExpiresIn <= 0 {
				t.Fatalf("a dead token after %v", time.Since(began))
			}
		}
	}
	if n := len(sent.since(stopped)); n > 10*len(all) {
		t.Errorf("%d requests for %d tokens in the %v that the server was away", n, len(all), away)
	}
	_, errs := ask(t.Context(), tokens, all)
	if slices.Contains(errs, nil) {
		t.Errorf("a token is alive %v after the server stopped", away)
	}
	t.Logf("%d requests in the %v that the server was away; the error reads: %v", len(sent.since(stopped)), away, errs[0])

	mu.Lock()
	clear(came)
	mu.Unlock()
	s.Restart(t)
	began := time.Now()
	// After many failures, which a slow start makes, a pause is a minute.
	within(t, 3*time.Minute, "all tokens are back", func() error {
		mu.Lock()
		defer mu.Unlock()
		if len(came) < len(all) {
			return fmt.Errorf("%d of %d are", len(came), len(all))
		}
		return nil
	})
	t.Logf("all tokens were back %v after the server", time.Since(began).Round(time.Millisecond))
	if _, errs := ask(t.Context(), tokens, all); errors.Join(errs...) != nil {
		t.Errorf("all tokens have come: %v", errors.Join(errs...))
	}
	if n := sent.atOnce(); n > 64 {
		t.Errorf("%d requests were in flight at once", n)
	}
}
