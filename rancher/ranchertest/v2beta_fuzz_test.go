package ranchertest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// Whatever is asked is answered, and by nobody but this server.
func FuzzV2Beta(f *testing.F) {
	f.Add("POST", "/v2-beta/token", "", "application/json", `{"code":"bob:pa:ss"}`, "", "")
	f.Add("POST", "/v1/tokens", "code=a", "application/x-www-form-urlencoded", "code=b&%", "Bearer x", "token=x; CSRF=1")
	f.Add("PUT", "/v2-beta/projects/1a5/settings/api.host", "_method=get&projectId=1", "", `{"value":{}}`, "Basic WC1BUEktQkVBUkVSPTE6eA==", "")
	f.Add("DELETE", "//v2-beta/token/..", "token=x", "text/plain;", "null", " ", "TOKEN=")
	f.Fuzz(func(t *testing.T, method, path, query, kind, body, authorization, cookie string) {
		s := newV2Beta()
		s.AddKey("X-API-BEARER", "x", "bob")
		r := &http.Request{
			Method: method, URL: &url.URL{Path: path, RawQuery: query}, Body: io.NopCloser(strings.NewReader(body)),
			Header: http.Header{"Content-Type": {kind}, "Authorization": {authorization}, "Cookie": {cookie}, "User-Agent": {"mozilla"}},
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code < 200 || w.Header().Get("X-Rancher-Version") != "v1.6.30" {
			t.Errorf("%d %v", w.Code, w.Header())
		}
	})
}
