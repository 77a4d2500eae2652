package kube_test

import (
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/refresh"
)

// A connection that is to be upgraded, as for exec, has the token too. Where it is
// refused, SPDY is tried again with another and a WebSocket is not, because
// client-go makes an error of the answer; its fallback from the one to the other
// does not notice either. There is no kubelet here: the last answer is that the
// pod runs nowhere.
func TestRefusedUpgrade(t *testing.T) {
	t.Parallel()
	s, base := setUp(t)
	allow(t, s, rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"pods/exec"}, Verbs: []string{"get", "create"}})
	dead := deadAt(t, s, base)
	if _, err := s.Client().CoreV1().Pods("ci").Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "p"},
		Spec:       corev1.PodSpec{ServiceAccountName: "builder", Containers: []corev1.Container{{Name: "c", Image: "i"}}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	const nowhere = "pod p does not have a host assigned"
	for name, test := range map[string]struct {
		exec     func(cfg *rest.Config, target *url.URL) (remotecommand.Executor, error)
		statuses []int
		want     string
	}{
		"SPDY": {func(cfg *rest.Config, target *url.URL) (remotecommand.Executor, error) {
			return remotecommand.NewSPDYExecutor(cfg, "POST", target)
		}, []int{401, 400}, nowhere},
		"WebSocket": {func(cfg *rest.Config, target *url.URL) (remotecommand.Executor, error) {
			return remotecommand.NewWebSocketExecutor(cfg, "GET", target.String())
		}, []int{0}, "Unauthorized"},
		"WebSocket or SPDY": {func(cfg *rest.Config, target *url.URL) (remotecommand.Executor, error) {
			first, err := remotecommand.NewWebSocketExecutor(cfg, "GET", target.String())
			if err != nil {
				return nil, err
			}
			second, err := remotecommand.NewSPDYExecutor(cfg, "POST", target)
			if err != nil {
				return nil, err
			}
			return remotecommand.NewFallbackExecutor(first, second, func(error) bool { return true })
		}, []int{0, 401, 400}, nowhere},
	} {
		var wire record
		cfg := s.Admin()
		cfg.Wrap(wire.wrap)
		as := kube.Config(cfg, refresh.New(first(dead, base)))
		cs, err := kubernetes.NewForConfig(as)
		if err != nil {
			t.Fatal(err)
		}
		target := cs.CoreV1().RESTClient().Post().Namespace("ci").Resource("pods").Name("p").SubResource("exec").
			VersionedParams(&corev1.PodExecOptions{Command: []string{"true"}, Stdout: true}, scheme.ParameterCodec).URL()
		exec, err := test.exec(as, target)
		if err != nil {
			t.Fatal(err)
		}
		err = exec.StreamWithContext(t.Context(), remotecommand.StreamOptions{Stdout: io.Discard})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
		var got []int
		for _, x := range wire.since(0) {
			got = append(got, x.status)
		}
		if !slices.Equal(got, test.statuses) {
			t.Errorf("%s: answered %v, want %v (0 is an error)", name, got, test.statuses)
		}
	}
}
