package rancher

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/token"
)

// What is sent, and what is read of the answer.
func TestExtExchange(t *testing.T) {
	t.Parallel()
	const made = `{"apiVersion":"ext.cattle.io/v1","kind":"Token","metadata":{"name":"token-7d9xk","creationTimestamp":"2026-08-19T16:00:00Z","uid":"0"},
		"spec":{"userID":"user-abcde","userPrincipal":{"name":"local://user-abcde","provider":"local"},"kind":"","description":"ci","ttl":3600000,"enabled":true,"clusterName":"c-m-x"},
		"status":{"value":"jslbp8qb","bearerToken":"ext/token-7d9xk:jslbp8qb","hash":"","current":false,"expired":false,"expiresAt":"2026-08-19T17:00:00Z","lastUpdateTime":"2026-08-19T16:00:00Z"}}`
	c, server := script(t, map[string]http.HandlerFunc{"POST /ext/apis/ext.cattle.io/v1/tokens": says(201, "true", made)})
	c.Source = token.Static(token.Token{Value: v3Secret})
	tok, got, err := c.CreateExt(t.Context(), V3Request{Description: "ci", Cluster: "c-m-x", Lifetime: 2 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	const body = `{"apiVersion":"ext.cattle.io/v1","kind":"Token","metadata":{},"spec":{"description":"ci","clusterName":"c-m-x","ttl":7200000}}`
	if diff := cmp.Diff(body, server.body()); diff != "" {
		t.Error(diff)
	}
	created := time.Date(2026, 8, 19, 16, 0, 0, 0, time.UTC)
	want := V3Token{
		Name: "token-7d9xk", UserID: "user-abcde", Provider: "local", Description: "ci", Cluster: "c-m-x",
		Created: created, Lifetime: time.Hour, ExpiresAt: created.Add(time.Hour), ExpiresIn: got.ExpiresIn,
		Derived: true, Enabled: true, Ext: true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if tok.Value.Reveal() != "ext/token-7d9xk:jslbp8qb" || !tok.IssuedAt.Equal(created) || !tok.Expiry.Equal(created.Add(time.Hour)) {
		t.Errorf("%v, from %v to %v", tok.Value.Fingerprint(), tok.IssuedAt, tok.Expiry)
	}
	if in := tok.ExpiresIn; in > time.Hour-time.Second || in < time.Hour-time.Minute {
		t.Errorf("it expires in %v", in)
	}
	for _, r := range []struct {
		ask  V3Request
		body string
	}{
		{V3Request{}, `{"description":"tokenlife","ttl":86400000}`},
		{V3Request{Lifetime: time.Millisecond}, `{"description":"tokenlife","ttl":1}`},
		{V3Request{AnyLifetime: true}, `{"description":"tokenlife","ttl":-1}`},
	} {
		text, err := r.ask.extBody()
		if want := `{"apiVersion":"ext.cattle.io/v1","kind":"Token","metadata":{},"spec":` + r.body + `}`; err != nil || text != want {
			t.Errorf("%+v: %s, %v", r.ask, text, err)
		}
	}
}

// A life of an ext token, on each version that has them.
func TestExtLife(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"v2.12.0", "v2.13.1", "v2.15.0"} {
		t.Run("B.8 Token: "+version, func(t *testing.T) {
			t.Parallel()
			fake, c := newV3(version)
			loginV3(t, c)
			tok, made, err := c.CreateExt(t.Context(), V3Request{Description: "ci", Lifetime: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			probe, err := c.Probe(t.Context(), tok.Value)
			if err != nil || !probe.Live || probe.User.ID != made.UserID {
				t.Errorf("it is of no use: %+v, %v", probe, err)
			}
			for _, name := range []string{made.Name, "ext/" + made.Name} { // what its secret begins with
				got, err := c.GetExt(t.Context(), name)
				if err != nil || got.Name != made.Name || !got.Ext || got.LastUsed.IsZero() {
					t.Errorf("%s: %+v, %v", name, got, err)
				}
			}
			list, err := c.ExtTokens(t.Context())
			if err != nil || len(list) != 1 || list[0].Name != made.Name || list[0].Description != "ci" || list[0].Lifetime != time.Hour {
				t.Errorf("%+v, %v", list, err)
			}
			if plain, err := c.Tokens(t.Context()); err != nil || len(plain) != 1 {
				t.Errorf("they are among those of v3: %+v, %v", plain, err)
			}
			for range 2 { // one that is gone already is no error
				if err := c.DeleteExt(t.Context(), "ext/"+made.Name); err != nil {
					t.Error(err)
				}
			}
			if probe, err := c.Probe(t.Context(), tok.Value); err != nil || probe.Live {
				t.Errorf("it is not revoked: %+v, %v", probe, err)
			}
			_, err = c.GetExt(t.Context(), made.Name)
			checkV3Error(t, err, ErrNotFound, 404, "read ext token "+made.Name)
			if strings.Contains(err.Error(), "needs Rancher") {
				t.Errorf("%v: it is the token that is missing", err)
			}
			if n := len(fake.Tokens()); n != 1 {
				t.Errorf("%d tokens are left", n)
			}
		})
	}
}

// A token of ext.cattle.io is good up to the very end of its time.
func TestExtExpiry(t *testing.T) {
	t.Parallel()
	t.Run("B.6 ext: expired when now is after created + ttl", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			_, c := newV3("v2.13.1")
			loginV3(t, c)
			tok, _, err := c.CreateExt(t.Context(), V3Request{Lifetime: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
			if probe, err := c.Probe(t.Context(), tok.Value); err != nil || !probe.Live {
				t.Errorf("at its end: %+v, %v", probe, err)
			}
			time.Sleep(time.Nanosecond)
			if probe, err := c.Probe(t.Context(), tok.Value); err != nil || probe.Live {
				t.Errorf("after it: %+v, %v", probe, err)
			}
		})
	})
}

// The lifetime is the server's to shorten, and to nobody's to lengthen.
func TestExtClamp(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		max     string
		ask     V3Request
		granted time.Duration
		text    string // of the error that there is
	}{
		{"0", V3Request{}, 24 * time.Hour, ""},
		{"0", V3Request{Lifetime: time.Hour}, time.Hour, ""},
		{"0", V3Request{AnyLifetime: true}, 0, ""},
		{"30", V3Request{}, 30 * time.Minute, ""},
		{"30", V3Request{Lifetime: time.Hour}, 30 * time.Minute, ""},
		{"30", V3Request{AnyLifetime: true}, 30 * time.Minute, ""},
		{"0", V3Request{Lifetime: -1}, 0, "V3Request.Lifetime is negative"},
		{"0", V3Request{Lifetime: time.Microsecond}, 0, "no less than 1ms"},
		{"0", V3Request{Lifetime: time.Hour, AnyLifetime: true}, 0, "set one of them"},
		{"0", V3Request{Cluster: "a/b"}, 0, "cannot be the name of a cluster"},
		{"0", V3Request{Description: strings.Repeat("x", 1000)}, 0, "Description"},
	} {
		t.Run("B.8 ttl clamp, max "+tt.max+", asked "+tt.ask.Lifetime.String()+" "+tt.text, func(t *testing.T) {
			t.Parallel()
			fake, c := newV3("v2.13.1")
			fake.Set("auth-token-max-ttl-minutes", tt.max)
			loginV3(t, c)
			tok, made, err := c.CreateExt(t.Context(), tt.ask)
			if tt.text != "" {
				if err == nil || !strings.Contains(err.Error(), tt.text) || len(fake.Tokens()) != 1 {
					t.Errorf("%v, with %d tokens", err, len(fake.Tokens()))
				}
				return
			}
			if err != nil || made.Lifetime != tt.granted {
				t.Fatalf("%v, %v", made.Lifetime, err)
			}
			if tt.granted == 0 != (tok.ExpiresIn == 0 && tok.Expiry.IsZero() && made.ExpiresAt.IsZero()) {
				t.Errorf("%v, until %v", tok.ExpiresIn, tok.Expiry)
			}
		})
	}
}

// A token that was made other than it was asked for is deleted again, and where
// that cannot be the error says which it is.
func TestExtWider(t *testing.T) {
	t.Parallel()
	const path = "/ext/apis/ext.cattle.io/v1/tokens"
	spec := func(spec, status string) string {
		return `{"metadata":{"name":"token-7d9xk"},"spec":{` + spec + `},"status":{` + status + `}}`
	}
	const secret = `"bearerToken":"ext/token-7d9xk:hunter2"`
	for _, tt := range []struct {
		name, body string
		want       error
		text       string
	}{
		{"for ever", spec(`"ttl":-1`, secret), ErrWider, "lives for ever"},
		{"0 is for ever", spec(`"ttl":0`, secret), ErrWider, "lives for ever"},
		{"longer", spec(`"ttl":86400001`, secret), ErrWider, "lives for"},
		{"for all clusters", spec(`"ttl":1000`, secret), ErrWider, "other clusters"},
		{"no ttl", spec(`"clusterName":"c-m-x"`, secret), ErrNotRancher, "spec.ttl: missing"},
		{"no secret", spec(`"ttl":1000,"clusterName":"c-m-x"`, ``), ErrNotRancher, "the secret is missing"},
		{"another's secret", spec(`"ttl":1000,"clusterName":"c-m-x"`, `"bearerToken":"ext/token-other:hunter2"`), ErrNotRancher, "bearerToken: it is not of the form"},
		{"a secret of v3", spec(`"ttl":1000,"clusterName":"c-m-x"`, `"bearerToken":"token-7d9xk:hunter2"`), ErrNotRancher, "bearerToken: it is not of the form"},
		{"a secret in two lines", spec(`"ttl":1000,"clusterName":"c-m-x"`, `"bearerToken":"ext/token-7d9xk:hunter2\r\nX: y"`), ErrNotRancher, "bearerToken: it is not of the form"},
	} {
		for _, deletes := range []bool{true, false} {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				delete := says(200, "true", `{"kind":"Status","status":"Success"}`)
				if !deletes {
					delete = says(503, "true", `{"kind":"Status","status":"Failure","reason":"ServiceUnavailable"}`)
				}
				c, server := script(t, map[string]http.HandlerFunc{"POST " + path: says(201, "true", tt.body), "DELETE " + path + "/token-7d9xk": delete})
				c.Source = token.Static(token.Token{Value: v3Secret})
				tok, made, err := c.CreateExt(t.Context(), V3Request{Cluster: "c-m-x"})
				checkV3Error(t, err, tt.want, 201, tt.text)
				if !tok.IsZero() || made.Name != "" {
					t.Error("it is returned none the less")
				}
				if want := "POST " + path + ", DELETE " + path + "/token-7d9xk"; server.asked() != want {
					t.Errorf("asked: %s", server.asked())
				}
				gone, there := strings.Contains(err.Error(), "deleted again"), strings.Contains(err.Error(), "token-7d9xk, which was made and is there still")
				if gone != deletes || there == deletes {
					t.Errorf("%v: deleted: %t", err, deletes)
				}
			})
		}
	}
	t.Run("no name", func(t *testing.T) {
		t.Parallel()
		c, server := script(t, map[string]http.HandlerFunc{"POST " + path: says(201, "true", `{"metadata":{"name":"../users/u-1"},"spec":{"ttl":0},"status":{}}`)})
		c.Source = token.Static(token.Token{Value: v3Secret})
		_, _, err := c.CreateExt(t.Context(), V3Request{})
		checkV3Error(t, err, ErrNotRancher, 201, "metadata.name: missing, or no name")
		if strings.Contains(err.Error(), "u-1") {
			t.Errorf("%v: it repeats what the server says", err)
		}
		if want := "POST " + path; server.asked() != want {
			t.Errorf("asked: %s", server.asked())
		}
	})
}

// A server that has none says so, whichever way.
func TestExtAbsent(t *testing.T) {
	t.Parallel()
	calls := map[string]func(t *testing.T, c *V3) error{
		"v2.12": func(t *testing.T, c *V3) error { _, err := c.ExtTokens(t.Context()); return err },
		"v2.12 or later": func(t *testing.T, c *V3) error {
			_, _, err := c.CreateExt(t.Context(), V3Request{})
			return err
		},
		"needs Rancher v2.12": func(t *testing.T, c *V3) error { return c.DeleteExt(t.Context(), "token-7d9xk") },
		"ext-kubeconfigs": func(t *testing.T, c *V3) error {
			_, _, err := c.CreateKubeconfig(t.Context(), V3KubeconfigRequest{})
			return err
		},
		"kubeconfigs.ext.cattle.io": func(t *testing.T, c *V3) error { return c.DeleteKubeconfig(t.Context(), "kubeconfig-x7k2p") },
		"v2.11":                     func(t *testing.T, c *V3) error { _, err := c.Activity(t.Context(), "token-7d9xk"); return err },
		"v2.11 or later": func(t *testing.T, c *V3) error {
			_, err := c.Touch(t.Context(), "token-7d9xk")
			return err
		},
		"needs Rancher v2.11": func(t *testing.T, c *V3) error { return c.KeepActive(t.Context(), "token-7d9xk", 0) },
	}
	for text, call := range calls {
		for _, version := range []string{"v2.5.0", "v2.8.0", "v2.10.3"} {
			t.Run("B.1 "+text+" on "+version, func(t *testing.T) {
				t.Parallel()
				_, c := newV3(version)
				loginV3(t, c)
				checkV3Error(t, call(t, c), ErrNotFound, 404, text)
			})
		}
		for name, answer := range map[string]http.HandlerFunc{
			"text": reply(404, "text/plain", "404 page not found\n"),
			"page": reply(404, "text/html", "<html>404 hunter2</html>"),
		} {
			t.Run(text+" as "+name, func(t *testing.T) {
				t.Parallel()
				c := &V3{Server: at("https://rancher.example", answer), Source: token.Static(token.Token{Value: v3Secret})}
				checkV3Error(t, call(t, c), ErrNotFound, 404, text)
			})
		}
	}
	t.Run("B.1 features switched off", func(t *testing.T) {
		t.Parallel()
		fake, c := newV3("v2.12.0")
		fake.SetFeature("ext-tokens", false)
		fake.SetFeature("ext-kubeconfigs", false)
		loginV3(t, c)
		_, err := c.ExtTokens(t.Context())
		checkV3Error(t, err, ErrNotFound, 404, "ext-tokens")
		checkV3Error(t, c.DeleteKubeconfig(t.Context(), "kubeconfig-x7k2p"), ErrNotFound, 404, "ext-kubeconfigs")
	})
}

// Refusals on the paths of Kubernetes, and what a proxy does there.
func TestExtErrors(t *testing.T) {
	t.Parallel()
	const path = "GET /ext/apis/ext.cattle.io/v1/tokens"
	status := func(code, reason, message string) string {
		return `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"` + message + `","reason":"` + reason + `","details":{},"code":` + code + `}`
	}
	for _, tt := range []struct {
		row    string
		answer http.HandlerFunc
		want   error
		status int
		text   string
	}{
		{"B.7 403 of system:cattle:error", says(403, "", status("403", "Forbidden", `tokens.ext.cattle.io is forbidden: User \"system:cattle:error\" cannot list hunter2`)), ErrNotAuthenticated, 403, "Diagnose"},
		{"B.7 403 with X-API-Cattle-Auth: false", says(403, "false", status("403", "Forbidden", "hunter2")), ErrNotAuthenticated, 403, ""},
		{"B.7 403 with X-API-Cattle-Auth: true", says(403, "true", status("403", "Forbidden", `User \"user-abcde\" cannot list hunter2`)), ErrForbidden, 403, "Forbidden"},
		{"B.8 403 missing authentication token ID", says(403, "true", status("403", "Forbidden", "tokens.ext.cattle.io \\\"\\\" is forbidden: missing authentication token ID")), ErrForbidden, 403, ""},
		{"B.8 400", says(400, "true", status("400", "BadRequest", "operation references a disabled user hunter2")), ErrRequest, 400, "400 Bad Request"},
		{"B.8 500", says(500, "true", status("500", "InternalError", "hunter2")), ErrUnavailable, 500, "InternalError"},
		{"503 of the extension server", says(503, "true", "error trying to reach service: hunter2"), ErrUnavailable, 503, ""},
		{"a page", reply(200, "text/html", "<html>hunter2</html>"), ErrNotRancher, 200, "a page for people"},
		{"cut JSON", says(200, "true", `{"items":[{"metadata":{"name":"hunter2`), ErrNotRancher, 200, "an end in the middle"},
		{"200 with an error", says(200, "true", status("403", "Forbidden", "hunter2")), ErrNotRancher, 200, ""},
		{"a redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://hunter2.example/", http.StatusTemporaryRedirect)
		}, ErrNotRancher, 307, "redirects"},
		{"no list", says(200, "true", `{"kind":"TokenList"}`), ErrNotRancher, 200, "items: missing"},
		{"a part of a list", says(200, "true", `{"items":[],"metadata":{"continue":"hunter2"}}`), ErrNotRancher, 200, "the beginning of a list"},
		{"one without a name", says(200, "true", `{"items":[{"metadata":{"name":"token-7d9xk"},"spec":{"ttl":1}},{"metadata":{},"spec":{"ttl":1}}]}`), ErrNotRancher, 200, "items[1]: metadata.name: missing"},
		{"another's part", says(200, "true", `{"items":[{"metadata":{"name":"HUNTER2 hunter2"},"spec":{"ttl":1}}]}`), ErrNotRancher, 200, "metadata.name: missing, or no name"},
	} {
		t.Run(tt.row, func(t *testing.T) {
			t.Parallel()
			c, _ := script(t, map[string]http.HandlerFunc{path: tt.answer})
			c.Source = token.Static(token.Token{Value: v3Secret})
			list, err := c.ExtTokens(t.Context())
			text := tt.text
			if tt.status == 307 {
				checkRedirect(t, err)
			} else {
				checkV3Error(t, err, tt.want, tt.status, text)
			}
			if list != nil {
				t.Errorf("%+v is returned none the less", list)
			}
		})
	}
	t.Run("B.8 another user's, unknown cluster", func(t *testing.T) {
		t.Parallel()
		_, c := newV3("v2.13.1")
		loginV3(t, c)
		_, _, err := c.CreateExt(t.Context(), V3Request{Cluster: "c-m-y"})
		checkV3Error(t, err, ErrRequest, 400, "400 Bad Request")
	})
	t.Run("another's", func(t *testing.T) {
		t.Parallel()
		c, _ := script(t, map[string]http.HandlerFunc{path + "/token-7d9xk": says(200, "true", `{"metadata":{"name":"token-other"},"spec":{"ttl":1}}`)})
		c.Source = token.Static(token.Token{Value: v3Secret})
		_, err := c.GetExt(t.Context(), "token-7d9xk")
		checkV3Error(t, err, ErrNotRancher, 200, "another token's")
	})
}

// A redirect may name the host that it goes to, and nothing else of it.
func checkRedirect(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, ErrNotRancher) || !strings.Contains(err.Error(), "redirects") {
		t.Errorf("%v", err)
	}
}

// What is no name is not sent, and not repeated: it may be a token.
func TestExtNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "ext/", "token-7d9xk:hunter2", "ext/token-7d9xk:hunter2", "..", "a/../b", "a%2fb", "hunter2 ", "HUNTER2hunter2", strings.Repeat("hunter2", 100)} {
		c := &V3{Server: &Server{URL: "https://rancher.example", HTTP: &http.Client{Transport: never(t)}}, Source: token.Static(token.Token{Value: v3Secret})}
		_, get := c.GetExt(t.Context(), name)
		_, activity := c.Activity(t.Context(), name)
		_, touch := c.Touch(t.Context(), name)
		_, generate := c.GenerateKubeconfig(t.Context(), name)
		for call, err := range map[string]error{
			"GetExt": get, "DeleteExt": c.DeleteExt(t.Context(), name), "DeleteKubeconfig": c.DeleteKubeconfig(t.Context(), name),
			"Activity": activity, "Touch": touch, "KeepActive": c.KeepActive(t.Context(), name, 0), "GenerateKubeconfig": generate,
		} {
			if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "name") {
				t.Errorf("%s: %v", call, err)
			}
		}
	}
}

// An administrator sees those of all users.
func TestExtAdministrator(t *testing.T) {
	t.Parallel()
	fake, c := newV3("v2.13.1")
	fake.AddUser("alice", "hunter2")
	loginV3(t, c)
	alice := &V3{Server: &Server{URL: fake.URL, HTTP: fake.Client()}}
	login, err := alice.Login(t.Context(), Credentials{Username: "alice", Password: token.NewSecret("hunter2")})
	if err != nil {
		t.Fatal(err)
	}
	alice.Source = token.Static(login.Token)
	_, hers, err := alice.CreateExt(t.Context(), V3Request{})
	if err != nil {
		t.Fatal(err)
	}
	list, err := c.ExtTokens(t.Context())
	if err != nil || !slices.ContainsFunc(list, func(t V3Token) bool { return t.Name == hers.Name }) {
		t.Errorf("%+v, %v", list, err)
	}
	if err := c.DeleteExt(t.Context(), hers.Name); err != nil {
		t.Error(err)
	}
	if _, err := alice.GetExt(t.Context(), hers.Name); !errors.Is(err, ErrNotFound) {
		t.Errorf("%v", err)
	}
}

// Whoever asked may have gone by then: what is not wanted is deleted none the
// less.
func TestExtDiscardsForNobody(t *testing.T) {
	t.Parallel()
	const path = "/ext/apis/ext.cattle.io/v1/tokens"
	c, server := script(t, map[string]http.HandlerFunc{
		"POST " + path:                    says(201, "true", `{"metadata":{"name":"token-7d9xk"},"spec":{"ttl":0},"status":{}}`),
		"DELETE " + path + "/token-7d9xk": says(200, "true", `{"kind":"Status","status":"Success"}`),
	})
	c.Source = token.Static(token.Token{Value: v3Secret})
	ctx, cancel := context.WithCancel(t.Context())
	base := c.Server.HTTP.Transport
	c.Server.HTTP = &http.Client{Transport: tripFunc(func(r *http.Request) (*http.Response, error) {
		resp, err := base.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body = io.NopCloser(bytes.NewReader(body))
		cancel()
		return resp, err
	})}
	if _, _, err := c.CreateExt(ctx, V3Request{}); !errors.Is(err, ErrNotRancher) && !errors.Is(err, ErrWider) {
		t.Errorf("%v", err)
	}
	if want := "POST " + path + ", DELETE " + path + "/token-7d9xk"; server.asked() != want {
		t.Errorf("asked: %s", server.asked())
	}
}

// A list without anything in it is one, in either form.
func TestExtEmptyList(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"items":null}`, `{"items":[],"metadata":{"continue":""}}`, `{"items":[],"metadata":null}`} {
		c, _ := script(t, map[string]http.HandlerFunc{"GET /ext/apis/ext.cattle.io/v1/tokens": says(200, "true", body)})
		c.Source = token.Static(token.Token{Value: v3Secret})
		if list, err := c.ExtTokens(t.Context()); err != nil || list == nil || len(list) != 0 {
			t.Errorf("%s: %v, %v", body, list, err)
		}
	}
}

// A list may be longer than other answers.
func TestExtLongList(t *testing.T) {
	t.Parallel()
	one := `{"metadata":{"name":"token-7d9xk"},"spec":{"ttl":1,"description":"` + strings.Repeat("x", 500) + `"}}`
	const n = 4000
	c, _ := script(t, map[string]http.HandlerFunc{"GET /ext/apis/ext.cattle.io/v1/tokens": says(200, "true", `{"items":[`+one+strings.Repeat(","+one, n-1)+`]}`)})
	c.Server.Timeout = -1 // that much takes long on a busy machine
	c.Source = token.Static(token.Token{Value: v3Secret})
	if list, err := c.ExtTokens(t.Context()); err != nil || len(list) != n {
		t.Errorf("%d tokens, %v", len(list), err)
	}
}

// A lost answer: nobody knows the token that was made, and the error says that
// one may have been.
func TestExtLostAnswer(t *testing.T) {
	t.Parallel()
	fake, c := newV3("v2.13.1")
	loginV3(t, c)
	fake.SetFault(ranchertest.On("POST /ext/apis/ext.cattle.io/v1/tokens", ranchertest.DropAfter))
	_, _, err := c.CreateExt(t.Context(), V3Request{})
	e, ok := errors.AsType[*Error](err)
	if !ok || !errors.Is(err, ErrUnavailable) || e.unsent {
		t.Errorf("%v", err)
	}
	if n := len(fake.Tokens()); n != 2 {
		t.Errorf("%d tokens", n)
	}
}

// What is left of a token that was just made is known, also to whoever keeps only
// its record.
func TestExtLeft(t *testing.T) {
	t.Parallel()
	c, _ := script(t, map[string]http.HandlerFunc{"POST /ext/apis/ext.cattle.io/v1/tokens": says(201, "true",
		`{"metadata":{"name":"token-7d9xk"},"spec":{"ttl":3600000},"status":{"bearerToken":"ext/token-7d9xk:hunter2"}}`)})
	c.Source = token.Static(token.Token{Value: v3Secret})
	tok, made, err := c.CreateExt(t.Context(), V3Request{Lifetime: time.Hour})
	if err != nil || made.ExpiresIn != tok.ExpiresIn || made.ExpiresIn < 59*time.Minute {
		t.Errorf("%v, %v, %v", tok.ExpiresIn, made.ExpiresIn, err)
	}
}
