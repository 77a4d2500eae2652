package rancher_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/token"
)

func TestV2BetaSetting(t *testing.T) {
	t.Parallel()
	const name = "api.auth.jwt.token.expiry"
	for _, test := range []struct {
		name string
		body string
		want rancher.Setting
	}{
		{"default", `{"id":"api.auth.jwt.token.expiry","type":"setting","links":{},"actions":{},"baseType":"setting","name":"api.auth.jwt.token.expiry","activeValue":"57600000","inDb":false,"source":"Code Packaged Defaults","value":"57600000"}`,
			rancher.Setting{Name: name, Value: "57600000", Source: "Code Packaged Defaults"}},
		{"set", `{"id":"api.auth.jwt.token.expiry","type":"setting","name":"api.auth.jwt.token.expiry","activeValue":"28800000","inDb":true,"source":"Database","value":"28800000"}`,
			rancher.Setting{Name: name, Value: "28800000", Source: "Database", Customized: true}},
		{"set, and overridden", `{"id":"api.auth.jwt.token.expiry","type":"setting","name":"api.auth.jwt.token.expiry","activeValue":"1000","inDb":true,"source":"Environment Variables","value":"28800000"}`,
			rancher.Setting{Name: name, Value: "1000", Source: "Environment Variables", Customized: true}},
		{"active, and empty", `{"type":"setting","name":"api.auth.jwt.token.expiry","activeValue":"","value":"1"}`, rancher.Setting{Name: name}},
		{"not active", `{"type":"activeSetting","id":"API.auth.jwt.token.expiry","activeValue":null,"value":"1","source":null,"inDb":null}`, rancher.Setting{Name: name, Value: "1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := &v2betaServer{answer: v2betaSays(200, test.body)}
			c := s.client()
			c.Source = token.Static(token.New(token.NewSecret(v2betaJWT)))
			got, err := c.Setting(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			r := s.asked[0]
			if r.Method+" "+r.URL.RequestURI() != "GET /v2-beta/settings/api.auth.jwt.token.expiry" || r.Header.Get("Cookie") != "token="+v2betaJWT {
				t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
			}
		})
	}
}

func TestV2BetaSettingErrors(t *testing.T) {
	t.Parallel()
	static := token.Static(token.New(token.NewSecret(v2betaJWT)))
	for _, test := range []struct {
		name    string
		setting string
		source  token.Source
		answer  http.HandlerFunc
		want    error
		text    string
	}{
		{"A.9 expired token, unknown token, no token", "x", static, v2betaFails(401, "Unauthorized", v2betaJWT), rancher.ErrNotAuthenticated, "log in again"},
		{"A.9 provider switched since the token was made", "x", static, v2betaFails(401, "AuthProviderChanged", v2betaJWT), rancher.ErrProviderChanged, "log in again"},
		{"A.9 site access mode refuses the user", "x", static, v2betaFails(403, "AuthError", v2betaJWT), rancher.ErrNoAccess, "Site Access"},
		{"A.9 CSRF mismatch", "x", static, v2betaFails(403, "InvalidCSRFToken", v2betaJWT), rancher.ErrCSRF, "X-API-CSRF"},
		{"not for this user", "x", static, v2betaFails(404, "NotFound", v2betaJWT), rancher.ErrNotFound, "may this user see it"},
		{"forbidden", "x", static, v2betaFails(403, "Forbidden", v2betaJWT), rancher.ErrForbidden, "V2Beta.Project"},
		{"a project that is none", "x", static, v2betaFails(400, "InvalidFormat", v2betaJWT), rancher.ErrRequest, "V2Beta.Project"},
		{"another 404", "x", static, v2betaSays(404, `{"error":"`+v2betaJWT+`"}`), rancher.ErrNotRancher, "not Rancher's"},
		{"500", "x", static, v2betaFails(500, "ServerError", v2betaJWT), rancher.ErrUnavailable, "later"},
		{"another setting", "x", static, v2betaSays(200, `{"type":"setting","id":"y"}`), rancher.ErrNotRancher, "not the setting that was asked for"},
		{"no setting", "x", static, v2betaSays(200, `{"type":"token","id":"x"}`), rancher.ErrNotRancher, "not the setting that was asked for"},
		{"201", "x", static, v2betaSays(201, `{"type":"setting","id":"x"}`), rancher.ErrNotRancher, "it is no answer to that"},
		{"half", "x", static, v2betaSays(200, `{"type":"setting","id":"x","value":"`), rancher.ErrNotRancher, "cannot be read"},

		{"no source", "x", nil, nil, nil, "V2Beta.Source is nil"},
		{"an empty token", "x", token.SourceFunc(func(context.Context) (token.Token, error) { return token.Token{}, nil }), nil, nil, "V2Beta.Source gave an empty token and no error"},
		{"a source that panics", "x", token.SourceFunc(func(context.Context) (token.Token, error) { panic(v2betaJWT) }), nil, nil, "V2Beta.Source panicked"},
		{"a source whose credential is dead", "x", token.SourceFunc(func(context.Context) (token.Token, error) { return token.Token{}, token.ErrRevoked }), nil, token.ErrRefused, "revoked"},
		{"no name", "", static, nil, nil, "no setting has that name"},
		{"a name that is a path", "../token", static, nil, nil, "no setting has that name"},
		{"a name with a query", "x?token=y", static, nil, nil, "no setting has that name"},
		{"a name that leads up", "..", static, nil, nil, "no setting has that name"},
		{"a name too long", strings.Repeat("x", 201), static, nil, nil, "no setting has that name"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := &v2betaServer{answer: test.answer}
			c := s.client()
			c.Source = test.source
			got, err := c.Setting(t.Context(), test.setting)
			checkV2BetaError(t, err, v2betaJWT)
			if err == nil || test.want != nil && !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) {
				t.Fatalf("%v, want %v, %q", err, test.want, test.text)
			}
			if got != (rancher.Setting{}) {
				t.Errorf("a setting beside an error: %+v", got)
			}
			if calls := s.calls(); test.answer == nil && calls != nil {
				t.Errorf("it was sent: %v", calls)
			}
		})
	}
}

// v2betaTokens is a source of tokens one after the other, each until it is
// invalidated.
type v2betaTokens struct{ tokens []string }

func (s *v2betaTokens) Token(context.Context) (token.Token, error) {
	if len(s.tokens) == 0 {
		return token.Token{}, errors.New("there is no token left")
	}
	return token.New(token.NewSecret(s.tokens[0])), nil
}

func (s *v2betaTokens) Invalidate(t token.Token) {
	if len(s.tokens) > 0 && t.Value.Reveal() == s.tokens[0] {
		s.tokens = s.tokens[1:]
	}
}

// A source that goes on supplying a refused token has it tried no second time.
func TestV2BetaSettingStubborn(t *testing.T) {
	t.Parallel()
	s := &v2betaServer{answer: v2betaFails(401, "Unauthorized", "")}
	c := s.client()
	c.Source = v2betaStubborn{token.Static(token.New(token.NewSecret(v2betaJWT)))}
	if _, err := c.Setting(t.Context(), "x"); !errors.Is(err, rancher.ErrNotAuthenticated) || len(s.asked) != 1 {
		t.Errorf("%v, %v", err, s.calls())
	}
}

type v2betaStubborn struct{ token.Source }

func (v2betaStubborn) Invalidate(token.Token) {}

// A refused token is invalidated, and the next one tried, once.
func TestV2BetaSettingInvalidates(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		tokens []string
		calls  int
		left   int
		good   bool
	}{
		{[]string{v2betaJWT}, 1, 1, true},
		{[]string{"a", v2betaJWT}, 2, 1, true},
		{[]string{"a", "b", v2betaJWT}, 2, 1, false},
		{[]string{"a"}, 1, 0, false},
	} {
		s := &v2betaServer{answer: func(w http.ResponseWriter, r *http.Request) {
			if cookie, err := r.Cookie("token"); err != nil || cookie.Value != v2betaJWT {
				v2betaFails(401, "Unauthorized", "")(w, r)
				return
			}
			fmt.Fprint(w, `{"type":"setting","id":"x"}`)
		}}
		source := &v2betaTokens{test.tokens}
		c := s.client()
		c.Source = source
		_, err := c.Setting(t.Context(), "x")
		if (err == nil) != test.good || err != nil && !errors.Is(err, rancher.ErrNotAuthenticated) {
			t.Errorf("%q: %v", test.tokens, err)
		}
		if len(s.asked) != test.calls || len(source.tokens) != test.left {
			t.Errorf("%q: %d calls, %d left", test.tokens, len(s.asked), len(source.tokens))
		}
	}
}
