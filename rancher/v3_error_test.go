package rancher

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/token"
)

// Every reason to refuse a token of B.7 looks the same to a client, on each
// version.
func TestV3Refusals(t *testing.T) {
	t.Parallel()
	for name, refuse := range map[string]func(fake *ranchertest.V3, login Login) string{
		"B.7 malformed":     func(*ranchertest.V3, Login) string { return "hunter2" },
		"B.7 unknown":       func(*ranchertest.V3, Login) string { return "token-hhhhh:hunter2" },
		"B.7 wrong secret":  func(_ *ranchertest.V3, l Login) string { return l.Name + ":hunter2" },
		"B.7 deleted":       func(s *ranchertest.V3, l Login) string { s.DeleteToken(l.Name); return l.Token.Value.Reveal() },
		"B.7 disabled":      func(s *ranchertest.V3, l Login) string { s.DisableToken(l.Name); return l.Token.Value.Reveal() },
		"B.7 user disabled": func(s *ranchertest.V3, l Login) string { s.DisableUser("admin", true); return l.Token.Value.Reveal() },
		"B.7 user deleted":  func(s *ranchertest.V3, l Login) string { s.DeleteUser("admin"); return l.Token.Value.Reveal() },
		"B.7 provider disabled": func(s *ranchertest.V3, l Login) string {
			s.DisableProvider("local", true)
			return l.Token.Value.Reveal()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyV3(t, func(t *testing.T, fake *ranchertest.V3, c *V3) {
				login := loginV3(t, c)
				checkV3Refused(t, c, token.NewSecret(refuse(fake, login)))
			})
		})
	}
	for name, refuse := range map[string]func(t *testing.T, fake *ranchertest.V3, c *V3, login Login) token.Secret{
		"B.7 expired": func(_ *testing.T, _ *ranchertest.V3, _ *V3, l Login) token.Secret {
			time.Sleep(16 * time.Hour)
			return l.Token.Value
		},
		"B.7 idle-expired": func(t *testing.T, fake *ranchertest.V3, c *V3, l Login) token.Secret {
			if _, err := c.Touch(t.Context(), l.Name); err != nil {
				t.Skip("this version ends no session for that")
			}
			fake.Set("auth-user-session-idle-ttl-minutes", "10")
			time.Sleep(10*time.Minute + time.Second)
			return l.Token.Value
		},
		"B.7 cluster scope mismatch": func(t *testing.T, _ *ranchertest.V3, c *V3, _ Login) token.Secret {
			tok, _, err := c.Create(t.Context(), V3Request{Cluster: "c-m-abcde"})
			if err != nil {
				t.Fatal(err)
			}
			return tok.Value
		},
	} {
		for _, version := range v3Versions {
			t.Run(name+"/"+version, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					fake, c := newV3(version)
					login := loginV3(t, c)
					checkV3Refused(t, c, refuse(t, fake, c, login))
				})
			})
		}
	}
	t.Run("B.7 Kubernetes-style paths", func(t *testing.T) {
		t.Parallel()
		fake, c := newV3("v2.13.1")
		login := loginV3(t, c)
		fake.DeleteToken(login.Name)
		_, err := c.ExtTokens(t.Context())
		checkV3Error(t, err, ErrNotAuthenticated, 403, "403 Forbidden")
		if !errors.Is(err, token.ErrRefused) {
			t.Error("it is no refusal")
		}
	})
	t.Run("B.7 X-API-Cattle-Auth: true", func(t *testing.T) {
		t.Parallel()
		_, c := newV3("v2.13.1")
		loginV3(t, c)
		_, err := c.Setting(t.Context(), "no-such-setting")
		checkV3Error(t, err, ErrNotFound, 404, "404 Not Found")
		if errors.Is(err, token.ErrRefused) {
			t.Error("it is a refusal")
		}
	})
}

// checkV3Refused fails the test unless each call with a token is refused as all
// are.
func checkV3Refused(t *testing.T, c *V3, tok token.Secret) {
	t.Helper()
	c.Source = token.Static(token.Token{Value: tok})
	_, err := c.Tokens(t.Context())
	checkV3Error(t, err, ErrNotAuthenticated, 401, "401 Unauthorized: the server does not accept this token; get another token; Diagnose says why this one is refused")
	if !errors.Is(err, token.ErrRefused) {
		t.Error("it is no refusal")
	}
	if strings.Contains(err.Error(), tok.Reveal()) {
		t.Error("the error shows the token")
	}
	if probe, err := c.Probe(t.Context(), tok); err != nil || probe.Live || probe.Err != ErrNotAuthenticated {
		t.Errorf("%+v, %v", probe, err)
	}
	if err := c.Logout(t.Context(), tok); err != nil {
		t.Error(err)
	}
}

// What an answer means, by its status, its form and X-API-Cattle-Auth.
func TestV3Meanings(t *testing.T) {
	t.Parallel()
	const nobody = `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"tokens.ext.cattle.io is forbidden: User \"system:cattle:error\" cannot list resource \"tokens\" in API group \"ext.cattle.io\" at the cluster scope: hunter2","reason":"Forbidden","details":{},"code":403}`
	somebody := strings.ReplaceAll(nobody, "system:cattle:error", "user-abcde")
	norman := func(code string) string {
		return `{"baseType":"error","code":"` + code + `","message":"hunter2","status":499,"type":"error","fieldName":"hunter2"}`
	}
	for _, test := range []struct {
		name   string
		status int
		auth   string
		body   string
		want   error
		text   string
	}{
		{"B.7 the filter", 401, "false", mustAuthenticate, ErrNotAuthenticated, ""},
		{"B.7 the filter of 2.5", 401, "", mustAuthenticate, ErrNotAuthenticated, ""},
		{"B.7 the filter of 2.4", 401, "", `{"type":"error","status":"401","message":"must authenticate"}`, ErrNotAuthenticated, ""},
		{"B.7 the status is a number", 401, "", `{"type":"error","status":401,"message":"Unauthorized"}`, ErrNotAuthenticated, ""},
		{"B.7 401 by the header alone", 401, "false", `Unauthorized`, ErrNotAuthenticated, ""},
		{"B.7 401 where there was none", 401, "none", mustAuthenticate, ErrNotAuthenticated, ""},
		{"B.7 Kubernetes: 403 of nobody", 403, "false", nobody, ErrNotAuthenticated, "403 Forbidden"},
		{"B.7 Kubernetes: 403 of nobody, before 2.6", 403, "", nobody, ErrNotAuthenticated, ""},
		{"B.7 403 by the header alone", 403, "false", `{}`, ErrNotAuthenticated, ""},
		{"B.7 permission", 403, "true", somebody, ErrForbidden, "have the user given a role that permits it"},
		{"B.7 permission, before 2.6", 403, "", somebody, ErrForbidden, ""},
		{"B.7 permission, of norman", 403, "true", norman("Forbidden"), ErrForbidden, ""},
		{"B.7 permission: the message quotes another", 403, "true", nobody, ErrForbidden, ""},
		{"B.7 404 with a good token", 404, "true", norman("NotFound"), ErrNotFound, ""},
		{"B.7 404 in text with a good token", 404, "true", `404 page not found`, ErrNotFound, ""},
		{"401 of what is behind Rancher", 401, "true", `{}`, ErrForbidden, "use another token for this: before 2.15 none of ext.cattle.io (ext/…) is taken"},
		{"B.4 norman", 422, "true", norman("InvalidCSRFToken"), ErrCSRF, "422 Unprocessable Entity, InvalidCSRFToken"},
		{"B.4 403", 403, "false", norman("InvalidCSRFToken"), ErrCSRF, ""},
		{"422", 422, "true", norman("InvalidBodyContent"), ErrRequest, ""},
		{"400", 400, "true", norman("hunter2"), ErrRequest, ""},
		{"405", 405, "true", norman("MethodNotAllow"), ErrRequest, "405 Method Not Allowed, MethodNotAllow: "},
		{"409", 409, "true", norman("Conflict"), ErrRequest, ""},
		{"429", 429, "", `slow down, hunter2`, ErrUnavailable, "ask less often"},
		{"500", 500, "true", norman("ServerError"), ErrUnavailable, "the log of Rancher says why"},
		{"503 of a proxy", 503, "", `hunter2`, ErrUnavailable, ""},
		{"401 of a proxy", 401, "", `{"message":"hunter2"}`, ErrNotRancher, "does a proxy before it want a login of its own?"},
		{"403 of a proxy", 403, "", `hunter2`, ErrNotRancher, ""},
		{"404 of a proxy", 404, "", `default backend - 404`, ErrNotRancher, ""},
		{"200 with an error in it", 200, "true", norman("NotFound"), ErrNotRancher, "an error, with the status of a success"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, server := script(t, map[string]http.HandlerFunc{"GET /v3/tokens": says(test.status, test.auth, test.body)})
			_, err := withToken(c).Tokens(t.Context())
			checkV3Error(t, err, test.want, test.status, test.text)
			if want := "GET /v3/tokens"; test.want != ErrCSRF && server.asked() != want {
				t.Errorf("asked %s", server.asked())
			}
		})
	}
}

// A revolver is a Source with several tokens, which goes on to the next when one
// is refused.
type revolver struct {
	mu     sync.Mutex
	tokens []string
	given  []string
	err    error
}

func (s *revolver) Token(context.Context) (token.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.tokens) == 0 {
		return token.Token{}, s.err
	}
	return token.Token{Value: token.NewSecret(s.tokens[0])}, nil
}

func (s *revolver) Invalidate(t token.Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.given = append(s.given, t.Value.Reveal())
	if len(s.tokens) > 1 || s.err != nil {
		s.tokens = s.tokens[1:]
	}
}

// A call that is refused for its token is made once more with another one.
func TestV3CallAgain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name        string
		src         *revolver
		good        string
		asks, gives int
		want        error
	}{
		{"the second is good", &revolver{tokens: []string{"token-a:a", "token-b:b"}}, "token-b:b", 2, 1, nil},
		{"the first is good", &revolver{tokens: []string{"token-a:a", "token-b:b"}}, "token-a:a", 1, 0, nil},
		{"never a third time", &revolver{tokens: []string{"token-a:a", "token-b:b", "token-c:c"}}, "token-c:c", 2, 2, ErrNotAuthenticated},
		{"there is only one", &revolver{tokens: []string{"token-a:a"}}, "", 1, 1, ErrNotAuthenticated},
		{"there is none any more", &revolver{tokens: []string{"token-a:a"}, err: errors.New("no more")}, "", 1, 1, ErrNotAuthenticated},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, server := script(t, map[string]http.HandlerFunc{"POST /v3/tokens": func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") != "Bearer "+test.good {
					says(401, "false", mustAuthenticate)(w, r)
					return
				}
				says(201, "true", `{"id":"token-7d9xk","token":"token-7d9xk:x","ttl":1000}`)(w, r)
			}})
			c.Source = test.src
			_, _, err := c.Create(t.Context(), V3Request{})
			if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) || len(server.calls) != test.asks || len(test.src.given) != test.gives {
				t.Errorf("%v, asked %s, gave up %v", err, server.asked(), test.src.given)
			}
		})
	}
}

// Nothing is made a second time that may have been done the first, and nothing
// is refused for what is not the token's fault.
func TestV3CallOnce(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"no answer":    raw(""),
		"half of one":  raw("HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{"),
		"500":          says(500, "", `{"type":"error","code":"ServerError"}`),
		"403":          says(403, "true", `{"type":"error","code":"Forbidden"}`),
		"a proxy's":    says(401, "", `{}`),
		"unreadable":   says(201, "true", `{}`),
		"another page": reply(401, "text/html", "<html></html>"),
	} {
		c, server := script(t, map[string]http.HandlerFunc{"POST /v3/tokens": answer})
		src := &revolver{tokens: []string{"token-a:a", "token-b:b"}}
		c.Source = src
		if _, _, err := c.Create(t.Context(), V3Request{}); err == nil || len(server.calls) != 1 || len(src.given) != 0 {
			t.Errorf("%s: %v, asked %s, gave up %v", name, err, server.asked(), src.given)
		}
	}
}

// A Source that panics when it is told of a refusal does not hide it.
func TestV3CallPanics(t *testing.T) {
	t.Parallel()
	c, _ := script(t, map[string]http.HandlerFunc{"GET /v3/tokens": says(401, "false", mustAuthenticate)})
	c.Source = panicking{}
	_, err := c.Tokens(t.Context())
	checkV3Error(t, err, ErrNotAuthenticated, 401, "")
}

type panicking struct{}

func (panicking) Token(context.Context) (token.Token, error) {
	return token.Token{Value: token.NewSecret("token-a:hunter2")}, nil
}
func (panicking) Invalidate(token.Token) { panic("hunter2") }

// What goes wrong with the Source.
func TestV3CallSource(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		src  token.Source
		text string
		want error
	}{
		{nil, "rancher: list the tokens: V3.Source is nil: set it to what supplies the tokens for this call", nil},
		{token.SourceFunc(func(context.Context) (token.Token, error) { return token.Token{}, nil }), "rancher: list the tokens: V3.Source gave an empty token and no error", nil},
		{token.SourceFunc(func(context.Context) (token.Token, error) { panic("hunter2") }), "rancher: list the tokens: V3.Source panicked in ", nil},
		{token.SourceFunc(func(context.Context) (token.Token, error) { return token.Token{}, token.ErrRevoked }), "rancher: list the tokens: token: invalid: revoked", token.ErrRefused},
		{token.Static(token.Token{Value: token.NewSecret("Bearer token-a:hunter2")}), "rancher: list the tokens: the token cannot be sent: it begins with the word Bearer", nil},
		{token.Static(token.Token{Value: token.NewSecret("token-a:hunter2\n")}), "rancher: list the tokens: the token cannot be sent: there is white space in it", nil},
	} {
		c, server := script(t, nil)
		c.Source = test.src
		_, err := c.Tokens(t.Context())
		e, ok := errors.AsType[*Error](err)
		if !ok || !e.unsent || !strings.HasPrefix(err.Error(), test.text) || strings.Contains(err.Error(), "hunter2") || errors.Is(err, token.ErrInvalid) || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%v, want %s", err, test.text)
		}
		if server.asked() != "" {
			t.Error(server.asked())
		}
	}
	if _, err := (&V3{Source: token.Static(token.Token{Value: token.NewSecret("token-a:a")})}).Tokens(t.Context()); err == nil || err.Error() != "rancher: list the tokens: the Server is nil: set it to where Rancher is" {
		t.Error(err)
	}
}
