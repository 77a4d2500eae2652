package refresh_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// A service that acts for many tenants keeps a token for each that is in use.
func ExampleGroup() {
	group := &refresh.Group[string]{
		Base: func(tenant string) token.Source {
			return token.SourceFunc(func(ctx context.Context) (token.Token, error) {
				fmt.Println("asking the issuer for", tenant)
				return token.Token{Value: token.NewSecret("token of " + tenant), ExpiresIn: time.Hour}, nil
			})
		},
	}
	for _, tenant := range []string{"acme", "globex", "acme", "globex"} {
		t, err := group.Token(context.Background(), tenant)
		fmt.Println(tenant, "has", t.Value, err)
	}
	// Output:
	// asking the issuer for acme
	// acme has [redacted] <nil>
	// asking the issuer for globex
	// globex has [redacted] <nil>
	// acme has [redacted] <nil>
	// globex has [redacted] <nil>
}

// Each key is a token.Source of its own, which a Transport can use. It gives up a token
// that a server refuses.
func ExampleGroup_Source() {
	group := &refresh.Group[string]{
		Base: func(tenant string) token.Source {
			return token.Static(token.Token{Value: token.NewSecret("token of " + tenant), ExpiresIn: time.Hour})
		},
	}
	client := &http.Client{Transport: &token.Transport{
		Source: group.Source("acme"),
		Origin: "https://api.example",
	}}
	_ = client // client.Get("https://api.example/orders")
	fmt.Println(group.Len(), "keys before the first request")
	// Output:
	// 0 keys before the first request
}

// Keys that are known to be over need not wait until they are idle.
func ExampleGroup_Drop() {
	type account struct{ tenant, user string }
	group := &refresh.Group[account]{
		Base: func(a account) token.Source {
			return token.Static(token.Token{Value: token.NewSecret("token of " + a.user), ExpiresIn: time.Hour})
		},
	}
	for _, a := range []account{{"acme", "ada"}, {"acme", "bob"}, {"globex", "eve"}} {
		if _, err := group.Token(context.Background(), a); err != nil {
			fmt.Println(err)
		}
	}
	group.Drop(func(a account) bool { return a.tenant == "acme" }) // who has left
	fmt.Println(group.Len())
	// Output:
	// 1
}

// A service that must not wait for a token when a request comes runs Run: one goroutine
// renews the tokens of all keys.
func ExampleGroup_Run() {
	group := &refresh.Group[string]{
		Base: func(tenant string) token.Source {
			return token.Static(token.Token{Value: token.NewSecret("token of " + tenant), ExpiresIn: time.Hour})
		},
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- group.Run(ctx) }()
	stop() // the service ends
	fmt.Println(<-ended)
	// Output:
	// context canceled
}
