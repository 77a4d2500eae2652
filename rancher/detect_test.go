package rancher

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// answers answer paths, and those that it does not know as the last one says.
type answers map[string]http.HandlerFunc

func (s answers) at(t *testing.T, asked *[]string) *Server {
	return at("https://rancher.example", func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, r.Method+" "+r.URL.Path)
		if len(r.Header["Authorization"])+len(r.Header["Cookie"]) != 0 {
			t.Errorf("a credential was sent: %v", r.Header)
		}
		h := s[r.URL.Path]
		if h == nil {
			h = s["*"]
		}
		h(w, r)
	})
}

const (
	json16  = `{"type":"collection","resourceType":"token","links":{"self":"https://rancher.example/v2-beta/tokens"},"data":[{"id":null,"type":"token","baseType":"token","links":{},"actions":{},"jwt":null,"code":null,"user":null,"accountId":null,"userIdentity":null,"userType":null,"security":true,"enabled":true,"authProvider":"localAuthConfig","redirectUrl":null,"originalLogin":null}]}`
	norman  = `{"type":"collection","resourceType":"authProvider","data":[{"id":"local","type":"localProvider","actions":{"login":"https://rancher.example/v3-public/localProviders/local?action=login"}}]}`
	notHere = `{"baseType":"error","code":"NotFound","message":"not found","status":404,"type":"error"}`
)

func TestDetect(t *testing.T) {
	t.Parallel()
	page := reply(200, "text/html", "<html>Rancher</html>")
	missing := reply(404, "application/json", notHere)
	json := func(body string) http.HandlerFunc { return reply(200, "application/json", body) }
	versioned := func(h http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Rancher-Version", "v1.6.30")
			h(w, r)
		}
	}
	const version, beta, v3, v1 = "GET /rancherversion", "GET /v2-beta/token", "GET /v3-public/authProviders", "GET /v1-public/authproviders"
	for name, test := range map[string]struct {
		answers answers
		want    Product
		asked   []string
	}{
		"B.1 2.x":             {answers{"/rancherversion": json(`{"Version":"v2.13.1","GitCommit":"0123abc","RancherPrime":"false"}`)}, Product{Version: "v2.13.1"}, []string{version}},
		"B.1 2.x Prime":       {answers{"/rancherversion": json(`{"Version":"v2.13.1","GitCommit":"0123abc","RancherPrime":"true"}`)}, Product{Version: "v2.13.1"}, []string{version}},
		"a build of a branch": {answers{"/rancherversion": json(`{"Version":"v2.13-0123456789abcdef-head"}`)}, Product{Version: "v2.13-0123456789abcdef-head"}, []string{version}},
		"B.1 1.6, whose UI answers for what is not there": {answers{"/v2-beta/token": versioned(json(json16)), "*": page}, Product{V2Beta: true, Version: "v1.6.30"}, []string{version, beta}},
		"B.1 1.6 behind a proxy that drops headers":       {answers{"/v2-beta/token": json(json16), "*": missing}, Product{V2Beta: true}, []string{version, beta}},
		"B.1 1.6 whose provider is away":                  {answers{"/v2-beta/token": versioned(reply(500, "application/json", `{"type":"error","status":500,"code":"NoAuthProvider"}`)), "*": missing}, Product{V2Beta: true, Version: "v1.6.30"}, []string{version, beta}},
		"B.1 old 2.x":                                     {answers{"/v3-public/authProviders": json(norman), "*": page}, Product{}, []string{version, beta, v3}},
		"B.1 2.x without v3-public or version":            {answers{"/v1-public/authproviders": json(`{"data":[{"id":"local","type":"localProvider"}]}`), "*": missing}, Product{}, []string{version, beta, v3, v1}},
		"a version with an error":                         {answers{"/rancherversion": reply(404, "application/json", `{"Version":"v2.13.1"}`), "/v3-public/authProviders": json(norman), "*": missing}, Product{}, []string{version, beta, v3}},
		"a version that breaks off":                       {answers{"/rancherversion": json(`{"Version":"v2.13.1"`), "/v3-public/authProviders": json(norman), "*": missing}, Product{}, []string{version, beta, v3}},
		"another's version":                               {answers{"/rancherversion": json(`{"Version":"<b>hello</b>"}`), "/v3-public/authProviders": json(norman), "*": missing}, Product{}, []string{version, beta, v3}},
	} {
		var asked []string
		got, err := test.answers.at(t, &asked).Detect(t.Context())
		if err != nil || got != test.want {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, test.want)
		}
		if diff := cmp.Diff(test.asked, asked); diff != "" {
			t.Errorf("%s: asked (-want +got):\n%s", name, diff)
		}
	}
}

func TestDetectNone(t *testing.T) {
	t.Parallel()
	json := func(body string) http.HandlerFunc { return reply(200, "application/json", body) }
	const from = "rancher: detect which Rancher it is: GET https://rancher.example/rancherversion: "
	const not = "this is not what Rancher answers there, nor anywhere else that was asked: the answer is not one of Rancher's; set Server.URL to where Rancher is"
	for name, test := range map[string]struct {
		answers answers
		is      error
		want    string
		asked   int
	}{
		"nothing there": {answers{"*": http.NotFound}, ErrNotRancher, from + "404 Not Found, " + not, 4},
		"pages":         {answers{"*": reply(200, "text/html", "<html>")}, ErrNotRancher, from + "200 OK, it answers with a page for people: the answer is not one of Rancher's; is this Rancher, and is there a proxy that wants a login of its own?", 4},
		"a login elsewhere": {answers{"*": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://sso.example/login", http.StatusFound)
		}}, ErrNotRancher,
			from + "302 Found, it redirects to https://sso.example: the answer is not one of Rancher's; set Server.URL to where Rancher itself is, behind any login page", 4},
		"all is an empty object": {answers{"*": json(`{}`)}, ErrNotRancher, from + "200 OK, " + not, 4},
		"lists of other things":  {answers{"*": json(`{"type":"collection","resourceType":"thing","data":[1,2]}`)}, ErrNotRancher, from + "200 OK, " + not, 4},
		"lists in errors":        {answers{"*": reply(400, "application/json", json16)}, ErrNotRancher, from + "400 Bad Request, " + not, 4},
		"lists that break off":   {answers{"*": json(json16[:len(json16)-1])}, ErrNotRancher, from + "200 OK, " + not, 4},
		"a version for all":      {answers{"*": func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X-Rancher-Version", "v1.6.30"); ok(w, r) }}, ErrNotRancher, from + "200 OK, " + not, 4},
		"401 everywhere":         {answers{"*": reply(401, "application/json", `{"error":"`+hush+`"}`)}, ErrNotRancher, from + "401 Unauthorized, " + not, 4},
		"away":                   {answers{"*": reply(503, "text/plain", "no")}, ErrUnavailable, from + "503 Service Unavailable: the server cannot answer now; is Rancher running, behind what answers for it? Try again", 1},
		"away, with a page":      {answers{"*": reply(502, "text/html", "<html>")}, ErrUnavailable, from + "502 Bad Gateway, it answers with a page for people: the server cannot answer now; is this Rancher, and is there a proxy that wants a login of its own?", 1},
		"too many":               {answers{"*": reply(429, "text/plain", "no")}, ErrUnavailable, from + "429 Too Many Requests: the server cannot answer now; is Rancher running, behind what answers for it? Try again", 1},
		"broken":                 {answers{"*": raw("")}, ErrUnavailable, from[:len(from)-2] + ": the server cannot answer now: the connection ended before the answer did; is it running, and can it be reached from here?", 1},
	} {
		var asked []string
		_, err := test.answers.at(t, &asked).Detect(t.Context())
		if !errors.Is(err, test.is) || err.Error() != test.want || len(asked) != test.asked {
			t.Errorf("%s: after %d requests\n got %v\nwant %s", name, len(asked), err, test.want)
		}
		if _, err := test.answers.at(t, &asked).Open(t.Context()); !errors.Is(err, test.is) {
			t.Errorf("%s: Open: %v", name, err)
		}
	}
	if _, err := (*Server)(nil).Detect(t.Context()); err == nil || !strings.Contains(err.Error(), "the Server is nil") {
		t.Error(err)
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]answers{
		"*rancher.V2Beta": {"/v2-beta/token": reply(200, "application/json", json16), "*": http.NotFound},
		"*rancher.V3":     {"/rancherversion": reply(200, "application/json", `{"Version":"v2.13.1"}`), "*": http.NotFound},
	} {
		server := s.at(t, new([]string))
		api, err := server.Open(t.Context())
		if err != nil || fmt.Sprintf("%T", api) != want {
			t.Errorf("%T, %v, want %s", api, err, want)
		}
		switch api := api.(type) {
		case *V2Beta:
			if api.Server != server {
				t.Error("another Server")
			}
		case *V3:
			if api.Server != server {
				t.Error("another Server")
			}
		}
	}
}
