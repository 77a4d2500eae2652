package ranchertest

import (
	"fmt"
	"strings"
)

// SetProviderStatus has the provider of access control answer every login with
// a status, such as 503; -1 means that it cannot be reached, and 0 that it works
// again.
func (s *V2Beta) SetProviderStatus(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.provider = status
}

// check returns whom a code is of, as the configured provider sees it.
func (s *V2Beta) check(provider, code string) (*v2betaUser, *v2betaError) {
	login, password, colon := strings.Cut(code, ":")
	if isNone(provider) {
		return nil, &v2betaError{status: 500, code: "NoAuthProvider", message: "No Auth provider is configured."}
	}
	switch strings.ToLower(provider) {
	case "localauthconfig":
		switch {
		case len(s.users) == 0:
			return nil, &v2betaError{status: 503, code: "LocalAuthConfig", message: "LocalAuthConfig is not Configured."}
		case !colon:
			return nil, &v2betaError{status: 403}
		}
	case "openldapconfig", "azureadconfig":
		switch {
		case !colon && strings.EqualFold(provider, "azureadconfig"):
			return nil, &v2betaError{status: 400, code: "MalformedCode"}
		case !colon:
			return nil, &v2betaError{status: 403}
		case s.provider != 0:
			return nil, &v2betaError{status: 500, code: "LdapDown", message: "Could not talk to ldap"}
		}
	default:
		return s.checkOutside(provider, code)
	}
	u := s.user(login)
	if u == nil || u.inactive || u.password != password {
		return nil, &v2betaError{status: 401}
	}
	if u.outside {
		return nil, noAccess()
	}
	return u, nil
}

// checkOutside is check for a provider that another process asks, which comes
// between with words of its own.
func (s *V2Beta) checkOutside(provider, code string) (*v2betaUser, *v2betaError) {
	wrong := &v2betaError{status: 401, code: "AuthError", message: "Username or Password incorrect"}
	switch s.provider {
	case 0:
	case -1:
		return nil, &v2betaError{status: 400, code: "codeInvalid", message: "Code provided is invalid."}
	case 401:
		return nil, wrong
	case 403:
		return nil, noAccess()
	default:
		return nil, &v2betaError{status: s.provider, code: "AuthError", message: "Error communicating with authentication provider"}
	}
	login, ok := s.codes[code]
	delete(s.codes, code)
	if name, password, _ := strings.Cut(code, ":"); strings.EqualFold(provider, "ldapconfig") {
		u := s.user(name)
		login, ok = name, u != nil && u.password == password
	}
	u := s.user(login)
	switch {
	case !ok || u == nil:
		return nil, wrong
	case u.inactive:
		return nil, &v2betaError{status: 401}
	case u.outside:
		return nil, noAccess()
	}
	return u, nil
}

func noAccess() *v2betaError {
	return &v2betaError{status: 403, code: "AuthError", message: "Your account does not have access"}
}

// identity returns who u is to a provider, as JSON.
func (u *v2betaUser) identity(provider string) string {
	kind, id := "rancher_id", u.id
	if name := strings.TrimSuffix(strings.ToLower(provider), "config"); name != "localauth" {
		kind, id = name+"_user", u.login
	}
	return fmt.Sprintf(`{"externalId":%s,"profilePicture":null,"name":%s,"externalIdType":%s,"profileUrl":null,"login":%s,`+
		`"role":null,"projectId":null,"user":false,"all":null,"id":%s}`,
		quote(id), quote(u.login), quote(kind), quote(u.login), quote(kind+":"+id))
}

// redirect returns where a browser is to log in, as JSON.
func (s *V2Beta) redirect(provider string) string {
	switch strings.ToLower(provider) {
	case "githubconfig":
		return quote("https://github.com/login/oauth/authorize?client_id=0123456789abcdef0123&scope=read:org")
	case "shibbolethconfig":
		return quote(s.setting("api.host") + "/v1-auth/saml/login")
	case "ldapconfig":
		return `""`
	}
	return "null"
}
