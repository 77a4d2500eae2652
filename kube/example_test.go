package kube_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// serviceAccounts stands for clientset.CoreV1().ServiceAccounts("ci").
var serviceAccounts = creator(func(name string, req *authenticationv1.TokenRequest) (*authenticationv1.TokenRequest, error) {
	return answer(time.Now(), time.Hour, time.Hour, nil), nil
})

// A token for a service that knows this cluster's service accounts, kept fresh.
func ExampleNewSource() {
	src := refresh.New(kube.NewSource(serviceAccounts, "builder", "vault"))
	client := &http.Client{Transport: &token.Transport{Source: src, Origin: "https://vault.example"}}
	_ = client // client.Post("https://vault.example/v1/auth/kubernetes/login", …)

	t, err := src.Token(context.Background())
	fmt.Println(t.Value, t.ExpiresIn.Round(time.Minute), err)
	// Output: [redacted] 1h0m0s <nil>
}

// A client-go configuration that acts as another service account, and whose
// token is replaced before it expires and after a 401.
func ExampleConfig() {
	cfg := &rest.Config{Host: "https://cluster.example:6443", BearerToken: "the administrator's"}
	as := kube.Config(cfg, refresh.New(kube.NewSource(serviceAccounts, "builder")))
	fmt.Printf("%s %q\n", as.Host, as.BearerToken) // kubernetes.NewForConfig(as)
	// Output: https://cluster.example:6443 ""
}

// What the server did other than it was asked, and what it says about it.
func ExampleEvent() {
	cfg := &rest.Config{Host: "https://cluster.example:6443"}
	cfg.WarningHandlerWithContext = kube.Warnings{} // for kubernetes.NewForConfig(cfg)

	src := kube.NewSource(serviceAccounts, "builder", "vault")
	src.Lifetime = 24 * time.Hour
	src.OnEvent = func(e kube.Event) { fmt.Println(e) }
	_, err := src.Token(context.Background())
	fmt.Println(err)
	// Output:
	// shortened: token of service account builder, good for 1h0m0s where 24h0m0s was asked for: the server has a maximum
	// <nil>
}
