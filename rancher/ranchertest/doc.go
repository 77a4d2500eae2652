// Package ranchertest is a Rancher for tests: [V2Beta] is 1.6, and [V3] is 2.x,
// of the version that it is told to be. Both log users in, give out tokens, let
// them expire, and refuse them, in the words of the real ones and with their
// quirks; both do what goes wrong with servers.
//
//	func TestTool(t *testing.T) {
//		fake := ranchertest.NewV3("v2.13.1")
//		fake.AddUser("admin", "password")
//		server := &rancher.Server{URL: fake.URL, HTTP: fake.Client()}
//		...
//	}
//
// # How to reach it
//
// What gets its Client reaches it, and it alone, through [net.Pipe]. Nothing is
// left running between two requests, so that it can be used in a bubble of
// [testing/synctest], where a week passes at once. For programs that take a URL
// and no client, either is an [http.Handler], for a [net/http/httptest.Server].
//
// Nothing here is shared with package rancher: what is answered is written down
// from what Rancher answers.
package ranchertest
