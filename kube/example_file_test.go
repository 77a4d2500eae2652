package kube_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// A program in a pod that acts as the pod's service account, with the token that the
// kubelet keeps in its file.
func ExampleProjected_inCluster() {
	cfg, err := rest.InClusterConfig()
	if err != nil {
		fmt.Println("not in a pod")
		return
	}
	as := kube.Config(cfg, refresh.New(kube.Projected("")))
	_ = as // kubernetes.NewForConfig(as)
	// Output: not in a pod
}

// A token for another service, from a volume with a serviceAccountToken source.
func ExampleProjected() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "vault") // such as /var/run/secrets/tokens/vault
	if err := os.WriteFile(path, []byte(jwt(podToken(1, time.Hour))), 0o600); err != nil {
		fmt.Println(err)
		return
	}

	src := refresh.New(kube.Projected(path))
	client := &http.Client{Transport: &token.Transport{Source: src, Origin: "https://vault.example"}}
	_ = client // client.Post("https://vault.example/v1/auth/kubernetes/login", …)

	t, err := src.Token(context.Background())
	fmt.Println(t.Value, err)
	// Output: [redacted] <nil>
}

// A token that does not expire, where there is no way yet to ask for one that does,
// and what is known of its end.
func ExampleLegacy() {
	secrets := legacySecret(label("last-used", "2026-11-26")) // clientset.CoreV1().Secrets("ci")
	legacy := &kube.Legacy{Client: secrets, Secret: "builder-token"}
	src := refresh.New(legacy)
	_ = src // kube.Config(cfg, src)

	t, err := legacy.Read(context.Background())
	fmt.Println(t.ServiceAccount, t.LastUsed.Format(time.DateOnly), t.InvalidSince.IsZero(), err)
	// Output: builder 2026-11-26 true <nil>
}
