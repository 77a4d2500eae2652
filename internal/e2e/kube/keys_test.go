package kube_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1apply "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/tokenlife/tokenlife/internal/e2e/apiserver"
	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/session"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// keyText is the keys made of these letters as the Secret has them.
func keyText(letters string) string {
	var lines strings.Builder
	for _, l := range letters {
		lines.WriteString(base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(l), 32))) + "\n")
	}
	return lines.String()
}

// apply makes or changes the Secret as the documented kubectl apply --server-side
// --force-conflicts does.
func apply(t *testing.T, s *apiserver.Server, data map[string][]byte) {
	t.Helper()
	_, err := s.Client().CoreV1().Secrets("web").Apply(t.Context(),
		corev1apply.Secret("session-keys", "web").WithData(data),
		metav1.ApplyOptions{FieldManager: "kubectl", Force: true})
	if err != nil {
		t.Fatal(err)
	}
}

// A web is a replica of a web service: it logs anybody in, and greets who is.
type web struct{ url string }

func newWeb(t *testing.T, keys *seal.Keyring) web {
	m := &session.Manager[string]{Keys: keys}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		if _, err := m.Start(w, r, "mira", "data"); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	})
	mux.Handle("/", m.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		found, err := m.From(r.Context())
		fmt.Fprint(w, found.Subject, err)
	})))
	server := httptest.NewServer(m.Handler(mux))
	t.Cleanup(server.Close)
	return web{server.URL}
}

// login returns the cookie of a new session.
func (s web) login(t *testing.T) string {
	t.Helper()
	resp, err := http.Post(s.url+"/login", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK || len(resp.Cookies()) == 0 {
		t.Fatalf("login: %s: %s", resp.Status, body)
	}
	return resp.Cookies()[0].Name + "=" + resp.Cookies()[0].Value
}

// visit fails the test unless the session is known.
func (s web) visit(t *testing.T, cookie string) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), "GET", s.url+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Cookie", cookie)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK || string(body) != "mira<nil>" {
		t.Errorf("logged out: %s: %s", resp.Status, body)
	}
}

// keyReader lets a user get the Secret of the keys, and nothing else.
func keyReader(t *testing.T, s *apiserver.Server, user string) kube.SecretGetter {
	t.Helper()
	permit(t, s, &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Name: "session-keys", Namespace: "web"},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: []string{"session-keys"}, Verbs: []string{"get"}}},
	}, user)
	cs, err := kubernetes.NewForConfig(s.User(user))
	if err != nil {
		t.Fatal(err)
	}
	return cs.CoreV1().Secrets("web")
}

// Replicas have their keys from one Secret. A key is replaced in two steps while
// sessions live, and nobody is logged out.
func TestKeys(t *testing.T) {
	t.Parallel()
	s := apiserver.Start(t)
	client := keyReader(t, s, "alice")
	load := func() *seal.Keyring { return &seal.Keyring{Load: kube.Keys(client, "session-keys")} }
	apply(t, s, map[string][]byte{"keys": []byte(keyText("a")), "note": []byte("others'")})
	a, b := newWeb(t, load()), newWeb(t, load())
	sites := []web{a, b}
	old := []string{a.login(t), b.login(t)}
	loaded := time.Now()
	for _, s := range sites {
		for _, c := range old {
			s.visit(t, c) // what one sealed the other opens
		}
	}

	// All the while somebody is there.
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var visits atomic.Int64
	for _, s := range sites {
		for _, c := range old {
			wg.Go(func() {
				for ctx.Err() == nil && !t.Failed() {
					s.visit(t, c)
					visits.Add(1)
					<-time.After(20 * time.Millisecond)
				}
			})
		}
	}
	defer wg.Wait()
	defer cancel()

	// The first step: the new key comes to the end. The replicas read it after five
	// minutes, or at the first thing it has sealed, if they have not read for ten
	// seconds.
	apply(t, s, map[string][]byte{"keys": []byte(keyText("ab"))})
	secret, err := s.Client().CoreV1().Secrets("web").Get(t.Context(), "session-keys", metav1.GetOptions{})
	if err != nil || string(secret.Data["keys"]) != keyText("ab") {
		t.Fatalf("the Secret: %v", err)
	}
	<-time.After(time.Until(loaded.Add(10500 * time.Millisecond)))
	canary := newWeb(t, &seal.Keyring{Keys: []token.Secret{token.NewSecret(strings.Repeat("b", 32))}}).login(t)
	for _, s := range sites {
		s.visit(t, canary)
	}
	// The second: it goes to the head. Whatever a replica that starts now seals with
	// it, the others open at once.
	apply(t, s, map[string][]byte{"keys": []byte(keyText("ba"))})
	c := newWeb(t, load())
	fresh := c.login(t)
	onlyOld := newWeb(t, &seal.Keyring{Keys: []token.Secret{token.NewSecret(strings.Repeat("a", 32))}})
	for _, s := range append(sites, c) {
		for _, cookie := range append(old, fresh) {
			s.visit(t, cookie)
		}
	}
	onlyOld.visit(t, a.login(t)) // a has not read the new order, and seals with the old key
	cancel()
	wg.Wait()
	t.Logf("%d visits, nobody logged out", visits.Load())
}

// What is wrong with the Secret is said with its name and a command, and once it is
// put right the keys are there.
func TestKeysErrors(t *testing.T) {
	t.Parallel()
	s := apiserver.Start(t)
	ctx := t.Context()
	client := keyReader(t, s, "alice")
	check := func(err error, reason kube.Reason, words ...string) {
		t.Helper()
		e, ok := errors.AsType[*kube.Error](err)
		if !ok || e.Reason != reason || errors.Is(err, token.ErrInvalid) {
			t.Errorf("got %v, want an *Error with the reason %q", err, reason)
			return
		}
		for _, w := range append(words, "session-keys", "kubectl") {
			if !strings.Contains(e.Error(), w) {
				t.Errorf("%q is not in: %v", w, e)
			}
		}
		t.Log(err)
	}
	ring := &seal.Keyring{Load: kube.Keys(client, "session-keys")}
	_, err := ring.Seal(ctx, "p", "", []byte("text"))
	check(err, kube.Missing, `"session-keys" not found`, "create secret generic session-keys")

	stranger, err := kubernetes.NewForConfig(s.User("bob"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = kube.Keys(stranger.CoreV1().Secrets("web"), "session-keys")(ctx)
	check(err, kube.Forbidden, `User "bob" cannot get`, `namespace "web"`, "--verb=get")

	for text, words := range map[string][]string{
		"":                                {"web/session-keys", `item "keys"`, "no key"},
		keyText("a") + keyText("b")[:20]:  {"web/session-keys", `item "keys"`, "line 2"},
		keyText("abcdefghijklmnopq"):      {"web/session-keys", "line 17"},
		strings.Repeat(keyText("a"), 2e3): {"web/session-keys", "longer than 65536"},
	} {
		apply(t, s, map[string][]byte{"keys": []byte(text)})
		_, err = kube.Keys(client, "session-keys")(ctx)
		check(err, kube.Misconfigured, words...)
		if strings.Contains(fmt.Sprint(err), keyText("b")[:20]) {
			t.Error("the error shows a key")
		}
	}
	apply(t, s, map[string][]byte{"key": []byte(keyText("a"))})
	_, err = kube.Keys(client, "session-keys")(ctx)
	check(err, kube.Missing, "web/session-keys", `no item "keys"`, "patch secret session-keys")

	apply(t, s, map[string][]byte{"keys": []byte(keyText("a"))})
	eventually(t, "the keys are there", func() error { // it tries once a second
		_, err := ring.Seal(ctx, "p", "", []byte("text"))
		return err
	})
}
