package rancher

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// longestV2BetaLogin is how many bytes a login sends.
const longestV2BetaLogin = 16 << 10

// v2betaLoginBody returns the body of a login, as the UI sends it.
func v2betaLoginBody(cr Credentials) (string, error) {
	code, err := v2betaCode(cr)
	if err != nil {
		return "", err
	}
	if !utf8.ValidString(code) || !utf8.ValidString(cr.Provider) {
		return "", errors.New("the credentials are not UTF-8, which is all that JSON has: convert them")
	}
	var body bytes.Buffer
	e := json.NewEncoder(&body)
	e.SetEscapeHTML(false)
	if err := e.Encode(struct {
		Code         string `json:"code"`
		AuthProvider string `json:"authProvider,omitempty"`
	}{code, strings.ToLower(cr.Provider)}); err != nil {
		return "", errors.New("the credentials cannot be sent as JSON")
	}
	body.Truncate(body.Len() - len("\n"))
	if body.Len() > longestV2BetaLogin {
		return "", fmt.Errorf("the credentials are longer than the %d bytes that are sent", longestV2BetaLogin)
	}
	return body.String(), nil
}

// v2betaCode returns what 1.6 calls the code, which is all that its provider is
// told: one of OAuth's, or a login and a password with a colon between.
func v2betaCode(cr Credentials) (string, error) {
	switch named := cr.Username != "" || !cr.Password.IsZero(); {
	case strings.EqualFold(cr.Provider, "shibbolethconfig"):
		return "", errors.New("Credentials.Provider is SAML, which is for browsers only: use an API key, or a user of another provider")
	case !cr.IDToken.IsZero():
		return "", errors.New("Credentials.IDToken is set, which 1.6 does not know: set Username and Password")
	case !cr.Code.IsZero() && named:
		return "", errors.New("Credentials has both a Code and a Username or Password: set what the provider takes")
	case !cr.Code.IsZero():
		return cr.Code.Reveal(), nil
	case strings.EqualFold(cr.Provider, "githubconfig"):
		return "", errors.New("Credentials.Code is empty: set the code that GitHub gives to whoever goes to Probe's RedirectURL")
	case cr.Username == "":
		return "", errors.New("Credentials.Username is empty: set it and Password, or Code for GitHub")
	case strings.Contains(cr.Username, ":"):
		return "", errors.New("Credentials.Username has a colon in it: 1.6 takes what follows for the password")
	case cr.Password.IsZero():
		// To a directory a name without a password is nobody in particular, and
		// it may let that in (RFC 4513, section 5.1.2).
		return "", errors.New("Credentials.Password is empty: set it")
	}
	return cr.Username + ":" + cr.Password.Reveal(), nil
}
