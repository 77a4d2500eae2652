package token_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/tokenlife/tokenlife/token"
)

// A line in the log for each request that is not let in.
func ExampleGuard() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{} // which would be another with each run of the example
			}
			return a
		},
	}))
	guard := &token.Guard{
		Verifier: users, // in earnest a jwt.Policy or an introspect.Verifier
		OnRefusal: func(r *http.Request, err error) {
			presented, _ := token.FromRequest(r)
			logger.Info("refused", "method", r.Method, "path", r.URL.Path, "token", presented.Fingerprint(), "reason", err)
		},
	}
	api := guard.Require(token.RequireScope("orders:write", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))

	for _, header := range []string{"Bearer nobodys", "Bearer token-of-bob", "Bearer token of bob", ""} {
		r := httptest.NewRequest("POST", "/orders", nil)
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		fmt.Print(w.Code, " ", w.Body)
	}
	// Output:
	// level=INFO msg=refused method=POST path=/orders token=6b944c7cac47 reason="token: invalid: revoked or unknown to its issuer: not in the list"
	// 401 the token was revoked or is unknown
	// level=INFO msg=refused method=POST path=/orders token=800480042268 reason="token: insufficient scope: the token must have \"orders:write\""
	// 403 the token does not have the scope that this needs
	// level=INFO msg=refused method=POST path=/orders token="" reason="token: invalid: malformed: a space in the token: is its scheme there twice?"
	// 400 a space in the token: is its scheme there twice?
	// level=INFO msg=refused method=POST path=/orders token="" reason="token: none presented"
	// 401 a bearer token is needed
}
