package kube_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
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

// A volume is a folder with a token in it, written as the kubelet writes it.
type volume struct{ dir string }

func (v volume) path() string { return filepath.Join(v.dir, "token") }

// project replaces the token by a swap of links, in the kubelet's order.
func (v volume) project(t *testing.T, text string) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	data, tmp := filepath.Join(v.dir, "..data"), filepath.Join(v.dir, "..data_tmp")
	old, _ := os.Readlink(data)
	dir, err := os.MkdirTemp(v.dir, time.Now().UTC().Format("..2006_01_02_15_04_05."))
	must(err)
	must(os.Chmod(dir, 0o755))
	must(os.WriteFile(filepath.Join(dir, "token"), []byte(text), 0o644))
	must(os.Chmod(filepath.Join(dir, "token"), 0o600))
	must(os.Symlink(filepath.Base(dir), tmp))
	if runtime.GOOS == "windows" {
		os.Remove(data)
		must(os.Symlink(filepath.Base(dir), data))
		must(os.Remove(tmp))
	} else {
		must(os.Rename(tmp, data))
	}
	if _, err := os.Readlink(v.path()); err != nil {
		must(os.Symlink(filepath.Join("..data", "token"), v.path()))
	}
	if old != "" {
		must(os.RemoveAll(filepath.Join(v.dir, old)))
	}
}

// replace puts text in the place of the token in one of five ways, by turns: as the
// kubelet does it; the same, but with half of it at first; in place, empty or half
// at first; and with the whole folder away for a moment. It returns before it is
// done, and done is called then.
func (v volume) replace(t *testing.T, n int, text string, done func()) {
	t.Helper()
	finish := func(f func()) {
		time.AfterFunc(40*time.Millisecond, func() { f(); done() })
	}
	inPlace := func() {
		if err := os.WriteFile(v.path(), []byte(text), 0o600); err != nil {
			t.Error(err)
		}
	}
	switch n % 5 {
	case 0:
		v.project(t, text)
		done()
	case 1:
		v.project(t, text[:len(text)-1-n%(len(text)-1)])
		finish(func() { v.project(t, text) })
	case 2:
		os.Truncate(v.path(), 0)
		finish(inPlace)
	case 3:
		os.WriteFile(v.path(), []byte(text[:len(text)/2+n]), 0o600)
		finish(inPlace)
	case 4:
		away := v.dir + "-away"
		if err := os.Rename(v.dir, away); err != nil {
			t.Fatal(err)
		}
		finish(func() {
			// First, or the old one would be back for a moment.
			volume{away}.project(t, text)
			if err := os.Rename(away, v.dir); err != nil {
				t.Error(err)
			}
		})
	}
}

// A tap sees each request as it goes out, and its answer.
type tap struct {
	mu       sync.Mutex
	whole    map[string]bool // the tokens that there ever were
	sent     map[string]int  // requests by token
	refusals int
	wrong    []string
}

func (w *tap) knows(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.whole["Bearer "+text] = true
}

func (w *tap) wrap(base http.RoundTripper) http.RoundTripper {
	return tapped(func(r *http.Request) (*http.Response, error) {
		resp, err := base.RoundTrip(r)
		w.mu.Lock()
		defer w.mu.Unlock()
		header := r.Header["Authorization"]
		if len(header) != 1 || !w.whole[header[0]] {
			w.wrong = append(w.wrong, fmt.Sprintf("%d bytes", len(r.Header.Get("Authorization"))))
		} else {
			w.sent[header[0]]++
		}
		if err == nil && resp.StatusCode == http.StatusUnauthorized {
			w.refusals++
		}
		return resp, err
	})
}

type tapped func(*http.Request) (*http.Response, error)

func (f tapped) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A mint makes tokens of ci/builder that can be killed one by one: each is bound to
// a Secret of its own.
type mint struct {
	server *apiserver.Server
	tap    *tap
	made   int
}

func (m *mint) next(t *testing.T) (text, secret string) {
	t.Helper()
	core := m.server.Client().CoreV1()
	secret = fmt.Sprintf("bound-%d", m.made)
	m.made++
	s, err := core.Secrets("ci").Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: secret}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := core.ServiceAccounts("ci").CreateToken(t.Context(), "builder", &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{BoundObjectRef: &authenticationv1.BoundObjectReference{
			Kind: "Secret", APIVersion: "v1", Name: secret, UID: s.UID,
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	m.tap.knows(answer.Status.Token)
	return answer.Status.Token, secret
}

func (m *mint) kill(t *testing.T, secret string) {
	t.Helper()
	if err := m.server.Client().CoreV1().Secrets("ci").Delete(t.Context(), secret, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

// client returns a client whose only credential is src.
func (m *mint) client(t *testing.T, src token.Source) *kubernetes.Clientset {
	t.Helper()
	cfg := m.server.Admin()
	cfg.Wrap(m.tap.wrap)
	cs, err := kubernetes.NewForConfig(kube.Config(cfg, src))
	if err != nil {
		t.Fatal(err)
	}
	return cs
}

// setUpVolume starts a server, and makes a volume with nothing in it yet.
func setUpVolume(t *testing.T) (*mint, volume) {
	s, _ := setUp(t)
	v := volume{filepath.Join(t.TempDir(), "volume")}
	if err := os.Mkdir(v.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return &mint{server: s, tap: &tap{whole: map[string]bool{}, sent: map[string]int{}}}, v
}

// report says what went over the wire, of which nothing may be wrong.
func (w *tap) report(t *testing.T, calls int64) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	requests := 0
	for _, n := range w.sent {
		requests += n
	}
	if len(w.wrong) > 0 {
		t.Errorf("%d requests went out with no token or with half of one: %v", len(w.wrong), w.wrong[:min(len(w.wrong), 10)])
	}
	t.Logf("%d calls made %d requests with %d of %d tokens; the server refused %d; %d had no whole token",
		calls, requests+len(w.wrong), len(w.sent), len(w.whole), w.refusals, len(w.wrong))
}

// A program has a Source that is made anew whenever it starts.
type program struct{ atomic.Pointer[refresh.Source] }

func (p *program) Token(ctx context.Context) (token.Token, error) { return p.Load().Token(ctx) }
func (p *program) Invalidate(tok token.Token)                     { p.Load().Invalidate(tok) }

// slow is how long a writer may take until a Source may no longer wait for it. It is
// less than the quarter of a second that one waits.
const slow = 200 * time.Millisecond

// A hundred times a program starts with a token that dies before the server has seen
// it, and the next is only just being written when fifty callers are refused: none of
// them notices, unless the writer takes longer than a Source waits for it. Such a
// rotation shows nothing, and there is one more.
func TestProjectedRefusedEachTime(t *testing.T) {
	t.Parallel()
	m, v := setUpVolume(t)
	file, src := kube.Projected(v.path()), new(program)
	cs := m.client(t, src)
	var calls atomic.Int64
	refused, late, n := 0, 0, 0
	for ; n < 100+late && n < 300; n++ {
		text, stale := m.next(t)
		v.project(t, text)
		src.Store(refresh.New(file))
		if held, err := src.Token(t.Context()); err != nil || held.Value.Reveal() != text {
			t.Fatalf("rotation %d: %v", n, err)
		}
		m.kill(t, stale)
		time.Sleep(50 * time.Millisecond) // an approval that is asked for too early is kept for ten seconds
		eventually(t, "the token is dead", func() error {
			if review(t, m.server, token.New(token.NewSecret(text))).Authenticated {
				return fmt.Errorf("the server accepts the token of Secret %s", stale)
			}
			return nil
		})
		text, live := m.next(t)
		written := make(chan time.Duration, 1)
		began := time.Now()
		v.replace(t, n, text, func() { written <- time.Since(began) })
		before := m.tap.refused()
		var callers sync.WaitGroup
		errs := make(chan error, 50)
		for range 50 {
			callers.Go(func() {
				if err := call(t.Context(), cs); err != nil {
					errs <- err
				}
				calls.Add(1)
			})
		}
		callers.Wait()
		close(errs)
		took := <-written
		if took > slow { // the machine is busy
			late++
		} else {
			for err := range errs {
				t.Errorf("rotation %d, written after %v: %v", n, took, err)
			}
		}
		if m.tap.refused() > before {
			refused++
		}
		m.kill(t, live)
	}
	if refused != n {
		t.Errorf("in %d of %d rotations only the server refused the old token", refused, n)
	}
	if n-late < 100 {
		t.Errorf("%d of %d rotations took so long that they show nothing", late, n)
	}
	m.tap.report(t, calls.Load())
}

func (w *tap) refused() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.refusals
}

// Fifty callers call all the while, the token is replaced a hundred times, and those
// before the last four die. The program reads the file once in a minute, and when it
// is refused: then it has a token, unless the writer takes longer than a Source waits,
// or the Source is itself so slow that it looks in the midst of two writings.
func TestProjectedRotations(t *testing.T) {
	t.Parallel()
	m, v := setUpVolume(t)
	const rest = 500 * time.Millisecond // between two writings
	file := kube.Projected(v.path())
	var slept atomic.Bool // an attempt that failed took longer than the file had rest
	cs := m.client(t, refresh.New(token.SourceFunc(func(ctx context.Context) (token.Token, error) {
		began := time.Now()
		tok, err := file.Token(ctx)
		if err != nil && time.Since(began) > rest {
			slept.Store(true)
		}
		return tok, err
	})))
	text, secret := m.next(t)
	v.project(t, text)
	secrets := []string{secret}

	var calls atomic.Int64
	var done atomic.Bool
	var mu sync.Mutex
	var failed []error // of calls since the last rotation
	var callers sync.WaitGroup
	for range 50 {
		callers.Go(func() {
			for !done.Load() {
				if err := call(t.Context(), cs); err != nil {
					mu.Lock()
					failed = append(failed, err)
					mu.Unlock()
				}
				calls.Add(1)
				time.Sleep(50 * time.Millisecond)
			}
		})
	}
	judge := func(shows bool) {
		mu.Lock()
		defer mu.Unlock()
		for _, err := range failed {
			if shows {
				t.Error(err)
			}
		}
		failed = nil
	}
	late, n := 0, 0
	for ; n < 100+late && n < 300; n++ {
		text, secret := m.next(t)
		written := make(chan struct{})
		began := time.Now()
		v.replace(t, n, text, func() { close(written) })
		<-written
		took := time.Since(began)
		secrets = append(secrets, secret)
		if len(secrets) > 4 {
			m.kill(t, secrets[0])
			secrets = secrets[1:]
		}
		time.Sleep(rest)
		shows := took <= slow && !slept.Swap(false)
		if !shows { // the machine is busy
			late++
			time.Sleep(5 * time.Second) // who waited in vain does not look again at once
		}
		judge(shows)
	}
	done.Store(true)
	callers.Wait()
	judge(true)
	if n-late < 100 {
		t.Errorf("%d of %d rotations took so long that they show nothing", late, n)
	}
	if m.tap.refused() == 0 {
		t.Error("the server refused no token")
	}
	m.tap.report(t, calls.Load())
}

// No beginning of a token that the server makes is taken for one.
func TestProjectedBeginnings(t *testing.T) {
	t.Parallel()
	m, v := setUpVolume(t)
	text, _ := m.next(t)
	var looks sync.WaitGroup
	turns := make(chan struct{}, 50) // each takes a while to be sure
	for n := range len(text) {
		turns <- struct{}{}
		looks.Go(func() {
			defer func() { <-turns }()
			path := fmt.Sprintf("%s-%d", v.path(), n)
			if err := os.WriteFile(path, []byte(text[:n]), 0o600); err != nil {
				t.Error(err)
			}
			if _, err := kube.Projected(path).Token(t.Context()); err == nil {
				t.Errorf("%d of %d bytes were taken for a token", n, len(text))
			}
		})
	}
	looks.Wait()
	t.Logf("%d beginnings refused", len(text))
}

// What a pod gets is valid for a year, and counts for an hour. When the server's
// clock is set back it comes from the future and is refused; the next one heals that.
func TestProjectedOfAPod(t *testing.T) {
	t.Parallel()
	m, v := setUpVolume(t)
	src := refresh.New(kube.Projected(v.path()))
	cs := m.client(t, src)
	pod, err := m.server.Client().CoreV1().Pods("ci").Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "builder-0"},
		Spec: corev1.PodSpec{
			ServiceAccountName: "builder",
			Containers:         []corev1.Container{{Name: "c", Image: "none"}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	project := func() {
		t.Helper()
		answer, err := m.server.Client().CoreV1().ServiceAccounts("ci").CreateToken(t.Context(), "builder", &authenticationv1.TokenRequest{
			Spec: authenticationv1.TokenRequestSpec{
				ExpirationSeconds: new(int64(3607)),
				BoundObjectRef:    &authenticationv1.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: pod.Name, UID: pod.UID},
			},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		m.tap.knows(answer.Status.Token)
		v.project(t, answer.Status.Token)
	}
	project()
	tok, err := src.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	info, err := token.Inspect(tok.Value)
	if err != nil || info.Claims.Expiry.Sub(info.IssuedAt) < 360*24*time.Hour {
		t.Fatalf("the server did not extend the token: %+v, %v", info, err)
	}
	if life := tok.Expiry.Sub(tok.IssuedAt); life != 3607*time.Second {
		t.Errorf("the token counts for %v, want an hour and seven seconds", life)
	}
	// The server has not seen it yet, so that it keeps no approval.
	m.server.SetClock(t, -20*time.Minute)
	project()
	if err := call(t.Context(), cs); err != nil {
		t.Errorf("with the server's clock set back: %v", err)
	}
	if n := m.tap.refused(); n != 1 {
		t.Errorf("%d refusals, want that of the token from the future", n)
	}
	m.tap.report(t, 1)
}
