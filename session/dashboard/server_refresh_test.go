package dashboard_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/session/dashboard"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// A refreshed session is for the same credential, and begins now; the one before
// stays good, and can be refreshed again.
func TestRefresh(t *testing.T) {
	t.Parallel()
	d := newSite(nil)
	first := sessionIn(t, d.login(`{"token":"good"}`))
	d.now = noon.Add(15 * time.Minute) // to the nanosecond
	for range 2 {
		got := d.refresh(first)
		second := sessionIn(t, got)
		quoted, _ := json.Marshal(second)
		same(t, "refresh", reply{200, "application/json", "{\n \"jweToken\": " + string(quoted) + ",\n \"errors\": []\n}"}, got)
		if second == first || !jweForm.MatchString(second) {
			t.Errorf("refreshed: %s", second)
		}
		s := opened(t, keyA(), second, d.now)
		same(t, "refreshed", []string{`{"LocationOfOrigin":"","token":"good"}`, "2026-11-22T12:15:00Z", "2026-11-22T12:30:00Z"},
			[]string{s.Credential.Reveal(), s.IssuedAt.Format(time.RFC3339), s.Expiry.Format(time.RFC3339)})
		d.use(second)
	}
	if got := d.use(first); got.Status != 200 {
		t.Errorf("the one before: %v", got)
	}
}

// broken returns a session with a letter of a member replaced.
func broken(t *testing.T, session, member string) string {
	var f map[string]string
	if err := json.Unmarshal([]byte(session), &f); err != nil {
		t.Fatal(err)
	}
	old := f[member]
	c := "A"
	if old[0] == 'A' {
		c = "B"
	}
	return strings.Replace(session, `"`+member+`":"`+old, `"`+member+`":"`+c+old[1:], 1)
}

// All that the Dashboard says of what cannot be refreshed, and what it should say.
func TestRefreshRefusals(t *testing.T) {
	t.Parallel()
	const credential = `{"LocationOfOrigin":"","token":"good"}`
	const keyChanged, expired = "MSG_ENCRYPTION_KEY_CHANGED", "MSG_TOKEN_EXPIRED_ERROR"
	good := sealed(t, keyA(), credential, 0, noon)
	forged := func(aad string) string {
		parts := strings.SplitN(good, `"aad":"`, 2)
		return parts[0] + `"aad":"` + base64.RawURLEncoding.EncodeToString([]byte(aad)) + parts[1][strings.IndexByte(parts[1], '"'):]
	}
	text := func(s string) string { quoted, _ := json.Marshal(s); return `{"jweToken":` + string(quoted) + `}` }
	for _, test := range []struct {
		name, body string
		status     int
		text       string
		want       error
	}{
		{"expired", text(sealed(t, keyA(), credential, 0, noon.Add(-15*time.Minute-time.Second))), 401, expired, token.ErrExpired},
		{"no exp", text(sealed(t, keyA(), credential, -1, noon)), 401, expired, token.ErrExpired},
		{"from the future", text(sealed(t, keyA(), credential, 0, noon.Add(time.Hour))), 401, expired, token.ErrNotYetValid},
		{"empty", `{"jweToken":""}`, 500, "Can not refresh token. No token provided.", nil},
		{"absent", `{}`, 500, "Can not refresh token. No token provided.", nil},
		{"null", `{"jweToken":null}`, 500, "Can not refresh token. No token provided.", nil},
		{"tampered aad", text(forged(`{"exp":"2036-11-22T12:14:57Z","iat":"2026-11-22T11:59:57Z"}`)), 401, keyChanged, token.ErrSignature},
		// What an unauthenticated date says is not repeated: it is as good as any.
		{"expired by a date that nobody vouches for", text(forged(`{"exp":"2020-11-22T12:14:57Z","iat":"2020-11-22T11:59:57Z"}`)), 401, keyChanged, token.ErrSignature},
		{"other key", text(sealed(t, keyB(), credential, 0, noon)), 401, keyChanged, token.ErrSignature},
		{"broken tag", text(broken(t, good, "tag")), 401, keyChanged, token.ErrSignature},
		{"broken iv", text(broken(t, good, "iv")), 401, keyChanged, token.ErrSignature},
		{"broken ciphertext", text(broken(t, good, "ciphertext")), 401, keyChanged, token.ErrSignature},
		{"broken key", text(broken(t, good, "encrypted_key")), 401, keyChanged, token.ErrSignature},
		{"without protected", text(strings.Replace(good, "protected", "header", 1)), 401, keyChanged, token.ErrMalformed},
		{"cut off", text(good[:100]), 401, keyChanged, token.ErrMalformed},
		{"not a JWE", `{"jweToken":"x"}`, 500, "square/go-jose: compact JWE format must have five parts", token.ErrMalformed},
		{"a bearer token", text(jwtWith(`{}`)), 500, "square/go-jose: compact JWE format must have five parts", token.ErrMalformed},
		{"an object", `{"jweToken":` + good + `}`, 500, "json: cannot unmarshal object into Go struct field TokenRefreshSpec.jweToken of type string", nil},
		{"an array", `{"jweToken":["x"]}`, 500, "json: cannot unmarshal array into Go struct field TokenRefreshSpec.jweToken of type string", nil},
		{"a number", `{"jweToken":12345678901234567890}`, 500, "json: cannot unmarshal number into Go struct field TokenRefreshSpec.jweToken of type string", nil},
		{"true", `{"jweToken":true}`, 500, "json: cannot unmarshal bool into Go struct field TokenRefreshSpec.jweToken of type string", nil},
		{"not JSON", `x`, 400, "the request body is not JSON that can be read in one way", nil},
		{"long", `{"jweToken":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "the request body is too long", nil},
		{"of no credential", text(sealed(t, keyA(), `{"LocationOfOrigin":""}`, 0, noon)), 401, keyChanged, token.ErrMalformed},
		{"of a bearer token that has expired", text(sealed(t, keyA(), `{"token":"`+jwtWith(`{"exp":1795348800}`)+`"}`, 0, noon)), 401, expired, token.ErrExpired},
		{"of one that has just not", text(sealed(t, keyA(), `{"token":"`+jwtWith(`{"exp":1795348800.5}`)+`"}`, 0, noon)), 401, expired, token.ErrExpired},
	} {
		d := newSite(nil)
		d.refusesWith(t, test.name, d.post("token", "/api/v1/token/refresh", test.body), test.status, test.text, test.want)
	}

	d := newSite(nil)
	for name, headers := range map[string][]string{
		"no CSRF token":              nil,
		"a CSRF token for the login": {"X-CSRF-TOKEN", xsrfTokens[0].token},
	} {
		d.refusesWith(t, name, d.do("POST", "/api/v1/token/refresh", text(good), headers...), 401, "CSRF validation failed", nil)
	}
}

// Over plain HTTP there is neither login nor refresh, unless Insecure is set.
func TestServerPlainHTTP(t *testing.T) {
	t.Parallel()
	for _, insecure := range []bool{false, true} {
		d := newSite(func(s *dashboard.Server) { s.Insecure = insecure })
		quoted, _ := json.Marshal(sealed(t, keyA(), `{"token":"good"}`, 0, noon))
		for _, test := range []struct{ path, body, csrf string }{
			{"/api/v1/login", `{"token":"good"}`, xsrfTokens[0].token},
			{"/api/v1/token/refresh", `{"jweToken":` + string(quoted) + `}`, xsrfTokens[1].token},
		} {
			// That it is for this host, or says that it was TLS before, does not count.
			got := d.send(httptest.NewRequest("POST", "http://127.0.0.1"+test.path, strings.NewReader(test.body)), "X-CSRF-TOKEN", test.csrf, "X-Forwarded-Proto", "https")
			if insecure {
				sessionIn(t, got)
				continue
			}
			d.refusesWith(t, test.path, got, 401, "MSG_LOGIN_UNAUTHORIZED_ERROR", nil)
			if !strings.Contains(d.lastTold().Error(), "Insecure") {
				t.Errorf("told %v", d.lastTold())
			}
		}
	}
}

// Sessions go on while keys are replaced: what the key before has made is
// refreshed under the new one.
func TestRefreshRotation(t *testing.T) {
	t.Parallel()
	d := newSite(func(s *dashboard.Server) { s.Keys = append(keyB()[:1:1], keyA()...) })
	old := sealed(t, keyA(), `{"LocationOfOrigin":"","token":"good"}`, 0, noon)
	if got := d.use(old); got.Status != 200 {
		t.Fatal(got)
	}
	opened(t, keyB(), sessionIn(t, d.refresh(old)), noon)
}

// Keys that cannot be had are nobody's fault who presents a session, whatever it
// is.
func TestKeysAway(t *testing.T) {
	t.Parallel()
	const away = "the keys of the sessions cannot be had: try again later"
	good := sealed(t, keyA(), `{"token":"good"}`, 0, noon)
	for name, keys := range map[string]keySetFunc{
		"an error":                   func() ([]jwt.Key, error) { return nil, errors.New("hush hush") },
		"an error about their token": func() ([]jwt.Key, error) { return nil, token.ErrExpired },
		"a panic":                    func() ([]jwt.Key, error) { panic("hush hush") },
	} {
		d := newSite(func(s *dashboard.Server) { s.Keys = keys })
		for path, got := range map[string]func() reply{
			"use": func() reply { return d.use(good) }, "refresh": func() reply { return d.refresh(good) }, "login": func() reply { return d.login(`{"token":"good"}`) },
		} {
			d.refusesWith(t, name+", "+path, got(), 503, away, nil)
			if told := d.lastTold(); errors.Is(told, token.ErrInvalid) {
				t.Errorf("%s, %s: told %v", name, path, told)
			}
		}
	}
}
