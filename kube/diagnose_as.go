package kube

import (
	"context"

	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/token"
)

// barren returns how to reach server as nobody. What is around its Transport stays.
func barren(server *rest.Config) *rest.Config {
	c := rest.AnonymousClientConfig(server)
	c.Transport, c.WrapTransport = server.Transport, server.WrapTransport
	if u, _, err := rest.DefaultServerUrlFor(server); err == nil {
		// A host without a scheme means https if there is anything about TLS in the
		// configuration, such as the client certificate that is left out; and there
		// may be a password before the host.
		u.User = nil
		c.Host = u.String()
	}
	return c
}

// bearing returns how to reach server with a token, and with nothing else.
func bearing(server *rest.Config, value token.Secret) *rest.Config {
	c := barren(server)
	c.BearerToken = value.Reveal()
	return c
}

// credentialOf returns how to reach server with its own credential. Plugins are left
// out: they are programs, and whoever wrote the kubeconfig would choose what runs.
func credentialOf(server *rest.Config) *rest.Config {
	c := rest.CopyConfig(server)
	c.ExecProvider, c.AuthProvider, c.AuthConfigPersister = nil, nil, nil
	c.BearerTokenFile = "" // which fromFile has read, or cannot
	return c
}

// fromFile returns server with the token that is in its token file, if that can be read.
// As client-go reads it, it may be a pipe or have no end.
func fromFile(ctx context.Context, server *rest.Config) *rest.Config {
	if server == nil {
		return server
	}
	c := rest.CopyConfig(server)
	if t, err := token.File(c.BearerTokenFile).Token(ctx); err == nil {
		c.BearerToken, c.BearerTokenFile = t.Value.Reveal(), ""
	}
	return c
}

// secretsOf returns the secrets of a credential that may come back in an answer.
func secretsOf(server *rest.Config) []token.Secret {
	if server == nil {
		return nil
	}
	secrets := []token.Secret{token.NewSecret(server.BearerToken), token.NewSecret(server.Password)}
	if u, _, err := rest.DefaultServerUrlFor(server); err == nil {
		password, _ := u.User.Password()
		secrets = append(secrets, token.NewSecret(password))
	}
	return secrets
}

// who says with what the server is asked about the token, and whether that is a
// credential at all.
func who(server *rest.Config, self bool) (with string, credential answer) {
	switch {
	case self:
		return "with the same token as the asker's", yes
	case server.BearerToken != "", server.Username != "", len(server.CertData) > 0, server.CertFile != "":
		return "with the asker's credential", yes
	case server.BearerTokenFile != "":
		return "without a credential, because the asker's token file cannot be read", no
	case server.ExecProvider != nil, server.AuthProvider != nil:
		return "without a credential, because the asker's is a plugin, which is not run", no
	case server.Transport != nil, server.WrapTransport != nil:
		return "with the asker's credential", maybe // which would be theirs
	}
	return "without a credential, because the asker has none", no
}
