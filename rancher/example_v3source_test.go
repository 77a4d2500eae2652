package rancher_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// A program that runs for longer than a token lives, and begins with an API key.
func ExampleV3Source() {
	fake := ranchertest.NewV3("v2.13.1")
	fake.AddUser("ci", "password")
	fake.Set("auth-token-max-ttl-minutes", "60")
	rancherClient := &rancher.V3{Server: &rancher.Server{URL: fake.URL, HTTP: fake.Client()}}
	login, err := rancherClient.Login(context.Background(), rancher.Credentials{Username: "ci", Password: token.NewSecret("password")})
	if err != nil {
		fmt.Println(err)
		return
	}

	src := &rancher.V3Source{
		Client: rancherClient,
		First:  token.Static(login.Token),
		Store:  new(refresh.Memory), // in earnest a refresh.Dir, or what several machines share
		Key:    "ci",
		OnEvent: func(e rancher.V3Event) {
			if e.Kind == rancher.V3Clamped {
				fmt.Printf("asked for %v, granted %v: see %s\n", e.Asked, e.Granted, e.Setting)
			}
		},
	}
	client := &http.Client{Transport: rancherClient.Transport(refresh.New(src))}
	resp, err := client.Get(fake.URL + "/v3/users?me=true")
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	fmt.Println(resp.StatusCode)

	// The logout. A program that goes on another time leaves it out.
	if err := src.Close(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// asked for 24h0m0s, granted 1h0m0s: see auth-token-max-ttl-minutes
	// 200
}

// A service that lets the users of a Rancher in.
func ExampleV3Verifier() {
	fake := ranchertest.NewV3("v2.13.1")
	fake.AddUser("mira", "password")
	rancherClient := &rancher.V3{Server: &rancher.Server{URL: fake.URL, HTTP: fake.Client()}}

	verifier := &token.VerifierCache{Verifier: &rancher.V3Verifier{Client: rancherClient}, TTL: 10 * time.Second}
	service := token.Require(verifier, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := token.FromContext(r.Context())
		fmt.Println("welcome,", claims.Subject != "")
	}))

	login, err := rancherClient.Login(context.Background(), rancher.Credentials{Username: "mira", Password: token.NewSecret("password")})
	if err != nil {
		fmt.Println(err)
		return
	}
	r := httptest.NewRequest("GET", "/", nil)
	login.Token.SetHeader(r)
	service.ServeHTTP(httptest.NewRecorder(), r)

	r.Header.Set("Authorization", "Bearer token-abcde:nobodys")
	w := httptest.NewRecorder()
	service.ServeHTTP(w, r)
	fmt.Println(w.Code)
	// Output:
	// welcome, true
	// 401
}
