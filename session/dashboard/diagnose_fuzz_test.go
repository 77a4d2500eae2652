package dashboard

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tokenlife/tokenlife/token"
)

// Whatever a token is, and whatever is answered to it, there are findings that say
// what to do, are not endless, and repeat no token.
func FuzzDiagnose(f *testing.F) {
	session := newDouble().seal("bearer-1")
	for _, text := range []string{"", session, session[:200], bearerJWT(), "bearer-1", "Bearer x", "%7B%22", `"{\"a`, "token-7d9xk:" + strings.Repeat("b", 54)} {
		f.Add(text, 200, `{"tokenPresent":true,"headerPresent":false,"httpsMode":true,"errors":[]}`)
		f.Add(text, 401, "MSG_TOKEN_EXPIRED_ERROR")
		f.Add(text, 401, `{"ErrStatus":{"code":401,"message":"MSG_LOGIN_UNAUTHORIZED_ERROR"}}`)
		f.Add(text, 200, `{"errors":[{"ErrStatus":{"code":403,"message":"no"}}]}`)
		f.Add(text, 500, "square/go-jose: error in cryptographic primitive")
	}
	f.Fuzz(func(t *testing.T, text string, status int, body string) {
		s := &Source{URL: doubleURL, Client: &http.Client{Transport: tripper(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
		})}}
		d := s.Diagnose(t.Context(), token.NewSecret(text))
		said := d.String()
		if len(said) > 4000 {
			t.Errorf("%d bytes", len(said))
		}
		if strings.Contains(said, "the diagnosis itself has failed") {
			t.Error(said)
		}
		for _, found := range d.Findings {
			if found.Cause == "" || found.Remedy == "" || len(found.Evidence) == 0 {
				t.Errorf("%+v", found)
			}
			if len(text) < 12 {
				continue
			}
			for _, e := range found.Evidence {
				if token.NewSecret(text).RepeatedIn(e.Value) {
					t.Errorf("%q is in %+v", text, e)
				}
			}
		}
	})
}
