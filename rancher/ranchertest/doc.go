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
// # What happens to it
//
// It is as its operators would have it: [V3.Set] changes a setting, [V3.SetEnv]
// does so by the environment, [V3.DisableUser] and [V3.DisableToken] take away
// what was given, and a clock in its field Now can stand still, jump, or be
// wrong. A [Fault] is what goes wrong on the way:
//
//	fake.SetFault(ranchertest.On("POST /v3/tokens", ranchertest.First(1, ranchertest.DropAfter)))
//
// # What can be seen of it
//
// A test looks at what there is, by [V3.Tokens] or [V2Beta.Live], at what was
// asked, by Requests and AtOnce, and at what was refused because of its token, by
// [V3.Refused], which says why, as a Rancher never would.
//
// # What it is not
//
// There are an administrator and standard users, and no roles: who may do what
// is decided for the calls that are about tokens, users and settings alone. The
// first user of a V3 is its administrator. There is nothing in its clusters, and
// behind the embedded provider of OpenID Connect nobody.
//
// Nothing here is shared with package rancher: what is answered is written down
// from what Rancher answers.
package ranchertest
