package dashboard_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/session/dashboard"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwe"
	"github.com/tokenlife/tokenlife/token/jwt"
)

const csrfKey = "0123456789abcdef0123456789abcdef"

// noon is when most tests take place.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// A vector is a token of an unmodified Kubernetes Dashboard v2.7.0, and what that
// said of it.
type vector struct {
	Name             string
	PrivateKeyPEM    string `json:"privateKeyPem"`
	PublicKeyPEM     string `json:"publicKeyPem"`
	OtherKeyPEM      string `json:"encryptedWithPrivateKeyPem"`
	Token, Plaintext string
	Generated        time.Time `json:"generatedAt"`
	Observed         map[string]struct {
		OK     bool
		Error  string
		Status int `json:"loginOrRefreshHttpStatus"`
		Info   struct {
			NewAAD string `json:"newAad"`
			Token  string `json:"token"`
		} `json:"authInfo"`
	} `json:"observedWithPrivateKeyPem"`
}

// vectors are those that token/jwe is tested with.
var vectors = sync.OnceValue(func() (all []vector) {
	files, _ := filepath.Glob("../../token/jwe/testdata/dashboard/*.json")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			panic(err)
		}
		var v vector
		if err := json.Unmarshal(text, &v); err != nil {
			panic(err)
		}
		all = append(all, v)
	}
	return all
})

func parsed(text ...string) jwt.Keys {
	keys, err := jwt.ParseKeys([]byte(strings.Join(text, "\n")))
	if err != nil {
		panic(err)
	}
	return keys
}

// Two keys of Dashboards.
var (
	keyA = sync.OnceValue(func() jwt.Keys { return parsed(vectors()[0].PrivateKeyPEM) })
	keyB = sync.OnceValue(func() jwt.Keys { return parsed(vectors()[4].OtherKeyPEM) })
)

// A site is a Server with what it told, at a time that can be set.
type site struct {
	*dashboard.Server
	now time.Time

	mu   sync.Mutex
	told []error
}

// newSite returns a site where "good", of a service account, and mira with the
// password "sesame" are let in. What change changes is set before it is used.
func newSite(change func(*dashboard.Server)) *site {
	d := &site{now: noon}
	d.Server = &dashboard.Server{
		Keys:    keyA(),
		CSRFKey: token.NewSecret(csrfKey),
		Authenticate: func(_ context.Context, c dashboard.Credential) (string, error) {
			switch {
			case c.Username == "mira" && c.Password.Reveal() == "sesame":
				return "mira", nil
			case c.Username == "" && strings.HasPrefix(c.Token.Reveal(), "good"), strings.HasPrefix(c.Token.Reveal(), "ey"):
				return "system:serviceaccount:kube-system:viewer", nil
			}
			return "", token.ErrRevoked
		},
		Now: func() time.Time { return d.now },
		OnRefusal: func(_ *http.Request, err error) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.told = append(d.told, err)
		},
	}
	if change != nil {
		change(d.Server)
	}
	return d
}

// lastTold returns the last error that OnRefusal was told.
func (d *site) lastTold() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.told) == 0 {
		return nil
	}
	return d.told[len(d.told)-1]
}

// handler answers all paths: below /api/v1/, those of the protocol excepted, with
// the credential and the headers that a request arrives with.
func (d *site) handler() http.Handler {
	mux := http.NewServeMux()
	d.Register(mux)
	mux.Handle("/", d.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, ok := dashboard.CredentialFrom(r.Context())
		if !ok {
			panic("no credential")
		}
		c.SetHeader(r)
		json.NewEncoder(w).Encode(r.Header)
	})))
	return mux
}

// A reply is what a site answers.
type reply struct {
	Status int
	Type   string
	Body   string
}

// do sends a request over TLS, with the headers given by name and value.
func (d *site) do(method, path, body string, headers ...string) reply {
	return d.send(httptest.NewRequest(method, "https://dashboard.test"+path, strings.NewReader(body)), headers...)
}

func (d *site) send(r *http.Request, headers ...string) reply {
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return answered(d.handler(), r)
}

// answered returns what h answers.
func answered(h http.Handler, r *http.Request) reply {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return reply{w.Code, w.Header().Get("Content-Type"), w.Body.String()}
}

// post sends a POST with the CSRF token for an action, as the site hands it out.
func (d *site) post(action, path, body string, headers ...string) reply {
	var answer struct{ Token string }
	json.Unmarshal([]byte(d.do("GET", "/api/v1/csrftoken/"+action, "").Body), &answer)
	return d.do("POST", path, body, append(headers, "X-CSRF-TOKEN", answer.Token)...)
}

func (d *site) login(body string) reply { return d.post("login", "/api/v1/login", body) }

func (d *site) refresh(session string) reply {
	body, _ := json.Marshal(map[string]string{"jweToken": session})
	return d.post("token", "/api/v1/token/refresh", string(body))
}

// use sends a session.
func (d *site) use(session string) reply {
	return d.do("GET", "/api/v1/pod", "", "jweToken", session)
}

// sessionIn returns the session that a reply has.
func sessionIn(t testing.TB, r reply) string {
	t.Helper()
	var answer struct {
		JWEToken string
		Errors   []any
	}
	if err := json.Unmarshal([]byte(r.Body), &answer); err != nil || r.Status != 200 || answer.JWEToken == "" || answer.Errors == nil || len(answer.Errors) > 0 {
		t.Fatalf("no session: %d %s", r.Status, r.Body)
	}
	return answer.JWEToken
}

// sealed returns a session for a credential, made without the Server.
func sealed(t testing.TB, keys jwt.Keys, credential string, ttl time.Duration, now time.Time) string {
	t.Helper()
	s, err := (&jwe.Dashboard{Keys: keys, TTL: ttl, Now: func() time.Time { return now }}).Seal(t.Context(), token.NewSecret(credential))
	if err != nil {
		t.Fatal(err)
	}
	return s.Reveal()
}

// opened returns what is in a session.
func opened(t testing.TB, keys jwt.Keys, session string, now time.Time) jwe.DashboardSession {
	t.Helper()
	s, err := (&jwe.Dashboard{Keys: keys, TTL: -1, Now: func() time.Time { return now }}).Open(t.Context(), token.NewSecret(session))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// same fails the test unless got is want.
func same(t *testing.T, name string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// refusesWith fails the test unless r is a bare text and the site told of an error.
func (d *site) refusesWith(t *testing.T, name string, r reply, status int, text string, want error) {
	t.Helper()
	same(t, name, reply{status, "text/plain", text + "\n"}, r)
	if told := d.lastTold(); told == nil || want != nil && !errors.Is(told, want) {
		t.Errorf("%s: told %v, want %v", name, told, want)
	}
}

// What anybody may ask, to the letter.
func TestServerOpenPaths(t *testing.T) {
	t.Parallel()
	const js = "application/json"
	both := func(s *dashboard.Server) { s.Modes = []string{"token", "basic"} }
	insecure := func(s *dashboard.Server) { s.Insecure = true }
	status := func(tokenPresent, headerPresent, https, impersonation, user string) string {
		return "{\n \"tokenPresent\": " + tokenPresent + ",\n \"headerPresent\": " + headerPresent + ",\n \"httpsMode\": " + https +
			",\n \"impersonationPresent\": " + impersonation + ",\n \"impersonatedUser\": \"" + user + "\"\n}"
	}
	for _, test := range []struct {
		name    string
		change  func(*dashboard.Server)
		url     string
		headers []string
		want    string
	}{
		{"modes", nil, "https://d/api/v1/login/modes", nil, "{\n \"modes\": [\n  \"token\"\n ]\n}"},
		{"both modes", both, "https://d/api/v1/login/modes", nil, "{\n \"modes\": [\n  \"token\",\n  \"basic\"\n ]\n}"},
		{"skippable", nil, "https://d/api/v1/login/skippable", nil, "{\n \"skippable\": false\n}"},
		{"config", nil, "https://d/config", nil, "{\n \"serverTime\": 1795348800000\n}"},
		{"csrftoken login", nil, "https://d/api/v1/csrftoken/login", nil, "{\n \"token\": \"1tOhVPJK2NIXymWwc9NtRZQ0l18:1795348800000\"\n}"},
		{"csrftoken token", nil, "https://d/api/v1/csrftoken/token", nil, "{\n \"token\": \"e-5dkZE_Ix2dq3oOhiar8Px_kqI:1795348800000\"\n}"},
		{"status", nil, "https://d/api/v1/login/status", nil, status("false", "false", "true", "false", "")},
		{"status over plain HTTP", nil, "http://d/api/v1/login/status", nil, status("false", "false", "false", "false", "")},
		{"status of this host over plain HTTP", nil, "http://127.0.0.1/api/v1/login/status", nil, status("false", "false", "false", "false", "")},
		{"status, Insecure", insecure, "http://d/api/v1/login/status", nil, status("false", "false", "true", "false", "")},
		{"status with anything at all", nil, "https://d/api/v1/login/status", []string{"jweToken", "expired", "Authorization", "x", "Impersonate-User", `m"`},
			status("true", "true", "true", "true", `m\"`)},
		{"status with a cookie", nil, "https://d/api/v1/login/status", []string{"Cookie", "jweToken=x"}, status("false", "false", "true", "false", "")},
	} {
		d := newSite(test.change)
		same(t, test.name, reply{200, js, test.want}, d.send(httptest.NewRequest("GET", test.url, nil), test.headers...))
		if err := d.lastTold(); err != nil {
			t.Errorf("%s: told %v", test.name, err)
		}
	}
}

// Nothing that is answered is to be kept by anybody in between.
func TestServerNoStore(t *testing.T) {
	t.Parallel()
	d := newSite(nil)
	for _, path := range []string{"/config", "/api/v1/csrftoken/login", "/api/v1/pod", "/api/v1/secret/kubernetes-dashboard-certs"} {
		w := httptest.NewRecorder()
		d.handler().ServeHTTP(w, httptest.NewRequest("GET", "https://dashboard.test"+path, nil))
		if got := w.Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control: %s", path, got)
		}
	}
}

// A Server that lacks something does not begin to serve.
func TestServerIncomplete(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*dashboard.Server){
		"no Keys":                          func(s *dashboard.Server) { s.Keys = nil },
		"no Keys: ":                        func(s *dashboard.Server) { s.Keys = jwt.Keys{} },
		"no Authenticate":                  func(s *dashboard.Server) { s.Authenticate = nil },
		"a CSRFKey of fewer than 32 bytes": func(s *dashboard.Server) { s.CSRFKey = token.NewSecret(csrfKey[1:]) },
		"a CSRFKey of":                     func(s *dashboard.Server) { s.CSRFKey = token.Secret{} },
		`Modes other than "token"`:         func(s *dashboard.Server) { s.Modes = []string{"token", "oauth"} },
		`Modes other`:                      func(s *dashboard.Server) { s.Modes = []string{} },
	} {
		for name, use := range map[string]func(*dashboard.Server){
			"Register": func(s *dashboard.Server) { s.Register(http.NewServeMux()) },
			"Require":  func(s *dashboard.Server) { s.Require(http.NotFoundHandler()) },
		} {
			func() {
				defer func() {
					if got, _ := recover().(string); !strings.HasPrefix(got, "dashboard: the Server has "+want) {
						t.Errorf("%s: %s panicked with %q", want, name, got)
					}
				}()
				use(newSite(change).Server)
			}()
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("Require took nil")
		}
	}()
	newSite(nil).Require(nil)
}
