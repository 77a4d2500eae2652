package rancher

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/token"
)

const secret54 = "jslbp8qbkvpndjj4xmvl9crwh7w96pvxrg4xltsmcbcvvcrk9thphq"

// What is sent, and what is read of the answer, in which expiresAt is empty.
func TestV3CreateExchange(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		r    V3Request
		body string
	}{
		{V3Request{}, `{"type":"token","description":"tokenlife","ttl":86400000}`},
		{V3Request{Description: `c"i`, Lifetime: 90 * time.Minute}, `{"type":"token","description":"c\"i","ttl":5400000}`},
		{V3Request{Cluster: "c-m-abcde", Lifetime: time.Hour}, `{"type":"token","description":"tokenlife","ttl":3600000,"clusterId":"c-m-abcde"}`},
		{V3Request{AnyLifetime: true}, `{"type":"token","description":"tokenlife","ttl":0}`},
	} {
		cluster := "null"
		if test.r.Cluster != "" {
			cluster = `"` + test.r.Cluster + `"`
		}
		c, server := script(t, map[string]http.HandlerFunc{"POST /v3/tokens": dated("Wed, 19 Aug 2026 16:00:59 GMT", says(201, "true",
			`{"baseType":"token","created":"2026-08-19T16:00:00Z","createdTS":1787155200000,"description":"ci","enabled":true,"expired":false,"expiresAt":"",
			"id":"token-7d9xk","isDerived":true,"clusterId":`+cluster+`,"token":"token-7d9xk:`+secret54+`","ttl":3600000,"type":"token","userId":"user-abcde"}`))})
		tok, made, err := withToken(c).Create(t.Context(), test.r)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.body, server.body()); diff != "" {
			t.Error(diff)
		}
		if got := server.header[0].Get("Authorization"); got != "Bearer token-own:hunter2" {
			t.Errorf("Authorization: %s", got)
		}
		// It is counted from the request, whatever the server's clock says.
		if in := tok.ExpiresIn; in > time.Hour-time.Second || in < time.Hour-30*time.Second {
			t.Errorf("expires in %v", in)
		}
		created := time.Date(2026, 8, 19, 16, 0, 0, 0, time.UTC)
		if tok.Value.Reveal() != "token-7d9xk:"+secret54 || !tok.Expiry.Equal(created.Add(time.Hour)) || !tok.IssuedAt.Equal(created) {
			t.Errorf("%+v", tok)
		}
		if !made.ExpiresAt.Equal(created.Add(time.Hour)) || made.Lifetime != time.Hour || made.Name != "token-7d9xk" || made.ExpiresIn != tok.ExpiresIn {
			t.Errorf("%+v", made)
		}
	}
}

// Every row of the clamp of B.5 and B.6, on each version.
func TestV3CreateClamp(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for _, row := range []struct {
		name    string
		max     string // auth-token-max-ttl-minutes
		r       V3Request
		granted time.Duration
	}{
		{"B.5 max 0, as asked", "0", V3Request{Lifetime: 400 * day}, 400 * day},
		{"B.5 max 0, asked for ever", "0", V3Request{AnyLifetime: true}, 0},
		{"B.5 asked for ever, gets the maximum", "60", V3Request{AnyLifetime: true}, time.Hour},
		{"B.5 asked more than the maximum", "60", V3Request{Lifetime: 2 * time.Hour}, time.Hour},
		{"B.5 asked less than the maximum", "1440", V3Request{Lifetime: 2 * time.Hour}, 2 * time.Hour},
		{"a lifetime of 0 is never for ever", "0", V3Request{}, day},
		{"B.6 a maximum by default", "", V3Request{Lifetime: 400 * day}, -1},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			everyV3(t, func(t *testing.T, fake *ranchertest.V3, c *V3) {
				if row.max != "" {
					fake.Set("auth-token-max-ttl-minutes", row.max)
				}
				loginV3(t, c)
				tok, made, err := c.Create(t.Context(), row.r)
				if err != nil {
					t.Fatal(err)
				}
				granted := row.granted
				if granted < 0 {
					s, err := c.Setting(t.Context(), "auth-token-max-ttl-minutes")
					if err != nil {
						t.Fatal(err)
					}
					granted = map[string]time.Duration{"0": 400 * day, "1440": day, "129600": 90 * day}[s.Value]
				}
				if made.Lifetime != granted {
					t.Errorf("granted %v, want %v", made.Lifetime, granted)
				}
				if in := tok.ExpiresIn; granted == 0 && (in != 0 || !tok.Expiry.IsZero()) || granted > 0 && (in > granted-time.Second || in < granted-time.Minute) {
					t.Errorf("expires in %v", in)
				}
				if all := fake.Tokens(); len(all) != 2 || all[1].TTL != granted {
					t.Errorf("%+v", all)
				}
			})
		})
	}
}

// In 2.4.6, which takes a ttl for minutes, nothing lives longer than was asked:
// not 2739 years for 24 hours, and not a day for an hour.
func TestV3CreateMinutes(t *testing.T) {
	t.Parallel()
	for _, max := range []string{"0", "1440"} {
		fake, c := newV3("v2.4.6")
		fake.Set("auth-token-max-ttl-minutes", max)
		loginV3(t, c)
		_, made, err := c.Create(t.Context(), V3Request{Lifetime: 90*time.Minute + 30*time.Second})
		if err != nil || made.Lifetime != 90*time.Minute {
			t.Errorf("max %s: %v, %v", max, made.Lifetime, err)
		}
		if all := fake.Tokens(); len(all) != 2 {
			t.Errorf("max %s: %+v", max, all)
		}
		if _, _, err = c.Create(t.Context(), V3Request{Lifetime: time.Second}); err == nil || !strings.Contains(err.Error(), "the server takes no less than 1m0s") {
			t.Errorf("a second: %v", err)
		}
		if all := fake.Tokens(); len(all) != 2 {
			t.Errorf("max %s: %+v", max, all)
		}
	}
}

// What is good for more than was asked is deleted again.
func TestV3CreateWider(t *testing.T) {
	t.Parallel()
	const del = "DELETE /v3/tokens/token-7d9xk"
	gone := reply(204, "", "")
	for _, test := range []struct {
		name, fields string
		r            V3Request
		del          http.HandlerFunc
		text         string
	}{
		{"for ever", `"ttl":0`, V3Request{Lifetime: time.Hour}, gone, "it lives for ever; it has been deleted again"},
		{"it does not say", `"expiresAt":""`, V3Request{Lifetime: time.Hour}, gone, "it lives for ever; it has been deleted again"},
		{"negative", `"ttl":-1`, V3Request{Lifetime: time.Hour}, gone, "it lives for ever; it has been deleted again"},
		{"longer", `"ttl":3600001`, V3Request{Lifetime: time.Hour}, gone, "it lives for 1h0m0.001s; it has been deleted again"},
		{"longer than the default", `"ttl":86400001`, V3Request{}, gone, "it has been deleted again"},
		{"for all clusters", `"ttl":60000`, V3Request{Cluster: "c-m-abcde"}, gone, "it is good for other clusters; it has been deleted again"},
		{"for another cluster", `"ttl":60000,"clusterId":"c-m-other"`, V3Request{Cluster: "c-m-abcde"}, gone, "it is good for other clusters; it has been deleted again"},
		{"for ever, and stays", `"ttl":0`, V3Request{}, says(500, "true", `{}`), "it lives for ever: the server made a token that is good for more than was asked for; delete the token token-7d9xk, which was made and is there still"},
	} {
		c, server := script(t, map[string]http.HandlerFunc{
			"POST /v3/tokens": says(201, "true", `{"id":"token-7d9xk","token":"token-7d9xk:hunter2",`+test.fields+`}`), del: test.del,
			"GET /rancherversion": says(200, "", `{"Version":"v2.13.1","GitCommit":"0","RancherPrime":"false"}`),
		})
		tok, _, err := withToken(c).Create(t.Context(), test.r)
		checkV3Error(t, err, ErrWider, 201, test.text)
		if !strings.Contains(server.asked(), "POST /v3/tokens, "+del) || strings.Count(server.asked(), "POST") != 1 || !tok.IsZero() {
			t.Errorf("%s: asked %s", test.name, server.asked())
		}
	}
}

// A token that was made, and whose answer cannot be read, is deleted if it has a
// name.
func TestV3CreateUnreadable(t *testing.T) {
	t.Parallel()
	const del = "DELETE /v3/tokens/token-7d9xk"
	for _, test := range []struct{ body, asked, text string }{
		{`{"id":"token-7d9xk","ttl":1}`, "POST /v3/tokens, " + del, "the secret is missing; it has been deleted again"},
		{`{"id":"token-7d9xk","token":"hunter2","ttl":1}`, "POST /v3/tokens, " + del, "token: it has no colon between a name and a secret: was it cut off?; it has been deleted again"},
		{`{"token":"token-7d9xk:hunter2","ttl":1}`, "POST /v3/tokens", "id: missing, or no name"},
		{`{"id":"token-7d9xk","token":"token-7d9xk:hunter2`, "POST /v3/tokens", "an end in the middle"},
	} {
		c, server := script(t, map[string]http.HandlerFunc{"POST /v3/tokens": says(201, "true", test.body), del: reply(204, "", "")})
		_, _, err := withToken(c).Create(t.Context(), V3Request{})
		checkV3Error(t, err, ErrNotRancher, 201, test.text)
		if server.asked() != test.asked || strings.Contains(err.Error(), "delete the token") {
			t.Errorf("asked %s: %v", server.asked(), err)
		}
	}
}

// Who has gone leaves nothing behind all the same.
func TestV3CreateGone(t *testing.T) {
	t.Parallel()
	c, server := script(t, map[string]http.HandlerFunc{
		"POST /v3/tokens":               says(201, "true", `{"id":"token-7d9xk","token":"token-7d9xk:hunter2","ttl":0}`),
		"DELETE /v3/tokens/token-7d9xk": reply(204, "", ""),
		"GET /rancherversion":           says(200, "", `{"Version":"v2.13.1"}`),
	})
	ctx, cancel := context.WithCancel(t.Context())
	asked := 0
	c.Source = token.SourceFunc(func(context.Context) (token.Token, error) {
		if asked++; asked == 2 {
			cancel()
		}
		return token.Token{Value: token.NewSecret("token-own:hunter2")}, nil
	})
	_, _, err := c.Create(ctx, V3Request{})
	checkV3Error(t, err, ErrWider, 201, "it lives for ever; it has been deleted again")
	if !strings.HasPrefix(server.asked(), "POST /v3/tokens, DELETE /v3/tokens/token-7d9xk") {
		t.Error(server.asked())
	}
}

// What cannot be asked for is not.
func TestV3CreateUnasked(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		r    V3Request
		text string
	}{
		{V3Request{Lifetime: -1}, "V3Request.Lifetime is negative"},
		{V3Request{Lifetime: time.Hour, AnyLifetime: true}, "V3Request has a Lifetime and AnyLifetime: set one of them"},
		{V3Request{Lifetime: time.Microsecond}, "V3Request.Lifetime is 1µs: the server takes no less than 1ms"},
		{V3Request{Cluster: "local/../hunter2"}, "this cannot be the name of a cluster"},
		{V3Request{Description: strings.Repeat("hunter2", 100)}, "the Description has 700 bytes: 512 is the most"},
	} {
		c, server := script(t, nil)
		_, _, err := withToken(c).Create(t.Context(), test.r)
		if e, ok := errors.AsType[*Error](err); !ok || !e.unsent || !strings.Contains(err.Error(), "rancher: create a token: "+test.text) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v, want %s", err, test.text)
		}
		if server.asked() != "" {
			t.Error(server.asked())
		}
	}
}

// A setting that is no number is what most often keeps a server from making
// tokens.
func TestV3CreateServerError(t *testing.T) {
	t.Parallel()
	everyV3(t, func(t *testing.T, fake *ranchertest.V3, c *V3) {
		t.Run("B.6 auth-token-max-ttl-minutes that is no number", func(t *testing.T) {
			fake.Set("auth-token-max-ttl-minutes", "90d")
			loginV3(t, c)
			_, _, err := c.Create(t.Context(), V3Request{})
			checkV3Error(t, err, ErrUnavailable, 500, "ServerError: the server cannot answer now; try again; if it stays so, is the setting auth-token-max-ttl-minutes a number?")
		})
	})
}

// The rows of B.6 on how tokens end.
func TestV3Expiry(t *testing.T) {
	t.Parallel()
	for _, version := range v3Versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			fake := ranchertest.NewV3(version)
			now := time.Date(2026, 8, 19, 16, 0, 0, 900_000_000, time.UTC)
			fake.Now = func() time.Time { return now }
			fake.AddUser("admin", adminPassword)
			c := &V3{Server: &Server{URL: fake.URL, HTTP: fake.Client()}}
			login := loginV3(t, c)
			tok, made, err := c.Create(t.Context(), V3Request{Lifetime: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			live := func() bool {
				probe, err := c.Probe(t.Context(), tok.Value)
				if err != nil {
					t.Fatal(err)
				}
				return probe.Live
			}
			t.Run("B.6 created + ttl", func(t *testing.T) {
				// The server's clock is far from ours. What it says of time left is
				// true all the same, and never too much.
				now = now.Add(30 * time.Minute)
				kept, err := c.Get(t.Context(), made.Name)
				if err != nil || kept.ExpiresIn > 29*time.Minute+59*time.Second+100*time.Millisecond || kept.ExpiresIn < 29*time.Minute {
					t.Errorf("%v, %v", kept.ExpiresIn, err)
				}
				now = now.Add(kept.ExpiresIn)
				if !live() {
					t.Error("it ended before its time")
				}
			})
			t.Run("B.6 derived tokens do not die with their parent", func(t *testing.T) {
				if err := c.Logout(t.Context(), login.Token.Value); err != nil || !live() {
					t.Errorf("%v, live: %t", err, live())
				}
			})
			t.Run("B.6 nothing slides", func(t *testing.T) {
				now = now.Add(2 * time.Second)
				if live() {
					t.Error("it was used, and lives on")
				}
			})
			t.Run("B.6 expired before the purge, and 404 after it", func(t *testing.T) {
				loginV3(t, c)
				if kept, err := c.Get(t.Context(), made.Name); err != nil || !kept.Expired || kept.ExpiresIn >= 0 {
					t.Errorf("%+v, %v", kept, err)
				}
				fake.Purge()
				if _, err := c.Get(t.Context(), made.Name); !errors.Is(err, ErrNotFound) {
					t.Error(err)
				}
			})
			t.Run("B.6 ttl 0 never", func(t *testing.T) {
				fake.Set("auth-token-max-ttl-minutes", "0")
				tok, made, err := c.Create(t.Context(), V3Request{AnyLifetime: true})
				if err != nil || made.Lifetime != 0 || !made.ExpiresAt.IsZero() {
					t.Fatal(made.Lifetime, made.ExpiresAt, err)
				}
				now = now.AddDate(100, 0, 0)
				if probe, err := c.Probe(t.Context(), tok.Value); err != nil || !probe.Live {
					t.Errorf("%+v, %v", probe, err)
				}
			})
		})
	}
}

// A token that is confined to a cluster is good for that, and for nothing else.
func TestV3Confined(t *testing.T) {
	t.Parallel()
	everyV3(t, func(t *testing.T, fake *ranchertest.V3, c *V3) {
		fake.AddCluster("c-m-abcde")
		loginV3(t, c)
		tok, made, err := c.Create(t.Context(), V3Request{Cluster: "c-m-abcde"})
		if err != nil || made.Cluster != "c-m-abcde" {
			t.Fatal(made.Cluster, err)
		}
		for cluster, live := range map[string]bool{"c-m-abcde": true, "local": false, "": false} {
			t.Run("B.6 clusterId: on paths of "+cluster, func(t *testing.T) {
				if probe, err := c.probe(t.Context(), tok.Value, cluster); err != nil || probe.Live != live {
					t.Errorf("%+v, %v", probe, err)
				}
			})
		}
		t.Run("B.6 clusterId: 401 elsewhere", func(t *testing.T) {
			own := &V3{Server: c.Server, Source: token.Static(tok)}
			if _, err := own.Tokens(t.Context()); !errors.Is(err, ErrNotAuthenticated) {
				t.Error(err)
			}
		})
		t.Run("B.6 clusterId: it cannot log out, and another can delete it", func(t *testing.T) {
			if err := c.Logout(t.Context(), tok.Value); err != nil || len(fake.Tokens()) != 2 {
				t.Errorf("%d tokens are left, %v", len(fake.Tokens()), err)
			}
			if err := c.Delete(t.Context(), made.Name); err != nil || len(fake.Tokens()) != 1 {
				t.Errorf("%d tokens are left, %v", len(fake.Tokens()), err)
			}
		})
	})
}
