package kubeconfig

import (
	"github.com/tokenlife/tokenlife/token"
)

// What there is to say of a kind of credential as such.
const (
	causeNone      = "the user has no credential: kubectl asks for a name and a password, and other programs send nothing"
	causeOver      = "the login is over: kubectl has no ID token to send that is good for more than 10 seconds, and no refresh token to get one with"
	causeRefreshed = "the ID token in the kubeconfig is at its end, so that kubectl does not send it and gets another first, with the refresh token"
	causePlugin    = "the credential is what a plugin prints, and no plugin is run to find out"
)

// credential says what there is to say of the credential by its kind, but for a token.
func (l *look) credential() []token.Finding {
	say := func(certain bool, cause, remedy string, more ...token.Evidence) []token.Finding {
		return []token.Finding{{Cause: cause, Certain: certain, Evidence: l.evidence(more...), Remedy: remedy}}
	}
	switch name := argument(l.Name); {
	case l.Kind == None:
		return say(true, causeNone, "give it one: kubectl config set-credentials "+name)
	case l.unsent: // and that is a problem
	case l.Kind == OpenID && !l.sends() && l.Refreshable:
		return say(false, causeRefreshed, "have kubectl do that, and look again: kubectl --user="+name+" auth whoami; if the issuer refuses the refresh token, log in again", l.ends()...)
	case l.Kind == OpenID && !l.sends():
		return say(true, causeOver, "log in again, and ask for the scope offline_access, with which there is a refresh token", l.ends()...)
	}
	return nil
}

// sends reports whether it is the token, as it is known, that goes to the API server.
func (l *look) sends() bool {
	switch l.Kind {
	case Token, TokenFile:
		return !l.Token.IsZero()
	case OpenID:
		return !l.Token.IsZero() && !l.unsent && (l.Expiry.IsZero() || l.now.Add(leastLeft).Before(l.Expiry))
	}
	return false
}

// unrun is that a plugin is not run.
func (l *look) unrun() token.Finding {
	return token.Finding{
		Cause:    causePlugin,
		Evidence: l.evidence(saw("the plugin", "%s", show(l.Exec.Command))),
		Remedy:   "run the plugin by hand, as the kubeconfig has it, or by execcred.Plugin, and have the token diagnosed that it prints: status.token",
	}
}

// ends says when the ID token ends, and what this machine's clock says: kubectl goes
// by that alone.
func (l *look) ends() []token.Evidence {
	if l.Token.IsZero() {
		return []token.Evidence{saw("auth-provider.config.id-token", "there is none")}
	}
	return []token.Evidence{
		saw("auth-provider.config.id-token", "expires %s", stamp(l.Expiry)),
		saw("this machine's clock", "%s", stamp(l.now)),
	}
}
