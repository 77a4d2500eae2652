package dashboard

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/tokenlife/tokenlife/internal/pipe"
	"github.com/tokenlife/tokenlife/token"
)

// A double answers as an unmodified Dashboard does, v2.7.0 or 7.x, with its
// statuses, texts and clock; and as nobody should, where a test wants that.
type double struct {
	mu       sync.Mutex
	key      *rsa.PrivateKey
	ttl      time.Duration // of a session; 0 is for ever
	seven    bool          // it is 7.x
	good     map[string]bool
	requests []string // method and path, in order
	dead     int      // expired sessions that came with a request

	// instead, if not nil, may answer in its place, and reports whether it has.
	instead func(w http.ResponseWriter, r *http.Request) bool
}

var (
	doubleKey = sync.OnceValue(newDoubleKey)
	otherKey  = sync.OnceValue(newDoubleKey)
	csrfKey   = []byte(rand.Text())
)

func newDoubleKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

func newDouble() *double {
	return &double{key: doubleKey(), ttl: 15 * time.Minute, good: map[string]bool{"bearer-1": true}}
}

const doubleURL = "https://dashboard.example"

// source returns a Source of d, that can be used in a bubble.
func (d *double) source(login token.Source) *Source { return sourceOf(d, login) }

// sourceOf returns a Source of the Dashboard that h is.
func sourceOf(h http.Handler, login token.Source) *Source {
	return &Source{URL: doubleURL, Login: login, Client: pipe.Client("dashboard", func() string { return doubleURL }, h)}
}

// bearerSource is a Login with a token that does not say when it ends.
func bearerSource(text string) token.Source {
	return token.Static(token.Token{Value: token.NewSecret(text)})
}

// do changes d while requests may come.
func (d *double) do(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

// count returns how many requests there were for a method and path.
func (d *double) count(want string) (n int) {
	d.do(func() {
		for _, r := range d.requests {
			if r == want {
				n++
			}
		}
	})
	return n
}

const (
	loginRequest   = "POST /api/v1/login"
	refreshRequest = "POST /api/v1/token/refresh"
)

func (d *double) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.requests = append(d.requests, r.Method+" "+r.URL.Path)
	if d.instead != nil && d.instead(w, r) {
		return
	}
	d.serve(w, r)
}

func (d *double) serve(w http.ResponseWriter, r *http.Request) {
	if action, ok := strings.CutPrefix(r.URL.Path, "/api/v1/csrftoken/"); ok {
		doubleJSON(w, 200, map[string]string{"token": doubleCSRF(action, time.Now().UnixMilli())})
		return
	}
	if r.Method == http.MethodPost && !goodCSRF(strings.Split(r.URL.Path, "/")[3], r.Header.Get("X-CSRF-TOKEN")) {
		if d.seven {
			doubleJSON(w, 401, status7("MSG_CSRF_VALIDATION_ERROR"))
			return
		}
		doubleText(w, 401, "CSRF validation failed")
		return
	}
	body, _ := io.ReadAll(r.Body)
	switch {
	case d.seven && r.URL.Path == "/api/v1/login":
		d.login7(w, body)
	case d.seven:
		if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); r.URL.Path == "/api/v1/namespace" {
			if !ok || !d.good[bearer] {
				doubleJSON(w, 401, status7("MSG_LOGIN_UNAUTHORIZED_ERROR"))
				return
			}
			doubleJSON(w, 200, map[string]any{"namespaces": []string{}})
			return
		}
		http.NotFound(w, r)
	case r.URL.Path == "/api/v1/login":
		d.login(w, body)
	case r.URL.Path == "/api/v1/token/refresh":
		d.refresh(w, body)
	default:
		d.use(w, r)
	}
}

// login is that of 2.x: a credential that is refused is a success.
func (d *double) login(w http.ResponseWriter, body []byte) {
	var spec struct{ Token, Username, Password, KubeConfig string }
	if err := json.Unmarshal(body, &spec); err != nil {
		doubleText(w, 500, err.Error())
		return
	}
	switch {
	case spec.Token == "":
		doubleText(w, 500, "Not enough data to create authenticator.")
	case !d.good[spec.Token]:
		doubleJSON(w, 200, authResponse2{Errors: []any{status7("MSG_LOGIN_UNAUTHORIZED_ERROR")}})
	default:
		doubleJSON(w, 200, authResponse2{JWEToken: d.seal(spec.Token), Errors: []any{}})
	}
}

type authResponse2 struct {
	JWEToken string `json:"jweToken"`
	Errors   []any  `json:"errors"`
}

func (d *double) login7(w http.ResponseWriter, body []byte) {
	var spec struct{ Token string }
	if json.Unmarshal(body, &spec) != nil || spec.Token == "" {
		doubleJSON(w, 500, status7("MSG_LOGIN_UNAUTHORIZED_ERROR"))
		return
	}
	if !d.good[spec.Token] {
		doubleJSON(w, 401, status7("MSG_LOGIN_UNAUTHORIZED_ERROR"))
		return
	}
	doubleJSON(w, 200, map[string]string{"token": spec.Token})
}

func (d *double) refresh(w http.ResponseWriter, body []byte) {
	var spec struct {
		JWEToken string `json:"jweToken"`
	}
	if err := json.Unmarshal(body, &spec); err != nil {
		doubleText(w, 500, err.Error())
		return
	}
	if spec.JWEToken == "" {
		doubleText(w, 500, "Can not refresh token. No token provided.")
		return
	}
	bearer, status, text := d.open(spec.JWEToken)
	if text != "" {
		doubleText(w, status, text)
		return
	}
	doubleJSON(w, 200, authResponse2{JWEToken: d.seal(bearer), Errors: []any{}})
}

// use is any other request.
func (d *double) use(w http.ResponseWriter, r *http.Request) {
	session := r.Header.Get("jweToken")
	if session == "" {
		doubleText(w, 401, "MSG_LOGIN_UNAUTHORIZED_ERROR")
		return
	}
	bearer, status, text := d.open(session)
	switch {
	case text == "MSG_TOKEN_EXPIRED_ERROR":
		d.dead++
		fallthrough
	case text != "":
		doubleText(w, status, text)
	case !d.good[bearer]: // which lists do not mind
		doubleJSON(w, 200, map[string]any{"namespaces": nil, "errors": []any{status7("Unauthorized")}})
	default:
		doubleJSON(w, 200, map[string]any{"namespaces": []string{"default"}, "errors": []any{}})
	}
}

func (d *double) seal(bearer string) string {
	now := time.Now()
	dates := map[string]string{"iat": now.Format(time.RFC3339)}
	if d.ttl > 0 {
		dates["exp"] = now.Add(d.ttl).Format(time.RFC3339)
	}
	aad, _ := json.Marshal(dates)
	e, err := gojose.NewEncrypter(gojose.A256GCM, gojose.Recipient{Algorithm: gojose.RSA_OAEP_256, Key: &d.key.PublicKey}, nil)
	if err != nil {
		panic(err)
	}
	j, err := e.EncryptWithAuthData(fmt.Appendf(nil, `{"LocationOfOrigin":"","token":%q}`, bearer), aad)
	if err != nil {
		panic(err)
	}
	return j.FullSerialize()
}

// open looks at the dates first, which nothing vouches for yet, as 2.x does.
func (d *double) open(session string) (bearer string, status int, text string) {
	if !strings.HasPrefix(session, "{") {
		return "", 500, "square/go-jose: compact JWE format must have five parts"
	}
	j, err := gojose.ParseEncryptedJSON(session, []gojose.KeyAlgorithm{gojose.RSA_OAEP_256}, []gojose.ContentEncryption{gojose.A256GCM})
	if err != nil {
		return "", 500, "square/go-jose: " + err.Error()
	}
	if d.ttl > 0 {
		var dates map[string]string
		if json.Unmarshal(j.GetAuthData(), &dates) != nil {
			return "", 500, "Token validation error. Could not unmarshal AAD."
		}
		exp, err := time.Parse(time.RFC3339, dates["exp"])
		if _, e := time.Parse(time.RFC3339, dates["iat"]); e != nil || err != nil || time.Now().After(exp) {
			return "", 401, "MSG_TOKEN_EXPIRED_ERROR"
		}
	}
	plain, err := j.Decrypt(d.key)
	if err != nil {
		return "", 500, "square/go-jose: error in cryptographic primitive"
	}
	var info struct{ Token string }
	if err := json.Unmarshal(plain, &info); err != nil {
		return "", 500, err.Error()
	}
	return info.Token, 200, ""
}

func doubleCSRF(action string, millis int64) string {
	at := strconv.FormatInt(millis, 10)
	mac := hmac.New(sha1.New, csrfKey)
	io.WriteString(mac, "none:"+action+":"+at)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)) + ":" + at
}

func goodCSRF(action, presented string) bool {
	_, at, _ := strings.Cut(presented, ":")
	millis, err := strconv.ParseInt(at, 10, 64)
	return err == nil && presented == doubleCSRF(action, millis) && time.Since(time.UnixMilli(millis)) < 24*time.Hour
}

// status7 is an error as 7.x has it, and 2.x in a list of them.
func status7(message string) any {
	return map[string]any{"ErrStatus": map[string]any{"metadata": map[string]any{}, "status": "Failure", "message": message, "reason": "Unauthorized", "code": 401}}
}

func doubleJSON(w http.ResponseWriter, status int, v any) {
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(text)
}

func doubleText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain")
	w.WriteHeader(status)
	io.WriteString(w, text+"\n")
}

// answers returns an instead that gives one answer to one request, as long as
// times is above 0.
func answers(request string, times int, answer func(w http.ResponseWriter)) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method+" "+r.URL.Path != request || times == 0 {
			return false
		}
		times--
		answer(w)
		return true
	}
}

// record has s's events recorded, and returns what has been told so far.
func record(s *Source) (told func() []string) {
	var mu sync.Mutex
	var all []string
	s.OnEvent = func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, fmt.Sprintf("%v %v", e.Kind, e.Version))
	}
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(all)
	}
}

// mustToken returns the next token of s.
func mustToken(t testing.TB, ctx context.Context, s token.Source) token.Token {
	t.Helper()
	tok, err := s.Token(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}
