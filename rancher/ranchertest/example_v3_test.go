package ranchertest_test

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/tokenlife/tokenlife/rancher/ranchertest"
)

// A Rancher of a version that grants less than it is asked for, and says nothing
// about that.
func ExampleV3() {
	fake := ranchertest.NewV3("v2.13.1")
	fake.AddUser("admin", "s3cret")
	fake.Set("auth-token-max-ttl-minutes", "60")

	// What is tested gets fake.URL and fake.Client().
	post := func(path, body, secret string) {
		r, _ := http.NewRequest("POST", fake.URL+path, strings.NewReader(body))
		if secret != "" {
			r.Header.Set("Authorization", "Bearer "+secret)
		}
		resp, err := fake.Client().Do(r)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
		fmt.Println(resp.Status)
	}
	post("/v1-public/login", `{"type":"localProvider","username":"admin","password":"s3cret","description":"ci"}`, "")
	session := fake.Tokens()[0]
	post("/v3/tokens", `{"type":"token","description":"nightly","ttl":86400000}`, session.Name+":"+session.Secret)
	post("/v3/tokens", `{"type":"token"}`, session.Name+":wrong")

	for _, t := range fake.Tokens() {
		fmt.Printf("%q lives %v\n", t.Description, t.TTL)
	}
	fmt.Println(len(fake.Requests()), "requests,", len(fake.Refused()), "with a token that is no good")
	// Output:
	// 201 Created
	// 201 Created
	// 401 Unauthorized
	// "ci" lives 16h0m0s
	// "nightly" lives 1h0m0s
	// 3 requests, 1 with a token that is no good
}
