package dashboard

import (
	"context"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// keysOf returns a key as a Server has it.
func keysOf(key *rsa.PrivateKey) jwt.Keys {
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	keys, err := jwt.ParseKeys(text)
	if err != nil {
		panic(err)
	}
	return keys
}

// newServer returns a Server that lets bearer-1 in, and what it answers over TLS.
func newServer(change func(*Server)) (*Server, http.Handler) {
	s := &Server{
		Keys: keysOf(doubleKey()), CSRFKey: token.NewSecret(strings.Repeat("k", 256)),
		Authenticate: func(_ context.Context, c Credential) (string, error) {
			if c.Token.Reveal() != "bearer-1" {
				return "", token.ErrRevoked
			}
			return "system:serviceaccount:kube-system:viewer", nil
		},
	}
	if change != nil {
		change(s)
	}
	mux := http.NewServeMux()
	s.Register(mux)
	mux.Handle("/api/v1/", s.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _ := CredentialFrom(r.Context())
		io.WriteString(w, "as "+c.Token.Reveal())
	})))
	return s, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.TLS = new(tls.ConnectionState) // as net.Pipe has none
		mux.ServeHTTP(w, r)
	})
}

// A flaw is something that can be wrong with a session.
type flaw func(t *testing.T, good string) string

func flawless(_ *testing.T, good string) string { return good }

// member returns a flaw that changes a member of a session.
func member(name string, change func(string) string) flaw {
	return func(t *testing.T, good string) string {
		t.Helper()
		re := regexp.MustCompile(`"` + name + `":"([^"]+)"`)
		old := re.FindStringSubmatch(good)
		if old == nil {
			t.Fatalf("no %s", name)
		}
		return strings.Replace(good, old[0], `"`+name+`":"`+change(old[1])+`"`, 1)
	}
}

// flip changes the first letter, so that what it encodes is something else.
func flip(s string) string {
	if s[0] == 'A' {
		return "B" + s[1:]
	}
	return "A" + s[1:]
}

var (
	tamperedAAD = member("aad", func(string) string {
		return base64url(`{"exp":"2099-01-01T00:00:00Z","iat":"2000-01-01T00:00:00Z"}`)
	})
	brokenTag    = member("tag", flip)
	brokenText   = member("ciphertext", flip)
	brokenKey    = member("encrypted_key", flip)
	otherKeys    = func(*testing.T, string) string { d := newDouble(); d.key = otherKey(); return d.seal("bearer-1") }
	withoutDates = func(*testing.T, string) string { d := newDouble(); d.ttl = 0; return d.seal("bearer-1") }
	notAJWE      = func(*testing.T, string) string { return "abc" }
	noSession    = func(*testing.T, string) string { return "" }
)

// What a refresh answers, row by row; and what our client makes of that: a new
// session, a login in its place, or an error. Where v2.7.0 says 500 of a session that
// it cannot decrypt, our server says what its pages understand.
func TestWireRefresh(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		flaw   flaw
		after  time.Duration
		csrf   string // the action that there is a token for
		status int
		body   string // "" is a session
		client string // what the Source does
	}{
		{"good", flawless, 0, "token", 200, "", "refreshed"},
		{"good at the end", flawless, 15*time.Minute - time.Millisecond, "token", 200, "", ""},
		{"expired", flawless, 15*time.Minute + time.Second, "token", 401, "MSG_TOKEN_EXPIRED_ERROR\n", "expired, logged in"},
		{"no exp", withoutDates, 0, "token", 401, "MSG_TOKEN_EXPIRED_ERROR\n", "expired, logged in"},
		{"empty", noSession, 0, "token", 500, "Can not refresh token. No token provided.\n", ""},
		{"tampered aad", tamperedAAD, 0, "token", 401, "MSG_ENCRYPTION_KEY_CHANGED\n", "expired, logged in"},
		{"other key", otherKeys, 0, "token", 401, "MSG_ENCRYPTION_KEY_CHANGED\n", "expired, logged in"},
		{"broken tag", brokenTag, 0, "token", 401, "MSG_ENCRYPTION_KEY_CHANGED\n", "expired, logged in"},
		{"broken ciphertext", brokenText, 0, "token", 401, "MSG_ENCRYPTION_KEY_CHANGED\n", "expired, logged in"},
		{"broken encrypted_key", brokenKey, 0, "token", 401, "MSG_ENCRYPTION_KEY_CHANGED\n", "expired, logged in"},
		{"not a JWE", notAJWE, 0, "token", 500, "square/go-jose: compact JWE format must have five parts\n", "expired, logged in"},
		{"no CSRF", flawless, 0, "", 401, "CSRF validation failed\n", ""},
		{"CSRF of another action", flawless, 0, "login", 401, "CSRF validation failed\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, h := newServer(nil)
				s := sourceOf(h, bearerSource("bearer-1"))
				told := record(s)
				good := mustToken(t, t.Context(), s)
				time.Sleep(test.after)
				presented := test.flaw(t, good.Value.Reveal())
				body, _ := json.Marshal(map[string]string{"jweToken": presented})
				status, text := ask(h, "POST", "/api/v1/token/refresh", string(body), "X-CSRF-TOKEN", csrfFrom(t, h, test.csrf))
				if status != test.status || test.body != "" && text != test.body {
					t.Errorf("%d %q", status, text)
				}
				if test.body == "" {
					var answer struct {
						JWEToken string
						Errors   []any
					}
					if err := json.Unmarshal([]byte(text), &answer); err != nil || !sixMembers.MatchString(answer.JWEToken) || answer.Errors == nil || len(answer.Errors) != 0 {
						t.Errorf("%v: %s", err, text)
					}
				}
				if test.client == "" {
					return
				}
				flawed := *s.current
				flawed.token.Value = token.NewSecret(presented)
				flawed.session.since = time.Now() // or it would know by itself that it is over
				s.current = &flawed
				mustToken(t, t.Context(), s)
				if got := strings.ReplaceAll(strings.Join(told()[1:], ", "), " 2.x", ""); got != test.client {
					t.Errorf("the client: %s, want %s", got, test.client)
				}
			})
		})
	}
	_, h := newServer(nil)
	for body, want := range map[string]string{
		`{}`:                             "Can not refresh token. No token provided.\n",
		`{"jweToken":{"protected":"x"}}`: "json: cannot unmarshal object into Go struct field TokenRefreshSpec.jweToken of type string\n",
	} {
		status, text := ask(h, "POST", "/api/v1/token/refresh", body, "X-CSRF-TOKEN", csrfFrom(t, h, "token"))
		if status != 500 || text != want {
			t.Errorf("%s: %d %q", body, status, text)
		}
	}
}

// sixMembers is the form of what a Dashboard makes.
var sixMembers = regexp.MustCompile(`^\{"protected":"[\w-]+","aad":"[\w-]+","encrypted_key":"[\w-]{342}","iv":"[\w-]{16}","ciphertext":"[\w-]+","tag":"[\w-]{22}"\}$`)

// What a request with a session is answered, row by row; and whether Refused takes
// that for a refusal of the session.
func TestWireUse(t *testing.T) {
	t.Parallel()
	const exclusive = "/api/v1/secret/kube-system/kubernetes-dashboard-key-holder"
	for _, test := range []struct {
		name    string
		path    string
		flaw    flaw
		after   time.Duration
		headers []string // beside the session; "@" is the session
		status  int
		body    string
		refused bool
	}{
		{"good", "", flawless, 0, nil, 200, "as bearer-1", false},
		{"good at the end", "", flawless, 15*time.Minute - time.Millisecond, nil, 200, "as bearer-1", false},
		{"none", "", noSession, 0, nil, 401, "MSG_LOGIN_UNAUTHORIZED_ERROR\n", true},
		{"in a cookie only", "", noSession, 0, []string{"Cookie", "jweToken=@"}, 401, "MSG_LOGIN_UNAUTHORIZED_ERROR\n", true},
		{"expired", "", flawless, 15*time.Minute + time.Second, nil, 401, "MSG_TOKEN_EXPIRED_ERROR\n", true},
		{"no exp", "", withoutDates, 0, nil, 401, "MSG_TOKEN_EXPIRED_ERROR\n", true},
		{"tampered aad", "", tamperedAAD, 0, nil, 401, "MSG_ENCRYPTION_KEY_CHANGED\n", true},
		{"other key", "", otherKeys, 0, nil, 401, "MSG_ENCRYPTION_KEY_CHANGED\n", true},
		{"broken tag", "", brokenTag, 0, nil, 401, "MSG_ENCRYPTION_KEY_CHANGED\n", true},
		{"a bearer token wins", "", flawless, 0, []string{"Authorization", "Bearer bearer-2"}, 200, "as bearer-2", false},
		{"and needs no session", "", noSession, 0, []string{"Authorization", "Bearer bearer-2"}, 200, "as bearer-2", false},
		{"a Secret of its own", exclusive, flawless, 0, nil, 401, `"MSG_DASHBOARD_EXCLUSIVE_RESOURCE_ERROR"`, false},
		{"a Secret of its own, without a session", exclusive, noSession, 0, nil, 401, `"MSG_DASHBOARD_EXCLUSIVE_RESOURCE_ERROR"`, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, h := newServer(nil)
				good := mustToken(t, t.Context(), sourceOf(h, bearerSource("bearer-1"))).Value.Reveal()
				time.Sleep(test.after)
				path := test.path
				if path == "" {
					path = "/api/v1/namespace"
				}
				r := httptest.NewRequest("GET", doubleURL+path, nil)
				for i := 0; i < len(test.headers); i += 2 {
					r.Header.Set(test.headers[i], strings.ReplaceAll(test.headers[i+1], "@", good))
				}
				if presented := test.flaw(t, good); presented != "" {
					r.Header.Set("jweToken", presented)
				}
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				resp := w.Result()
				if got := Refused(resp); got != test.refused {
					t.Errorf("refused: %t", got)
				}
				text, err := io.ReadAll(resp.Body)
				if resp.StatusCode != test.status || string(text) != test.body || err != nil {
					t.Errorf("%d %q, %v", resp.StatusCode, text, err)
				}
			})
		})
	}
}

// ask sends a request without a client.
func ask(h http.Handler, method, path, body string, headers ...string) (int, string) {
	r := httptest.NewRequest(method, doubleURL+path, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// csrfFrom returns a CSRF token for an action.
func csrfFrom(t *testing.T, h http.Handler, action string) string {
	t.Helper()
	if action == "" {
		return ""
	}
	_, text := ask(h, "GET", "/api/v1/csrftoken/"+action, "")
	var answer struct{ Token string }
	if err := json.Unmarshal([]byte(text), &answer); err != nil || answer.Token == "" {
		t.Fatalf("%v: %s", err, text)
	}
	return answer.Token
}

// Three hours of work against a Server that lets no session grow older than an hour: a
// login for each, ahead of its end, and nothing that fails.
func TestWireMaxAge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		refusals := 0
		_, h := newServer(func(s *Server) {
			s.MaxAge = time.Hour
			s.OnRefusal = func(*http.Request, error) { refusals++ }
		})
		s := sourceOf(h, bearerSource("bearer-1"))
		told := record(s)
		client := user(s)
		for end := time.Now().Add(3 * time.Hour); time.Now().Before(end); time.Sleep(30 * time.Second) {
			if status, text := get(t, client); status != 200 || text != "as bearer-1" {
				t.Fatalf("%d %s", status, text)
			}
		}
		synctest.Wait()
		count := map[string]int{}
		for _, what := range told() {
			count[what]++
		}
		if n := count["logged in 2.x"]; n < 3 || n > 5 || refusals != 0 || count["failed 2.x"] != 0 || count["expired 2.x"] != 0 {
			t.Errorf("%v, %d refusals", count, refusals)
		}
	})
}

// Keys are replaced while sessions go on, and our client notices nothing as long as
// the old one is there; then it logs in.
func TestWireKeyRotation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var keys jwt.Keys
		_, h := newServer(func(s *Server) {
			s.Keys = keySet(func() jwt.Keys { return keys })
		})
		s := sourceOf(h, bearerSource("bearer-1"))
		told := record(s)
		client := user(s)
		use := func(after time.Duration, next jwt.Keys) {
			t.Helper()
			time.Sleep(after)
			keys = next
			if status, text := get(t, client); status != 200 {
				t.Errorf("%d %s", status, text)
			}
			synctest.Wait() // for a refresh that nobody waits for
		}
		a, b := keysOf(doubleKey()), keysOf(otherKey())
		use(0, a)
		use(time.Minute, append(b, a...))
		use(13*time.Minute, append(b, a...)) // by which the session comes under b
		use(time.Minute, b)
		use(time.Minute, a)
		want := []string{"logged in 2.x", "refreshed 2.x", "expired 2.x", "logged in 2.x"}
		if diff := cmp.Diff(want, told()); diff != "" {
			t.Error(diff)
		}
	})
}

type keySet func() jwt.Keys

func (f keySet) Keys(ctx context.Context, id string) ([]jwt.Key, error) { return f().Keys(ctx, id) }
