package dashboard

import (
	"context"
	"net/http"
	"strings"

	"github.com/tokenlife/tokenlife/token"
)

// A Credential is what somebody logged in with: a bearer token, or a name and a
// password.
type Credential struct {
	Token    token.Secret
	Username string
	Password token.Secret
}

// CredentialFrom returns the credential of a request that [Server.Require] has let
// in.
func CredentialFrom(ctx context.Context) (Credential, bool) {
	c, ok := ctx.Value(credentialKey{}).(Credential)
	return c, ok
}

type credentialKey struct{}

// SetHeader makes r, a request to an API server, carry c and nothing that was
// meant for the Dashboard: neither its session nor its cookies. An Authorization
// header that r has is replaced.
//
// A httputil.ReverseProxy calls it in its Rewrite, not in a Director: what that
// sets can be taken away again by whoever names it in a Connection header.
func (c Credential) SetHeader(r *http.Request) {
	for _, name := range []string{"Authorization", "Cookie", scheme, csrfHeader} {
		r.Header.Del(name)
	}
	switch {
	case !c.Token.IsZero():
		r.Header.Set("Authorization", "Bearer "+c.Token.Reveal())
	case c.Username != "":
		r.SetBasicAuth(c.Username, c.Password.Reveal())
	}
}

// usable reports whether c can be sent: a token in one piece, or a name and a
// password.
func (c Credential) usable() bool {
	if !c.Token.IsZero() {
		_, err := token.FromHeader([]string{"Bearer " + c.Token.Reveal()})
		return err == nil
	}
	return c.Username != "" && !strings.Contains(c.Username, ":") && !c.Password.IsZero()
}
