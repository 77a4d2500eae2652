package kube_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// A cluster is an API server that makes tokens and keeps count.
type cluster struct {
	life    time.Duration // of each token; 0 means an hour
	latency time.Duration // of each request

	mu     sync.Mutex
	broken map[string]func(context.Context) error // what becomes of requests, by service account
	asked  map[string][]time.Time                 // when each token was asked for
	flying int
	most   int // requests in flight at once
}

// tokens returns Tokens of c.
func (c *cluster) tokens() *kube.Tokens {
	return &kube.Tokens{Client: func(namespace string) kube.TokenCreator { return inNamespace{c, namespace} }}
}

type inNamespace struct {
	*cluster
	namespace string
}

// CreateToken implements [kube.TokenCreator].
func (c inNamespace) CreateToken(ctx context.Context, name string, req *authenticationv1.TokenRequest, _ metav1.CreateOptions) (*authenticationv1.TokenRequest, error) {
	var bound authenticationv1.BoundObjectReference
	if req.Spec.BoundObjectRef != nil {
		bound = *req.Spec.BoundObjectRef
	}
	asked := fmt.Sprintf("%s/%s %s %q %v", c.namespace, name, req.UID, req.Spec.Audiences, bound)
	c.mu.Lock()
	if c.asked == nil {
		c.asked = make(map[string][]time.Time)
	}
	c.asked[asked] = append(c.asked[asked], time.Now())
	number := len(c.asked[asked])
	c.flying++
	c.most = max(c.most, c.flying)
	broken := c.broken[name]
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.flying--
		c.mu.Unlock()
	}()

	if broken != nil {
		if err := broken(ctx); err != nil {
			return nil, err
		}
	}
	select {
	case <-time.After(c.latency):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	life := c.life
	if req.Spec.ExpirationSeconds != nil {
		life = time.Duration(*req.Spec.ExpirationSeconds) * time.Second
	} else if life == 0 {
		life = time.Hour
	}
	uid := req.UID
	if uid == "" {
		uid = types.UID(name + "-uid")
	}
	whose := map[string]any{"namespace": c.namespace, "serviceaccount": map[string]any{"name": name, "uid": uid}}
	if bound.Kind != "" {
		whose[strings.ToLower(bound.Kind)] = map[string]any{"name": bound.Name, "uid": bound.UID}
	}
	now := time.Now().Truncate(time.Second)
	reply := req.DeepCopy()
	reply.Spec.ExpirationSeconds = new(int64(life / time.Second))
	reply.Status.ExpirationTimestamp = metav1.NewTime(now.Add(life))
	reply.Status.Token = jwt(map[string]any{
		"iss": "https://kubernetes.default.svc", "sub": "system:serviceaccount:" + c.namespace + ":" + name, "aud": append([]string{}, req.Spec.Audiences...),
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(life).Unix(), "kubernetes.io": whose, "jti": fmt.Sprint(asked, number),
	})
	return reply, nil
}

// fail has requests for the tokens of a service account end in err; nil mends it.
func (c *cluster) fail(account string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken == nil {
		c.broken = make(map[string]func(context.Context) error)
	}
	c.broken[account] = func(context.Context) error { return err }
}

// count returns how many requests there were for tokens whose name has part in it.
func (c *cluster) count(part string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, times := range c.asked {
		if strings.Contains(name, part) {
			n += len(times)
		}
	}
	return n
}

// generation returns when the k-th token of each Request was asked for, in order.
func (c *cluster) generation(k int) (times []time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, asked := range c.asked {
		if len(asked) >= k {
			times = append(times, asked[k-1])
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	return times
}

// busiest returns the most of times that lie within one second of the clock.
func busiest(times []time.Time) (most int) {
	seconds := make(map[int64]int)
	for _, t := range times {
		seconds[t.Unix()]++
		most = max(most, seconds[t.Unix()])
	}
	return most
}

func podRef(name string) *authenticationv1.BoundObjectReference {
	return &authenticationv1.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: name, UID: types.UID("uid-of-" + name)}
}

// requests returns n Requests: twenty service accounts, each with as many audiences
// as it takes, and every fourth bound to a pod.
func requests(n int) (all []kube.Request) {
	for i := range n {
		r := kube.Request{Namespace: "ci", ServiceAccount: fmt.Sprintf("account-%d", i%20), Audiences: []string{fmt.Sprintf("audience-%d", i/20)}}
		if i%4 == 0 {
			r.BoundTo = podRef(fmt.Sprintf("pod-%d", i))
		}
		all = append(all, r)
	}
	return all
}

// ask asks for all tokens at once, and returns the errors.
func ask(t *testing.T, tokens *kube.Tokens, all []kube.Request) (errs []error) {
	t.Helper()
	errs = make([]error, len(all))
	var wg sync.WaitGroup
	for i, r := range all {
		wg.Go(func() { _, errs[i] = tokens.Token(t.Context(), r) })
	}
	wg.Wait()
	return errs
}

// start runs tokens until the test ends.
func start(t *testing.T, tokens *kube.Tokens) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- tokens.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	})
}

// A thousand tokens that are first asked for at once cost a thousand requests in
// each generation, at most 64 of them in flight; and from the second on they are
// renewed one after the other, over a fifth of their life.
func TestTokensSpread(t *testing.T) {
	const (
		keys   = 1000
		window = time.Hour / 5
	)
	for name, drive := range map[string]func(t *testing.T, tokens *kube.Tokens, all []kube.Request, until time.Duration){
		"run": func(t *testing.T, tokens *kube.Tokens, _ []kube.Request, until time.Duration) {
			start(t, tokens)
			time.Sleep(until)
		},
		"asked all the while": func(t *testing.T, tokens *kube.Tokens, all []kube.Request, until time.Duration) {
			var views []token.Source
			for _, r := range all {
				views = append(views, tokens.Source(r))
			}
			end := time.Now().Add(until)
			for time.Sleep(until / 2); time.Now().Before(end); time.Sleep(time.Second) {
				for _, v := range views {
					if _, err := v.Token(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := &cluster{latency: 20 * time.Millisecond}
				tokens := c.tokens()
				tokens.Idle = -1
				all := requests(keys)
				generations, until := 4, 2*time.Hour+30*time.Minute
				if name != "run" {
					generations, until = 2, 50*time.Minute
				}
				if err := errors.Join(ask(t, tokens, all)...); err != nil {
					t.Fatal(err)
				}
				if n := c.count(""); n != keys {
					t.Errorf("%d requests for the first %d tokens", n, keys)
				}
				drive(t, tokens, all, until)
				if n := c.count(""); n != generations*keys {
					t.Errorf("%d requests for %d tokens in %d generations", n, keys, generations)
				}
				for k := 2; k <= generations; k++ {
					times := c.generation(k)
					if len(times) != keys {
						t.Fatalf("%d of %d tokens came to generation %d", len(times), keys, k)
					}
					span, most := times[keys-1].Sub(times[0]), busiest(times)
					if span > window+2*time.Second || span < window*3/4 {
						t.Errorf("generation %d was renewed within %v, want a fifth of an hour", k, span)
					}
					if limit := 3 * keys / int(window.Seconds()); most > limit {
						t.Errorf("generation %d: %d requests in the busiest second, want at most %d", k, most, limit)
					}
					t.Logf("generation %d: within %v, %d requests in the busiest second", k, span, most)
				}
				if c.most > 64 {
					t.Errorf("%d requests were in flight at once", c.most)
				}
				if n := tokens.Len(); n != keys {
					t.Errorf("Len = %d, want %d", n, keys)
				}
			})
		})
	}
}

// Parallel is the bound on requests in flight.
func TestTokensParallel(t *testing.T) {
	for _, test := range []struct{ parallel, want int }{{0, 64}, {3, 3}, {-1, 100}} {
		synctest.Test(t, func(t *testing.T) {
			c := &cluster{latency: time.Second}
			tokens := c.tokens()
			tokens.Parallel = test.parallel
			if err := errors.Join(ask(t, tokens, requests(100))...); err != nil {
				t.Fatal(err)
			}
			if c.most != test.want {
				t.Errorf("Parallel %d: %d requests in flight, want %d", test.parallel, c.most, test.want)
			}
		})
	}
}

// However many ask for one token, it is asked for once.
func TestTokensOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{latency: time.Second}
		tokens := c.tokens()
		var all []kube.Request
		for range 50 {
			all = append(all, requests(20)...)
		}
		if err := errors.Join(ask(t, tokens, all)...); err != nil {
			t.Fatal(err)
		}
		if n := c.count(""); n != 20 {
			t.Errorf("%d requests for 20 tokens that 1000 callers asked for", n)
		}
	})
}

// Requests are the same if they ask for the same, in whatever order; and everything
// in a Request counts.
func TestTokensSame(t *testing.T) {
	c := new(cluster)
	tokens := c.tokens()
	base := kube.Request{Namespace: "ci", ServiceAccount: "builder", Audiences: []string{"vault", "api"}, BoundTo: podRef("p")}
	variant := func(change func(r *kube.Request)) kube.Request {
		r := base
		r.Audiences, r.BoundTo = slices.Clone(base.Audiences), base.BoundTo.DeepCopy()
		change(&r)
		return r
	}
	get := func(r kube.Request) token.Token {
		t.Helper()
		tok, err := tokens.Token(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		return tok
	}
	first := get(base)
	if !get(variant(func(r *kube.Request) { slices.Reverse(r.Audiences) })).Equal(first) {
		t.Error("the order of the audiences makes another token")
	}
	for what, r := range map[string]kube.Request{
		"Namespace":          variant(func(r *kube.Request) { r.Namespace = "cd" }),
		"ServiceAccount":     variant(func(r *kube.Request) { r.ServiceAccount = "other" }),
		"UID":                variant(func(r *kube.Request) { r.UID = "u" }),
		"Audiences":          variant(func(r *kube.Request) { r.Audiences[0] = "other" }),
		"fewer Audiences":    variant(func(r *kube.Request) { r.Audiences = r.Audiences[:1] }),
		"joined Audiences":   variant(func(r *kube.Request) { r.Audiences = []string{"api,vault"} }),
		"Lifetime":           variant(func(r *kube.Request) { r.Lifetime = 20 * time.Minute }),
		"BoundTo":            variant(func(r *kube.Request) { r.BoundTo = nil }),
		"BoundTo.Kind":       variant(func(r *kube.Request) { r.BoundTo.Kind = "Secret" }),
		"BoundTo.APIVersion": variant(func(r *kube.Request) { r.BoundTo.APIVersion = "v2" }),
		"BoundTo.Name":       variant(func(r *kube.Request) { r.BoundTo.Name = "q" }),
		"BoundTo.UID":        variant(func(r *kube.Request) { r.BoundTo.UID = "u" }),
	} {
		before := tokens.Len()
		if get(r); tokens.Len() != before+1 {
			t.Errorf("another %s is the same Request", what)
		}
	}
	if !slices.Equal(base.Audiences, []string{"vault", "api"}) {
		t.Errorf("the caller's Audiences were put in order: %q", base.Audiences)
	}
	// What a caller does with its Request later is its own business.
	mine := variant(func(r *kube.Request) {})
	src := tokens.Source(mine)
	mine.Audiences[0], mine.BoundTo.Name = "changed", "changed"
	if tok, err := src.Token(t.Context()); err != nil || !tok.Equal(first) {
		t.Errorf("a Source followed its Request: %v", err)
	}
}

// Service accounts without RBAC, gone, recreated and unanswered fail alone, are not
// asked about time and again, and heal.
func TestTokensFailAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{latency: 10 * time.Millisecond}
		tokens := c.tokens()
		c.fail("account-1", apierrors.NewForbidden(saResource, "account-1", errors.New("no RBAC")))
		c.fail("account-2", apierrors.NewNotFound(saResource, "account-2"))
		c.fail("account-3", apierrors.NewConflict(saResource, "account-3", errors.New("the UID in the token request does not match")))
		c.mu.Lock()
		c.broken["account-4"] = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		c.mu.Unlock()
		bad := func(r kube.Request) bool {
			return slices.Contains([]string{"account-1", "account-2", "account-3", "account-4"}, r.ServiceAccount)
		}
		all := requests(100)

		slowest := time.Duration(0)
		var wg sync.WaitGroup
		for began := time.Now(); time.Since(began) < 10*time.Minute; time.Sleep(time.Second) {
			for _, r := range all {
				wg.Go(func() {
					asked := time.Now()
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					defer cancel()
					_, err := tokens.Token(ctx, r)
					switch {
					case bad(r) && err == nil:
						t.Errorf("%s has a token", r.ServiceAccount)
					case !bad(r) && err != nil:
						t.Errorf("%s: %v", r.ServiceAccount, err)
					case !bad(r):
						c.mu.Lock()
						slowest = max(slowest, time.Since(asked))
						c.mu.Unlock()
					}
				})
			}
		}
		wg.Wait()
		if slowest > time.Second/2 {
			t.Errorf("a token took %v because of others", slowest)
		}
		if n := c.count("account-0 "); n != 5 {
			t.Errorf("%d requests for 5 tokens that came", n)
		}
		for _, account := range []string{"account-1 ", "account-2 ", "account-3 ", "account-4 "} {
			// One a second at first, and one a minute in the end.
			if n := c.count(account) / 5; n < 8 || n > 25 {
				t.Errorf("%s: %d requests in ten minutes for one that fails", account, n)
			}
		}
		for account, want := range map[string]kube.Reason{"account-1": kube.Forbidden, "account-2": kube.Missing} {
			_, err := tokens.Token(t.Context(), kube.Request{Namespace: "ci", ServiceAccount: account})
			var e *kube.Error
			if !errors.As(err, &e) || e.Reason != want || !strings.Contains(err.Error(), "ci/"+account) {
				t.Errorf("%s: %v", account, err)
			}
			if token.RetryAfter(err) <= 0 {
				t.Errorf("%s: the error does not say when to come back: %v", account, err)
			}
		}

		for i := 1; i <= 4; i++ {
			c.fail(fmt.Sprintf("account-%d", i), nil)
		}
		start(t, tokens)
		time.Sleep(2 * time.Minute)
		requests := c.count("")
		if err := errors.Join(ask(t, tokens, all)...); err != nil {
			t.Errorf("two minutes after all is well: %v", err)
		}
		if n := c.count(""); n != requests {
			t.Errorf("%d tokens were not there yet two minutes after all is well", n-requests)
		}
	})
}

// While the server is away, tokens are handed out for as long as they are good, and
// not a moment longer.
func TestTokensNeverDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := new(cluster)
		tokens := c.tokens()
		r := kube.Request{Namespace: "ci", ServiceAccount: "builder"}
		if _, err := tokens.Token(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		c.fail("builder", apierrors.NewInternalError(errors.New("etcd")))
		began := time.Now()
		for ; time.Since(began) < 2*time.Hour; time.Sleep(10 * time.Second) {
			tok, err := tokens.Token(t.Context(), r)
			switch left := time.Hour - time.Since(began); {
			case err == nil && (left <= 0 || tok.ExpiresIn > left):
				t.Fatalf("a token with %v left, %v after it was issued", tok.ExpiresIn, time.Since(began))
			case err != nil && left > 10*time.Second:
				t.Fatalf("a good token was kept back %v after it was issued: %v", time.Since(began), err)
			}
		}
		c.fail("builder", nil)
		time.Sleep(time.Minute)
		if _, err := tokens.Token(t.Context(), r); err != nil {
			t.Errorf("a minute after the server is back: %v", err)
		}
	})
}

// The tokens of a pod that is gone are forgotten, and no others.
func TestTokensDrop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{latency: time.Second}
		tokens := c.tokens()
		var all []kube.Request
		for _, pod := range []*authenticationv1.BoundObjectReference{podRef("a"), podRef("b"), nil} {
			for _, audience := range []string{"vault", "api", "db"} {
				all = append(all, kube.Request{Namespace: "ci", ServiceAccount: "builder", Audiences: []string{audience}, BoundTo: pod})
			}
		}
		of := func(pod string) func(r kube.Request) bool {
			return func(r kube.Request) bool { return r.BoundTo != nil && r.BoundTo.UID == types.UID("uid-of-"+pod) }
		}
		tokens.Drop(of("a")) // of none
		if err := errors.Join(ask(t, tokens, all)...); err != nil {
			t.Fatal(err)
		}
		tokens.Drop(of("a"))
		if n := tokens.Len(); n != 6 {
			t.Errorf("%d of 9 are kept after one of three pods is gone, want 6", n)
		}
		if err := errors.Join(ask(t, tokens, all)...); err != nil {
			t.Fatal(err)
		}
		if n, gone := c.count(""), c.count("uid-of-a"); n != 12 || gone != 6 {
			t.Errorf("%d requests, %d for the pod that was dropped; want 12, 6", n, gone)
		}

		// Whoever waits still gets it.
		tokens.Drop(of("b"))
		errs := make(chan error)
		go func() { errs <- errors.Join(ask(t, tokens, all)...) }()
		synctest.Wait()
		tokens.Drop(of("b"))
		if err := <-errs; err != nil {
			t.Errorf("dropped while it was waited for: %v", err)
		}

		// A function that panics, as one does that forgets that BoundTo may be nil,
		// must not stop the rest.
		func() {
			defer func() { recover() }()
			tokens.Drop(func(r kube.Request) bool { return r.BoundTo.UID == "x" })
		}()
		if err := errors.Join(ask(t, tokens, all)...); err != nil {
			t.Errorf("after a panic: %v", err)
		}
		var seen []kube.Request
		tokens.Drop(func(r kube.Request) bool { seen = append(seen, r); return true })
		if len(seen) != 9 || tokens.Len() != 0 {
			t.Errorf("Drop looked at %d of 9 and left %d", len(seen), tokens.Len())
		}
	})
}

// What nobody asks for any more is forgotten, with and without Run, and not renewed
// for ever.
func TestTokensIdle(t *testing.T) {
	for _, running := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			c := new(cluster)
			tokens := c.tokens()
			if running {
				start(t, tokens)
			}
			if err := errors.Join(ask(t, tokens, requests(100))...); err != nil {
				t.Fatal(err)
			}
			used := requests(1)
			for range 200 { // minutes
				time.Sleep(time.Minute)
				if err := errors.Join(ask(t, tokens, used)...); err != nil {
					t.Fatal(err)
				}
			}
			if n := tokens.Len(); n != 1 {
				t.Errorf("%d are kept after three hours, and one is used (Run: %t)", n, running)
			}
			if n := c.count("account-1 "); n > 10 {
				t.Errorf("5 tokens that nobody needs were asked for %d times (Run: %t)", n, running)
			}
			if err := errors.Join(ask(t, tokens, requests(100))...); err != nil {
				t.Errorf("those that were forgotten, asked for again: %v", err)
			}
		})
	}
}

// A token that a server refuses is given up by whoever sent it.
func TestTokensSource(t *testing.T) {
	c := new(cluster)
	tokens := c.tokens()
	r := kube.Request{Namespace: "ci", ServiceAccount: "builder"}
	first, err := tokens.Token(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	src := tokens.Source(r)
	tokens.Source(kube.Request{Namespace: "ci", ServiceAccount: "never asked"})
	if n := tokens.Len(); n != 1 {
		t.Errorf("%d are kept, and one has been asked for", n)
	}
	var served string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		served = strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
		if served == first.Value.Reveal() {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer server.Close()
	client := &http.Client{Transport: &token.Transport{Source: src}}
	resp, err := client.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK || c.count("") != 2 {
		t.Errorf("status %d after %d requests for a token", resp.StatusCode, c.count(""))
	}
	second, err := tokens.Token(t.Context(), r)
	if err != nil || second.Value.Reveal() != served {
		t.Errorf("Token and Source differ: %v", err)
	}
	tokens.Invalidate(r, first) // not the one in use any more
	if tok, err := tokens.Token(t.Context(), r); err != nil || !tok.Equal(second) {
		t.Errorf("an old token was refused, and the new one given up: %v", err)
	}
	tokens.Invalidate(r, second)
	if tok, err := src.Token(t.Context()); err == nil && tok.Equal(second) && tok.RefreshIn > time.Minute {
		t.Error("a token that was refused is kept as if it had not been")
	}
}

// OnEvent and OnRefresh say which Request it is about, and the latter may be nil.
func TestTokensEvents(t *testing.T) {
	c := new(cluster)
	tokens := c.tokens()
	shortened := func(namespace string) kube.TokenCreator {
		return creator(func(name string, req *authenticationv1.TokenRequest) (*authenticationv1.TokenRequest, error) {
			req.Spec.ExpirationSeconds = new(int64(3600))
			return inNamespace{c, namespace}.CreateToken(context.Background(), name, req, metav1.CreateOptions{})
		})
	}
	tokens.Client = shortened
	var mu sync.Mutex
	var said []string
	say := func(r kube.Request, what string) {
		mu.Lock()
		defer mu.Unlock()
		said = append(said, fmt.Sprintf("%s of %s/%s for %q in %v", what, r.Namespace, r.ServiceAccount, r.Audiences, r.BoundTo.Name))
	}
	tokens.OnEvent = func(e kube.Event) { say(e.Request, fmt.Sprintf("%d", e.Kind)) }
	tokens.OnRefresh = func(r kube.Request, e refresh.Event) { say(r, e.Kind.String()) }
	r := kube.Request{Namespace: "ci", ServiceAccount: "builder", Audiences: []string{"vault", "api"}, Lifetime: 2 * time.Hour, BoundTo: podRef("p")}
	if _, err := tokens.Token(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	want := []string{
		fmt.Sprintf(`%d of ci/builder for ["api" "vault"] in p`, kube.Shortened),
		`obtained of ci/builder for ["api" "vault"] in p`,
	}
	if !slices.Equal(said, want) {
		t.Errorf("said %q, want %q", said, want)
	}
}

// What cannot be asked for is an error at once that says what to set, and nothing
// is kept of it.
func TestTokensMisconfigured(t *testing.T) {
	c := new(cluster)
	good := kube.Request{Namespace: "ci", ServiceAccount: "builder"}
	for _, test := range []struct {
		name   string
		tokens *kube.Tokens
		r      kube.Request
		want   string
		kept   int
	}{
		{"no client", new(kube.Tokens), good, "Tokens.Client is nil", 0},
		{"no namespace", c.tokens(), kube.Request{ServiceAccount: "builder"}, "Request.Namespace is empty", 0},
		{"no service account", c.tokens(), kube.Request{Namespace: "ci"}, "Request.ServiceAccount is empty", 0},
		{"nothing", c.tokens(), kube.Request{}, "Request.Namespace is empty", 0},
		{"no name", c.tokens(), kube.Request{Namespace: "ci", ServiceAccount: "../x"}, "Request.ServiceAccount", 0},
		{"no such life", c.tokens(), kube.Request{Namespace: "ci", ServiceAccount: "builder", Lifetime: -1}, "Request.Lifetime", 0},
		{"an empty audience", c.tokens(), kube.Request{Namespace: "ci", ServiceAccount: "builder", Audiences: []string{""}}, "Request.Audiences[0]", 0},
		{"a client that is none", &kube.Tokens{Client: func(string) kube.TokenCreator { return nil }}, good, "Tokens.Client returned nil", 1},
	} {
		for _, ask := range []func() (token.Token, error){
			func() (token.Token, error) { return test.tokens.Token(t.Context(), test.r) },
			func() (token.Token, error) { return test.tokens.Source(test.r).Token(t.Context()) },
		} {
			_, err := ask()
			var e *kube.Error
			if !errors.As(err, &e) || e.Reason != kube.Misconfigured || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %v", test.name, err)
			}
		}
		if n := test.tokens.Len(); n != test.kept {
			t.Errorf("%s: %d are kept", test.name, n)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err := new(kube.Tokens).Run(ctx)
	if err == nil || !strings.Contains(err.Error(), "Tokens.Client") {
		t.Errorf("Run without Client: %v", err)
	}
	new(kube.Tokens).Drop(func(kube.Request) bool { return true })
	new(kube.Tokens).Invalidate(good, token.Token{})
	if n := c.count(""); n != 0 {
		t.Errorf("the server was asked %d times", n)
	}
}

// An OnEvent that panics costs no token.
func TestTokensEventPanics(t *testing.T) {
	c := &cluster{life: time.Hour}
	src := kube.NewSource(inNamespace{c, "ci"}, "builder")
	src.Namespace, src.Lifetime = "ci", time.Hour
	told := 0
	src.Client = creator(func(name string, req *authenticationv1.TokenRequest) (*authenticationv1.TokenRequest, error) {
		req.Spec.ExpirationSeconds = new(int64(600))
		return inNamespace{c, "ci"}.CreateToken(context.Background(), name, req, metav1.CreateOptions{})
	})
	src.OnEvent = func(kube.Event) { told++; panic("a mistake") }
	if tok, err := src.Token(t.Context()); err != nil || tok.IsZero() || told != 1 {
		t.Errorf("told %d times, and then: %v", told, err)
	}
}

// A Client that panics fails its own Requests only, each time anew.
func TestTokensClientPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := new(cluster)
		tokens := c.tokens()
		client := tokens.Client
		tokens.Client = func(namespace string) kube.TokenCreator {
			if namespace == "bad" {
				panic("no such namespace")
			}
			return client(namespace)
		}
		for range 2 {
			if _, err := tokens.Token(t.Context(), kube.Request{Namespace: "bad", ServiceAccount: "x"}); err == nil {
				t.Error("a token from a Client that panics")
			}
			if _, err := tokens.Token(t.Context(), kube.Request{Namespace: "ci", ServiceAccount: "x"}); err != nil {
				t.Error(err)
			}
			time.Sleep(2 * time.Second)
		}
	})
}

// A request that is not answered is given up after Timeout, which does not run
// while it waits for its turn.
func TestTokensTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{latency: 4 * time.Second}
		tokens := c.tokens()
		tokens.Timeout, tokens.Parallel = 5*time.Second, 1
		if err := errors.Join(ask(t, tokens, requests(5))...); err != nil {
			t.Errorf("five requests of four seconds each, one after the other: %v", err)
		}
		c.latency = time.Minute
		began := time.Now()
		_, err := tokens.Token(t.Context(), kube.Request{Namespace: "ci", ServiceAccount: "slow"})
		if took := time.Since(began); err == nil || took > 6*time.Second {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

// No token is printed with what holds it.
func TestTokensHidden(t *testing.T) {
	c := new(cluster)
	tokens := c.tokens()
	r := kube.Request{Namespace: "ci", ServiceAccount: "builder"}
	tok, err := tokens.Token(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if text := fmt.Sprintf(format+format, tokens, tokens.Source(r)); text != "kube.Tokenskube.Tokens" {
			t.Errorf("%s prints %d bytes of what Tokens holds", format, len(text))
		}
		if strings.Contains(fmt.Sprintf(format, tok), strings.Split(tok.Value.Reveal(), ".")[1]) {
			t.Errorf("%s prints a token", format)
		}
	}
}

// A token takes at most a kilobyte beside its text.
func TestTokensMemory(t *testing.T) {
	const keys = 2000
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	c := new(cluster)
	tokens := c.tokens()
	tokens.OnEvent, tokens.OnRefresh = func(kube.Event) {}, func(kube.Request, refresh.Event) {}
	tokens.Client = func(namespace string) kube.TokenCreator {
		return creator(func(name string, req *authenticationv1.TokenRequest) (*authenticationv1.TokenRequest, error) {
			defer clear(c.asked)
			return inNamespace{c, namespace}.CreateToken(context.Background(), name, req, metav1.CreateOptions{})
		})
	}
	all := requests(keys)
	if _, err := tokens.Token(t.Context(), kube.Request{Namespace: "ci", ServiceAccount: "first"}); err != nil {
		t.Fatal(err)
	}
	before := heap()
	text := int64(0)
	for _, r := range all {
		tok, err := tokens.Token(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		text += int64(len(tok.Value.Reveal()))
	}
	each := (heap() - before - text) / keys
	t.Logf("%d bytes a token beside its text of %d", each, text/keys)
	if each > 1000 {
		t.Errorf("%d bytes a token beside its text", each)
	}
	runtime.KeepAlive(all)

	// And nothing to hand out.
	src := tokens.Source(all[0])
	if n := testing.AllocsPerRun(100, func() { src.Token(t.Context()) }); n > 0 {
		t.Errorf("a token at hand takes %v allocations", n)
	}
}
