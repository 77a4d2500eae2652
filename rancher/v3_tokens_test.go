package rancher

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/token"
)

// with has c use a token whose form is good.
func withToken(c *V3) *V3 {
	c.Source = token.Static(token.Token{Value: token.NewSecret("token-own:hunter2")})
	return c
}

// Every row of B.5 that a client can ask for, on each version.
func TestV3Tokens(t *testing.T) {
	t.Parallel()
	everyV3(t, func(t *testing.T, fake *ranchertest.V3, c *V3) {
		login := loginV3(t, c)
		fake.AddUser("jane", "hunter2 of jane")
		jane := &V3{Server: c.Server}
		hers, err := jane.Login(t.Context(), Credentials{Username: "jane", Password: token.NewSecret("hunter2 of jane")})
		if err != nil {
			t.Fatal(err)
		}
		jane.Source = token.Static(token.Token{Value: hers.Token.Value})
		_, made, err := c.Create(t.Context(), V3Request{Description: "ci"})
		if err != nil {
			t.Fatal(err)
		}

		t.Run("B.5 GET tokens: all of the caller's", func(t *testing.T) {
			list, err := c.Tokens(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, tok := range list {
				names = append(names, tok.Name)
				if tok.Current != (tok.Name == login.Name) || tok.Derived != (tok.Name == made.Name) || tok.UserID != made.UserID || tok.Ext {
					t.Errorf("%+v", tok)
				}
			}
			if diff := cmp.Diff([]string{login.Name, made.Name}, names); diff != "" {
				t.Error(diff)
			}
		})
		t.Run("B.5 GET token", func(t *testing.T) {
			got, err := c.Get(t.Context(), made.Name)
			if err != nil {
				t.Fatal(err)
			}
			got.ExpiresIn, got.LastUsed = made.ExpiresIn, made.LastUsed
			if diff := cmp.Diff(made, got); diff != "" {
				t.Error(diff)
			}
		})
		t.Run("B.5 GET token: another user's", func(t *testing.T) {
			_, err := c.Get(t.Context(), hers.Name)
			checkV3Error(t, err, ErrNotFound, 404, "rancher: read token "+hers.Name+": GET https://rancher.example/v3/tokens/"+hers.Name+": 404 Not Found: there is no such thing, or this user may not see it")
		})
		t.Run("B.5 DELETE: the session's own", func(t *testing.T) {
			err := c.Delete(t.Context(), login.Name)
			checkV3Error(t, err, ErrCurrent, 400, "ServerError: the server does not take this as a request: it is the token of the session that asks; use Logout")
			if !errors.Is(err, ErrRequest) {
				t.Error(err)
			}
		})
		t.Run("B.5 DELETE: another user's, and one that is gone", func(t *testing.T) {
			for _, name := range []string{hers.Name, "token-gone1"} {
				if err := c.Delete(t.Context(), name); err != nil {
					t.Error(err)
				}
			}
			if probe, err := jane.Probe(t.Context(), hers.Token.Value); err != nil || !probe.Live {
				t.Errorf("%+v, %v", probe, err)
			}
		})
		t.Run("B.5 DELETE: a derived one deletes itself", func(t *testing.T) {
			tok, itself, err := jane.Create(t.Context(), V3Request{})
			if err != nil {
				t.Fatal(err)
			}
			own := &V3{Server: c.Server, Source: token.Static(tok)}
			if err := own.Delete(t.Context(), itself.Name); err != nil {
				t.Error(err)
			}
			if probe, _ := jane.Probe(t.Context(), tok.Value); probe.Live {
				t.Error("it is there still")
			}
		})
	})
}

// A user with hundreds of tokens, some of whose fields are null, or are not there.
func TestV3TokensMany(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 700 {
		fmt.Fprintf(&b, `,{"authProvider":"local","baseType":"token","created":"2026-08-19T16:00:00Z","createdTS":1787155200000,"creatorId":null,"current":%v,
			"description":null,"enabled":null,"expired":false,"expiresAt":"","groupPrincipals":[{"a":[1,2,{"b":null}]}],"id":"token-%05d","isDerived":true,"clusterId":null,
			"lastUsedAt":null,"ttl":7776000000,"userId":"user-abcde","userPrincipal":{"displayName":"x"},"token":""}`, i == 3, i)
	}
	c, _ := script(t, map[string]http.HandlerFunc{
		"GET /v3/tokens": dated("Wed, 19 Aug 2026 17:00:00 GMT", says(200, "true", `{"type":"collection","resourceType":"token","pagination":{"limit":1000},"data":[`+b.String()[1:]+`]}`)),
	})
	list, err := withToken(c).Tokens(t.Context())
	if err != nil || len(list) != 700 {
		t.Fatal(len(list), err)
	}
	in := 90*24*time.Hour - time.Hour
	if got := list[699].ExpiresIn; got > in-time.Second || got < in-time.Minute {
		t.Errorf("expires in %v", got)
	}
	list[699].ExpiresIn = 0
	created := time.Date(2026, 8, 19, 16, 0, 0, 0, time.UTC)
	want := V3Token{Name: "token-00699", UserID: "user-abcde", Provider: "local", Created: created, Lifetime: 90 * 24 * time.Hour,
		ExpiresAt: created.Add(90 * 24 * time.Hour), Derived: true, Enabled: true}
	if diff := cmp.Diff(want, list[699]); diff != "" {
		t.Error(diff)
	}
}

// Everything that a token can have.
func TestV3TokenFields(t *testing.T) {
	t.Parallel()
	c, _ := script(t, map[string]http.HandlerFunc{"GET /v3/tokens/token-7d9xk": dated("none", says(200, "true", `{"authProvider":"local","baseType":"token",
		"created":"2026-08-19T16:00:00Z","createdTS":1787155200000,"creatorId":null,"current":true,"description":"ci","enabled":false,"expired":true,
		"expiresAt":"2026-11-17T16:00:00Z","groupPrincipals":null,"id":"token-7d9xk","isDerived":true,"clusterId":"c-m-abcde",
		"labels":{"authn.management.cattle.io/token-userId":"user-abcde"},"lastUsedAt":"2026-08-19T16:00:01Z","activityLastSeenAt":"2026-08-19T16:00:02Z",
		"links":{"remove":"https://rancher.example/v3/tokens/token-7d9xk","self":"https://rancher.example/v3/tokens/token-7d9xk"},
		"name":"token-7d9xk","ttl":7776000000,"type":"token","userId":"user-abcde","userPrincipal":"map[displayName:... ]","uuid":"0"}`))})
	got, err := withToken(c).Get(t.Context(), "token-7d9xk")
	created := time.Date(2026, 8, 19, 16, 0, 0, 0, time.UTC)
	want := V3Token{
		Name: "token-7d9xk", UserID: "user-abcde", Provider: "local", Description: "ci", Cluster: "c-m-abcde",
		Created: created, Lifetime: 90 * 24 * time.Hour, ExpiresAt: created.Add(90 * 24 * time.Hour),
		Current: true, Derived: true, Expired: true, LastUsed: created.Add(time.Second), LastActive: created.Add(2 * time.Second),
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// A list in pages. Where a link leads is taken for a path on this server, and
// only if it is one of this list.
func TestV3TokensPages(t *testing.T) {
	t.Parallel()
	page := func(name, next string) http.HandlerFunc {
		return says(200, "true", `{"data":[{"id":"`+name+`","ttl":0}],"pagination":{"next":"`+next+`"}}`)
	}
	for next, ok := range map[string]bool{
		"https://rancher.example/v3/tokens?marker=b":   true,
		"https://evil.example/v3/tokens?marker=b":      true, // on the server that was asked
		"https://evil.example/v3/users?marker=b":       false,
		"https://rancher.example/v3/tokens":            false,
		"https://rancher.example/v3/tokens/../users?a": false,
		"//evil.example/v3":                            false,
		"x":                                            false,
	} {
		c, server := script(t, map[string]http.HandlerFunc{
			"GET /v3/tokens": page("token-a", next), "GET /v3/tokens?marker=b": says(200, "true", `{"data":[{"id":"token-b"}],"pagination":{"next":null}}`),
		})
		list, err := withToken(c).Tokens(t.Context())
		if ok && (err != nil || len(list) != 2 || list[1].Name != "token-b") {
			t.Errorf("%s: %+v, %v", next, list, err)
		}
		if !ok {
			checkV3Error(t, err, ErrNotRancher, 200, "pagination.next: it leads elsewhere")
			if server.asked() != "GET /v3/tokens" {
				t.Errorf("%s: asked %s", next, server.asked())
			}
		}
	}
	// One that never ends.
	c, server := script(t, map[string]http.HandlerFunc{
		"GET /v3/tokens": page("token-a", "/v3/tokens?marker=b"), "GET /v3/tokens?marker=b": page("token-b", "/v3/tokens?marker=b"),
	})
	if _, err := withToken(c).Tokens(t.Context()); !errors.Is(err, ErrNotRancher) || !strings.Contains(err.Error(), "more than 100 pages") || len(server.calls) != mostPages {
		t.Errorf("%v, after %d", err, len(server.calls))
	}
}

// Lists and tokens that are none, and a list of nothing.
func TestV3TokensUnreadable(t *testing.T) {
	t.Parallel()
	for body, text := range map[string]string{
		``:                                     "an end in the middle",
		`{"data":[{"id":"token-hunter2"}`:      "an end in the middle",
		`{}`:                                   "data: missing",
		`{"data":[{"id":"token-a"},{}]}`:       "data[1]: id: missing, or no name",
		`{"data":[{"id":"token-a:hunter2"}]}`:  "data[0]: id: missing, or no name",
		`{"data":[7]}`:                         "a number where an object must be",
		`{"data":[{"id":"hunter2","ID":"b"}]}`: "a name that occurs twice in one object",
		`{"data":[` + strings.Repeat(`[`, 50) + strings.Repeat(`]`, 50) + `]}`: "an array where an object must be",
	} {
		c, _ := script(t, map[string]http.HandlerFunc{"GET /v3/tokens": says(200, "true", body)})
		_, err := withToken(c).Tokens(t.Context())
		checkV3Error(t, err, ErrNotRancher, 200, "rancher: list the tokens: GET https://rancher.example/v3/tokens: 200 OK, the answer cannot be read: "+text)
	}
	for _, body := range []string{`{"data":[]}`, `{"data":null}`} {
		c, _ := script(t, map[string]http.HandlerFunc{"GET /v3/tokens": says(200, "true", body)})
		if list, err := withToken(c).Tokens(t.Context()); list == nil || len(list) > 0 || err != nil {
			t.Error(list, err)
		}
	}
	for body, text := range map[string]string{
		`{"id":"token-other"}`: "id: it is another token's",
		`{"ttl":1}`:            "id: missing, or no name",
		`{"id":"token-7d9xk"`:  "an end in the middle",
	} {
		c, _ := script(t, map[string]http.HandlerFunc{"GET /v3/tokens/token-7d9xk": says(200, "true", body)})
		_, err := withToken(c).Get(t.Context(), "token-7d9xk")
		checkV3Error(t, err, ErrNotRancher, 200, text)
	}
}

// A name that is none is not asked for: least of all a whole token.
func TestV3TokenNames(t *testing.T) {
	t.Parallel()
	c, server := script(t, nil)
	withToken(c)
	for _, name := range []string{"", "token-7d9xk:hunter2", "../users", "a/b", "a?b", "a b", "A", "-a", "a-", "ext/token-7d9xk", "%2e%2e", strings.Repeat("a", 254), "hunter2\n"} {
		_, err := c.Get(t.Context(), name)
		for _, err := range []error{err, c.Delete(t.Context(), name)} {
			if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "the name of the token is empty") && !strings.Contains(err.Error(), "this cannot be the name of a token") {
				t.Errorf("%q: %v", name, err)
			}
		}
	}
	if server.asked() != "" {
		t.Error(server.asked())
	}
}

// A 404 that is not Rancher's does not say that a token is gone.
func TestV3DeleteElsewhere(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		want   error
	}{
		{"Rancher's", says(404, "true", noSuchToken), nil},
		{"Rancher's, before 2.6", says(404, "", noSuchToken), nil},
		{"done", reply(204, "", ""), nil},
		{"an ingress's", reply(404, "text/plain", "default backend - 404"), ErrNotRancher},
		{"a proxy's page", reply(404, "text/html", "<html></html>"), ErrNotRancher},
		{"a bucket's", reply(404, "application/json", `{"error":"no such bucket"}`), ErrNotRancher},
		{"another 400", says(400, "true", `{"type":"error","code":"ServerError","message":"Cannot do that","status":400}`), ErrRequest},
		{"forbidden", says(403, "true", `{"type":"error","code":"Forbidden","status":403}`), ErrForbidden},
	} {
		c, _ := script(t, map[string]http.HandlerFunc{"DELETE /v3/tokens/token-7d9xk": test.answer})
		err := withToken(c).Delete(t.Context(), "token-7d9xk")
		if !errors.Is(err, test.want) || errors.Is(err, ErrCurrent) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}
