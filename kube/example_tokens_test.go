package kube_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/token"
)

// apiServer stands for an API server, which a driver or a controller has a clientset of.
var apiServer = new(cluster)

// serviceAccountsIn stands for
//
//	func(namespace string) kube.TokenCreator { return clientset.CoreV1().ServiceAccounts(namespace) }
func serviceAccountsIn(namespace string) kube.TokenCreator { return inNamespace{apiServer, namespace} }

// A CSI driver supplies its provider with tokens of the pod that mounts a volume, one
// for each audience. The kubelet calls NodePublishVolume again about once a minute
// (requiresRepublish); the API server is asked once in most of an hour.
func ExampleTokens() {
	tokens := &kube.Tokens{Client: serviceAccountsIn}

	// publish is NodePublishVolume, as far as tokens go.
	publish := func(ctx context.Context, volume map[string]string, audiences ...string) (json.RawMessage, error) {
		reply := make(map[string]authenticationv1.TokenRequestStatus)
		for _, audience := range audiences {
			t, err := tokens.Token(ctx, kube.Request{
				Namespace:      volume["csi.storage.k8s.io/pod.namespace"],
				ServiceAccount: volume["csi.storage.k8s.io/serviceAccount.name"],
				Audiences:      []string{audience},
				BoundTo: &authenticationv1.BoundObjectReference{
					APIVersion: "v1", Kind: "Pod",
					Name: volume["csi.storage.k8s.io/pod.name"],
					UID:  types.UID(volume["csi.storage.k8s.io/pod.uid"]),
				},
			})
			if err != nil {
				return nil, err
			}
			status := authenticationv1.TokenRequestStatus{Token: t.Value.Reveal()}
			status.ExpirationTimestamp.Time = t.Expiry
			reply[audience] = status
		}
		return json.Marshal(reply) // for csi.storage.k8s.io/serviceAccount.tokens
	}

	// forget is for when the pod is gone: NodeUnpublishVolume finds its UID in the
	// path that it is given.
	forget := func(pod types.UID) {
		tokens.Drop(func(r kube.Request) bool { return r.BoundTo != nil && r.BoundTo.UID == pod })
	}

	volume := map[string]string{
		"csi.storage.k8s.io/pod.namespace":       "shop",
		"csi.storage.k8s.io/pod.name":            "web-0",
		"csi.storage.k8s.io/pod.uid":             "5b4e",
		"csi.storage.k8s.io/serviceAccount.name": "web",
	}
	for range 60 {
		if _, err := publish(context.Background(), volume, "vault", "db"); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(tokens.Len(), "tokens,", apiServer.count("shop/web"), "requests")
	forget("5b4e")
	fmt.Println(tokens.Len(), "tokens")
	// Output:
	// 2 tokens, 2 requests
	// 0 tokens
}

// A controller does each tenant's work as a service account of the tenant: in the
// cluster, and at a Vault that knows the cluster's service accounts. Its own
// credential only asks for tokens.
func ExampleTokens_Source() {
	own := &rest.Config{Host: "https://cluster.example:6443", BearerTokenFile: kube.ServiceAccountToken}
	tokens := &kube.Tokens{Client: serviceAccountsIn}

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go tokens.Run(ctx) // reconciling does not wait for tokens

	reconcile := func(ctx context.Context, tenant string) error {
		src := tokens.Source(kube.Request{Namespace: tenant, ServiceAccount: "reconciler"})
		cfg := kube.Config(own, src) // kubernetes.NewForConfig(cfg)

		vault := tokens.Source(kube.Request{
			Namespace: tenant, ServiceAccount: "reconciler",
			Audiences: []string{"vault"}, Lifetime: 10 * time.Minute,
		})
		client := &http.Client{Transport: &token.Transport{Source: vault, Origin: "https://vault.example"}}
		_, _ = cfg, client

		t, err := vault.Token(ctx)
		if err != nil {
			return err // says whose token, why not, and what to do; the tenant next door has its own
		}
		fmt.Println(tenant, t.ExpiresIn.Round(time.Minute))
		return nil
	}
	for _, tenant := range []string{"red", "blue"} {
		if err := reconcile(ctx, tenant); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// red 10m0s
	// blue 10m0s
}
