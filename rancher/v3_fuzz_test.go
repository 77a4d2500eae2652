package rancher

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// Whatever comes in the place of an answer, no reader panics, and what is read can
// be relied on.
func FuzzV3Answers(f *testing.F) {
	for _, body := range []string{
		"", "[]", "{}", "null", mustAuthenticate, noSuchToken, nobodysStatus,
		`{"id":"token-5lwps","token":"token-5lwps:` + secret54 + `","expiresAt":"2026-08-20T08:00:00Z","type":"token"}`,
		`{"id":"token-7d9xk","ttl":7776000000,"created":"2026-08-19T16:00:00Z","createdTS":1787155200000,"enabled":null,"clusterId":null}`,
		`{"id":"token-7d9xk","ttl":"1e300","created":"9999-12-31T23:59:59Z","expiresAt":"0001-01-01T00:00:00Z"}`,
		`{"id":"token-7d9xk","ttl":-9223372036854775808,"createdTS":9223372036854775807}`,
		`{"data":[{"id":"token-a","ttl":0},{"id":"token-b"}],"pagination":{"next":"https://rancher.example/v3/tokens?marker=b"}}`,
		`{"data":[{"id":"local","type":"localProvider","actions":{"login":"https://rancher.example/v3-public/localProviders/local?action=login"}}]}`,
		`{"data":[{"id":"user-abcde","username":"admin","principalIds":["local://user-abcde"]}]}`,
		`{"type":"authConfigLogoutOutput","idpRedirectUrl":"https://idp.example/slo"}`,
		`{"id":"cacerts","value":"x","default":"y","source":"db","customized":true}`,
	} {
		for _, status := range []int{200, 201, 401, 403, 404} {
			f.Add(status, "false", "Wed, 19 Aug 2026 16:00:00 GMT", body)
		}
	}
	server := &Server{URL: "https://rancher.example/rancher"}
	f.Fuzz(func(t *testing.T, status int, auth, date, body string) {
		a := &answer{op: "look", from: "GET https://rancher.example/v3", status: status, body: body, sent: time.Now(),
			header: http.Header{"X-Api-Cattle-Auth": {auth}, "Date": {date}}}
		if err := v3Check(a); err == nil != (status/100 == 2) {
			t.Errorf("%d: %v", status, err)
		} else if e, ok := err.(*Error); err != nil && (!ok || e.Err == nil || e == nil) {
			t.Errorf("%#v", err)
		}
		v3LoginCheck(a, V3Provider{Name: "local"})
		v3Absent(a, nil)
		if r, err := readToken(a); err == nil {
			if !isName(r.Name) || r.Lifetime < 0 || !r.ExpiresAt.IsZero() && r.ExpiresAt.Year() < 1970 {
				t.Errorf("%+v", r.V3Token)
			}
			if tok := r.token(a); r.Lifetime > 0 && (tok.ExpiresIn == 0 || tok.ExpiresIn > r.Lifetime) {
				t.Errorf("of %v are left %v", r.Lifetime, tok.ExpiresIn)
			}
			if !r.secret.IsZero() && !strings.HasPrefix(strings.TrimPrefix(r.secret.Reveal(), "ext/"), r.Name+":") && !strings.Contains(r.secret.Reveal(), ".") {
				t.Errorf("%q is not of %s", r.secret.Reveal(), r.Name)
			}
			V3Request{}.wider(r.V3Token)
		}
		if list, next, err := readTokens(a); err == nil {
			for _, r := range list {
				if !isName(r.Name) {
					t.Errorf("%+v", r)
				}
			}
			if path := server.below(next); path != "" && (!strings.HasPrefix(path, "/") || strings.Contains(path, "/../") || strings.Contains(path, "//")) && !strings.Contains(path, "?") {
				t.Errorf("%q leads to %q", next, path)
			}
		}
		if list, err := readProviders(a); err == nil {
			for _, p := range list {
				if !isName(p.Name) || !isWord(p.Type) {
					t.Errorf("%+v", p)
				}
			}
		}
		if u, err := readUser(a); err == nil && u.ID == "" {
			t.Errorf("%+v", u)
		}
		if to, err := readRedirect(a); err == nil && to != "" && !strings.HasPrefix(strings.ToLower(to), "http") {
			t.Errorf("%q", to)
		}
		readSetting(a)
		readID(a, "local")
	})
}
