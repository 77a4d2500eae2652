package token

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tokenlife/tokenlife/internal/strictjson"
)

// Scopes returns the scopes that c grants: those of the claim scope, with spaces
// between them (RFC 8693 section 4.2, RFC 9068 section 2.2.3, RFC 7662 section
// 2.2), or, if there is no such claim, of scp, as Microsoft and Okta call it.
// Either may also be an array of strings, as some servers write it. A scope or
// scp of any other form grants nothing.
//
// Claims that did not come from JSON have no scopes.
func (c Claims) Scopes() []string {
	if c.raw == "" {
		return nil
	}
	var scopes []string
	r := strictjson.NewReader(c.raw, strictjson.Limits{Size: MaxSize})
	standard := false
	for name := range r.Object() {
		switch name {
		case "scope":
			standard = true
			scopes = readScopes(&r)
		case "scp":
			if scp := readScopes(&r); !standard {
				scopes = scp
			}
		}
	}
	if r.End() != nil {
		return nil
	}
	return scopes
}

// readScopes reads a string with spaces between scopes, or an array of scopes.
func readScopes(r *strictjson.Reader) []string {
	if r.Kind() == strictjson.Array {
		return r.Texts()
	}
	return splitScopes(r.Text())
}

// splitScopes splits at spaces, which are all that RFC 6749 section 3.3 lets
// stand between scopes.
func splitScopes(s string) []string {
	return strings.FieldsFunc(s, func(c rune) bool { return c == ' ' })
}

// HasScope reports whether c grants each of the scopes in scope, which is one or
// several with spaces between them. Letters in another case are another scope
// (RFC 6749 section 3.3). No scope at all is none that c grants.
func (c Claims) HasScope(scope string) bool {
	needed, granted := splitScopes(scope), c.Scopes()
	for _, s := range needed {
		if !slices.Contains(granted, s) {
			return false
		}
	}
	return len(needed) > 0
}

// RequireScope returns a handler that calls next only for requests whose claims
// have each of the scopes in scope, one or several with spaces between them. It
// goes inside [Require]:
//
//	mux.Handle("POST /orders", token.RequireScope("orders:read orders:write", create))
//	http.ListenAndServe(addr, token.Require(v, mux))
//
// Others are answered 403 with the scopes they need, as RFC 6750 section 3.1
// asks, and the OnRefusal of the [Guard] outside is told. A request without claims
// is one that no Require has let in: it is answered 500, since the fault is the
// program's.
//
// RequireScope panics if next is nil, or if scope is empty or has characters
// that RFC 6749 section 3.3 does not allow in scopes.
func RequireScope(scope string, next http.Handler) http.Handler {
	needed := splitScopes(scope)
	if next == nil || len(needed) == 0 || !isScope(scope) {
		panic("token: RequireScope needs a Handler and a scope of visible ASCII characters other than quotes and backslashes")
	}
	list := strings.Join(needed, " ")
	challenge := `Bearer error="insufficient_scope", scope="` + list + `"`
	lacking := fmt.Errorf("%w: the token must have %q", ErrScope, list)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, ok := FromContext(r.Context())
		switch {
		case !ok:
			refuse(w, http.StatusInternalServerError, "", "the server did not check the token")
		case !claims.HasScope(scope):
			guardOf(r.Context()).tell(r, lacking)
			refuse(w, http.StatusForbidden, challenge, "the token does not have the scope that this needs")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// isScope reports whether s may stand between quotes as a scope: RFC 6749
// section 3.3.
func isScope(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
