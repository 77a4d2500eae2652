package ranchertest_test

import (
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tokenlife/tokenlife/rancher/ranchertest"
)

// A reply is what a server answered.
type reply struct {
	status int
	header http.Header
	body   string
}

// ask sends a request. Headers are "Name: value".
func ask(t testing.TB, s *ranchertest.V2Beta, request, body string, headers ...string) reply {
	t.Helper()
	method, path, _ := strings.Cut(request, " ")
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	resp, err := s.Client().Do(r)
	if err != nil {
		t.Fatalf("%s: %v", request, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s: %v", request, err)
	}
	return reply{resp.StatusCode, resp.Header, string(text)}
}

var (
	anyUUID = regexp.MustCompile(`"id":"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"`)
	anyJWT  = regexp.MustCompile(`"jwt":"(Bearer )?([A-HJ-NP-Za-km-z1-9]{40})"`)
)

// known returns a body with what is drawn at random replaced.
func (r reply) known() string {
	return anyJWT.ReplaceAllString(anyUUID.ReplaceAllString(r.body, `"id":"<uuid>"`), `"jwt":"$1<jwt>"`)
}

// jwt returns the token in the body.
func (r reply) jwt(t testing.TB) string {
	t.Helper()
	m := anyJWT.FindStringSubmatch(r.body)
	if r.status != 201 || m == nil {
		t.Fatalf("no token: %d %s", r.status, r.known())
	}
	return m[2]
}

func newV2Beta() *ranchertest.V2Beta {
	s := ranchertest.NewV2Beta()
	s.AddUser("admin", "s3cret", "admin")
	s.AddUser("bob", "pa:ss", "user")
	return s
}

func login(t testing.TB, s *ranchertest.V2Beta, code string) string {
	t.Helper()
	return ask(t, s, "POST /v2-beta/token", `{"code":"`+code+`"}`).jwt(t)
}

const (
	projects = "GET /v2-beta/projects"
	probe    = "GET /v2-beta/token"
	current  = "DELETE /v2-beta/token/current"
	expiry   = "/v2-beta/settings/api.auth.jwt.token.expiry"
)

// The exchange of a real server, byte for byte.
func TestV2BetaGolden(t *testing.T) {
	t.Parallel()
	s := ranchertest.NewV2Beta()
	s.AddUser("admin", "<password here>", "admin")
	r := ask(t, s, "POST /v2-beta/token", `{"code":"admin:<password here>","authProvider":"localauthconfig"}`,
		"X-Api-No-Challenge: true", "X-Api-Action-Links: actionLinks")
	got := anyJWT.ReplaceAllString(r.body, `"jwt":"V1dMyPArix5nN1jxiA6DdzsqdZitDJhZuBR3vZNr"`)
	const want = `{"id":null,"type":"token","links":{},"baseType":"token","actionLinks":{},"accountId":"1a1","authProvider":"localAuthConfig","code":null,"enabled":true,"jwt":"V1dMyPArix5nN1jxiA6DdzsqdZitDJhZuBR3vZNr","originalLogin":null,"redirectUrl":null,"security":true,"user":"admin","userIdentity":{"externalId":"1a1","profilePicture":null,"name":"admin","externalIdType":"rancher_id","profileUrl":null,"login":"admin","role":null,"projectId":null,"user":false,"all":null,"id":"rancher_id:1a1"},"userType":"admin"}`
	if r.status != 201 || got != want {
		t.Errorf("%d\n got %s\nwant %s", r.status, got, want)
	}
	if got := r.header.Values("Set-Cookie"); len(got) != 0 {
		t.Errorf("a login sets a cookie: %d of them", len(got))
	}
}

// The life of a token: made, probed, used, deleted.
func TestV2BetaLife(t *testing.T) {
	t.Parallel()
	s := newV2Beta()
	if r := ask(t, s, projects, ""); r.status != 401 {
		t.Errorf("without a token: %d", r.status)
	}
	jwt := login(t, s, "bob:pa:ss")
	cookie := "Cookie: token=" + jwt
	if r := ask(t, s, projects, "", cookie); r.status != 200 || !strings.Contains(r.body, `"data":[{"id":"1a5","type":"project"`) {
		t.Errorf("with it: %d %s", r.status, r.body)
	}
	if r := ask(t, s, "HEAD /v2-beta/projects", "", cookie); r.status != 200 || r.body != "" {
		t.Errorf("HEAD: %d %s", r.status, r.body)
	}
	if got := s.Live("bob"); got != 1 {
		t.Errorf("%d live, want 1", got)
	}
	if r := ask(t, s, current, "", cookie); r.status != 204 || r.header.Get("Set-Cookie") != "token=;Path=/;Expires=Thu, 01 Jan 1970 00:00:00 GMT;" {
		t.Errorf("logout: %d %v", r.status, r.header)
	}
	if r := ask(t, s, projects, "", cookie); r.status != 401 {
		t.Errorf("after it: %d", r.status)
	}
	if live, refused := s.Live("bob"), s.Refused(); live != 0 || !slices.Equal(refused, []string{"GET /v2-beta/projects: unknown"}) {
		t.Errorf("%d live, and refused were %q", live, refused)
	}
}
