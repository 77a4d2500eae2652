package kubeconfig

import (
	"github.com/tokenlife/tokenlife/token"
)

// authProvider looks at the auth-provider.
func (l *look) authProvider() {
	p := l.entry.provider
	switch p.name {
	case oidcName:
		l.openID(p.config)
	case "gcp":
		l.fatal("the auth-provider gcp is gone since Kubernetes 1.26: install gke-gcloud-auth-plugin, and run gcloud container clusters get-credentials")
	case "azure":
		l.fatal("the auth-provider azure is gone since Kubernetes 1.26: install kubelogin of Azure, and run kubelogin convert-kubeconfig")
	case "":
		l.fatal("auth-provider.name is missing: set it to oidc, or use an exec plugin")
	default:
		l.fatal("kubectl knows no auth-provider %s, nor any other but oidc: use an exec plugin", show(p.name))
	}
}

func (l *look) openID(config map[string]string) {
	l.Issuer, l.ClientID = config[oidcIssuer], config[oidcClientID]
	l.Refreshable = config[oidcRefreshToken] != ""
	for _, key := range []string{oidcIssuer, oidcClientID} {
		if config[key] == "" {
			l.fatal("auth-provider.config.%s is missing, without which kubectl refuses to go on: set it with kubectl config set-credentials %s --auth-provider-arg=%s=...", key, argument(l.Name), key)
		}
	}
	if !l.Refreshable {
		l.aside("there is no refresh-token: the login ends with its ID token; ask for the scope offline_access when you log in")
	}
	id := config[oidcIDToken]
	if id == "" {
		return
	}
	t := token.New(token.NewSecret(id))
	if l.Kind == OpenID {
		l.Token, l.Expiry = t, t.Expiry
	}
	if e := l.entry; l.Kind == Certificate && l.Token.IsZero() && e.username == "" && e.password == "" {
		l.Token = t // which is sent too
	}
	info, err := token.Inspect(t.Value)
	if err != nil || info.Format == token.JWT && !info.Expiry.IsZero() {
		l.whole("id-token", t.Value)
		return
	}
	l.unsent = true
	say := l.problem
	if l.Token.Equal(t) {
		say = l.fatal
	}
	switch {
	case info.Format != token.JWT:
		say("the id-token is no JWT, so that kubectl refuses to go on, and does not refresh it either: log in again")
	case l.Refreshable:
		l.problem("the id-token does not say when it ends, as each must, so that kubectl gets another for every call: log in again")
	default:
		say("the id-token does not say when it ends, as each must, so that kubectl does not send it: log in again")
	}
}
