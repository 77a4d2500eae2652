package ranchertest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/tokenlife/tokenlife/rancher/ranchertest"
)

// Whatever is asked is answered, and nobody without a token is told of one.
func FuzzV3(f *testing.F) {
	f.Add("v2.13.1", "POST", "/v1-public/login", "", `{"type":"localProvider","username":"admin","password":"no"}`, "", "")
	f.Add("v2.8.0", "POST", "/v3-public/localProviders/local", "action=login", `{"ttl":1e400}`, "Bearer x:y", "R_SESS=x:y; CSRF=1")
	f.Add("v2.4.6", "DELETE", "/v3/tokens//..", "_method=get&action=logout", "null", "Basic eDp5", "CSRF=")
	f.Add("v2.15.0", "PATCH", "/k8s/clusters/local/apis/ext.cattle.io/v1/tokens/x/", "all", `{"spec":{"ttl":-1}}`, "bearer  ext/x:y", "R_SESS")
	f.Add("v2.5.0", "GET", "/v1/management.cattle.io.settings/ui-pl", "me=true", "", " ", "")
	f.Add("v2.0", "", "v3", "%", "{", "Bearer", "")
	f.Fuzz(func(t *testing.T, version, method, path, query, body, authorization, cookie string) {
		known := false
		for _, v := range append(versions, "v2.0") {
			known = known || v == version
		}
		if !known {
			version = "v2.13.1"
		}
		s := ranchertest.NewV3(version)
		id := s.AddUser("admin", "s3cret s3cret s3cret")
		ask := func(authorization, cookie string) *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			s.ServeHTTP(w, &http.Request{
				Method: method, URL: &url.URL{Path: path, RawQuery: query}, Body: io.NopCloser(strings.NewReader(body)),
				Header: http.Header{"Authorization": {authorization}, "Cookie": {cookie}, "User-Agent": {"mozilla"}},
			})
			return w
		}
		w := ask(authorization, cookie)
		if w.Code < 200 || w.Code == 500 || w.Header().Get("X-Api-Cattle-Auth") == "true" {
			t.Errorf("%d %v", w.Code, w.Header())
		}
		if strings.Contains(w.Body.String(), id) {
			t.Error("somebody unknown is told of a user")
		}

		// One who is known gets further.
		session, _ := loginV3(t, s, `{"username":"admin","password":"s3cret s3cret s3cret"}`)
		if w := ask("Bearer "+session, cookie); w.Code < 200 {
			t.Errorf("%d %v", w.Code, w.Header())
		}
	})
}
