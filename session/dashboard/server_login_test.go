package dashboard_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/session/dashboard"
	"github.com/tokenlife/tokenlife/token"
)

// unauthorized is what a login with a bad credential is answered with, under
// status 200.
const unauthorized = `{
 "jweToken": "",
 "errors": [
  {
   "ErrStatus": {
    "metadata": {},
    "status": "Failure",
    "message": "MSG_LOGIN_UNAUTHORIZED_ERROR",
    "reason": "Unauthorized",
    "code": 401
   }
  }
 ]
}`

var jweForm = regexp.MustCompile(`^\{"protected":"eyJhbGciOiJSU0EtT0FFUC0yNTYiLCJlbmMiOiJBMjU2R0NNIn0",` +
	`"aad":"[\w-]+","encrypted_key":"[\w-]{342}","iv":"[\w-]{16}","ciphertext":"[\w-]+","tag":"[\w-]{22}"\}$`)

// A login answers with exactly this, and its session is for exactly that.
func TestLogin(t *testing.T) {
	t.Parallel()
	both := []string{"token", "basic"}
	kubeconfig := func(user string) string {
		text, _ := json.Marshal(`{"kind":"Config","current-context":"c","contexts":[{"name":"c","context":{"user":"u"}}],"users":[{"name":"u","user":` + user + `}]}`)
		return string(text)
	}
	const tokenSealed, basicSealed = `{"LocationOfOrigin":"","token":"good"}`, `{"LocationOfOrigin":"","username":"mira","password":"sesame"}`
	for _, test := range []struct {
		name  string
		modes []string
		body  string
		shown string // the name
		want  string // the credential in the session
	}{
		{"token", nil, `{"token":"good"}`, "viewer", tokenSealed},
		{"as the pages send it", nil, `{"token":"good","username":"","password":"","kubeConfig":""}`, "viewer", tokenSealed},
		{"in another case", nil, `{"TOKEN":"good"}`, "viewer", tokenSealed},
		{"more members", nil, `{"token":"good","skip":[{"a":1}],"username":null}`, "viewer", tokenSealed},
		{"pasted with a line's end", nil, `{"token":" good\r\n"}`, "viewer", tokenSealed},
		{"name and password", both, `{"username":"mira","password":"sesame"}`, "mira", basicSealed},
		{"a token comes before a name", both, `{"username":"mira","password":"sesame","token":"good"}`, "viewer", tokenSealed},
		{"unless it is not enabled", []string{"basic"}, `{"username":"mira","password":"sesame","token":"good"}`, "mira", basicSealed},
		{"a name comes before a kubeconfig", both, `{"username":"mira","password":"sesame","kubeconfig":` + kubeconfig(`{"token":"good"}`) + `}`, "mira", basicSealed},
		{"kubeconfig", nil, `{"kubeconfig":` + kubeconfig(`{"token":"good"}`) + `}`, "viewer", tokenSealed},
		{"kubeConfig", nil, `{"kubeConfig":` + kubeconfig(`{"token":"good","exec":{"command":"x"}}`) + `}`, "viewer", tokenSealed},
		{"kubeconfig with an auth provider", nil, `{"kubeConfig":` + kubeconfig(`{"auth-provider":{"name":"oidc","config":{"access-token":"good","id-token":"x"}}}`) + `}`, "viewer", tokenSealed},
		{"kubeconfig with a token and an auth provider", nil, `{"kubeConfig":` + kubeconfig(`{"token":"good","auth-provider":{"config":{"access-token":"bad"}}}`) + `}`, "viewer", tokenSealed},
		{"kubeconfig with name and password", both, `{"kubeConfig":` + kubeconfig(`{"username":"mira","password":"sesame"}`) + `}`, "mira", basicSealed},
		{"a name without a password, and a kubeconfig", both, `{"username":"mira","kubeConfig":` + kubeconfig(`{"token":"good"}`) + `}`, "viewer", tokenSealed},
	} {
		d := newSite(func(s *dashboard.Server) { s.Modes = test.modes })
		got := d.login(test.body)
		session := ""
		if got.Status == 200 {
			session = sessionIn(t, got)
		}
		quoted, _ := json.Marshal(session)
		same(t, test.name, reply{200, "application/json", fmt.Sprintf("{\n \"name\": %q,\n \"jweToken\": %s,\n \"errors\": []\n}", test.shown, quoted)}, got)
		if !jweForm.MatchString(session) {
			t.Errorf("%s: the session is %s", test.name, session)
			continue
		}
		s := opened(t, keyA(), session, noon)
		same(t, test.name, []string{test.want, "2026-11-22T12:00:00Z", "2026-11-22T12:15:00Z"},
			[]string{s.Credential.Reveal(), s.IssuedAt.Format(time.RFC3339), s.Expiry.Format(time.RFC3339)})
		if err := d.lastTold(); err != nil {
			t.Errorf("%s: told %v", test.name, err)
		}
	}
}

// jwtWith returns a JWT that says of itself what claims say.
func jwtWith(claims string) string {
	e := base64.RawURLEncoding.EncodeToString
	return e([]byte(`{"alg":"RS256"}`)) + "." + e([]byte(claims)) + "." + e([]byte("signature"))
}

// A credential that is no good is refused with status 200.
func TestLoginUnauthorized(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"unknown":              `{"token":"bad"}`,
		"blanks":               `{"token":" \t\n"}`,
		"no-break blanks":      "{\"token\":\"\u00a0\u2003\"}",
		"a blank in it":        `{"token":"good good"}`,
		"a line in it":         `{"token":"good\nX: y"}`,
		"a null byte":          `{"token":"good\u0000"}`,
		"expired":              `{"token":"` + jwtWith(`{"exp":1795348800}`) + `"}`,
		"expires at once":      `{"token":"` + jwtWith(`{"exp":1795348800.5}`) + `"}`,
		"a name with a colon":  `{"username":"mira:sesame","password":"x"}`,
		"a wrong password":     `{"username":"mira","password":"Sesame"}`,
		"blanks in kubeconfig": `{"kubeconfig":"{\"current-context\":\"c\",\"contexts\":[{\"name\":\"c\",\"context\":{\"user\":\"u\"}}],\"users\":[{\"name\":\"u\",\"user\":{\"token\":\" \"}}]}"}`,
	} {
		d := newSite(func(s *dashboard.Server) {
			s.Modes = []string{"token", "basic"}
			authenticate := s.Authenticate
			s.Authenticate = func(ctx context.Context, c dashboard.Credential) (string, error) {
				if strings.TrimSpace(c.Token.Reveal()) == "" && c.Username == "" || strings.Contains(c.Username, ":") {
					t.Errorf("%s: Authenticate was asked for %v", name, c)
				}
				return authenticate(ctx, c)
			}
		})
		same(t, name, reply{200, "application/json", unauthorized}, d.login(body))
		if !errors.Is(d.lastTold(), token.ErrInvalid) {
			t.Errorf("%s: told %v", name, d.lastTold())
		}
	}
}

// What cannot be decided, or read, is refused with a bare text.
func TestLoginRefusals(t *testing.T) {
	t.Parallel()
	const nothing = "Not enough data to create authenticator."
	const notJSON = "the request body is not JSON that can be read in one way"
	for _, test := range []struct {
		name, body string
		status     int
		text       string
	}{
		{"nothing", `{}`, 500, nothing},
		{"nothing in it", `{"token":"","username":"","password":"","kubeconfig":""}`, 500, nothing},
		{"a mode that is not enabled", `{"username":"mira","password":"sesame"}`, 500, nothing},
		{"a number", `{"token":5}`, 500, "json: cannot unmarshal number into Go struct field LoginSpec.token of type string"},
		{"an object", `{"kubeConfig":{"token":"good"}}`, 500, "json: cannot unmarshal object into Go struct field LoginSpec.kubeconfig of type string"},
		{"no body", ``, 400, notJSON},
		{"not JSON", `token=good`, 400, notJSON},
		{"an array", `["good"]`, 400, notJSON},
		{"cut off", `{"token":"good"`, 400, notJSON},
		{"more behind it", `{"token":"good"}x`, 400, notJSON},
		{"twice", `{"token":"bad","Token":"good"}`, 400, notJSON},
		{"not UTF-8", "{\"token\":\"\xff\"}", 400, notJSON},
		{"deep", `{"x":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`, 400, notJSON},
		{"long", `{"token":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "the request body is too long"},
		{"YAML", `{"kubeConfig":"apiVersion: v1\nusers: []\n"}`, 400, `the kubeconfig is not JSON, which "kubectl config view --raw --minify -o json" prints`},
		{"a kubeconfig without a user", `{"kubeConfig":"{\"current-context\":\"c\"}"}`, 500, "Context matching current context not found. Check if your config file is valid."},
		{"a kubeconfig that cannot be read", `{"kubeConfig":"{\"users\":[1]}"}`, 400, notJSON},
	} {
		d := newSite(nil)
		d.refusesWith(t, test.name, d.login(test.body), test.status, test.text, nil)
		if told := d.lastTold(); told != nil && (strings.Contains(told.Error(), "good") || len(told.Error()) > 300) {
			t.Errorf("%s: told %v", test.name, told)
		}
	}
	d := newSite(nil)
	r := httptest.NewRequest("POST", "https://dashboard.test/api/v1/login", failingReader{})
	d.refusesWith(t, "a body that breaks off", d.send(r, "X-CSRF-TOKEN", xsrfTokens[0].token), 400, "the request body could not be read", nil)
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errors.New("gone") }

type later struct{}

func (later) Error() string             { return "hush hush" }
func (later) RetryAfter() time.Duration { return 1500 * time.Millisecond }

// Who cannot tell is not who says no; and who panics takes nobody along.
func TestLoginAuthenticateFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		authenticate func() error
		status       int
		text, retry  string
	}{
		"an error":            {func() error { return errors.New("hush hush") }, 503, "the credential could not be checked: try again later", ""},
		"later":               {func() error { return later{} }, 503, "the credential could not be checked: try again later", "2"},
		"our own credential":  {func() error { return token.Refused(token.ErrRevoked) }, 503, "the credential could not be checked: try again later", ""},
		"a panic":             {func() error { panic("hush hush") }, 500, "the server failed: see its log", ""},
		"a panic of an error": {func() error { panic(token.ErrRevoked) }, 500, "the server failed: see its log", ""},
	} {
		d := newSite(func(s *dashboard.Server) {
			s.Authenticate = func(context.Context, dashboard.Credential) (string, error) { return "x", test.authenticate() }
		})
		r := httptest.NewRequest("POST", "https://dashboard.test/api/v1/login", strings.NewReader(`{"token":"good"}`))
		r.Header.Set("X-CSRF-TOKEN", xsrfTokens[0].token)
		w := httptest.NewRecorder()
		d.handler().ServeHTTP(w, r)
		if w.Code != test.status || w.Body.String() != test.text+"\n" || w.Header().Get("Retry-After") != test.retry {
			t.Errorf("%s: %d %v %s", name, w.Code, w.Header(), w.Body)
		}
		if told := d.lastTold(); told == nil || errors.Is(told, token.ErrInvalid) || name == "a panic" && strings.Contains(told.Error(), "hush") {
			t.Errorf("%s: told %v", name, told)
		}
	}
}

// An OnRefusal that panics changes nothing.
func TestOnRefusalPanics(t *testing.T) {
	t.Parallel()
	d := newSite(func(s *dashboard.Server) {
		s.OnRefusal = func(r *http.Request, err error) { panic("out of paper") }
	})
	same(t, "login", reply{200, "application/json", unauthorized}, d.login(`{"token":"bad"}`))
	same(t, "no CSRF token", reply{401, "text/plain", "CSRF validation failed\n"}, d.do("POST", "/api/v1/login", "{}"))
	same(t, "use", reply{401, "text/plain", "MSG_LOGIN_UNAUTHORIZED_ERROR\n"}, d.do("GET", "/api/v1/pod", ""))
	same(t, "exclusive", reply{401, "application/json", `"MSG_DASHBOARD_EXCLUSIVE_RESOURCE_ERROR"`}, d.do("GET", "/api/v1/secret/kubernetes-dashboard-certs", ""))
}

// Names are shortened where they are a service account's.
func TestLoginName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"system:serviceaccount:ns:name": `"name": "name"`,
		"system:node:a":                 `"name": "system:node:a"`,
		"a:b":                           `"name": "a:b"`,
	} {
		d := newSite(func(s *dashboard.Server) {
			s.Authenticate = func(context.Context, dashboard.Credential) (string, error) { return name, nil }
		})
		if got := d.login(`{"token":"good"}`); !strings.Contains(got.Body, want) {
			t.Errorf("%s: %s", name, got.Body)
		}
	}
	d := newSite(func(s *dashboard.Server) {
		s.Authenticate = func(context.Context, dashboard.Credential) (string, error) { return "", nil }
	})
	// With its quotation mark, as the session is random text that may spell it.
	if got := d.login(`{"token":"good"}`); sessionIn(t, got) == "" || strings.Contains(got.Body, `"name`) {
		t.Errorf("without a name: %s", got.Body)
	}
}
