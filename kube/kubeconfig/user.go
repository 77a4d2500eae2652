package kubeconfig

import (
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/kube/execcred"
	"github.com/tokenlife/tokenlife/token"
)

// A Kind is how a user of a kubeconfig authenticates: what kubectl sends of what
// there is.
type Kind int

// The kinds of credentials. Where a user has several, the first of these counts:
// Certificate, TokenFile, Token, Basic, Exec, and then the auth-provider.
const (
	None         Kind = iota // nothing
	Token                    // a token in the file
	TokenFile                // a token in a file of its own, which is read again and again
	Basic                    // name and password
	Certificate              // a client certificate
	Exec                     // a plugin that prints a credential
	OpenID                   // the auth-provider oidc
	AuthProvider             // another auth-provider, which no kubectl knows any more
)

var kinds = [...]string{"none", "token", "token file", "password", "certificate", "exec plugin", "OpenID Connect", "auth-provider"}

// String returns k in words, such as "token file".
func (k Kind) String() string {
	if k < 0 || int(k) >= len(kinds) {
		return fmt.Sprintf("Kind(%d)", int(k))
	}
	return kinds[k]
}

// A User is a user of a kubeconfig, and the credential that it has.
type User struct {
	Name     string
	File     string   // the file that defines it, as Files names it; empty if only contexts name it
	Contexts []string // the contexts that are for it
	Current  bool     // whether the current one is among them
	Kind     Kind

	// Token is the token that would be sent, if that is known without running
	// or asking anything: what is in the file, in the TokenFile, or the ID token of
	// OpenID. A Certificate may have one beside it.
	Token token.Token

	// Expiry is the end of the credential, as it says itself: of a token that is a
	// JWT, or of a certificate. Zero means that it does not say.
	Expiry time.Time

	TokenFile string // its absolute path

	// As is whom the user acts as, by impersonation; empty means itself.
	As string

	// Exec is the plugin, which nothing here runs. Allow is empty: whoever runs
	// it says what may be run.
	//
	// Its Request has the Cluster if the kubeconfig wants the plugin to be given that:
	// that of the current context if it is for this user, or else of the first that is.
	Exec *execcred.Plugin

	// Issuer and ClientID are those of OpenID. Refreshable reports whether there
	// is a refresh token.
	Issuer, ClientID string
	Refreshable      bool

	// Problems are what is wrong with it as it stands, such as a file that is not
	// there, each in a sentence that ends with what to do. That a token has expired is
	// none: Outlook says it.
	Problems []string
}
