package rancher

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/token"
)

// A login's token and a derived one are revoked, by the call that each version
// has.
func TestV3Logout(t *testing.T) {
	t.Parallel()
	everyV3(t, func(t *testing.T, fake *ranchertest.V3, c *V3) {
		for name, logout := range map[string]func(token.Secret) error{
			"B.5 logout": func(tok token.Secret) error { return c.Logout(t.Context(), tok) },
			"B.5 logoutAll": func(tok token.Secret) error {
				to, err := c.LogoutAll(t.Context(), tok)
				if to != "" {
					t.Errorf("to %s", to)
				}
				return err
			},
		} {
			t.Run(name, func(t *testing.T) {
				login := loginV3(t, c)
				tok, _, err := c.Create(t.Context(), V3Request{})
				if err != nil {
					t.Fatal(err)
				}
				for _, tok := range []token.Secret{tok.Value, login.Token.Value, tok.Value, token.NewSecret("hunter2")} {
					if err := logout(tok); err != nil {
						t.Error(err)
					}
				}
				if left := fake.Tokens(); len(left) > 0 {
					t.Errorf("%d are left", len(left))
				}
			})
		}
	})
}

// Before 2.15 no logout knows a token of ext.cattle.io: it deletes itself.
func TestV3LogoutExt(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"v2.12.0", "v2.13.1", "v2.15.0"} {
		for name, logout := range map[string]func(*V3, token.Secret) error{
			"Logout":    func(c *V3, tok token.Secret) error { return c.Logout(t.Context(), tok) },
			"LogoutAll": func(c *V3, tok token.Secret) error { _, err := c.LogoutAll(t.Context(), tok); return err },
		} {
			t.Run("B.5 logout of an ext token: "+version+" "+name, func(t *testing.T) {
				t.Parallel()
				fake, c := newV3(version)
				login := loginV3(t, c)
				c.Source = token.Static(login.Token)
				ext, _, err := c.CreateExt(t.Context(), V3Request{})
				if err != nil {
					t.Fatal(err)
				}
				for range 2 {
					if err := logout(c, ext.Value); err != nil {
						t.Error(err)
					}
				}
				if left := fake.Tokens(); len(left) != 1 || left[0].Ext {
					t.Errorf("%d tokens are left", len(left))
				}
			})
		}
	}
	t.Run("a server that has none of them", func(t *testing.T) {
		t.Parallel()
		c, _ := script(t, map[string]http.HandlerFunc{
			"POST /v1/logout": says(500, "true", "Internal Server Error"),
			"DELETE /ext/apis/ext.cattle.io/v1/tokens/token-7d9xk": says(404, "true",
				`{"kind":"Status","status":"Failure","message":"the server could not find the requested resource","reason":"NotFound","code":404}`),
		})
		checkV3Error(t, c.Logout(t.Context(), token.NewSecret("ext/token-7d9xk:hunter2")), ErrUnavailable, 500, "")
	})
	t.Run("a server that says 500 to all", func(t *testing.T) {
		t.Parallel()
		fake, c := newV3("v2.13.1")
		login := loginV3(t, c)
		c.Source = token.Static(login.Token)
		ext, _, err := c.CreateExt(t.Context(), V3Request{})
		if err != nil {
			t.Fatal(err)
		}
		fake.SetFault(ranchertest.Answer(500, `{"type":"error","code":"ServerError"}`))
		checkV3Error(t, c.Logout(t.Context(), ext.Value), ErrUnavailable, 500, "")
	})
}

// A provider that demands a logout there as well.
func TestV3LogoutForced(t *testing.T) {
	t.Parallel()
	for _, version := range v3Versions {
		t.Run("B.5 logout: SAML with forced single-logout "+version, func(t *testing.T) {
			t.Parallel()
			fake, c := newV3(version)
			login := loginV3(t, c)
			fake.ForceLogoutAll("local")
			err := c.Logout(t.Context(), login.Token.Value)
			checkV3Error(t, err, ErrUnavailable, 500, ": the server cannot answer now; if the provider demands a logout there as well, use LogoutAll")
			to, err := c.LogoutAll(t.Context(), login.Token.Value)
			if err != nil || !strings.HasPrefix(to, "https://local.example/") {
				t.Errorf("%q, %v", to, err)
			}
			if left := fake.Tokens(); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// Where logging out is asked for, and what of the answers.
func TestV3LogoutAnswers(t *testing.T) {
	t.Parallel()
	const v1, v3 = "POST /v1/logout?all", "POST /v3/tokens?action=logoutAll"
	gone := says(404, "true", `{"type":"error","code":"NotFound"}`)
	for _, test := range []struct {
		name   string
		v1, v3 http.HandlerFunc
		to     string
		want   error
	}{
		{"2.13 and later", says(200, "true", ""), nil, "", nil},
		{"2.12 and before", gone, says(200, "true", ""), "", nil},
		{"the UI of an old one", reply(200, "text/html", "<html></html>"), says(200, "", ""), "", nil},
		{"somewhere else to go", says(200, "true", `{"type":"authConfigLogoutOutput","idpRedirectUrl":"https://idp.example/slo?a=b"}`), nil, "https://idp.example/slo?a=b", nil},
		{"nowhere to go", says(200, "true", `{"type":"authConfigLogoutOutput","idpRedirectUrl":""}`), nil, "", nil},
		{"no page", says(200, "true", `{"idpRedirectUrl":"javascript:hunter2"}`), nil, "", ErrNotRancher},
		{"a page of another kind", says(200, "true", `{"idpRedirectUrl":"ftp://idp.example/hunter2"}`), nil, "", ErrNotRancher},
		{"unreadable", says(200, "true", `{"idpRedirectUrl":"hunter2`), nil, "", ErrNotRancher},
		{"dead already", says(401, "false", mustAuthenticate), nil, "", nil},
		{"dead already, by 403", says(403, "false", `{}`), nil, "", nil},
		{"a proxy's refusal", says(401, "", `{}`), nil, "", ErrNotRancher},
		{"an ingress's 404", reply(404, "text/plain", "default backend - 404"), reply(404, "text/plain", "default backend - 404"), "", ErrNotRancher},
		{"away", reply(502, "text/plain", "hunter2"), nil, "", ErrUnavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			answers := map[string]http.HandlerFunc{v1: test.v1}
			if test.v3 != nil {
				answers[v3] = test.v3
			}
			c, server := script(t, answers)
			to, err := c.LogoutAll(t.Context(), token.NewSecret("token-a:hunter2"))
			if to != test.to || !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
				t.Errorf("%q, %v", to, err)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Error(err)
			}
			if server.bodies[0] != "{}" || server.header[0].Get("Authorization") != "Bearer token-a:hunter2" {
				t.Error(server.bodies, server.header)
			}
		})
	}
	c, _ := script(t, nil)
	if err := c.Logout(t.Context(), token.Secret{}); err == nil || err.Error() != "rancher: log out: the token is empty" {
		t.Error(err)
	}
}
