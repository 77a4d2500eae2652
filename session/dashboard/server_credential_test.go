package dashboard_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/tokenlife/tokenlife/session/dashboard"
	"github.com/tokenlife/tokenlife/token"
)

func TestCredentialSetHeader(t *testing.T) {
	t.Parallel()
	secret := token.NewSecret
	for _, test := range []struct {
		name string
		c    dashboard.Credential
		want http.Header
	}{
		{"token", dashboard.Credential{Token: secret("x")}, http.Header{"Accept": {"y"}, "Authorization": {"Bearer x"}}},
		{"name", dashboard.Credential{Username: "mira", Password: secret("sesame")}, http.Header{"Accept": {"y"}, "Authorization": {"Basic bWlyYTpzZXNhbWU="}}},
		{"token and name", dashboard.Credential{Token: secret("x"), Username: "mira", Password: secret("sesame")}, http.Header{"Accept": {"y"}, "Authorization": {"Bearer x"}}},
		{"nothing", dashboard.Credential{}, http.Header{"Accept": {"y"}}},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header = http.Header{"Accept": {"y"}, "Authorization": {"Bearer a", "Bearer b"}, "Cookie": {"jweToken=x"}, "Jwetoken": {"x"}, "X-Csrf-Token": {"x"}}
		test.c.SetHeader(r)
		same(t, test.name, test.want, r.Header)
	}
}

// Behind a proxy an API server sees the credential of the session, whatever the
// client wrote besides, and whatever it called a header of this connection alone.
func TestCredentialReverseProxy(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { json.NewEncoder(w).Encode(r.Header) }))
	defer api.Close()
	target, err := url.Parse(api.URL)
	if err != nil {
		t.Fatal(err)
	}
	d := newSite(nil)
	front := httptest.NewTLSServer(d.Require(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		c, _ := dashboard.CredentialFrom(r.In.Context())
		r.SetURL(target)
		c.SetHeader(r.Out)
	}}))
	defer front.Close()
	session := sealed(t, keyA(), `{"token":"good"}`, 0, noon)
	for name, headers := range map[string][]string{
		"plain":               nil,
		"another credential":  {"Authorization", "Basic eDp5"},
		"impersonation":       {"Impersonate-User", "admin", "impersonate-group", "system:masters"},
		"cookies":             {"Cookie", "jweToken=x"},
		"a connection's own":  {"Connection", "Authorization, Jwetoken"},
		"a proxy's":           {"Proxy-Authorization", "Basic eDp5"},
		"hidden in a trailer": {"Trailer", "Authorization"},
	} {
		r, err := http.NewRequest("GET", front.URL+"/api/v1/pod", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("jweToken", session)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		resp, err := front.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		var got http.Header
		if err := json.Unmarshal(text, &got); err != nil {
			t.Errorf("%s: %s", name, text)
		}
		same(t, name, []string{"Bearer good"}, got["Authorization"])
		for header := range got {
			if h := strings.ToLower(header); strings.HasPrefix(h, "impersonate") || h == "jwetoken" || h == "cookie" || strings.HasPrefix(h, "proxy-") {
				t.Errorf("%s: %s was passed on", name, header)
			}
		}
	}
}
