package rancher

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// A samlServer is a Rancher with the provider okta: one that asks a browser for
// /login, and after a while has a token for whoever polls.
type samlServer struct {
	old    bool          // it is older than 2.13
	wait   time.Duration // until somebody has logged in
	token  string
	answer http.HandlerFunc // in the place of what would be polled; nil for that

	mu      sync.Mutex
	shown   url.Values
	at      time.Time
	polls   int
	deleted []string
}

// show is what the program shows a person, who goes there.
func (s *samlServer) show(where string) error {
	u, err := url.Parse(where)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shown, s.at = u.Query(), time.Now()
	if u.Host != "rancher.example" || u.Path != "/login" {
		return errors.New("it shows " + where)
	}
	return nil
}

func (s *samlServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	list, tokens := "/v1-public/authproviders", "/v1-public/authtokens/"
	if s.old {
		list, tokens = "/v3-public/authProviders", "/v3-public/authTokens/"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id, polled := strings.CutPrefix(r.URL.Path, tokens)
	switch {
	case r.URL.Path == list:
		says(200, "", `{"data":[{"id":"okta","type":"oktaProvider"},{"id":"local","type":"localProvider"},{"id":"next","type":"nextProvider"}]}`)(w, r)
	case r.URL.Path == "/v3/tokens/kubeconfig-user-abcde12345" && r.Header.Get("Authorization") == "Bearer "+s.token:
		dated("Wed, 19 Aug 2026 16:00:00 GMT", says(200, "true", `{"id":"kubeconfig-user-abcde12345","userId":"user-abcde","created":"2026-08-19T16:00:00Z","ttl":2592000000}`))(w, r)
	case !polled || id != s.shown.Get("requestId"):
		reply(404, "text/plain", "404 page not found")(w, r)
	case r.Method == "DELETE":
		s.deleted = append(s.deleted, id)
		w.WriteHeader(200)
	case s.answer != nil:
		s.polls++
		s.answer(w, r)
	case time.Since(s.at) < s.wait:
		s.polls++
		if s.old {
			says(404, "", `{"baseType":"error","code":"NotFound","message":"token x not found","status":404,"type":"error"}`)(w, r)
			return
		}
		reply(404, "text/plain", "not found\n")(w, r)
	default:
		says(200, "", `{"token":"`+seal(s.shown.Get("publicKey"), s.token)+`","expiresAt":"2026-09-18T16:00:00Z"}`)(w, r)
	}
}

// seal encrypts a token as Rancher does.
func seal(public, tok string) string {
	text, err := base64.StdEncoding.DecodeString(public)
	if err != nil {
		return err.Error()
	}
	var k struct {
		N *big.Int
		E int
	}
	if err := json.Unmarshal(text, &k); err != nil || k.E != 65537 || k.N.BitLen() != 2048 {
		return "no key"
	}
	sealed, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, &rsa.PublicKey{N: k.N, E: k.E}, []byte(tok), nil)
	if err != nil {
		return err.Error()
	}
	return base64.StdEncoding.EncodeToString(sealed)
}

func TestV3SAML(t *testing.T) {
	t.Parallel()
	for _, old := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := &samlServer{old: old, wait: time.Minute, token: "kubeconfig-user-abcde12345:hunter2"}
			c := &V3{Server: at("https://rancher.example", s.ServeHTTP)}
			began := time.Now()
			login, err := c.SAML(t.Context(), "okta", s.show)
			if err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took < time.Minute || took > time.Minute+samlInterval || s.polls != 20 {
				t.Errorf("took %v and %d polls", took, s.polls)
			}
			if login.Token.Value.Reveal() != s.token || login.Name != "kubeconfig-user-abcde12345" || login.User.ID != "user-abcde" || login.Token.ExpiresIn != 30*24*time.Hour-time.Second {
				t.Errorf("%+v", login)
			}
			id := s.shown.Get("requestId")
			if len(id) != 32 || !only(id, alphanumeric) || s.shown.Get("responseType") != "kubeconfig" || s.shown.Get("cli") != "true" {
				t.Errorf("%v", s.shown)
			}
			if len(s.deleted) != 1 || s.deleted[0] != id {
				t.Errorf("deleted %v", s.deleted)
			}
		})
	}
}

// However it ends, what the server keeps of it is deleted.
func TestV3SAMLEnds(t *testing.T) {
	t.Parallel()
	other := func(tok string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			key, _ := rsa.GenerateKey(rand.Reader, 2048)
			public, _ := json.Marshal(key.PublicKey)
			says(200, "", `{"token":"`+seal(base64.StdEncoding.EncodeToString(public), tok)+`"}`)(w, r)
		}
	}
	for _, test := range []struct {
		name, token string
		answer      http.HandlerFunc
		wait        time.Duration
		want        error
		text        string
		took        time.Duration
	}{
		{"nobody logs in", "", nil, time.Hour, context.DeadlineExceeded, "nobody has logged in for 15m0s", 15 * time.Minute},
		{"it is not encrypted", "", says(200, "", `{"token":"a3ViZWNvbmZpZzpodW50ZXIy"}`), 0, ErrNotRancher, "token: not encrypted under the key of this login", 0},
		{"it is encrypted for another", "", other("kubeconfig-a:hunter2"), 0, ErrNotRancher, "token: not encrypted under the key of this login", 0},
		{"it is not base64", "", says(200, "", `{"token":"hunter2:"}`), 0, ErrNotRancher, "token: not base64", 0},
		{"it is no token", "hunter2 hunter2", nil, 0, ErrNotRancher, "token: there is white space in it", 0},
		{"there is none", "", says(200, "", `{}`), 0, ErrNotRancher, "token: not encrypted", 0},
		{"it is unreadable", "", says(200, "", `{`), 0, ErrNotRancher, "the answer cannot be read: ", 0},
		{"a page", "", reply(200, "text/html", "<html></html>"), 0, ErrNotRancher, "a page for people", 0},
		{"a refusal", "", says(403, "true", `{"type":"error","code":"Forbidden"}`), 0, ErrForbidden, "", 0},
		{"the server is away for long", "", reply(503, "text/plain", "hunter2"), 0, context.DeadlineExceeded, "nobody has logged in", 15 * time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &samlServer{wait: test.wait, token: test.token, answer: test.answer}
			c := &V3{Server: at("https://rancher.example", s.ServeHTTP)}
			began := time.Now()
			_, err := c.SAML(t.Context(), "okta", s.show)
			if err == nil || !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: %v", test.name, err)
			}
			if took := time.Since(began); took < test.took || took > test.took+time.Second || len(s.deleted) != 1 {
				t.Errorf("%s: took %v, deleted %v", test.name, took, s.deleted)
			}
		})
	}
}

// It goes on when the server is away for a while, and stops when the caller does.
func TestV3SAMLAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &samlServer{wait: time.Minute, token: "kubeconfig-user-abcde12345:hunter2"}
		began := time.Now()
		c := &V3{Server: at("https://rancher.example", func(w http.ResponseWriter, r *http.Request) {
			if since := time.Since(began); since > 10*time.Second && since < 40*time.Second {
				io.Copy(io.Discard, r.Body)
				panic(http.ErrAbortHandler)
			}
			s.ServeHTTP(w, r)
		})}
		if _, err := c.SAML(t.Context(), "okta", s.show); err != nil {
			t.Error(err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := &samlServer{wait: time.Minute, token: "kubeconfig-user-abcde12345:hunter2"}
		c := &V3{Server: at("https://rancher.example", s.ServeHTTP)}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began := time.Now()
		if _, err := c.SAML(ctx, "okta", s.show); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 10*time.Second || len(s.deleted) != 1 {
			t.Errorf("%v after %v, deleted %v", err, time.Since(began), s.deleted)
		}
	})
}

// What goes wrong before anybody is shown anything.
func TestV3SAMLUnasked(t *testing.T) {
	t.Parallel()
	s := &samlServer{}
	c := &V3{Server: at("https://rancher.example", s.ServeHTTP)}
	never := func(string) error { t.Error("it was shown"); return nil }
	for _, test := range []struct {
		provider string
		show     func(string) error
		text     string
	}{
		{"okta", nil, "rancher: log in by SAML: show is nil"},
		{"local", never, "it is not one of SAML: use V3.Login"},
		{"ping", never, "no provider of this name is enabled"},
		{"okta", func(string) error { return errors.New("no browser") }, "rancher: log in by SAML: no browser"},
		{"okta", func(string) error { return token.ErrMalformed }, "rancher: log in by SAML: token: invalid: malformed"},
		{"okta", func(string) error { panic("hunter2") }, "rancher: log in by SAML: show panicked in "},
	} {
		_, err := c.SAML(t.Context(), test.provider, test.show)
		if err == nil || !strings.Contains(err.Error(), test.text) || strings.Contains(err.Error(), "hunter2") || errors.Is(err, token.ErrInvalid) {
			t.Errorf("%v, want %s", err, test.text)
		}
	}
}
