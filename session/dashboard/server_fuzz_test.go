package dashboard_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// wellFormed fails the test unless a site may answer so, and nothing of a longer
// input is in it.
func wellFormed(t *testing.T, r reply) {
	t.Helper()
	switch r.Status {
	case 200:
		if !json.Valid([]byte(r.Body)) || r.Type != "application/json" {
			t.Errorf("%v", r)
		}
	case 400, 401, 413, 500:
		if r.Type != "text/plain" || len(r.Body) > 150 || !strings.HasSuffix(r.Body, "\n") {
			t.Errorf("%v", r)
		}
	default:
		t.Errorf("%v", r)
	}
}

// Whatever a login is, it is answered, and there is no session but for who is let
// in.
func FuzzLoginBody(f *testing.F) {
	for _, seed := range []string{
		`{"token":"good"}`, `{"TOKEN":"bad","token":""}`, `{"username":"mira","password":"sesame"}`, `{"token":5}`, `{}`, ``, `[`, `{"token":" "}`,
		`{"kubeConfig":"{\"current-context\":\"c\",\"contexts\":[{\"name\":\"c\",\"context\":{\"user\":\"u\"}}],\"users\":[{\"name\":\"u\",\"user\":{\"token\":\"good\"}}]}"}`,
	} {
		f.Add(seed)
	}
	d := newSite(nil)
	h := d.handler()
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest("POST", "https://dashboard.test/api/v1/login", strings.NewReader(body))
		r.Header.Set("X-CSRF-TOKEN", xsrfTokens[0].token)
		got := answered(h, r)
		wellFormed(t, got)
		var answer struct{ JWEToken string }
		if json.Unmarshal([]byte(got.Body), &answer) == nil && answer.JWEToken != "" && !strings.Contains(body, "good") && !strings.Contains(body, "ey") && !strings.Contains(body, `\u`) {
			t.Errorf("%q was let in", body)
		}
	})
}

// Whatever is to be refreshed, it is answered, and only a session is.
func FuzzRefreshBody(f *testing.F) {
	good := vectors()[0].Token
	quoted, _ := json.Marshal(good)
	for _, seed := range []string{`{"jweToken":` + string(quoted) + `}`, `{"jweToken":` + good + `}`, `{"jweToken":"x"}`, `{"jweToken":""}`, `{"jweToken":"{}"}`, `{}`, ``} {
		f.Add(seed)
	}
	d := newSite(nil)
	h := d.handler()
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest("POST", "https://dashboard.test/api/v1/token/refresh", strings.NewReader(body))
		r.Header.Set("X-CSRF-TOKEN", xsrfTokens[1].token)
		got := answered(h, r)
		wellFormed(t, got)
		var sent struct{ JWEToken string }
		if got.Status == 200 && (json.Unmarshal([]byte(body), &sent) != nil || !strings.Contains(sent.JWEToken, "encrypted_key")) {
			t.Errorf("%q was refreshed", body)
		}
	})
}

// Whatever a session is, it is answered, and none is let in that no key sealed.
func FuzzSessionHeader(f *testing.F) {
	for _, v := range vectors() {
		f.Add(v.Token)
	}
	f.Add("")
	f.Add("x.x.x.x.x")
	f.Add(`{"protected":"e30"}`)
	d := newSite(nil)
	h := d.handler()
	f.Fuzz(func(t *testing.T, session string) {
		r := httptest.NewRequest("GET", "https://dashboard.test/api/v1/pod", nil)
		r.Header["Jwetoken"] = []string{session}
		got := answered(h, r)
		if got.Status == 200 {
			if !strings.Contains(got.Body, "sample-bearer-token") {
				t.Errorf("%q let in as %s", session, got.Body)
			}
			return
		}
		if got.Status != 401 {
			t.Errorf("%q: %d", session, got.Status)
		}
		wellFormed(t, got)
	})
}

// No CSRF token is good but those that were made, for their actions.
func FuzzCSRFToken(f *testing.F) {
	for _, test := range xsrfTokens {
		f.Add(test.token, test.action)
	}
	f.Add("", "")
	f.Add(":", ":")
	f.Add(strings.Repeat("A", 27)+":9223372036854775807", "login")
	d := newSite(nil)
	d.now = noon.Add(time.Hour)
	h := d.handler()
	f.Fuzz(func(t *testing.T, presented, action string) {
		if strings.Trim(action, "abcdefghijklmnopqrstuvwxyz:_-") != "" || action == "" {
			return
		}
		r := httptest.NewRequest("POST", "https://dashboard.test/api/v1/"+action+"/x", nil)
		r.Header["X-Csrf-Token"] = []string{presented}
		r.Header.Set("Authorization", "Bearer x")
		got := answered(h, r)
		made := false
		for _, test := range xsrfTokens {
			made = made || test.token == presented && test.action == action && test.key == csrfKey && test.now != time.Unix(0, 0)
		}
		if made != (got.Status == 200) {
			t.Errorf("%q for %q: %d", presented, action, got.Status)
		}
	})
}
