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

// rancher16 is a Rancher 1.6 with one user.
func rancher16() *rancher.Server {
	fake := ranchertest.NewV2Beta()
	fake.AddUser("admin", "correct horse", "admin")
	return &rancher.Server{URL: fake.URL, HTTP: fake.Client()}
}

// A token of Rancher 1.6, from the login to the logout.
func ExampleV2Beta() {
	ctx := context.Background()
	c := &rancher.V2Beta{Server: rancher16()}

	login, err := c.Login(ctx, rancher.Credentials{Username: "admin", Password: token.NewSecret("correct horse")})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("logged in as", login.User.Name, "for", login.Token.ExpiresIn.Round(time.Minute))

	client := &http.Client{Transport: c.Transport(token.Static(login.Token))}
	resp, err := client.Get("https://rancher.example/v2-beta/projects")
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	fmt.Println("projects:", resp.Status)

	if err := c.Logout(ctx, login.Token.Value); err != nil {
		fmt.Println(err)
		return
	}
	probe, err := c.Probe(ctx, login.Token.Value)
	fmt.Println("live:", probe.Live, err)
	// Output:
	// logged in as admin for 16h0m0s
	// projects: 200 OK
	// live: false <nil>
}

// A wrong password is an answer, and not to be tried again.
func ExampleV2Beta_Login() {
	c := &rancher.V2Beta{Server: rancher16()}
	_, err := c.Login(context.Background(), rancher.Credentials{Username: "admin", Password: token.NewSecret("123456")})
	fmt.Println("wrong:", errors.Is(err, rancher.ErrCredentials))
	fmt.Println(err)
	// Output:
	// wrong: true
	// rancher: log in: POST https://rancher.example/v2-beta/token: 401 Unauthorized: the server does not accept these credentials; give the username and password of an active user of the configured provider
}

// What a server is like, before anybody has logged in.
func ExampleV2Beta_Probe() {
	c := &rancher.V2Beta{Server: rancher16()}
	probe, err := c.Probe(context.Background(), token.Secret{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("anybody may do anything:", probe.Open)
	fmt.Println("users are known to:", probe.Provider)
	// Output:
	// anybody may do anything: false
	// users are known to: localAuthConfig
}

// A setting, read as an administrator.
func ExampleV2Beta_Setting() {
	ctx := context.Background()
	c := &rancher.V2Beta{Server: rancher16()}
	c.Source = c.NewSource(func(context.Context) (rancher.Credentials, error) {
		return rancher.Credentials{Username: "admin", Password: token.NewSecret("correct horse")}, nil
	})
	s, err := c.Setting(ctx, "api.auth.jwt.token.expiry")
	fmt.Println(s.Value, s.Source, err)
	// Output: 57600000 Code Packaged Defaults <nil>
}

// A tool that knows nothing but a user and a password.
func ExampleV2Beta_SetBasic() {
	c := &rancher.V2Beta{Server: rancher16(), Project: "1a5"}
	r, _ := http.NewRequest("GET", "https://rancher.example/v2-beta/projects", nil)
	c.SetBasic(r, token.New(token.NewSecret("V1dMyPArix5nN1jxiA6DdzsqdZitDJhZuBR3vZNr")))
	user, password, _ := r.BasicAuth()
	fmt.Println(user, len(password))
	// Output: X-API-BEARER=1a5 40
}
