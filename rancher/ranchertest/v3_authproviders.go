package ranchertest

import (
	"net/http"
	"strings"
)

// A v3Provider is one who knows users.
type v3Provider struct {
	v3ProviderType
	hidden   bool // one cannot log in by it; tokens of its users go on
	disabled bool // tokens of its users are refused as well

	forcesLogoutAll bool // one logs out of it as well, or not at all
}

// A v3ProviderType is what a provider can be, and how one logs in by it: who it
// is, or else what is answered.
type v3ProviderType struct {
	name  string // in paths, and what a Rancher has one of at most
	kind  string // "localProvider"
	login func(*V3, *v3Provider, v3Login) (*v3User, v3Answer)
}

var v3ProviderTypes = []v3ProviderType{
	{"local", "localProvider", (*V3).loginByPassword},
	{"activedirectory", "activeDirectoryProvider", (*V3).loginByPassword},
	{"openldap", "openLdapProvider", (*V3).loginByPassword},
	{"freeipa", "freeIpaProvider", (*V3).loginByPassword},
	{"github", "githubProvider", (*V3).loginByCode},
	{"githubapp", "githubAppProvider", (*V3).loginByCode},
	{"azuread", "azureADProvider", (*V3).loginByCode},
	{"googleoauth", "googleOAuthProvider", (*V3).loginByCode},
	{"oidc", "oidcProvider", (*V3).loginByCode},
	{"keycloakoidc", "keyCloakOIDCProvider", (*V3).loginByCode},
	{"genericoidc", "genericOIDCProvider", (*V3).loginByCode},
	{"cognito", "cognitoProvider", (*V3).loginByCode},
	{"ping", "pingProvider", (*V3).loginBySAML},
	{"adfs", "adfsProvider", (*V3).loginBySAML},
	{"keycloak", "keyCloakProvider", (*V3).loginBySAML},
	{"okta", "oktaProvider", (*V3).loginBySAML},
	{"shibboleth", "shibbolethProvider", (*V3).loginBySAML},
}

// v3TypeNamed returns the type of provider of a name, "openldap", or of a kind,
// "openLdapProvider".
func v3TypeNamed(name string) (v3ProviderType, bool) {
	if name == "googleOauthProvider" {
		name = "googleOAuthProvider"
	}
	for _, t := range v3ProviderTypes {
		if name == t.name || name == t.kind {
			return t, true
		}
	}
	return v3ProviderType{}, false
}

// AddProvider adds a provider, such as "activedirectory" or "github". It panics
// if Rancher knows none of that name.
func (s *V3) AddProvider(name string) {
	t, ok := v3TypeNamed(name)
	if !ok {
		panic("ranchertest: AddProvider: Rancher knows no provider " + name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.provider(t.name) == nil {
		s.providers = append(s.providers, &v3Provider{v3ProviderType: t})
	}
}

// HideLocal has the local provider not be offered, so that nobody can log in by
// it, or ends that.
func (s *V3) HideLocal(hidden bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.provider("local").hidden = hidden
}

// provider returns the provider of a name, or nil.
func (s *V3) provider(name string) *v3Provider {
	for _, p := range s.providers {
		if p.name == name {
			return p
		}
	}
	return nil
}

// offered returns the providers that one can log in by.
func (s *V3) offered() (all []*v3Provider) {
	for _, p := range s.providers {
		if !p.hidden && !p.disabled {
			all = append(all, p)
		}
	}
	return all
}

// offeredAt returns the provider that a path below /v3-public is about, or nil.
func (s *V3) offeredAt(c *v3Call) *v3Provider {
	for _, p := range s.offered() {
		if strings.EqualFold(c.vars["types"], p.kind+"s") && c.vars["name"] == p.name {
			return p
		}
	}
	return nil
}

// listV1Providers answers with a list that is no collection.
func (s *V3) listV1Providers(*v3Call) v3Answer {
	var data []object // null if there are none
	for _, p := range s.offered() {
		data = append(data, object{"id": p.name, "type": p.kind})
	}
	return inJSON(http.StatusOK, object{"data": data})
}

func (s *V3) listProviders(*v3Call) v3Answer {
	var data []object
	for _, p := range s.offered() {
		data = append(data, s.providerResource(p))
	}
	return s.collection("authProvider", "/v3-public/authProviders", data)
}

func (s *V3) getProvider(c *v3Call) v3Answer {
	p := s.offeredAt(c)
	if p == nil {
		return normanError(http.StatusNotFound, "NotFound", "")
	}
	return inJSON(http.StatusOK, s.providerResource(p))
}

func (s *V3) providerResource(p *v3Provider) object {
	self := s.URL + "/v3-public/" + p.kind + "s/" + p.name
	return object{
		"id": p.name, "type": p.kind, "baseType": "authProvider",
		"creatorId": nil, "links": object{"self": self}, "actions": object{"login": self + "?action=login"},
	}
}
