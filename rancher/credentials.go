package rancher

import "github.com/tokenlife/tokenlife/token"

// Credentials are what somebody logs in with.
type Credentials struct {
	// Provider says who knows the user. In 2.x it is a name such as "local",
	// "activedirectory", "openldap" or "github"; empty means "local". 1.6 has
	// one provider at a time and ignores it.
	Provider string

	// Username and Password are for providers that have them.
	Username string
	Password token.Secret

	// Code is the authorization code of an OAuth provider, which takes the
	// place of Username and Password; IDToken is what Azure AD takes as well.
	Code, IDToken token.Secret

	// Description is what 2.x shows beside the token; empty means "tokenlife".
	Description string
}

// A Login is what a login brought.
type Login struct {
	// Token is good for ExpiresIn; see the methods Login.
	Token token.Token

	// Name names the token, and is no secret: "token-5lwps". Those of 1.6 have
	// none.
	Name string

	// User is who has logged in, as far as the answer says.
	User User
}

// A User is whom a token speaks for, as far as a server says.
type User struct {
	ID        string // "user-abcde"; in 1.6 that of the account, "1a1"
	Login     string // "admin"
	Name      string // "Default Admin"
	Principal string // "local://user-abcde"; in 1.6 that of the identity, "rancher_id:1a1"
	Provider  string // "local"; in 1.6 "localAuthConfig"
	Kind      string // 1.6: "admin", "user", "readonly", …
}

// A Probe is what a server says of a token, without anything being changed.
type Probe struct {
	// Live says that the token is good.
	Live bool

	// User is whom it speaks for, if it is live.
	User User

	// Open says that access control is off, so that everybody is an
	// administrator (1.6).
	Open bool

	// Provider is the configured provider of access control (1.6).
	Provider string

	// RedirectURL is where a browser is to be sent to log in, if the provider
	// wants that (1.6). It is the server's word: show it, and follow nothing.
	RedirectURL string

	// Err is why a token that is not live is refused, if the server says
	// that: [ErrProviderChanged], [ErrNoAccess] or [ErrNotAuthenticated].
	Err error
}
