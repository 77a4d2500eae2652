package dashboard

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// What is made of each answer to a login that is not a session.
func TestLoginAnswers(t *testing.T) {
	t.Parallel()
	problem := func(code int, message string) string {
		text, _ := json.Marshal(map[string]any{"jweToken": "", "errors": []any{map[string]any{"ErrStatus": map[string]any{"code": code, "message": message}}}})
		return string(text)
	}
	session := newDouble().seal("bearer-1")
	quoted, _ := json.Marshal(session)
	for _, test := range []struct {
		status  int
		body    string
		want    string
		refused bool
	}{
		{200, problem(401, "MSG_LOGIN_UNAUTHORIZED_ERROR"), "200 OK, MSG_LOGIN_UNAUTHORIZED_ERROR: the Dashboard does not accept the credential", true},
		{200, problem(0, "MSG_LOGIN_UNAUTHORIZED_ERROR"), "200 OK, MSG_LOGIN_UNAUTHORIZED_ERROR: the Dashboard does not accept the credential", true},
		{200, problem(403, "s3cret is forbidden"), "200 OK: the Dashboard does not accept the credential", true},
		{200, problem(500, "s3cret"), "cannot answer now", false},
		{200, `{"jweToken":` + string(quoted) + `,"errors":[{"ErrStatus":{"code":401}}]}`, "does not accept", true},
		{200, `{"jweToken":` + string(quoted) + `,"errors":["s3cret"]}`, "cannot answer now", false},
		{200, `{"errors":[{"ErrStatus":{"code":401}},{"ErrStatus":{"code":500}}]}`, "does not accept", true},
		{200, `{"jweToken":"","errors":[]}`, "neither a session in it nor an error", false},
		{200, `{"jweToken":"","errors":null}`, "neither a session in it nor an error", false},
		{200, `{}`, "neither a session in it nor an error", false},
		{200, `{"token":"bearer-2"}`, "another bearer token", false},
		{200, `{"jweToken":{"protected":"s3cret"}}`, "jweToken: an object where a string must be", false},
		{200, `{"jweToken":"s3cret"}`, "not dated", false},
		{200, `{"jweToken":"eyJhbGciOiJSUzI1NiJ9.eyJpYXQiOjk0NjY4NDgwMCwiZXhwIjo5NDY2ODUxMDB9.c2lnbmF0dXJl"}`, "not dated", false},
		{200, `{"jweToken":"s3cret\n"}`, "characters in it that no header can carry", false},
		{200, `{"jweToken":"{\"s3cret\":1}"}`, "cannot be read", false},
		{200, `{"errors":{}}`, "errors: an object where an array must be", false},
		{200, `{"token":"bearer-1","TOKEN":"s3cret"}`, "occurs twice", false},
		{200, `{"token":"bearer-1"}x`, "more text after the end", false},
		{200, ``, "an end in the middle", false},
		{200, `<html>s3cret`, "a page for people", false},
		{204, ``, "it is no answer to that", false},
		{401, "MSG_LOGIN_UNAUTHORIZED_ERROR\n", "401 Unauthorized, MSG_LOGIN_UNAUTHORIZED_ERROR: the Dashboard does not accept", true},
		{401, `{"ErrStatus":{"message":"MSG_LOGIN_UNAUTHORIZED_ERROR","code":401}}`, "does not accept", true},
		{401, "s3cret", "does not accept", true},
		{401, "<html>s3cret", "a page for people", false},
		{500, "Not enough data to create authenticator.\n", "--authentication-mode=token", false},
		{500, `{"ErrStatus":{"message":"s3cret","code":401}}`, "cannot answer now", false},
		{500, "s3cret", "cannot answer now; try again later", false},
		{429, "s3cret", "cannot answer now; try again later", false},
		{503, "s3cret", "cannot answer now; try again later", false},
		{400, "s3cret", "it is no answer to that", false},
		{404, "404 page not found", "nothing of that name", false},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := newDouble()
			d.instead = answers(loginRequest, 1, func(w http.ResponseWriter) { w.WriteHeader(test.status); io.WriteString(w, test.body) })
			_, err := d.source(bearerSource("bearer-1")).Token(t.Context())
			if err == nil || !strings.Contains(err.Error(), test.want) || errors.Is(err, token.ErrRefused) != test.refused || errors.Is(err, token.ErrInvalid) {
				t.Errorf("%d %s: %v", test.status, test.body, err)
			}
			if err != nil && (strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "bearer-")) {
				t.Errorf("%d %s is quoted: %v", test.status, test.body, err)
			}
		})
	}
}

// The life of a session is what lies between its own dates, to the second.
func TestSessionDates(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		file string
		want time.Duration // 0 is for ever
	}{
		{"1-ttl900", 900*time.Second - time.Second},
		{"2-ttl0", 0},
		{"6-ttl10y", 87600*time.Hour - time.Second},
	} {
		text, err := os.ReadFile("../../token/jwe/testdata/dashboard/" + test.file + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var v struct {
			Token string
			AAD   struct{ Exp, Iat time.Time } `json:"aadDecoded"`
		}
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(t *testing.T) {
			h, err := newSession(v.Token, time.Now(), term{})
			if err != nil {
				t.Fatalf("%s: %v", test.file, err)
			}
			if h.token.ExpiresIn != test.want || !h.token.Expiry.Equal(v.AAD.Exp) || !h.token.IssuedAt.Equal(v.AAD.Iat) {
				t.Errorf("%s: %v left", test.file, h.token.ExpiresIn)
			}
		})
	}
}

// Dates that no session of the Dashboard has.
func TestSessionWithoutALife(t *testing.T) {
	t.Parallel()
	for aad, want := range map[string]string{
		`{"exp":"2026-11-22T12:14:50Z"}`:                              "not dated",
		`{"iat":"2026-11-22T12:14:50Z","exp":"2026-11-22T12:14:49Z"}`: "too little",
		`{"iat":"2026-11-22T12:14:50Z","exp":"2026-11-22T12:14:51Z"}`: "too little",
		`{"iat":1,"exp":2}`: "not dated",
		`{}`:                "not dated",
	} {
		text := `{"protected":"eyJhbGciOiJSU0EtT0FFUC0yNTYiLCJlbmMiOiJBMjU2R0NNIn0","aad":"` + base64url(aad) +
			`","encrypted_key":"AAAA","iv":"AAAAAAAAAAAAAAAA","ciphertext":"AAAA","tag":"AAAAAAAAAAAAAAAAAAAAAA"}`
		if _, err := newSession(text, time.Now(), term{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", aad, err)
		}
	}
}

// Whatever is answered, there is no panic; what is taken can be sent; and no error
// quotes it.
func FuzzResponse(f *testing.F) {
	d := newDouble()
	quoted, _ := json.Marshal(d.seal("s3cret"))
	for _, seed := range []string{
		`{"jweToken":` + string(quoted) + `,"errors":[]}`, `{"jweToken":"","errors":[{"ErrStatus":{"code":401,"message":"s3cret"}}]}`,
		`{"token":"s3cret"}`, `{"ErrStatus":{"message":"MSG_CSRF_VALIDATION_ERROR"}}`, `"MSG_DASHBOARD_EXCLUSIVE_RESOURCE_ERROR"`,
		"square/go-jose: error in cryptographic primitive\n", "<html>s3cret", `{"errors":[null,1,{"ErrStatus":null}]}`, `{"s3cret":`, "s3cret", "",
	} {
		for _, status := range []int{200, 401, 404, 500, 503} {
			f.Add(status, seed)
		}
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		a := &response{op: "log in", from: "POST https://dashboard.example/api/v1/login", status: status, header: http.Header{}, body: body}
		check := func(err error) {
			// Whatever the words, it must not be long, nor have what was sent in it.
			if err != nil && (len(err.Error()) > 600 || strings.Contains(err.Error(), "s3cret") || strings.ContainsAny(err.Error(), "\n\r\x00\x1b")) {
				t.Fatalf("%q", err)
			}
		}
		check(a.notLoggedIn())
		check(a.notRefreshed())
		a.refusesCSRF()
		r, err := a.parse()
		if err != nil {
			check(a.unreadable(err))
			return
		}
		if !json.Valid([]byte(body)) {
			t.Fatal("it is taken, and is no JSON")
		}
		check(a.fails(errSession, "").saying(r.worst.message))
		h, err := newSession(r.session, time.Now(), term{})
		if err != nil {
			check(a.unreadable(err))
			return
		}
		req := &http.Request{Header: http.Header{}}
		Set(req, h.token)
		if got := req.Header.Get(scheme); got == "" || strings.ContainsAny(got, "\r\n\x00") {
			t.Fatalf("%q is put into a header", got)
		}
		if h.token.ExpiresIn == 0 && !h.token.Expiry.IsZero() {
			t.Fatal("a session that expires, of which it is not said when")
		}
	})
}
