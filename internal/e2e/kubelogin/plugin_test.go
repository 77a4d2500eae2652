package kubelogin_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/tokenlife/tokenlife/internal/e2e/oidcprovider"
	"github.com/tokenlife/tokenlife/internal/e2e/tries"
	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/kube/execcred"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// plugin returns a source that runs kubectl-login, for the login of the user's kubectl.
func (w *world) plugin(t testing.TB) *execcred.Plugin {
	t.Helper()
	path := programs.login(t)
	return &execcred.Plugin{
		Command: path,
		Args:    append([]string{"get-token"}, w.loginFlags()...),
		Env:     append(w.user.Env, "HOME="+w.user.Home, "KUBECONFIG="+w.user.Kubeconfig),
		Allow:   []string{path},
		Request: execcred.Request{Cluster: &execcred.Cluster{Server: w.server.URL, CertificateAuthorityData: w.server.CA}},
	}
}

// A wire counts the answers of the API server that came over it, by status.
type wire struct {
	http.RoundTripper
	refused, answered atomic.Int64
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := w.RoundTripper.RoundTrip(r)
	switch {
	case err != nil:
	case resp.StatusCode == http.StatusUnauthorized:
		w.refused.Add(1)
	case resp.StatusCode == http.StatusOK:
		w.answered.Add(1)
	}
	return resp, err
}

// client returns a client of the API server whose only credential is src, and what came
// over the wire.
func (w *world) client(t testing.TB, src token.Source) (list func(context.Context) error, over *wire) {
	t.Helper()
	cfg := w.server.Admin()
	over = new(wire)
	cfg.Wrap(func(base http.RoundTripper) http.RoundTripper {
		over.RoundTripper = base
		return over
	})
	cs, err := kubernetes.NewForConfig(kube.Config(cfg, src))
	if err != nil {
		t.Fatal(err)
	}
	return func(ctx context.Context) error {
		_, err := cs.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
		return err
	}, over
}

// TestPlugin uses kubectl-login in a Go program, beside a kubectl with the same login.
// A 401 of the API server is mended within the call, and the program renews the token
// before it runs out.
func TestPlugin(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	w.useLogin(t)
	w.firstLogin(t)
	plugin := &counted{Plugin: w.plugin(t)}
	list, over := w.client(t, refresh.New(plugin))
	many := func() {
		var wg sync.WaitGroup
		for range atOnce {
			wg.Go(func() {
				if err := list(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	many()
	if over.refused.Load() != 0 || plugin.runs.Load() != 1 {
		t.Errorf("%d refusals and %d runs of the plugin at first, want 0 and 1", over.refused.Load(), plugin.runs.Load())
	}
	for round := range 2 {
		w.refuseTokens(t)
		before := w.issuer.Count(t)
		began := time.Now()
		if err := list(t.Context()); err != nil {
			t.Errorf("round %d: a call after the token was refused: %v", round+1, err)
		}
		if got := over.refused.Swap(0); got != 1 {
			t.Errorf("round %d: %d refusals came over the wire, want 1", round+1, got)
		}
		if got := minus(w.issuer.Count(t), before); got != (oidcprovider.Count{Presented: 1, Different: 1, Exchanged: 1}) {
			t.Errorf("round %d: the issuer counts %+v more, want one refresh", round+1, got)
		}
		t.Logf("round %d: refused and answered within one call, in %v", round+1, time.Since(began).Round(time.Millisecond))
		many()
		if err := w.whoAmI(t.Context()); err != nil {
			t.Errorf("round %d: kubectl: %v", round+1, err)
		}
	}
	if got := plugin.runs.Load(); got != 3 {
		t.Errorf("the plugin was run %d times, want once and once after each refusal", got)
	}
	w.wantPages(t, 1)
}

// TestPluginEarly lets ID tokens run out under a Go program that never stops calling:
// no call waits for a 401.
func TestPluginEarly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	w.useLogin(t)
	w.firstLogin(t)
	w.staysAlive(t, func(t *tries.Try) func() error {
		plugin := &counted{Plugin: w.plugin(t)}
		t.Cleanup(func() { plugin.mu.Lock() }) // one may run that no call waits for
		list, over := w.client(t, refresh.New(plugin))
		t.Cleanup(func() { t.Logf("%d runs of the plugin", plugin.runs.Load()) })
		return func() error {
			err := list(t.Context())
			if got := over.refused.Load(); err == nil && got != 0 {
				err = errors.New("the call met a refusal")
			}
			return err
		}
	})
}

// A counted plugin counts its runs, of which there is one at a time.
type counted struct {
	*execcred.Plugin
	mu   sync.Mutex // held while one runs
	runs atomic.Int64
}

func (c *counted) Token(ctx context.Context) (token.Token, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runs.Add(1)
	return c.Plugin.Token(ctx)
}

// TestPluginFails shows that a kubectl-login that fails is an error without its words,
// which are kept for who wants them.
func TestPluginFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	w.issuer.Refuse(t, true)
	_, err := w.plugin(t).Token(t.Context())
	var failed *execcred.Error
	if !errors.As(err, &failed) || failed.ExitCode != 1 || failed.Stderr.IsZero() {
		t.Fatalf("got %v, want an Error with exit code 1", err)
	}
	if said := failed.Stderr.Reveal(); strings.Contains(err.Error(), "access_denied") || !strings.Contains(said, "access_denied") {
		t.Errorf("the error is %v; the plugin said %q, want why there alone", err, said)
	}
	t.Logf("%v", err)
}
