package kube_test

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// issuer stands for whoever exchanges refresh tokens, such as an
// oauth2adapt.Exchanger.
type issuer struct{ exchanged int }

func (i *issuer) Exchange(_ context.Context, refreshToken token.Secret) (refresh.Pair, error) {
	i.exchanged++
	return refresh.Pair{
		Access:  token.Token{Value: token.NewSecret("access"), ExpiresIn: time.Hour},
		Refresh: token.Token{Value: token.NewSecret(fmt.Sprintf("refresh-%d", i.exchanged))},
	}, nil
}

// Replicas share a rotating pair: only one of them spends the refresh token.
func ExampleSecretStore() {
	client := new(secrets) // a program has clientset.CoreV1().Secrets("ci")
	issuer := new(issuer)
	replica := func() *refresh.Source {
		return refresh.New(&refresh.Rotator{
			Exchanger: issuer,
			Store:     &kube.SecretStore{Client: client},
			Key:       "github",
			Initial:   refresh.Pair{Refresh: token.Token{Value: token.NewSecret("refresh-0")}},
		})
	}
	for range 3 {
		t, err := replica().Token(context.Background())
		fmt.Println(t.Value, err)
	}
	fmt.Println("exchanged:", issuer.exchanged)
	fmt.Println("Secret:", new(kube.SecretStore).Name("pair/github")[:18]+"…")
	// Output:
	// [redacted] <nil>
	// [redacted] <nil>
	// [redacted] <nil>
	// exchanged: 1
	// Secret: tokenlife-e748bf7e…
}

// Replicas of a service seal and open with the same keys.
func ExampleKeys() {
	client := new(secrets) // a program has clientset.CoreV1().Secrets("web")
	client.change("session-keys", func(s *corev1.Secret) {
		s.Data = map[string][]byte{"keys": []byte("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\n")}
	})
	ctx := context.Background()
	replica := func() *seal.Keyring { return &seal.Keyring{Load: kube.Keys(client, "session-keys")} }
	sealed, err := replica().Seal(ctx, "cookie/session", "", []byte("mira"))
	if err != nil {
		fmt.Println(err)
		return
	}
	opened, err := replica().Open(ctx, "cookie/session", "", sealed)
	fmt.Printf("%s %v\n", opened, err)
	// Output: mira <nil>
}
