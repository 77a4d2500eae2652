package rancher_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/token"
)

// v3 returns a client of a Rancher 2.x, which is a real one in real life, and the
// credentials of its administrator.
func v3() (*ranchertest.V3, *rancher.V3, rancher.Credentials) {
	fake := ranchertest.NewV3("v2.13.1")
	fake.AddUser("admin", "correct horse")
	client := &rancher.V3{Server: &rancher.Server{URL: fake.URL, HTTP: fake.Client()}}
	return fake, client, rancher.Credentials{Username: "admin", Password: token.NewSecret("correct horse")}
}

// Log in, see who that is, and log out.
func ExampleV3_Login() {
	_, client, credentials := v3()
	ctx := context.Background()

	login, err := client.Login(ctx, credentials)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("good for", login.Token.ExpiresIn.Round(time.Minute))

	probe, err := client.Probe(ctx, login.Token.Value)
	fmt.Println("live:", probe.Live, "as", probe.User.Login, err)

	err = client.Logout(ctx, login.Token.Value)
	fmt.Println("logged out:", err)

	credentials.Password = token.NewSecret("wrong")
	_, err = client.Login(ctx, credentials)
	fmt.Println("wrong password:", errors.Is(err, rancher.ErrCredentials))
	// Output:
	// good for 16h0m0s
	// live: true as admin <nil>
	// logged out: <nil>
	// wrong password: true
}

// An API key for a job, and what became of the wish that it live for a year.
func ExampleV3_Create() {
	fake, client, credentials := v3()
	fake.Set("auth-token-max-ttl-minutes", "129600")
	ctx := context.Background()
	login, err := client.Login(ctx, credentials)
	if err != nil {
		fmt.Println(err)
		return
	}
	client.Source = token.Static(login.Token)

	const asked = 365 * 24 * time.Hour
	tok, made, err := client.Create(ctx, rancher.V3Request{Description: "nightly build", Lifetime: asked})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(tok.Value) // it does not print
	if made.Lifetime < asked {
		max, err := client.Setting(ctx, "auth-token-max-ttl-minutes")
		fmt.Printf("%v instead of %v: %s is %s (%s) %v\n", made.Lifetime, asked, max.Name, max.Value, max.Source, err)
	}
	// Output:
	// [redacted]
	// 2160h0m0s instead of 8760h0m0s: auth-token-max-ttl-minutes is 129600 (db) <nil>
}

// Delete what a job has left behind.
func ExampleV3_Tokens() {
	_, client, credentials := v3()
	ctx := context.Background()
	login, err := client.Login(ctx, credentials)
	if err != nil {
		fmt.Println(err)
		return
	}
	client.Source = token.Static(login.Token)
	for range 3 {
		if _, _, err := client.Create(ctx, rancher.V3Request{Description: "nightly build"}); err != nil {
			fmt.Println(err)
		}
	}

	list, err := client.Tokens(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, t := range list {
		if t.Derived && t.Description == "nightly build" {
			fmt.Println("deleted:", client.Delete(ctx, t.Name))
		}
	}
	fmt.Println("oneself:", errors.Is(client.Delete(ctx, login.Name), rancher.ErrCurrent))
	// Output:
	// deleted: <nil>
	// deleted: <nil>
	// deleted: <nil>
	// oneself: true
}

// Any HTTP client can use a token: it is sent to this server and to no other.
func ExampleV3_Transport() {
	_, client, credentials := v3()
	login, err := client.Login(context.Background(), credentials)
	if err != nil {
		fmt.Println(err)
		return
	}
	web := &http.Client{Transport: client.Transport(token.Static(login.Token))}
	resp, err := web.Get("https://rancher.example/v3/users?me=true")
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	fmt.Println(resp.Status)
	// Output:
	// 200 OK
}

// Who can be logged in by what.
func ExampleV3_Providers() {
	fake, client, _ := v3()
	fake.AddProvider("github")
	providers, err := client.Providers(context.Background())
	for _, p := range providers {
		fmt.Println(p.Name, p.Kind)
	}
	fmt.Println(err)
	// Output:
	// local password
	// github code
	// <nil>
}

// A command-line program sends its user to a browser.
func ExampleV3_SAML() {
	client := &rancher.V3{Server: &rancher.Server{URL: "https://rancher.example"}}
	login, err := client.SAML(context.Background(), "okta", func(url string) error {
		fmt.Println("Log in at", url)
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("Welcome,", login.User.ID)
}

// The part before the colon names a token, and can be logged.
func ExampleParseV3() {
	parts, err := rancher.ParseV3(token.NewSecret("token-5lwps:jslbp8qbkvpndjj4xmvl9crwh7w96pvxrg4xltsmcbcvvcrk9thphq"))
	fmt.Println(parts.Name, parts.Key, err)
	_, err = rancher.ParseV3(token.NewSecret("token-5lwps"))
	fmt.Println(err)
	// Output:
	// token-5lwps [redacted] <nil>
	// rancher: this is no token of Rancher 2.x: it has no colon between a name and a secret: was it cut off?
}
