package rancher_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/token"
)

// loggedIn returns a fake Rancher and a client of it that has logged in.
func loggedIn(ctx context.Context, version string) (*ranchertest.V3, *rancher.V3, rancher.Login) {
	fake := ranchertest.NewV3(version)
	fake.AddUser("admin", "password")
	fake.AddCluster("c-m-abcdefgh")
	c := &rancher.V3{Server: &rancher.Server{URL: fake.URL, HTTP: fake.Client()}}
	login, err := c.Login(ctx, rancher.Credentials{Username: "admin", Password: token.NewSecret("password")})
	if err != nil {
		panic(err)
	}
	c.Source = token.Static(login.Token)
	return fake, c, login
}

// A token that an administrator can see and revoke.
func ExampleV3_CreateExt() {
	ctx := context.Background()
	_, c, _ := loggedIn(ctx, "v2.13.1")
	tok, made, err := c.CreateExt(ctx, rancher.V3Request{Description: "nightly build", Lifetime: 8 * time.Hour})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.DeleteExt(ctx, made.Name)
	fmt.Println(made.Description, made.Lifetime, tok.Value)
	// Output: nightly build 8h0m0s [redacted]
}

// A Rancher without tokens of ext.cattle.io says from which version on there
// are some; those of v3 are there always.
func ExampleV3_CreateExt_olderServer() {
	ctx := context.Background()
	_, c, _ := loggedIn(ctx, "v2.8.0")
	request := rancher.V3Request{Description: "nightly build"}
	_, made, err := c.CreateExt(ctx, request)
	if errors.Is(err, rancher.ErrNotFound) {
		_, made, err = c.Create(ctx, request)
	}
	fmt.Println(made.Description, made.Ext, err)
	// Output: nightly build false <nil>
}

func ExampleV3_ExtTokens() {
	ctx := context.Background()
	_, c, _ := loggedIn(ctx, "v2.13.1")
	for _, description := range []string{"nightly build", "backup"} {
		if _, _, err := c.CreateExt(ctx, rancher.V3Request{Description: description}); err != nil {
			fmt.Println(err)
			return
		}
	}
	tokens, err := c.ExtTokens(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, t := range tokens {
		if t.Description == "backup" {
			err = c.DeleteExt(ctx, t.Name)
		}
	}
	left, _ := c.ExtTokens(ctx)
	fmt.Println(len(tokens), len(left), err)
	// Output: 2 1 <nil>
}

// A kubeconfig for every cluster, that is good for a day.
func ExampleV3_CreateKubeconfig() {
	ctx := context.Background()
	_, c, _ := loggedIn(ctx, "v2.13.1")
	config, made, err := c.CreateKubeconfig(ctx, rancher.V3KubeconfigRequest{
		Description: "laptop", Clusters: []string{"*"}, CurrentContext: "c-m-abcdefgh",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// There is a secret in it: os.WriteFile(path, []byte(config.Reveal()), 0o600)
	fmt.Println(made.Lifetime, len(made.Tokens), config)
	fmt.Println(c.DeleteKubeconfig(ctx, made.Name))
	// Output:
	// 24h0m0s 1 [redacted]
	// <nil>
}

// On a Rancher before 2.12 a cluster makes a kubeconfig.
func ExampleV3_GenerateKubeconfig() {
	ctx := context.Background()
	_, c, _ := loggedIn(ctx, "v2.8.0")
	config, err := c.GenerateKubeconfig(ctx, "c-m-abcdefgh")
	fmt.Println(config, err)
	// Output: [redacted] <nil>
}

// Why a session that was good in the morning is refused.
func ExampleV3_Activity() {
	ctx := context.Background()
	fake, c, morning := loggedIn(ctx, "v2.13.1")
	fake.DisableToken(morning.Name) // the provider of access control says that the user has left

	again, err := c.Login(ctx, rancher.Credentials{Username: "admin", Password: token.NewSecret("password")})
	if err != nil {
		fmt.Println(err)
		return
	}
	c.Source = token.Static(again.Token)
	_, err = c.Activity(ctx, morning.Name)
	fmt.Println(errors.Is(err, rancher.ErrSessionExpired), errors.Is(err, rancher.ErrSessionDisabled))
	// Output: false true
}

// A session is kept from ending for being idle while a long job runs.
func ExampleV3_KeepActive() {
	ctx, done := context.WithCancel(context.Background())
	_, c, login := loggedIn(ctx, "v2.13.1")
	kept := make(chan error)
	go func() { kept <- c.KeepActive(ctx, login.Name, 0) }()
	// … the job …
	done()
	fmt.Println(<-kept)
	// Output: context canceled
}
