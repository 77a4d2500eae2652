package rancher_test

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// A program that is pointed at a Rancher finds out which, logs in, and uses it from
// then on, whichever it is.
func ExampleServer_Open() {
	fake := ranchertest.NewV2Beta()
	fake.AddUser("admin", "open sesame", "admin")
	ctx := context.Background()

	server := &rancher.Server{URL: fake.URL, HTTP: fake.Client()}
	api, err := server.Open(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%T\n", api)

	src := refresh.New(api.NewSource(func(context.Context) (rancher.Credentials, error) {
		return rancher.Credentials{Username: "admin", Password: token.NewSecret("open sesame")}, nil
	}))
	client := &http.Client{Transport: api.Transport(src)}
	resp, err := client.Get(fake.URL + "/v2-beta/projects")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)
	// Output:
	// *rancher.V2Beta
	// 200 OK
}

// What a server is can be asked without a login.
func ExampleServer_Detect() {
	fake := ranchertest.NewV3("v2.13.1")
	server := &rancher.Server{URL: fake.URL, HTTP: fake.Client()}
	product, err := server.Detect(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(product.V2Beta, product.Version)
	// Output: false v2.13.1
}
