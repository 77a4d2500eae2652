package rancher_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/token"
)

// v2betaCollection is the answer to the question whether there is a token, with
// what differs.
func v2betaCollection(element string) string {
	return `{"type":"collection","resourceType":"token","links":{"self":"https://rancher.example/v2-beta/tokens"},"createTypes":{},"actions":{},` +
		`"data":[{"id":null,"type":"token","links":{},"actions":{},"baseType":"token",` + element + `}],` +
		`"sortLinks":{},"pagination":null,"sort":null,"filters":{},"createDefaults":{}}`
}

const (
	v2betaDead = `"jwt":null,"code":null,"user":null,"accountId":null,"userIdentity":null,"userType":null,"security":true,"enabled":true,"authProvider":"localAuthConfig","redirectUrl":null,"originalLogin":null`

	v2betaLive = `"jwt":"%s","code":null,"user":null,"accountId":null,"userType":"admin","security":true,"enabled":true,"authProvider":"localAuthConfig","redirectUrl":null,"originalLogin":null,` +
		`"userIdentity":{"externalId":"1a1","profilePicture":null,"name":"admin","externalIdType":"rancher_id","profileUrl":null,"login":"admin","role":null,"projectId":null,"user":false,"all":null,"id":"rancher_id:1a1"}`
)

func TestV2BetaProbe(t *testing.T) {
	t.Parallel()
	live := func(echo string) string { return v2betaCollection(fmt.Sprintf(v2betaLive, echo)) }
	element := func(old, new string) string { return v2betaCollection(strings.Replace(v2betaDead, old, new, 1)) }
	admin := rancher.User{ID: "1a1", Login: "admin", Name: "admin", Principal: "rancher_id:1a1", Provider: "localAuthConfig", Kind: "admin"}
	long := strings.Repeat("cn=x,", 60) // a name that is not cut
	distinguished, nameless := admin, admin
	distinguished.Principal, nameless.Principal = long, ""
	const local = "localAuthConfig"
	github := "https://github.com/login/oauth/authorize?client_id=1&scope=read:org"

	for _, test := range []struct {
		name   string
		token  string
		status int
		body   string
		want   rancher.Probe
	}{
		{"live", v2betaJWT, 200, live(v2betaJWT), rancher.Probe{Live: true, User: admin, Provider: local}},
		{"a long principal", v2betaJWT, 200, strings.Replace(live(v2betaJWT), `"rancher_id:1a1"`, `"`+long+`"`, 1), rancher.Probe{Live: true, User: distinguished, Provider: local}},
		{"an endless principal", v2betaJWT, 200, strings.Replace(live(v2betaJWT), `"rancher_id:1a1"`, `"`+strings.Repeat(long, 4)+`"`, 1), rancher.Probe{Live: true, User: nameless, Provider: local}},
		{"live, with Bearer", v2betaJWT, 200, live("Bearer " + v2betaJWT), rancher.Probe{Live: true, User: admin, Provider: local}},
		{"live, asked with Bearer", "Bearer " + v2betaJWT, 200, live(v2betaJWT), rancher.Probe{Live: true, User: admin, Provider: local}},
		{"A.9 expired token", v2betaJWT, 200, v2betaCollection(v2betaDead), rancher.Probe{Provider: local}},
		{"A.9 unknown token", strings.Repeat("x", 40), 200, v2betaCollection(v2betaDead), rancher.Probe{Provider: local}},
		{"A.9 no token", "", 200, v2betaCollection(v2betaDead), rancher.Probe{Provider: local}},
		{"A.9 provider switched since the token was made", v2betaJWT, 401,
			fmt.Sprintf(v2betaError, 401, "AuthProviderChanged", "Access control has changed since token was created."), rancher.Probe{Err: rancher.ErrProviderChanged}},
		{"A.9 site access mode refuses the user", v2betaJWT, 403,
			fmt.Sprintf(v2betaError, 403, "AuthError", "Your account does not have access"), rancher.Probe{Err: rancher.ErrNoAccess}},
		{"401", v2betaJWT, 401, fmt.Sprintf(v2betaError, 401, "Unauthorized", ""), rancher.Probe{Err: rancher.ErrNotAuthenticated}},

		{"security off", "", 200, element(`"security":true`, `"security":false`), rancher.Probe{Open: true, Provider: local}},
		{"security off, no provider", "", 200, strings.Replace(element(`"security":true`, `"security":false`), `"localAuthConfig"`, `null`, 1), rancher.Probe{Open: true}},
		{"security not said", "", 200, element(`"security":true`, `"security":null`), rancher.Probe{Provider: local}},
		{"GitHub", "", 200, element(`"redirectUrl":null`, `"redirectUrl":"`+github+`"`), rancher.Probe{Provider: local, RedirectURL: github}},
		{"AD has an empty URL", "", 200, element(`"redirectUrl":null`, `"redirectUrl":""`), rancher.Probe{Provider: local}},
		{"no URL for a browser", "", 200, element(`"redirectUrl":null`, `"redirectUrl":"javascript:alert(1)"`), rancher.Probe{Provider: local}},
		{"another scheme", "", 200, element(`"redirectUrl":null`, `"redirectUrl":"javascript://github.com/%0aalert(1)"`), rancher.Probe{Provider: local}},
		{"a URL without a host", "", 200, element(`"redirectUrl":null`, `"redirectUrl":"/v1-auth/saml/login"`), rancher.Probe{Provider: local}},
		{"a URL with nothing but a scheme", "", 200, element(`"redirectUrl":null`, `"redirectUrl":"https:login"`), rancher.Probe{Provider: local}},
		{"a URL in two lines", "", 200, element(`"redirectUrl":null`, `"redirectUrl":"https://github.com/\u2028x"`), rancher.Probe{Provider: local}},
		{"a URL too long", "", 200, element(`"redirectUrl":null`, `"redirectUrl":"`+github+strings.Repeat("x", 8192)+`"`), rancher.Probe{Provider: local}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := &v2betaServer{answer: v2betaSays(test.status, test.body)}
			got, err := s.client().Probe(t.Context(), token.NewSecret(test.token))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, cmpopts.EquateErrors()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			r := s.asked[0]
			cookie := ""
			if test.token != "" {
				cookie = "token=" + strings.TrimPrefix(test.token, "Bearer ")
			}
			if r.Method+" "+r.URL.RequestURI() != "GET /v2-beta/token" || r.Header.Get("Cookie") != cookie || r.Header.Get("Authorization") != "" || r.Header.Get("X-API-No-Challenge") != "true" {
				t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
			}
			v2betaSilent(t, got, v2betaJWT)
		})
	}
}

// An answer that says nothing about the token.
func TestV2BetaProbeErrors(t *testing.T) {
	t.Parallel()
	const other = "s3cret7bR3vZNrV1dMyPArix5nN1jxiA6DdzsqdZ"
	for _, test := range []struct {
		name   string
		token  string
		answer http.HandlerFunc
		want   error
	}{
		{"another token", v2betaJWT, v2betaSays(200, v2betaCollection(fmt.Sprintf(v2betaLive, other))), rancher.ErrNotRancher},
		{"a token where none was sent", "", v2betaSays(200, v2betaCollection(fmt.Sprintf(v2betaLive, other))), rancher.ErrNotRancher},
		{"a number for a token", v2betaJWT, v2betaSays(200, v2betaCollection(strings.Replace(v2betaDead, `"jwt":null`, `"jwt":1`, 1))), rancher.ErrNotRancher},
		{"no token", v2betaJWT, v2betaSays(200, `{"type":"collection","data":[]}`), rancher.ErrNotRancher},
		{"two tokens", v2betaJWT, v2betaSays(200, `{"type":"collection","data":[{"type":"token"},{"type":"token","jwt":"s3cret"}]}`), rancher.ErrNotRancher},
		{"no collection", v2betaJWT, v2betaSays(200, `{"type":"token","data":[{"type":"token"}]}`), rancher.ErrNotRancher},
		{"of another type", v2betaJWT, v2betaSays(200, `{"type":"collection","data":[{"type":"project"}]}`), rancher.ErrNotRancher},
		{"a single one", v2betaJWT, v2betaSays(200, `{`+v2betaDead+`}`), rancher.ErrNotRancher},
		{"an error", v2betaJWT, v2betaSays(200, fmt.Sprintf(v2betaError, 401, "Unauthorized", "s3cret")), rancher.ErrNotRancher},
		{"half", v2betaJWT, v2betaSays(200, v2betaCollection(v2betaDead)[:100]), rancher.ErrNotRancher},
		{"401 of somebody else's", v2betaJWT, v2betaSays(401, `{"error":"s3cret"}`), rancher.ErrNotAuthenticated},
		{"401 without a token", "", v2betaFails(401, "Unauthorized", "s3cret"), rancher.ErrNotAuthenticated},
		{"403", v2betaJWT, v2betaFails(403, "Forbidden", "s3cret"), rancher.ErrForbidden},
		{"404 of 2.x", v2betaJWT, v2betaFails(404, "NotFound", "s3cret"), rancher.ErrNotFound},
		{"500", v2betaJWT, v2betaFails(500, "ServerError", "s3cret"), rancher.ErrUnavailable},
		{"a page", v2betaJWT, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "<html>s3cret") }, rancher.ErrNotRancher},
		{"no token of 1.6", "s3cret 2", nil, nil},
		{"spaces", "  ", nil, nil},
		{"only Bearer", "Bearer ", nil, nil},
		{"a character that no cookie has", "s3cret;Path=/", nil, nil},
		{"not ASCII", "s3cretß", nil, nil},
		{"too long", strings.Repeat("s3cret", 1<<20), nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := &v2betaServer{answer: test.answer}
			got, err := s.client().Probe(t.Context(), token.NewSecret(test.token))
			checkV2BetaError(t, err, "s3cret", v2betaJWT)
			if err == nil || !errors.Is(err, test.want) && test.want != nil {
				t.Fatalf("%v, want %v", err, test.want)
			}
			if diff := cmp.Diff(rancher.Probe{}, got); diff != "" {
				t.Errorf("a verdict beside an error:\n%s", diff)
			}
			if calls := s.calls(); test.answer == nil && calls != nil {
				t.Errorf("it was sent: %v", calls)
			}
		})
	}
}
