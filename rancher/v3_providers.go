package rancher

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/tokenlife/tokenlife/internal/foreign"
)

// A V3Provider is an enabled provider of access control.
type V3Provider struct {
	Name string // "local", "openldap", "github": what Credentials.Provider takes
	Type string // "localProvider", "openLdapProvider", …
	Kind V3Kind // what it wants to log somebody in

	// RedirectURL is where a browser gets the code of a provider of ByCode, if
	// the server says. It is the server's word: show it, and follow nothing.
	RedirectURL string
}

// A V3Kind is what a provider wants to log somebody in.
type V3Kind string

// The kinds of providers. One that is not known here has none: it is taken for
// ByCode if there is a code, and else for ByPassword.
const (
	ByPassword V3Kind = "password" // Username and Password
	ByCode     V3Kind = "code"     // an authorization code
	BySAML     V3Kind = "SAML"     // a browser: see [V3.SAML]
)

// v3Providers are the providers that there have been, by name.
var v3Providers = map[string]V3Provider{}

func init() {
	for kind, list := range map[V3Kind]string{
		ByPassword: "localProvider local activeDirectoryProvider activedirectory openLdapProvider openldap freeIpaProvider freeipa",
		ByCode: `githubProvider github githubAppProvider githubapp azureADProvider azuread googleOAuthProvider googleoauth
			oidcProvider oidc keyCloakOIDCProvider keycloakoidc genericOIDCProvider genericoidc cognitoProvider cognito`,
		BySAML: "pingProvider ping adfsProvider adfs keyCloakProvider keycloak oktaProvider okta shibbolethProvider shibboleth",
	} {
		words := strings.Fields(list)
		for i := 0; i < len(words); i += 2 {
			v3Providers[words[i+1]] = V3Provider{Name: words[i+1], Type: words[i], Kind: kind}
		}
	}
}

// v3KindOf returns the kind of a provider of a type.
func v3KindOf(typ string) V3Kind {
	for _, p := range v3Providers {
		if strings.EqualFold(p.Type, typ) {
			return p.Kind
		}
	}
	return ""
}

// Providers lists the enabled providers, without a credential.
func (c *V3) Providers(ctx context.Context) ([]V3Provider, error) {
	listed, err := c.listed(ctx, "list the providers")
	if err != nil {
		return nil, err
	}
	var providers []V3Provider
	for _, p := range listed {
		providers = append(providers, p.V3Provider)
	}
	return providers, nil
}

// A listedProvider is one that the server has listed.
type listedProvider struct {
	V3Provider
	login string // where to log in by v3-public: a URL of the server's
}

// listed asks for the providers, where this server has the list.
func (c *V3) listed(ctx context.Context, op string) ([]listedProvider, error) {
	a, err := c.public(func(old bool) (*answer, error) {
		path := "/v1-public/authproviders"
		if old {
			path = "/v3-public/authProviders"
		}
		return c.Server.do(ctx, call{op: op, method: http.MethodGet, path: path})
	})
	if err != nil {
		return nil, err
	}
	if err := v3Check(a); err != nil {
		return nil, err
	}
	return readProviders(a)
}

// public makes a call where this server has it: in one place from 2.13 on, and in
// another before, when the first was not there. The place is remembered, and both
// are tried again when an upgrade has moved it.
func (c *V3) public(ask func(old bool) (*answer, error)) (*answer, error) {
	old := c.old.Load()
	a, err := ask(old)
	if !v3Absent(a, err) {
		return a, err
	}
	other, otherErr := ask(!old)
	switch {
	case v3Absent(other, otherErr):
		if err == nil && read(a).isError {
			return a, nil // the call is there, and what it is about is not
		}
	case otherErr == nil:
		c.old.Store(!old)
	}
	return other, otherErr
}

// readProviders reads a list of providers: a collection, or only its data.
func readProviders(a *answer) ([]listedProvider, error) {
	var list []listedProvider
	found := false
	r := a.reader()
	for name := range r.Object() {
		if name != "data" {
			continue
		}
		found = true
		if !isArray(&r) {
			continue
		}
		for range r.Array() {
			var p listedProvider
			for name := range r.Object() {
				switch name {
				case "id":
					p.Name = text(&r)
				case "type":
					p.Type = text(&r)
				case "redirectUrl":
					p.RedirectURL = browsable(text(&r))
				case "actions":
					if !isObject(&r) {
						continue
					}
					for name := range r.Object() {
						if name == "login" {
							p.login = text(&r)
						}
					}
				}
			}
			p.Kind = v3KindOf(p.Type)
			if isName(p.Name) && isWord(p.Type) {
				list = append(list, p)
			}
		}
	}
	if err := r.End(); err != nil {
		return nil, a.unreadable(err)
	}
	if !found {
		return nil, a.unreadable(errors.New("data: missing"))
	}
	return list, nil
}

// provider returns the provider of a name, and asks the server for its type if
// the name is not known here.
func (c *V3) provider(ctx context.Context, op, name string) (V3Provider, error) {
	if name == "" {
		name = "local"
	}
	if p, ok := v3Providers[strings.ToLower(name)]; ok {
		return p, nil
	}
	list, err := c.listed(ctx, op)
	if err != nil {
		return V3Provider{}, err
	}
	var names []string
	for _, p := range list {
		if p.Name == name {
			return p.V3Provider, nil
		}
		names = append(names, p.Name)
	}
	return V3Provider{}, &Error{
		Op: op, Err: fmt.Errorf("%w: it has none of this name", ErrProvider), unsent: true,
		Remedy: "those that are enabled: " + foreign.Brief(strings.Join(names, ", "), 300),
	}
}

// loginPath returns the path by which to log in by v3-public: that of the link
// which the server lists, or as it was ever since.
func (c *V3) loginPath(ctx context.Context, op string, p V3Provider) string {
	path := "/v3-public/" + url.PathEscape(p.Type) + "s/" + url.PathEscape(p.Name) + "?action=login"
	a, err := c.Server.do(ctx, call{op: op, method: http.MethodGet, path: "/v3-public/authProviders"})
	if err != nil || v3Check(a) != nil {
		return path
	}
	list, err := readProviders(a)
	if err != nil {
		return path
	}
	for _, l := range list {
		if l.Name != p.Name {
			continue
		}
		if link := c.Server.below(l.login); strings.HasPrefix(link, "/v3-public/") && strings.HasSuffix(link, "?action=login") {
			return link
		}
	}
	return path
}

// below returns the path and the query of a link in an answer, below the URL of
// s, escaped; empty if the link leads elsewhere. Which host it names does not
// count: what is asked is always s.
func (s *Server) below(link string) string {
	base, err := s.address()
	if err != nil || link == "" {
		return ""
	}
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	path, ok := strings.CutPrefix(u.EscapedPath(), base.EscapedPath())
	if !ok || !plain(path) {
		return ""
	}
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	return path
}

// isWord reports whether s could be the name of a type.
func isWord(s string) bool {
	return s != "" && len(s) <= 64 && only(s, alphanumeric)
}
