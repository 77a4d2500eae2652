package ranchertest_test

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/rancher/ranchertest"
)

// A Rancher 1.6 that does not answer the first request, and whose clock goes as
// the test wants.
func ExampleV2Beta() {
	now := time.Date(2020, 5, 1, 12, 0, 0, 0, time.UTC)
	fake := ranchertest.NewV2Beta()
	fake.Now = func() time.Time { return now }
	fake.AddUser("admin", "s3cret", "admin")
	fake.SetFault(ranchertest.First(1, ranchertest.Status(http.StatusBadGateway)))

	// What is tested gets fake.URL and fake.Client().
	for range 2 {
		resp, err := fake.Client().Post(fake.URL+"/v2-beta/token", "application/json", strings.NewReader(`{"code":"admin:s3cret"}`))
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
		fmt.Println(resp.Status, fake.Live("admin"))
	}
	now = now.Add(16 * time.Hour)
	fmt.Println("16 hours later", fake.Live("admin"))
	// Output:
	// 502 Bad Gateway 0
	// 201 Created 1
	// 16 hours later 0
}
