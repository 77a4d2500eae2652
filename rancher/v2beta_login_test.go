package rancher_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/token"
)

// v2betaGolden returns one half of an exchange with a real 1.6 server.
func v2betaGolden(t *testing.T, half string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/v2beta_login." + half + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// v2betaAdmin are the credentials of that exchange.
func v2betaAdmin() rancher.Credentials {
	return rancher.Credentials{Provider: "localAuthConfig", Username: "admin", Password: token.NewSecret("<password here>")}
}

// v2betaLogsIn answers a login as the real server did, and a setting with answer.
func v2betaLogsIn(t *testing.T, setting http.HandlerFunc) *v2betaServer {
	response := v2betaGolden(t, "response")
	return &v2betaServer{answer: func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + " " + r.URL.RequestURI() {
		case "POST /v2-beta/token":
			v2betaSays(201, response)(w, r)
		case "GET /v2-beta/settings/api.auth.jwt.token.expiry":
			setting(w, r)
		default:
			http.Error(w, "unexpected", http.StatusTeapot)
		}
	}}
}

func TestV2BetaLoginExchange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := v2betaLogsIn(t, v2betaFails(404, "NotFound", "NotFound"))
		login, err := s.client().Login(t.Context(), v2betaAdmin())
		if err != nil {
			t.Fatal(err)
		}

		r := s.asked[0]
		if diff := cmp.Diff(v2betaGolden(t, "request"), r.body); diff != "" {
			t.Errorf("request (-real +made):\n%s", diff)
		}
		want := http.Header{
			"Content-Type":       {"application/json"},
			"Accept":             {"application/json"},
			"X-Api-No-Challenge": {"true"},
			"X-Api-Action-Links": {"actionLinks"},
		}
		for _, transport := range []string{"Accept-Encoding", "Content-Length", "User-Agent", "Connection"} {
			r.Header.Del(transport)
		}
		if diff := cmp.Diff(want, r.Header); diff != "" {
			t.Errorf("header (-as the UI sends it +made):\n%s", diff)
		}

		if got := login.Token.Value.Reveal(); got != v2betaJWT {
			t.Errorf("token %q", got)
		}
		user := rancher.User{ID: "1a1", Login: "admin", Name: "admin", Principal: "rancher_id:1a1", Provider: "localAuthConfig", Kind: "admin"}
		if diff := cmp.Diff(user, login.User); diff != "" {
			t.Error(diff)
		}
		now := time.Now().Truncate(time.Second)
		if tok := login.Token; tok.ExpiresIn != 16*time.Hour || !tok.Expiry.Equal(now.Add(16*time.Hour)) || !tok.IssuedAt.Equal(now) {
			t.Errorf("ExpiresIn %v, Expiry %v, IssuedAt %v", tok.ExpiresIn, tok.Expiry, tok.IssuedAt)
		}
		v2betaSilent(t, login, v2betaJWT)
		v2betaSilent(t, &login, v2betaJWT)
	})
}

// What each provider takes, as it is sent.
func TestV2BetaLoginCode(t *testing.T) {
	t.Parallel()
	with := func(username, password string) rancher.Credentials {
		return rancher.Credentials{Username: username, Password: token.NewSecret(password)}
	}
	named := func(provider string, c rancher.Credentials) rancher.Credentials {
		c.Provider = provider
		return c
	}
	oauth := rancher.Credentials{Code: token.NewSecret("3f8a9b0c1d2e4f5a6b7c")}
	for _, test := range []struct {
		name        string
		credentials rancher.Credentials
		body        string // of the request
		err         string // in the error, if there is none
	}{
		{name: "A.8 localAuthConfig", credentials: named("localAuthConfig", with("admin", "s3cret")), body: `{"code":"admin:s3cret","authProvider":"localauthconfig"}`},
		{name: "A.8 openldapconfig", credentials: named("openldapconfig", with("jane", "s3cret")), body: `{"code":"jane:s3cret","authProvider":"openldapconfig"}`},
		{name: "A.8 azureadconfig", credentials: named("azureadconfig", with("jane@example.com", "s3cret")), body: `{"code":"jane@example.com:s3cret","authProvider":"azureadconfig"}`},
		{name: "A.8 ldapconfig", credentials: named("ldapconfig", with(`EXAMPLE\jane`, "s3cret")), body: `{"code":"EXAMPLE\\jane:s3cret","authProvider":"ldapconfig"}`},
		{name: "A.8 githubconfig", credentials: named("githubconfig", oauth), body: `{"code":"3f8a9b0c1d2e4f5a6b7c","authProvider":"githubconfig"}`},
		{name: "A.8 shibbolethconfig", credentials: named("shibbolethconfig", oauth), err: "browsers only"},

		{name: "no provider named", credentials: with("admin", "s3cret"), body: `{"code":"admin:s3cret"}`},
		{name: "code, no provider named", credentials: oauth, body: `{"code":"3f8a9b0c1d2e4f5a6b7c"}`},
		{name: "password with colons", credentials: with("admin", "a:b::c:"), body: `{"code":"admin:a:b::c:"}`},
		{name: "password that is a colon", credentials: with("admin", ":"), body: `{"code":"admin::"}`},
		{name: "password not ASCII", credentials: with("Jürgen", "pässwörd-密码-🔑"), body: `{"code":"Jürgen:pässwörd-密码-🔑"}`},
		{name: "password with what HTML escapes", credentials: with("admin", `<&>"\`+"\t\x00"), body: `{"code":"admin:<&>\"\\\t\u0000"}`},
		{name: "password with spaces around", credentials: with("admin", " s "), body: `{"code":"admin: s "}`},
		{name: "longest", credentials: with("admin", strings.Repeat("x", 16<<10-len(`{"code":"admin:"}`))), body: `{"code":"admin:` + strings.Repeat("x", 16<<10-len(`{"code":"admin:"}`)) + `"}`},

		{name: "nothing", err: "Credentials.Username is empty"},
		{name: "no username", credentials: with("", "s3cret"), err: "Credentials.Username is empty"},
		{name: "no password", credentials: with("admin", ""), err: "Credentials.Password is empty"},
		{name: "username with a colon", credentials: with("ad:min", "s3cret"), err: "Credentials.Username has a colon"},
		{name: "GitHub without a code", credentials: named("githubConfig", with("jane", "s3cret")), err: "Credentials.Code is empty"},
		{name: "code and password", credentials: rancher.Credentials{Username: "jane", Password: token.NewSecret("s3cret"), Code: oauth.Code}, err: "both a Code and"},
		{name: "ID token", credentials: rancher.Credentials{IDToken: token.NewSecret("s3cret")}, err: "Credentials.IDToken is set"},
		{name: "too long", credentials: with("admin", strings.Repeat("x", 16<<10-len(`{"code":"admin:"}`)+1)), err: "longer than the 16384 bytes"},
		{name: "too long once escaped", credentials: with("admin", strings.Repeat("\x01", 4<<10)), err: "longer than the 16384 bytes"},
		{name: "code too long", credentials: rancher.Credentials{Code: token.NewSecret(strings.Repeat("s3cret", 1<<20))}, err: "longer than the 16384 bytes"},
		{name: "provider too long", credentials: named(strings.Repeat("x", 17<<10), oauth), err: "longer than the 16384 bytes"},
		{name: "provider not UTF-8", credentials: named("\xff", oauth), err: "not UTF-8"},
		{name: "not UTF-8", credentials: with("admin", "s3cret\xff"), err: "not UTF-8"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := v2betaLogsIn(t, v2betaFails(404, "NotFound", "NotFound"))
			_, err := s.client().Login(t.Context(), test.credentials)
			checkV2BetaError(t, err, "s3cret", "xxxxxx", "\x01")
			if test.err == "" {
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(test.body, s.asked[0].body); diff != "" {
					t.Error(diff)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%v, want %q", err, test.err)
			}
			if errors.Is(err, token.ErrRefused) {
				t.Errorf("%v: nobody has refused it", err)
			}
			if calls := s.calls(); calls != nil {
				t.Errorf("it was sent: %v", calls)
			}
		})
	}
}

// How long the token is good.
func TestV2BetaLoginLifetime(t *testing.T) {
	t.Parallel()
	setting := func(value string) http.HandlerFunc {
		return v2betaSays(200, `{"id":"api.auth.jwt.token.expiry","type":"setting","links":{},"actions":{},"name":"api.auth.jwt.token.expiry","activeValue":`+value+`,"inDb":true,"source":"Database","value":"1"}`)
	}
	for _, test := range []struct {
		name    string
		setting http.HandlerFunc
		want    time.Duration
	}{
		{"as set", setting(`"28800000"`), 8 * time.Hour},
		{"to the millisecond", setting(`"90001"`), 90001 * time.Millisecond},
		{"one millisecond", setting(`"1"`), time.Millisecond},
		{"zero", setting(`"0"`), 16 * time.Hour},
		{"negative", setting(`"-1"`), 16 * time.Hour},
		{"no number", setting(`"16h"`), 16 * time.Hour},
		{"a fraction", setting(`"1.5"`), 16 * time.Hour},
		{"empty", setting(`""`), 16 * time.Hour},
		{"more than any duration", setting(`"9223372036854775807"`), 10 * 365 * 24 * time.Hour},
		{"more than any number", setting(`"92233720368547758070"`), 16 * time.Hour},
		{"another setting", v2betaSays(200, `{"id":"x","type":"setting","name":"x","activeValue":"1000","value":"1000"}`), 16*time.Hour - 3*3*time.Second/8},
		{"null", setting(`null`), time.Millisecond}, // which is its value
		{"not to be read: 401", v2betaFails(401, "Unauthorized", "Unauthorized"), 16 * time.Hour},
		{"not to be read: 403", v2betaFails(403, "Forbidden", "Forbidden"), 16 * time.Hour},
		{"not to be read: 404", v2betaFails(404, "NotFound", "NotFound"), 16 * time.Hour},
		{"server away", v2betaFails(500, "ServerError", ""), 16*time.Hour - 3*3*time.Second/8},
		{"a page", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "<html>") }, 16*time.Hour - 3*3*time.Second/8},
		{"nothing", func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }, 16*time.Hour - 3*3*time.Second/8},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := v2betaLogsIn(t, test.setting)
				login, err := s.client().Login(t.Context(), v2betaAdmin())
				if err != nil {
					t.Fatal(err)
				}
				if login.Token.ExpiresIn != test.want {
					t.Errorf("ExpiresIn %v, want %v", login.Token.ExpiresIn, test.want)
				}
				if got := login.Token.Expiry.Sub(login.Token.IssuedAt); got != test.want.Round(time.Minute) && got != test.want {
					t.Errorf("Expiry %v after IssuedAt, want %v", got, test.want)
				}
				if r := s.asked[1]; r.Header.Get("Cookie") != "token="+v2betaJWT || r.Header.Get("Authorization") != "" {
					t.Errorf("the setting was asked for with %v", r.Header)
				}
			})
		})
	}
}

// A setting that is slow to come does not cost the login, and what it took is
// not given away again.
func TestV2BetaLoginSlowSetting(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		deadline, delay, want time.Duration
	}{
		{0, 2 * time.Second, time.Hour - 2*time.Second},
		{0, time.Minute, 16*time.Hour - 3*time.Second},
		{4 * time.Second, time.Minute, 16*time.Hour - 2*time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, s := t.Context(), v2betaLogsIn(t, func(w http.ResponseWriter, r *http.Request) {
				select {
				case <-time.After(test.delay):
				case <-r.Context().Done():
				}
				v2betaSays(200, `{"type":"setting","id":"api.auth.jwt.token.expiry","activeValue":"3600000"}`)(w, r)
			})
			if test.deadline > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, test.deadline)
				defer cancel()
			}
			login, err := s.client().Login(ctx, v2betaAdmin())
			if err != nil || login.Token.ExpiresIn != test.want {
				t.Errorf("%+v: ExpiresIn %v, %v", test, login.Token.ExpiresIn, err)
			}
			synctest.Wait()
		})
	}
}

// What a setting has said is known also while it cannot be read, and one failure
// is not taken for the last word.
func TestV2BetaLoginRemembersSetting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		says := []http.HandlerFunc{
			v2betaFails(503, "ServiceUnavailable", ""),
			v2betaSays(200, `{"type":"setting","id":"api.auth.jwt.token.expiry","activeValue":"3600000"}`),
			v2betaFails(403, "Forbidden", ""),
			v2betaSays(200, `{"type":"setting","id":"api.auth.jwt.token.expiry","activeValue":"1800000"}`),
			v2betaFails(404, "NotFound", ""),
		}
		s := v2betaLogsIn(t, func(w http.ResponseWriter, r *http.Request) {
			say := says[0]
			says = says[1:]
			say(w, r)
		})
		c := s.client()
		for _, want := range []time.Duration{time.Hour - 3*time.Second/8, time.Hour, time.Hour / 2, time.Hour / 2} {
			login, err := c.Login(t.Context(), v2betaAdmin())
			if err != nil || login.Token.ExpiresIn != want {
				t.Errorf("ExpiresIn %v, want %v; %v", login.Token.ExpiresIn, want, err)
			}
		}
	})
}

// A token whose life is over before it has arrived does not look like one of
// unknown life.
func TestV2BetaLoginDeadOnArrival(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := v2betaLogsIn(t, func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second)
			v2betaSays(200, `{"type":"setting","id":"api.auth.jwt.token.expiry","activeValue":"1000"}`)(w, r)
		})
		login, err := s.client().Login(t.Context(), v2betaAdmin())
		if err != nil || login.Token.ExpiresIn >= 0 {
			t.Errorf("ExpiresIn %v, %v", login.Token.ExpiresIn, err)
		}
	})
}

// A server's clock is its own: a token has its lifetime whatever the Date.
func TestV2BetaLoginDate(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		date         string
		issued, ends time.Time
	}{
		{"Thu, 01 Jan 2009 00:00:00 GMT", time.Date(2009, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2009, 1, 1, 16, 0, 0, 0, time.UTC)},
		{"yesterday", time.Time{}, time.Time{}},
	} {
		synctest.Test(t, func(t *testing.T) {
			response := v2betaGolden(t, "response")
			s := &v2betaServer{answer: func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Date", test.date)
				if r.Method == "GET" {
					v2betaFails(404, "NotFound", "")(w, r)
					return
				}
				v2betaSays(201, response)(w, r)
			}}
			login, err := s.client().Login(t.Context(), v2betaAdmin())
			if err != nil || login.Token.ExpiresIn != 16*time.Hour || !login.Token.IssuedAt.Equal(test.issued) || !login.Token.Expiry.Equal(test.ends) {
				t.Errorf("%s: %v, %+v", test.date, err, login.Token)
			}
		})
	}
}

// Each row of the table of errors, as 1.6 answers it to a login.
func TestV2BetaLoginErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		status  int
		code    string
		message string
		want    error
		refused bool
		remedy  string // a part of it
	}{
		{"A.9 body without code", 422, "MissingRequired", "", rancher.ErrRequest, false, "Code"},
		{"A.9 code without a colon", 403, "Forbidden", "Forbidden", rancher.ErrRequest, false, "no Code"},
		{"A.9 azure code without a colon", 400, "MalformedCode", "MalformedCode", rancher.ErrRequest, false, "Username"},
		{"A.9 wrong local password", 401, "Unauthorized", "Unauthorized", rancher.ErrCredentials, true, "active user"},
		{"A.9 external provider says 401", 401, "AuthError", "Username or Password incorrect", rancher.ErrCredentials, true, "active user"},
		{"A.9 external provider says 403", 403, "AuthError", "Your account does not have access", rancher.ErrNoAccess, true, "Site Access"},
		{"A.9 external provider other", 502, "AuthError", "Error communicating with authentication provider", rancher.ErrProvider, false, "Access Control"},
		{"A.9 external provider other", 422, "AuthError", "Error communicating with authentication provider", rancher.ErrProvider, false, "Access Control"},
		{"A.9 external provider other", 404, "AuthError", "Error communicating with authentication provider", rancher.ErrProvider, false, "Access Control"},
		{"A.9 auth-service unreachable", 400, "codeInvalid", "Code provided is invalid.", rancher.ErrProvider, false, "rancher-auth-service"},
		{"A.9 no provider configured", 500, "NoAuthProvider", "No Auth provider is configured.", rancher.ErrProvider, false, "api.auth.provider.configured"},
		{"A.9 local auth not configured", 503, "LocalAuthConfig", "LocalAuthConfig is not Configured.", rancher.ErrProvider, false, "Access Control in the UI > Local"},
		{"A.9 body is not JSON", 400, "InvalidBodyContent", "", rancher.ErrRequest, false, "change what is sent"},
		{"A.9 site access mode refuses the user", 403, "AuthError", "Your account does not have access", rancher.ErrNoAccess, true, "Site Access"},
		{"A.9 CSRF mismatch", 403, "InvalidCSRFToken", "CSRF header and cookie do not match", rancher.ErrCSRF, false, "X-API-CSRF"},
		{"A.9 LDAP down", 500, "LdapDown", "Could not talk to ldap", rancher.ErrProvider, false, "LDAP"},
		{"A.9 LDAP down, as some versions say it", 503, "LdapDown", "Could not talk to ldap", rancher.ErrProvider, false, "LDAP"},

		{"another 400", 400, "InvalidOption", "", rancher.ErrRequest, false, "1.6"},
		{"another 403", 403, "PermissionDenied", "", rancher.ErrNoAccess, true, "administrator"},
		{"another 404", 404, "NotFound", "", rancher.ErrNotRancher, false, "Detect"},
		{"405", 405, "MethodNotAllowed", "", rancher.ErrRequest, false, "Detect"},
		{"another 500", 500, "ServerError", "", rancher.ErrUnavailable, false, "later"},
		{"503", 503, "ServiceUnavailable", "", rancher.ErrUnavailable, false, "later"},
		{"429", 429, "TooManyRequests", "", rancher.ErrUnavailable, false, "later"},
		{"an unknown code", 418, "s3cret", "s3cret", rancher.ErrNotRancher, false, "Detect"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			body := fmt.Sprintf(v2betaError, test.status, test.code, test.message+` admin:s3cret`)
			s := &v2betaServer{answer: func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Retry-After", "7")
				v2betaSays(test.status, body)(w, r)
			}}
			login, err := s.client().Login(t.Context(), rancher.Credentials{Username: "admin", Password: token.NewSecret("s3cret")})
			checkV2BetaError(t, err, "s3cret")
			var e *rancher.Error
			if !errors.As(err, &e) || !errors.Is(err, test.want) || errors.Is(err, token.ErrRefused) != test.refused {
				t.Fatalf("%v", err)
			}
			if e.Op != "log in" || e.From != "POST https://rancher.example/v2-beta/token" || e.Status != test.status || !strings.Contains(e.Remedy, test.remedy) {
				t.Errorf("%+v", e)
			}
			if e.Code != test.code && test.want != rancher.ErrNotRancher {
				t.Errorf("code %q, want %q", e.Code, test.code)
			}
			if diff := cmp.Diff(rancher.Login{}, login); diff != "" {
				t.Errorf("a login beside an error:\n%s", diff)
			}
			if want := test.want == rancher.ErrUnavailable; want != (token.RetryAfter(err) == 7*time.Second) {
				t.Errorf("RetryAfter %v", token.RetryAfter(err))
			}
			if calls := s.calls(); len(calls) != 1 {
				t.Errorf("it was asked %v", calls)
			}
		})
	}
}

// What is no answer of 1.6 to a login.
func TestV2BetaLoginOddAnswers(t *testing.T) {
	t.Parallel()
	golden := v2betaGolden(t, "response")
	replaced := func(old, new string) http.HandlerFunc {
		changed := strings.Replace(golden, old, new, 1)
		if changed == golden {
			t.Fatalf("there is no %s", old)
		}
		return v2betaSays(201, changed)
	}
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		want   error
	}{
		{"a page", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<html>Log in, admin:s3cret</html>")
		}, rancher.ErrNotRancher},
		{"a page of a proxy that Rancher is away from", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(502)
			fmt.Fprint(w, "<html>s3cret</html>")
		}, rancher.ErrUnavailable},
		{"truncated", v2betaSays(201, golden[:len(golden)/2]), rancher.ErrNotRancher},
		{"nothing", v2betaSays(201, ""), rancher.ErrNotRancher},
		{"200", v2betaSays(200, golden), rancher.ErrNotRancher},
		{"200 with an error", v2betaSays(200, fmt.Sprintf(v2betaError, 401, "Unauthorized", "s3cret")), rancher.ErrNotRancher},
		{"201 with an error", v2betaSays(201, fmt.Sprintf(v2betaError, 401, "Unauthorized", "s3cret")), rancher.ErrNotRancher},
		{"a status in quotes", v2betaSays(401, `{"type":"error","status":"401","message":"s3cret"}`), rancher.ErrCredentials},
		{"a redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://other.example/s3cret", http.StatusTemporaryRedirect)
		}, rancher.ErrNotRancher},
		{"endless", v2betaSays(201, `{"type":"token","jwt":"`+strings.Repeat("s3cret", 10<<20/6)+`"}`), rancher.ErrNotRancher},
		{"a refusal of somebody else's", v2betaSays(401, `{"error":"s3cret"}`), rancher.ErrCredentials},
		{"another 403 of somebody else's", v2betaSays(403, `{"error":"s3cret"}`), rancher.ErrNotRancher},
		{"another 400 of somebody else's", v2betaSays(400, `s3cret`), rancher.ErrNotRancher},
		{"another 404 of somebody else's", v2betaSays(404, `{}`), rancher.ErrNotRancher},
		{"a 503 of somebody else's", v2betaSays(503, `s3cret`), rancher.ErrUnavailable},
		{"no token in it", replaced(`"jwt":"`+v2betaJWT+`"`, `"jwt":null`), rancher.ErrNotRancher},
		{"an empty token in it", replaced(v2betaJWT, ""), rancher.ErrNotRancher},
		{"a token of another kind", replaced(`"jwt":"`+v2betaJWT+`"`, `"jwt":12345`), rancher.ErrNotRancher},
		{"a token that no cookie can carry", replaced(v2betaJWT, `s3cret;Domain=other`), rancher.ErrNotRancher},
		{"a token with an end of line", replaced(v2betaJWT, `s3cret\r\nX-API-Roles: admin`), rancher.ErrNotRancher},
		{"a token that is redacted", replaced(v2betaJWT, `[redacted]`), rancher.ErrNotRancher},
		{"a token that is too long", replaced(v2betaJWT, strings.Repeat("x", 16<<10+1)), rancher.ErrNotRancher},
		{"two tokens", replaced(`"code":null`, `"JWT":"s3cret"`), rancher.ErrNotRancher},
		{"another type", replaced(`"type":"token"`, `"type":"s3cret"`), rancher.ErrNotRancher},
		{"an identity of another kind", replaced(`"login":"admin"`, `"login":["s3cret"]`), rancher.ErrNotRancher},
		{"a list", v2betaSays(201, `[]`), rancher.ErrNotRancher},
		{"deep", v2betaSays(201, strings.Repeat(`{"s3cret":`, 1000)), rancher.ErrNotRancher},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := &v2betaServer{answer: test.answer}
			login, err := s.client().Login(t.Context(), rancher.Credentials{Username: "admin", Password: token.NewSecret("s3cret")})
			checkV2BetaError(t, err, "s3cret")
			var e *rancher.Error
			if !errors.As(err, &e) || !errors.Is(err, test.want) {
				t.Fatalf("%v", err)
			}
			if e.Saw == "" && test.want != rancher.ErrUnavailable && test.name != "a status in quotes" {
				t.Errorf("%v: what was seen?", err)
			}
			if !login.Token.IsZero() {
				t.Errorf("a token beside an error")
			}
			if calls := s.calls(); len(calls) != 1 {
				t.Errorf("it was asked %v", calls)
			}
		})
	}
}

// What a server says of a user can be shown: it is short, and one line.
func TestV2BetaLoginUser(t *testing.T) {
	t.Parallel()
	body := fmt.Sprintf(`{"type":"token","jwt":"%s","user":"jane","userIdentity":{"name":"a\nb%s"},"accountId":null}`, v2betaJWT, strings.Repeat("x", 1000))
	s := &v2betaServer{answer: v2betaSays(201, body)}
	login, err := s.client().Login(t.Context(), v2betaAdmin())
	if err != nil {
		t.Fatal(err)
	}
	if u := login.User; u.Login != "jane" || !strings.HasPrefix(u.Name, "a bxxx") || len(u.Name) > 210 || u.ID != "" {
		t.Errorf("%+v", u)
	}
}

// A login needs nobody to be logged in, and sends no token that is about.
func TestV2BetaLoginAlone(t *testing.T) {
	t.Parallel()
	s := v2betaLogsIn(t, v2betaFails(404, "NotFound", ""))
	c := s.client()
	c.Source = token.Static(token.New(token.NewSecret("s3cret")))
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	u := &url.URL{Scheme: "https", Host: "rancher.example", Path: "/"}
	jar.SetCookies(u, []*http.Cookie{{Name: "token", Value: "s3cret"}})
	c.Server.HTTP.Jar = jar
	if _, err := c.Login(t.Context(), v2betaAdmin()); err != nil {
		t.Fatal(err)
	}
	if h := s.asked[0].Header; h.Get("Cookie") != "" || h.Get("Authorization") != "" {
		t.Errorf("%v", h)
	}
	if got := s.asked[1].Header.Get("Cookie"); got != "token="+v2betaJWT {
		t.Errorf("the setting was asked for with %q", got)
	}
}

// The exchange with a server that cannot be reached, or must not be asked.
func TestV2BetaLoginServer(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		server *rancher.Server
		want   string
	}{
		{nil, "Server is nil"},
		{&rancher.Server{}, "Server.URL is empty"},
		{&rancher.Server{URL: "http://rancher.example"}, "nothing was sent to http://rancher.example"},
		{&rancher.Server{URL: "https://rancher.example/v2-beta"}, "leave that off"},
	} {
		_, err := (&rancher.V2Beta{Server: test.server}).Login(t.Context(), v2betaAdmin())
		checkV2BetaError(t, err, "<password here>")
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v, want %q", err, test.want)
		}
	}
}
