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

// What is sent, and what is read of the answers of 2.13 and later, and of those
// before.
func TestV3LoginExchange(t *testing.T) {
	t.Parallel()
	const short = `{"baseType":"token","expiresAt":"2026-08-20T08:00:00Z","id":"token-5lwps","token":"token-5lwps:jslbp8qbkvpndjj4xmvl9crwh7w96pvxrg4xltsmcbcvvcrk9thphq","type":"token"}`
	const whole = `{"authProvider":"local","baseType":"token","created":"2026-08-19T16:00:00Z","createdTS":1787155200000,"creatorId":null,"current":false,
		"description":"ci","enabled":true,"expired":false,"expiresAt":"","groupPrincipals":null,"id":"token-5lwps","isDerived":false,
		"labels":{"authn.management.cattle.io/kind":"session"},"lastUpdateTime":"","links":{},"name":"token-5lwps",
		"token":"token-5lwps:jslbp8qbkvpndjj4xmvl9crwh7w96pvxrg4xltsmcbcvvcrk9thphq","ttl":57600000,"type":"token","userId":"user-abcde",
		"userPrincipal":"map[displayName:Default Admin metadata:map[name:local://user-abcde] provider:local]","uuid":"0"}`
	const ext = `{"apiVersion":"ext.cattle.io/v1","kind":"Token","metadata":{"name":"token-5lwps","uid":"0","creationTimestamp":"2026-08-19T16:00:00Z"},
		"spec":{"userID":"user-abcde","userPrincipal":{"name":"local://user-abcde","provider":"local","principalType":"user"},"kind":"session","description":"ci","ttl":57600000,"enabled":true},
		"status":{"value":"jslbp8qbkvpndjj4xmvl9crwh7w96pvxrg4xltsmcbcvvcrk9thphq","bearerToken":"ext/token-5lwps:jslbp8qbkvpndjj4xmvl9crwh7w96pvxrg4xltsmcbcvvcrk9thphq","expired":false,"expiresAt":"2026-08-20T08:00:00Z"}}`
	const date = "Wed, 19 Aug 2026 16:00:00 GMT"
	for _, test := range []struct {
		name    string
		answers map[string]http.HandlerFunc
		asked   string
		want    Login
	}{
		{"2.13 and later", map[string]http.HandlerFunc{"POST /v1-public/login": dated(date, says(201, "", short))},
			"POST /v1-public/login",
			Login{Name: "token-5lwps", User: User{Provider: "local"}, Token: token.Token{Expiry: time.Date(2026, 8, 20, 8, 0, 0, 0, time.UTC)}}},
		{"of ext.cattle.io", map[string]http.HandlerFunc{"POST /v1-public/login": dated(date, says(201, "", ext))},
			"POST /v1-public/login",
			Login{Name: "token-5lwps", User: User{ID: "user-abcde", Provider: "local"},
				Token: token.Token{IssuedAt: time.Date(2026, 8, 19, 16, 0, 0, 0, time.UTC), Expiry: time.Date(2026, 8, 20, 8, 0, 0, 0, time.UTC)}}},
		{"2.12 and before", map[string]http.HandlerFunc{
			"POST /v1-public/login":                             reply(404, "text/plain", "404 page not found\n"),
			"GET /v3-public/authProviders":                      says(200, "", `{"type":"collection","data":[]}`),
			"POST /v3-public/localProviders/local?action=login": dated(date, says(201, "", whole)),
		}, "POST /v1-public/login, GET /v3-public/authProviders, POST /v3-public/localProviders/local?action=login",
			Login{Name: "token-5lwps", User: User{ID: "user-abcde", Provider: "local"},
				Token: token.Token{IssuedAt: time.Date(2026, 8, 19, 16, 0, 0, 0, time.UTC), Expiry: time.Date(2026, 8, 20, 8, 0, 0, 0, time.UTC)}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, server := script(t, test.answers)
			login, err := c.Login(t.Context(), Credentials{Username: `ad"min`, Password: token.NewSecret("p\"<é>"), Description: "ci"})
			if err != nil {
				t.Fatal(err)
			}
			if got := server.asked(); got != test.asked {
				t.Errorf("asked: %s", got)
			}
			const body = `{"type":"localProvider","username":"ad\"min","password":"p\"\u003cé\u003e","responseType":"json","description":"ci"}`
			if diff := cmp.Diff(body, server.body()); diff != "" {
				t.Error(diff)
			}
			if in := login.Token.ExpiresIn; in > 16*time.Hour-time.Second || in < 16*time.Hour-time.Minute {
				t.Errorf("it expires in %v", in)
			}
			if got := strings.TrimPrefix(login.Token.Value.Reveal(), "ext/"); got != "token-5lwps:jslbp8qbkvpndjj4xmvl9crwh7w96pvxrg4xltsmcbcvvcrk9thphq" {
				t.Errorf("token %q", got)
			}
			login.Token.ExpiresIn, login.Token.Value = 0, token.Secret{}
			if diff := cmp.Diff(test.want, login, cmp.Comparer(token.Secret.Equal)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Every row of the login errors, on each version.
func TestV3LoginErrors(t *testing.T) {
	t.Parallel()
	huge := token.NewSecret(strings.Repeat("hunter2", 200_000))
	for _, row := range []struct {
		name   string
		set    func(*ranchertest.V3)
		with   Credentials
		want   error
		status int
		text   string
	}{
		{name: "B.2 wrong user or password", with: Credentials{Username: "admin", Password: token.NewSecret("wrong " + adminPassword)},
			want: ErrCredentials, status: 401, text: "401 Unauthorized: the server does not accept these credentials; correct"},
		{name: "B.2 wrong user or password: no such user", with: Credentials{Username: "nobody", Password: admin.Password},
			want: ErrCredentials, status: 401},
		{name: "B.2 user disabled", set: func(s *ranchertest.V3) { s.DisableUser("admin", true) }, with: admin,
			want: ErrNoAccess, status: 403, text: "PermissionDenied"},
		{name: "B.2 local provider hidden", set: func(s *ranchertest.V3) { s.HideLocal(true) }, with: admin,
			want: ErrProvider, status: 404, text: "the provider local is disabled, hidden, or not one of this server's"},
		{name: "B.2 body over 1 MiB", with: Credentials{Username: "admin", Password: huge},
			want: ErrRequest, status: 422, text: "InvalidBodyContent"},
		{name: "B.2 internal", set: func(s *ranchertest.V3) { s.SetFault(ranchertest.Status(500)) }, with: admin,
			want: ErrUnavailable, status: 500},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			everyV3(t, func(t *testing.T, fake *ranchertest.V3, c *V3) {
				if row.set != nil {
					row.set(fake)
				}
				_, err := c.Login(t.Context(), row.with)
				checkV3Error(t, err, row.want, row.status, row.text)
				if len(fake.Tokens()) > 0 {
					t.Error("there is a token")
				}
			})
		})
	}
}

// The rows that no request of ours leads to.
func TestV3LoginErrorsOfOthers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status int
		body   string
		want   error
	}{
		"B.2 unknown type":                 {422, `{"baseType":"error","code":"InvalidBodyContent","status":422,"type":"error"}`, ErrRequest},
		"B.2 internal":                     {500, `{"baseType":"error","code":"ServerError","status":500,"type":"error"}`, ErrUnavailable},
		"B.2 browser without CSRF":         {422, `{"baseType":"error","code":"InvalidCSRFToken","message":"Invalid CSRF token","status":422,"type":"error"}`, ErrCSRF},
		"a permission of another kind":     {403, `{"baseType":"error","code":"Forbidden","status":403,"type":"error"}`, ErrNoAccess},
		"a proxy that wants a login":       {401, `{"error":"login required, hunter2"}`, ErrNotRancher},
		"a proxy that lets nobody through": {403, `forbidden, hunter2`, ErrNotRancher},
	} {
		c, _ := script(t, map[string]http.HandlerFunc{"POST /v1-public/login": says(test.status, "", test.body)})
		_, err := c.Login(t.Context(), admin)
		checkV3Error(t, err, test.want, test.status, "rancher: log in: POST https://rancher.example/v1-public/login: ")
		if t.Failed() {
			t.Fatal(name)
		}
	}
}

// What an old server says of v1-public, and what anything but an old server says.
func TestV3LoginFallback(t *testing.T) {
	t.Parallel()
	const page = "<!DOCTYPE html><html></html>"
	for _, test := range []struct {
		name  string
		first http.HandlerFunc
		falls bool
		want  error // if it does not
	}{
		{"404 in text", reply(404, "text/plain; charset=utf-8", "404 page not found\n"), true, nil},
		{"404 of norman", says(404, "", `{"baseType":"error","code":"NotFound","status":404,"type":"error"}`), true, nil},
		{"its UI", reply(200, "text/html; charset=utf-8", page), true, nil},
		{"its UI, with 404", reply(404, "text/html", page), true, nil},
		{"405", says(405, "", `{"baseType":"error","code":"MethodNotAllowed","status":405,"type":"error"}`), true, nil},
		{"the filter", says(401, "false", mustAuthenticate), true, nil},
		{"the filter of 2.4", says(401, "", `{"type":"error","status":"401","message":"must authenticate"}`), true, nil},
		{"wrong password", says(401, "false", `{"baseType":"error","code":"Unauthorized","message":"authentication failed","status":401,"type":"error"}`), false, ErrCredentials},
		{"an error of the server", says(500, "", `{"baseType":"error","code":"ServerError","status":500,"type":"error"}`), false, ErrUnavailable},
		{"a proxy that cannot reach it", reply(502, "text/html", page), false, ErrUnavailable},
		{"a redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://login.example/", http.StatusFound)
		}, false, ErrNotRancher},
		{"too many", says(429, "", `{"type":"error","code":"TooManyRequests","status":429}`), false, ErrUnavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			const old = "POST /v3-public/localProviders/local?action=login"
			c, server := script(t, map[string]http.HandlerFunc{
				"POST /v1-public/login":        test.first,
				"GET /v3-public/authProviders": says(200, "", `{"data":[]}`),
				old:                            says(201, "", `{"id":"token-5lwps","token":"token-5lwps:bcdfg","ttl":1000}`),
			})
			_, err := c.Login(t.Context(), admin)
			if fell := strings.Contains(server.asked(), old); fell != test.falls || !errors.Is(err, test.want) || (err == nil) != test.falls {
				t.Errorf("asked %s: %v", server.asked(), err)
			}
			if !test.falls {
				return
			}
			// The next time it is known.
			if _, err := c.Login(t.Context(), admin); err != nil || strings.Count(server.asked(), "v1-public") != 1 {
				t.Errorf("asked %s: %v", server.asked(), err)
			}
		})
	}
}

// A server is upgraded while a client runs, and loses the old paths.
func TestV3LoginUpgrade(t *testing.T) {
	t.Parallel()
	before, c := newV3("v2.12.0")
	if _, err := c.Login(t.Context(), admin); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(before.Requests(), ", "); !strings.Contains(got, "POST /v1-public/login, GET /v3-public/authProviders, POST /v3-public/") {
		t.Error(got)
	}
	after, _ := newV3("v2.14.0")
	after.SetFeature("v3-public", false)
	c.Server.HTTP = after.Client()
	for range 2 {
		if _, err := c.Login(t.Context(), admin); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(after.Requests(), ", "); !strings.HasSuffix(got, "POST /v1-public/login, POST /v1-public/login") {
		t.Error(got)
	}
}

// Where v3-public is switched off, what v1-public says of the provider counts.
func TestV3LoginNoOldPaths(t *testing.T) {
	t.Parallel()
	fake, c := newV3("v2.14.0")
	fake.SetFeature("v3-public", false)
	fake.HideLocal(true)
	_, err := c.Login(t.Context(), admin)
	checkV3Error(t, err, ErrProvider, 404, "POST https://rancher.example/v1-public/login: 404 Not Found: the server's provider of access control cannot be used; the provider local is disabled, hidden")
	if c.old.Load() {
		t.Error("it is taken for an old one")
	}
}

// A link that the server lists is used as a path below the server, if it is one.
func TestV3LoginLink(t *testing.T) {
	t.Parallel()
	const usual = "POST /rancher/v3-public/localProviders/local?action=login"
	for link, want := range map[string]string{
		"https://rancher.example/rancher/v3-public/localProviders/local?action=login": usual,
		"https://evil.example/rancher/v3-public/localProviders/main?action=login":     "POST /rancher/v3-public/localProviders/main?action=login",
		"https://evil.example/v3-public/localProviders/main?action=login":             usual,
		"https://rancher.example/rancher/v3/tokens?action=login":                      usual,
		"https://rancher.example/rancher/v3-public/../v3/users?action=login":          usual,
		"https://rancher.example/rancher/v3-public/%2e%2e/v3/users?action=login":      usual,
		"https://rancher.example/rancher/v3-public/localProviders/local?a=b":          usual,
		"https://rancher.example/rancherish/v3-public/localProviders/a?action=login":  usual,
		"//evil.example": usual,
		"mailto:me":      usual,
		"":               usual,
		":":              usual,
	} {
		c, server := script(t, map[string]http.HandlerFunc{
			"POST /rancher/v1-public/login":        reply(404, "text/plain", "404 page not found"),
			"GET /rancher/v3-public/authProviders": says(200, "", `{"data":[{"id":"local","type":"localProvider","actions":{"login":"`+link+`"}}]}`),
			want:                                   says(201, "", `{"id":"token-5lwps","token":"token-5lwps:bcdfg","ttl":1000}`),
		})
		c.Server.URL = "https://rancher.example/rancher"
		if _, err := c.Login(t.Context(), admin); err != nil || !strings.HasSuffix(server.asked(), want) {
			t.Errorf("%s: asked %s: %v", link, server.asked(), err)
		}
	}
}

// Each type of provider gets the fields that it takes.
func TestV3LoginProviders(t *testing.T) {
	t.Parallel()
	password := Credentials{Username: "jane", Password: token.NewSecret("hunter2")}
	code := Credentials{Code: token.NewSecret("hunter2code")}
	const byPassword = `,"username":"jane","password":"hunter2"`
	const byCode = `,"code":"hunter2code"`
	for name, want := range map[string]struct {
		with Credentials
		body string
	}{
		"":                {password, `"type":"localProvider"` + byPassword},
		"Local":           {password, `"type":"localProvider"` + byPassword},
		"activedirectory": {password, `"type":"activeDirectoryProvider"` + byPassword},
		"openldap":        {password, `"type":"openLdapProvider"` + byPassword},
		"freeipa":         {password, `"type":"freeIpaProvider"` + byPassword},
		"github":          {code, `"type":"githubProvider"` + byCode},
		"githubapp":       {code, `"type":"githubAppProvider"` + byCode},
		"azuread":         {Credentials{IDToken: token.NewSecret("hunter2id")}, `"type":"azureADProvider","id_token":"hunter2id"`},
		"googleoauth":     {code, `"type":"googleOAuthProvider"` + byCode},
		"oidc":            {code, `"type":"oidcProvider"` + byCode},
		"keycloakoidc":    {code, `"type":"keyCloakOIDCProvider"` + byCode},
		"genericoidc":     {code, `"type":"genericOIDCProvider"` + byCode},
		"cognito":         {code, `"type":"cognitoProvider"` + byCode},
		// The server knows the type of those that are not known here.
		"next":  {code, `"type":"nextProvider"` + byCode},
		"other": {password, `"type":"otherProvider"` + byPassword},
	} {
		c, server := script(t, map[string]http.HandlerFunc{
			"POST /v1-public/login":        says(201, "", `{"id":"token-5lwps","token":"token-5lwps:bcdfg","expiresAt":"2036-01-01T00:00:00Z"}`),
			"GET /v1-public/authproviders": says(200, "", `{"data":[{"id":"next","type":"nextProvider"},{"id":"other","type":"otherProvider"}]}`),
		})
		want.with.Provider = name
		_, err := c.Login(t.Context(), want.with)
		if got := server.body(); err != nil || got != "{"+want.body+`,"responseType":"json","description":"tokenlife"}` {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
}

// What is known to go wrong is not tried.
func TestV3LoginUnasked(t *testing.T) {
	t.Parallel()
	secret := token.NewSecret("hunter2")
	for _, test := range []struct {
		with Credentials
		text string
	}{
		{Credentials{Password: secret}, "Credentials.Username is empty: set it"},
		{Credentials{Username: "admin"}, "Credentials.Password is empty: set it"},
		{Credentials{Provider: "github", Username: "jane", Password: secret}, "the provider github wants an authorization code: set Credentials.Code"},
		{Credentials{Provider: "okta", Username: "jane", Password: secret}, "the provider okta wants a browser: use V3.SAML"},
		{Credentials{Username: "admin", Password: secret, Description: strings.Repeat("x", 513)}, "the Description has 513 bytes: 512 is the most"},
		{Credentials{Username: "admin", Password: secret, Description: "\xff"}, "the Description is not UTF-8"},
		{Credentials{Provider: "none", Username: "jane", Password: secret}, "it has none of this name; those that are enabled: local, okta"},
		{Credentials{Provider: "../../v3/users", Username: "jane", Password: secret}, "it has none of this name"},
	} {
		c, server := script(t, map[string]http.HandlerFunc{
			"GET /v1-public/authproviders": says(200, "", `{"data":[{"id":"local","type":"localProvider"},{"id":"okta","type":"oktaProvider"}]}`),
		})
		_, err := c.Login(t.Context(), test.with)
		if err == nil || !strings.HasPrefix(err.Error(), "rancher: log in: ") || !strings.Contains(err.Error(), test.text) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v, want %s", err, test.text)
		}
		if e, ok := errors.AsType[*Error](err); !ok || !e.unsent || strings.Contains(server.asked(), "POST") {
			t.Errorf("asked: %s", server.asked())
		}
	}
}

// How long a login lives, by what the server says of it.
func TestV3LoginLifetime(t *testing.T) {
	t.Parallel()
	const kept = "GET /v3/tokens/token-5lwps"
	const date = "Wed, 19 Aug 2026 16:00:00 GMT"
	for _, test := range []struct {
		name, date, fields string
		kept               http.HandlerFunc
		in                 time.Duration // ExpiresIn, at most
		expiry             string
	}{
		{name: "ttl", fields: `"ttl":3600000,"created":"2026-08-19T16:00:00Z","expiresAt":""`, in: time.Hour, expiry: "2026-08-19T17:00:00Z"},
		{name: "ttl in text", fields: `"ttl":"3600000"`, in: time.Hour},
		{name: "ttl as a float", fields: `"ttl":3.6e6`, in: time.Hour},
		{name: "created in milliseconds", fields: `"ttl":3600000,"createdTS":1787155200000`, in: time.Hour, expiry: "2026-08-19T17:00:00Z"},
		{name: "expiresAt by the server's clock", date: date, fields: `"expiresAt":"2026-08-19T17:00:00Z"`, in: time.Hour, expiry: "2026-08-19T17:00:00Z"},
		{name: "expiresAt without a clock", date: "none", fields: `"expiresAt":"2026-08-19T17:00:00Z"`, expiry: "2026-08-19T17:00:00Z"},
		{name: "for ever", fields: `"ttl":0,"expiresAt":""`},
		{name: "for ever, says the short answer", fields: `"expiresAt":""`, kept: says(200, "true", `{"id":"token-5lwps","ttl":0,"expiresAt":""}`)},
		{name: "the short answer does not say", fields: `"expiresAt":""`, date: date,
			kept: says(200, "true", `{"id":"token-5lwps","ttl":3600000,"created":"2026-08-19T16:00:00Z"}`), in: time.Hour, expiry: "2026-08-19T17:00:00Z"},
		{name: "nobody says", fields: `"expiresAt":null`, kept: says(500, "", `{}`)},
		{name: "out of range", fields: `"ttl":9223372036854775807,"created":"2026-08-19T16:00:00Z"`, in: 1<<63 - 1, expiry: "2318-11-29T15:47:16Z"},
		{name: "over already", fields: `"ttl":1,"created":"2026-08-19T16:00:00Z"`, in: -1, expiry: "2026-08-19T16:00:00Z"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			want := "POST /v1-public/login"
			answers := map[string]http.HandlerFunc{
				want: dated(test.date, says(201, "", `{"id":"token-5lwps","token":"token-5lwps:bcdfg",`+test.fields+`}`)),
			}
			if test.kept != nil {
				answers[kept] = dated(test.date, test.kept)
				want += ", " + kept
			}
			c, server := script(t, answers)
			login, err := c.Login(t.Context(), admin)
			if err != nil {
				t.Fatal(err)
			}
			in := login.Token.ExpiresIn
			if test.in <= 0 && in != test.in || test.in > 0 && (in > test.in-time.Second || in < test.in-time.Minute) {
				t.Errorf("expires in %v", in)
			}
			got := ""
			if !login.Token.Expiry.IsZero() {
				got = login.Token.Expiry.Format(time.RFC3339)
			}
			if got != test.expiry {
				t.Errorf("Expiry %s, want %s", got, test.expiry)
			}
			if got := server.asked(); got != want {
				t.Errorf("asked %s", got)
			}
		})
	}
}

// Answers with the right status that are none.
func TestV3LoginUnreadable(t *testing.T) {
	t.Parallel()
	for body, text := range map[string]string{
		``: "the answer cannot be read: an end in the middle",
		`{"id":"token-5lwps","token":"token-5lwps:hunter2`:               "the answer cannot be read: an end in the middle",
		`{"id":"token-5lwps"}`:                                           "the answer cannot be read: token: missing",
		`{"token":"token-5lwps:hunter2"}`:                                "the answer cannot be read: id: missing, or no name",
		`{"id":"token-5lwps","token":"token-other:hunter2"}`:             "the answer cannot be read: token: it is not the one that id names",
		`{"id":"token-5lwps","token":"hunter2 hunter2"}`:                 "the answer cannot be read: token: there is white space in it",
		`{"id":"token-5lwps:hunter2","token":"token-5lwps:hunter2"}`:     "the answer cannot be read: id: missing, or no name",
		`{"id":"token-5lwps","token":"token-5lwps:a","Token":"hunter2"}`: "the answer cannot be read: a name that occurs twice in one object, perhaps in another case",
		`[]`: "the answer cannot be read: an array where an object must be",
	} {
		c, _ := script(t, map[string]http.HandlerFunc{"POST /v1-public/login": says(201, "", body)})
		_, err := c.Login(t.Context(), admin)
		checkV3Error(t, err, ErrNotRancher, 201, text)
	}
}

// Who has gone does not have a second path tried.
func TestV3LoginCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c, server := script(t, map[string]http.HandlerFunc{"POST /v1-public/login": func(w http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() }})
	_, err := c.Login(ctx, admin)
	if !errors.Is(err, context.Canceled) || server.asked() != "POST /v1-public/login" {
		t.Errorf("%v, asked %s", err, server.asked())
	}
}
