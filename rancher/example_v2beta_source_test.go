package rancher_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// A client for Rancher 1.6 that logs in again before its token expires.
func ExampleV2BetaSource() {
	fake := ranchertest.NewV2Beta()
	fake.AddUser("robot", "pa:ss", "user")

	api := &rancher.V2Beta{Server: &rancher.Server{URL: fake.URL, HTTP: fake.Client()}}
	source := &rancher.V2BetaSource{
		Client: api,
		Credentials: func(context.Context) (rancher.Credentials, error) {
			// Read it from where it is kept: nobody else need keep it.
			return rancher.Credentials{Username: "robot", Password: token.NewSecret("pa:ss")}, nil
		},
	}
	client := &http.Client{Transport: api.Transport(refresh.New(source))}
	for range 2 {
		resp, err := client.Get(fake.URL + "/v2-beta/projects")
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
		fmt.Println(resp.Status)
	}
	fmt.Println("live tokens:", fake.Live("robot"))
	if err := source.Close(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println("live tokens:", fake.Live("robot"))
	// Output:
	// 200 OK
	// 200 OK
	// live tokens: 1
	// live tokens: 0
}
