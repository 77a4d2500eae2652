package rancher

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tokenlife/tokenlife/token"
)

// Whatever is taken for an answer of 1.6 is JSON, and what is in it can be shown;
// no error repeats any of it.
func FuzzV2BetaAnswer(f *testing.F) {
	golden, err := os.ReadFile("testdata/v2beta_login.response.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{
		string(golden), string(golden[:100]), `{"type":"collection","data":[` + string(golden) + `]}`, ``, `null`, `[]`,
		`{"type":"token","jwt":"Bearer s3cret"}`, `{"type":"token","jwt":null,"userIdentity":null}`, `{"type":"token","JWT":"s3cret"}`,
		`{"type":"token","jwt":["s3cret"],"userIdentity":{"login":"s3cret\n"}}`, `{"type":"collection","data":[{"type":"token","redirectUrl":"https://s3cret"}]}`,
		`{"type":"setting","id":"x","value":"1","activeValue":"2","source":"Database","inDb":true}`, `{"type":"setting","name":"X","activeValue":null,"inDb":1}`,
		`{"type":"error","status":401,"code":"AuthError","fieldName":"code","message":"s3cret"}`, `{"type":"error","status":"s3cret"}`,
		strings.Repeat(`{"s3cret":`, 100), `{"type":"token","jwt":"[redacted]"}`, `{"type":"error","status":401,"code":"s3cret"}`,
	} {
		f.Add(seed, 401)
	}
	f.Fuzz(func(t *testing.T, body string, status int) {
		a := v2betaAnswer(body)
		a.status = status
		read := func(err error) {
			if err == nil && !json.Valid([]byte(body)) {
				t.Fatal("it is taken, and is no JSON")
			}
			if err != nil && (strings.Contains(err.Error(), "s3cret") || len(err.Error()) > 600) {
				t.Fatalf("%v", err)
			}
		}
		shown := func(s string) {
			if len(s) > 210 || !utf8.ValidString(s) || strings.ContainsAny(s, "\n\r\x00\x1b\u2028") {
				t.Fatalf("%q cannot be shown", s)
			}
		}
		one, err := parseV2BetaToken(a)
		read(err)
		list, err := parseV2BetaTokens(a)
		read(err)
		for _, tok := range []v2betaToken{one, list} {
			u := tok.who()
			for _, s := range []string{u.ID, u.Login, u.Name, u.Principal, u.Provider, u.Kind} {
				shown(s)
			}
			if u := browsable(value(tok.RedirectURL)); u != "" && !strings.HasPrefix(strings.ToLower(u), "http") {
				t.Fatalf("a browser is sent to %q", u)
			}
		}
		s, err := parseV2BetaSetting(a, "x")
		read(err)
		shown(s.Source)
		for _, e := range []*Error{v2betaLoginError(a), v2betaError(a)} {
			if e.Err == nil || e.Remedy == "" || strings.Contains(e.Error(), "s3cret") {
				t.Fatalf("%v", e)
			}
		}
	})
}

// A token that is sent arrives as it is, alone, and nothing else comes with it.
func FuzzV2BetaSet(f *testing.F) {
	for _, cookies := range []string{"", "token=stale", "TOKEN=stale; x=1", "x=1; token = stale ;y=2", ";;token;=token;", `x="token=1"`, "token=a\ttoken=b"} {
		f.Add("V1dMyPArix5nN1jxiA6DdzsqdZitDJhZuBR3vZNr", cookies)
		f.Add("Bearer V1dMyPArix5nN1jx", cookies)
		f.Add("a;b", cookies)
	}
	f.Fuzz(func(t *testing.T, text, cookies string) {
		c := &V2Beta{Project: "1a5"}
		tok := token.New(token.NewSecret(text))
		want, err := v2betaText(tok.Value)
		if err != nil {
			want = ""
		}
		r := &http.Request{Method: "POST", Header: http.Header{"Cookie": {cookies}, "Authorization": {"Basic eDp5"}}}
		c.Set(r, tok)
		var got []string
		for _, line := range r.Header["Cookie"] {
			for pair := range strings.SplitSeq(line, ";") {
				name, value, _ := strings.Cut(pair, "=")
				if strings.EqualFold(strings.TrimSpace(name), "token") {
					got = append(got, value)
				}
			}
		}
		if len(got) > 1 || strings.Join(got, "") != want {
			t.Fatalf("sent %q, want %q, in %q", got, want, r.Header["Cookie"])
		}
		if strings.ContainsAny(want, " ;,\"\\\r\n\x00") || r.Header.Get("Authorization") != "" {
			t.Fatalf("%q", r.Header)
		}

		c.SetBearer(r, tok)
		if _, err := r.Cookie("token"); err == nil {
			t.Fatalf("a cookie hides the header: %q", r.Header["Cookie"])
		}
		header := r.Header.Get("Authorization")
		if want == "" && header != "" || want != "" && header != "Bearer "+want {
			t.Fatalf("sent %q, want %q", header, want)
		}

		c.SetBasic(r, tok)
		user, password, ok := r.BasicAuth()
		if ok != (want != "") || ok && (user != "X-API-BEARER=1a5" || password != want) {
			t.Fatalf("sent %q, %q", user, password)
		}
	})
}

// Whatever the credentials, what is sent says the same of them as they do, or
// nothing is sent.
func FuzzV2BetaLoginBody(f *testing.F) {
	f.Add("localAuthConfig", "admin", "<password here>", "")
	f.Add("", "admin", "a:b\x00\u2028&", "")
	f.Add("githubConfig", "", "", "3f8a9b0c1d2e4f5a6b7c")
	f.Add("shibbolethConfig", "a:b", "\xff", "x")
	f.Fuzz(func(t *testing.T, provider, username, password, code string) {
		body, err := v2betaLoginBody(Credentials{
			Provider: provider, Username: username, Password: token.NewSecret(password), Code: token.NewSecret(code),
		})
		if err != nil {
			if body != "" || len(err.Error()) > 200 {
				t.Fatalf("%q, %v", body, err)
			}
			return
		}
		var sent struct{ Code, AuthProvider string }
		if err := json.Unmarshal([]byte(body), &sent); err != nil || len(body) > 16<<10 {
			t.Fatalf("%d bytes, %v", len(body), err)
		}
		name, rest, colon := strings.Cut(sent.Code, ":")
		if sent.Code != code && (code != "" || !colon || name != username || rest != password) {
			t.Fatalf("%q was sent of %q, %q, %q", sent.Code, username, password, code)
		}
		if sent.AuthProvider != strings.ToLower(provider) {
			t.Fatalf("provider %q was sent for %q", sent.AuthProvider, provider)
		}
	})
}
