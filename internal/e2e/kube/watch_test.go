package kube_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"

	"github.com/tokenlife/tokenlife/internal/e2e/apiserver"
	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// deadAt returns a token that has died for s and that s has not seen, which it
// would remember for ten seconds.
func deadAt(t *testing.T, s *apiserver.Server, base token.Source) token.Token {
	t.Helper()
	s.SetClock(t, -30*time.Minute)
	tok, err := base.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.SetClock(t, 0)
	return tok
}

// first is a source of tok, and from then on of next: what wraps it does not know
// that tok is dead.
func first(tok token.Token, next token.Source) token.Source {
	asked := false
	return token.SourceFunc(func(ctx context.Context) (token.Token, error) {
		if !asked {
			asked = true
			return tok, nil
		}
		return next.Token(ctx)
	})
}

var configMaps = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}

// Whatever client-go asks with a token that is refused, it asks again with
// another, with the same body, and the caller does not notice.
func TestRefusedOnce(t *testing.T) {
	t.Parallel()
	s, base := setUp(t)
	allow(t, s, rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"*"}})
	dead := deadAt(t, s, base)
	admin := s.Client().CoreV1().ConfigMaps("ci")
	text := strings.Repeat("much ", 20_000)
	if _, err := admin.Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "old"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}

	typed := func(cfg *rest.Config) (*kubernetes.Clientset, error) { return kubernetes.NewForConfig(cfg) }
	for _, test := range []struct {
		name string
		ask  func(ctx context.Context, cfg *rest.Config) error
	}{
		{"list", func(ctx context.Context, cfg *rest.Config) error {
			cs, err := typed(cfg)
			if err == nil {
				_, err = cs.CoreV1().ConfigMaps("ci").List(ctx, metav1.ListOptions{})
			}
			return err
		}},
		{"watch", func(ctx context.Context, cfg *rest.Config) error {
			cs, err := typed(cfg)
			if err != nil {
				return err
			}
			w, err := cs.CoreV1().ConfigMaps("ci").Watch(ctx, metav1.ListOptions{ResourceVersion: "0"})
			if err != nil {
				return err
			}
			defer w.Stop()
			if e := <-w.ResultChan(); e.Type != watch.Added {
				t.Errorf("the watch brought %v", e)
			}
			return nil
		}},
		{"create", func(ctx context.Context, cfg *rest.Config) error {
			cs, err := typed(cfg)
			if err != nil {
				return err
			}
			_, err = cs.CoreV1().ConfigMaps("ci").Create(ctx, &corev1.ConfigMap{
				ObjectMeta: metav1.ObjectMeta{Name: "new"}, Data: map[string]string{"text": text},
			}, metav1.CreateOptions{})
			if m, err := admin.Get(ctx, "new", metav1.GetOptions{}); err != nil || m.Data["text"] != text {
				t.Errorf("what was created is not what was sent: %v", err)
			}
			return err
		}},
		{"patch", func(ctx context.Context, cfg *rest.Config) error {
			cs, err := typed(cfg)
			if err == nil {
				_, err = cs.CoreV1().ConfigMaps("ci").Patch(ctx, "old", types.MergePatchType, []byte(`{"data":{"a":"b"}}`), metav1.PatchOptions{})
			}
			return err
		}},
		{"dynamic", func(ctx context.Context, cfg *rest.Config) error {
			client, err := dynamic.NewForConfig(cfg)
			if err != nil {
				return err
			}
			m := &unstructured.Unstructured{Object: map[string]any{
				"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "dynamic"}, "data": map[string]any{"text": text},
			}}
			_, err = client.Resource(configMaps).Namespace("ci").Create(ctx, m, metav1.CreateOptions{})
			return err
		}},
		{"metadata", func(ctx context.Context, cfg *rest.Config) error {
			client, err := metadata.NewForConfig(cfg)
			if err == nil {
				_, err = client.Resource(configMaps).Namespace("ci").List(ctx, metav1.ListOptions{})
			}
			return err
		}},
		{"discovery and mapper", func(ctx context.Context, cfg *rest.Config) error {
			client, err := discovery.NewDiscoveryClientForConfig(cfg)
			if err != nil {
				return err
			}
			groups, err := restmapper.GetAPIGroupResources(client)
			if err != nil {
				return err
			}
			_, err = restmapper.NewDiscoveryRESTMapper(groups).RESTMapping(schema.GroupKind{Kind: "ConfigMap"})
			return err
		}},
	} {
		var wire record
		cfg := s.Admin()
		cfg.Wrap(wire.wrap)
		if err := test.ask(t.Context(), kube.Config(cfg, refresh.New(first(dead, base)))); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		all := wire.since(0)
		if len(all) < 2 || all[0].status != http.StatusUnauthorized || all[0].path != all[1].path || distinct(all) != 2 {
			t.Errorf("%s: no request was refused once and made again: %v", test.name, all)
			continue
		}
		for _, x := range all[1:] {
			if x.status/100 != 2 || x.proto != "HTTP/2.0" {
				t.Errorf("%s: %s %s was answered %d over %s", test.name, x.method, x.path, x.status, x.proto)
			}
		}
	}
}

// A body that can be read only once cannot be sent again: the caller gets the 401,
// and its next try works.
func TestRefusedStream(t *testing.T) {
	t.Parallel()
	s, base := setUp(t)
	allow(t, s, rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"*"}})
	cs, refusals := clientOf(t, s, refresh.New(first(deadAt(t, s, base), base)))
	create := func() error {
		body := io.MultiReader(strings.NewReader(`{"metadata":{"name":"stream"}}`)) // hides how it can be read again
		return cs.CoreV1().RESTClient().Post().Namespace("ci").Resource("configmaps").
			SetHeader("Content-Type", "application/json").Body(io.Reader(body)).Do(t.Context()).Error()
	}
	if err := create(); !apierrors.IsUnauthorized(err) {
		t.Errorf("the first try: %v", err)
	}
	if err := create(); err != nil || refusals.Load() != 1 {
		t.Errorf("the second try: %v, after %d refusals", err, refusals.Load())
	}
}

// A watch is looked at when it begins: it goes on when its token has died.
func TestWatchOutlivesToken(t *testing.T) {
	t.Parallel()
	s, base := setUp(t)
	allow(t, s, watchConfigMaps)
	var wire record
	cfg := s.Admin()
	cfg.Wrap(wire.wrap)
	cs, err := kubernetes.NewForConfig(kube.Config(cfg, refresh.New(base)))
	if err != nil {
		t.Fatal(err)
	}
	w, err := cs.CoreV1().ConfigMaps("ci").Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	s.SetClock(t, 20*time.Minute)
	if _, err := s.Client().CoreV1().ConfigMaps("ci").Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "later"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	select {
	case e := <-w.ResultChan():
		if m, ok := e.Object.(*corev1.ConfigMap); !ok || m.Name != "later" {
			t.Errorf("the watch brought %v", e)
		}
	case <-time.After(time.Minute):
		t.Error("the watch brought nothing")
	}
	if all := wire.since(0); len(all) != 1 {
		t.Errorf("%d requests for one watch", len(all))
	}
}
