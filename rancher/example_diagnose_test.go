package rancher_test

import (
	"context"
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/token"
)

// A token was asked for a year, and lives for an hour.
func ExampleV3_Diagnose() {
	fake := ranchertest.NewV3("v2.13.1")
	fake.AddUser("admin", "password")
	fake.SetEnv("auth-token-max-ttl-minutes", "60")
	c := &rancher.V3{Server: &rancher.Server{URL: fake.URL, HTTP: fake.Client()}}

	ctx := context.Background()
	login, err := c.Login(ctx, rancher.Credentials{Username: "admin", Password: token.NewSecret("password")})
	if err != nil {
		fmt.Println(err)
		return
	}
	c.Source = token.Static(login.Token) // whom Diagnose asks with, if the other token is refused
	const year = 365 * 24 * time.Hour
	tok, _, err := c.Create(ctx, rancher.V3Request{Lifetime: year})
	if err != nil {
		fmt.Println(err)
		return
	}

	for _, f := range c.Diagnose(ctx, rancher.Suspect{Token: tok.Value, Asked: year}).Findings {
		fmt.Println(f.Cause)
		fmt.Println("  to do:", f.Remedy)
	}
	// Output:
	// the token lives shorter than asked for: the server shortens lives to its maximum without a word
	//   to do: change CATTLE_AUTH_TOKEN_MAX_TTL_MINUTES (minutes) in the server's environment, which overrides the setting auth-token-max-ttl-minutes, or ask for less and renew it (V3Source); a token that there is already keeps its life
	// the setting auth-token-max-ttl-minutes is overridden by the server's environment: what anybody sets is ignored, and after each restart looks as if it had been lost
	//   to do: change or remove CATTLE_AUTH_TOKEN_MAX_TTL_MINUTES in the server's environment: in the Helm chart it is in extraEnv
}

// Rancher 1.6 has been given another provider of access control.
func ExampleV2Beta_Diagnose() {
	fake := ranchertest.NewV2Beta()
	fake.AddUser("admin", "password", "admin")
	c := &rancher.V2Beta{Server: &rancher.Server{URL: fake.URL, HTTP: fake.Client()}}

	ctx := context.Background()
	login, err := c.Login(ctx, rancher.Credentials{Username: "admin", Password: token.NewSecret("password")})
	if err != nil {
		fmt.Println(err)
		return
	}
	fake.Set("api.auth.provider.configured", "openldapconfig")

	fmt.Println(c.Diagnose(ctx, rancher.Suspect{Token: login.Token.Value}))
	// Output:
	// access control has been given another provider since the token was made, and no token from before counts (certain)
	//   GET /v2-beta/token with the token: 401 Unauthorized, AuthProviderChanged
	//   to do: log in again, as a user of the provider that there is now (the setting api.auth.provider.configured; ADMIN > Access Control in the UI)
}
