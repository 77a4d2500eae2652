package rancher_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/refresh"
)

// Rancher answers like this also while its own store is away.
var refusesAll = ranchertest.Answer(401, `{"type":"error","status":"401","message":"Unauthorized 401: must authenticate"}`)

// A server that refuses everything for a while, good tokens as well, does not end a
// chain: it goes on by itself, with First's token or with the one in use.
func TestV3SourceOutage(t *testing.T) {
	t.Parallel()
	for _, length := range []time.Duration{10 * time.Second, 3 * time.Minute, 10 * time.Minute} {
		for _, dead := range []bool{false, true} {
			bubbleIn(t, fmt.Sprintf("%v, First's is dead: %t", length, dead), func(t *testing.T, c *chainTest) {
				src := c.source()
				client := &http.Client{Transport: c.client.Transport(refresh.New(src))}
				get := func() int {
					resp, err := client.Get(c.fake.URL + "/v3/settings/server-url")
					if err != nil {
						return 0
					}
					io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
					return resp.StatusCode
				}
				if status := get(); status != 200 {
					t.Fatal(status)
				}
				settle()
				if dead {
					c.fake.DeleteToken(c.keyName())
				}
				c.fake.SetFault(refusesAll)
				for end := time.Now().Add(length); time.Now().Before(end); time.Sleep(time.Second) {
					get()
				}
				c.fake.SetFault(nil)
				over := time.Now()
				for get() != 200 {
					if time.Since(over) > length+2*time.Minute {
						t.Fatalf("not served %v after the end", time.Since(over))
					}
					time.Sleep(time.Second)
				}
				settle()
				if n := len(c.ours()); n > 2 {
					t.Errorf("%d tokens", n)
				}
			})
		}
	}
}
