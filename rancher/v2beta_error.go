package rancher

import (
	"cmp"
	"net/http"
	"slices"
)

// A v2betaMeaning is what an answer of 1.6 means that is not the one hoped for.
type v2betaMeaning struct {
	status int    // 0 is any
	code   string // "" is any
	err    error
	remedy string
}

const (
	accessControl = "ADMIN > Access Control in the UI"
	wrongRancher  = "is this Rancher 1.6? Server.Detect finds out"
)

var v2betaCSRF = v2betaMeaning{403, "InvalidCSRFToken", ErrCSRF, "repeat the cookie CSRF in the header X-API-CSRF, or see what puts Mozilla into the User-Agent"}

// v2betaLoginMeanings are those of a login, before the others.
var v2betaLoginMeanings = []v2betaMeaning{
	v2betaCSRF,
	{401, "", ErrCredentials, "give the username and password of an active user of the configured provider"},
	{403, "Forbidden", ErrRequest, "the configured provider takes a Username and a Password, and no Code; see which it is with Probe"},
	{422, "MissingRequired", ErrRequest, "set Username and Password, or Code for GitHub"},
	{400, "MalformedCode", ErrRequest, "Azure AD takes a Username and a Password, and no Code"},
	{400, "InvalidBodyContent", ErrRequest, "does something between here and the server change what is sent?"},
	{400, "codeInvalid", ErrProvider, "the server does not reach its rancher-auth-service: see the log of that, and try again later"},
	{500, "NoAuthProvider", ErrProvider, "have an administrator configure one: " + accessControl + ", which sets api.auth.provider.configured"},
	{503, "LocalAuthConfig", ErrProvider, "have an administrator configure local users: " + accessControl + " > Local"},
	{0, "LdapDown", ErrProvider, "the server does not reach its LDAP server: check that, and " + accessControl},
	{403, "AuthError", ErrNoAccess, "have an administrator let the user in: Site Access in " + accessControl},
	{403, "", ErrNoAccess, "ask an administrator: " + accessControl},
	{0, "AuthError", ErrProvider, "the server does not get an answer from the configured provider: check that, and " + accessControl},
}

// v2betaMeanings are those of any call.
var v2betaMeanings = []v2betaMeaning{
	v2betaCSRF,
	{401, "AuthProviderChanged", ErrProviderChanged, "log in again, as a user of the provider that there is now: " + accessControl},
	{401, "", ErrNotAuthenticated, "log in again; Diagnose says why"},
	{403, "AuthError", ErrNoAccess, "have an administrator let the user in: Site Access in " + accessControl},
	{403, "", ErrForbidden, "have it done by a user who may, or look at the project's members and at V2Beta.Project"},
	{400, "InvalidFormat", ErrRequest, "is V2Beta.Project the id of a project, such as 1a5?"},
	{400, "", ErrRequest, wrongRancher},
	{404, "", ErrNotFound, "is the name right, and may this user see it?"},
	{405, "", ErrRequest, wrongRancher},
	{422, "", ErrRequest, wrongRancher},
}

// v2betaLoginError returns the error of a login that did not bring a token.
func v2betaLoginError(a *answer) *Error {
	if a.status == http.StatusNotFound && read(a).code != "AuthError" {
		return a.odd("there is no login here", wrongRancher)
	}
	return a.means(v2betaLoginMeanings, v2betaMeanings)
}

// v2betaError returns the error of an answer that is not the one hoped for.
func v2betaError(a *answer) *Error { return a.means(v2betaMeanings) }

// means returns the error that the first meaning gives which fits.
func (a *answer) means(tables ...[]v2betaMeaning) *Error {
	s := read(a)
	unspoken := ""
	if !s.isError && a.status >= http.StatusBadRequest {
		unspoken = "in words that are not Rancher's"
	}
	for _, m := range slices.Concat(tables...) {
		fits := (m.status == 0 || m.status == a.status) && (m.code == "" || m.code == s.code)
		// A refusal is taken for one in any words: what asks again and again
		// may lock its user out.
		if fits && (s.isError || a.status == http.StatusUnauthorized) {
			e := a.failed(m.err, m.remedy)
			e.Saw = unspoken
			return e
		}
	}
	if a.status == http.StatusTooManyRequests || a.status/100 == 5 {
		return a.failed(ErrUnavailable, "try again later")
	}
	return a.odd(cmp.Or(unspoken, "it is no answer to that"), wrongRancher)
}
