package kubeconfig

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"

	"github.com/tokenlife/tokenlife/token"
)

// The fields of the auth-provider oidc, as kubectl names them.
const (
	oidcName         = "oidc"
	oidcIssuer       = "idp-issuer-url"
	oidcClientID     = "client-id"
	oidcClientSecret = "client-secret"
	oidcCA           = "idp-certificate-authority"
	oidcCAData       = "idp-certificate-authority-data"
	oidcIDToken      = "id-token"
	oidcRefreshToken = "refresh-token"
)

// oidcSettings are what the auth-provider of a user says.
type oidcSettings struct {
	user, file, real string
	issuer, client   string
	secret           token.Secret // of the client
	caFile, caData   string
	idToken, refresh token.Token
}

// readSettings reads the auth-provider of a user.
func readSettings(p authProvider) (*oidcSettings, error) {
	s := &oidcSettings{
		user: p.User, file: p.File, real: p.Real,
		issuer: p.Config[oidcIssuer], client: p.Config[oidcClientID],
		secret: token.NewSecret(p.Config[oidcClientSecret]),
		caFile: p.Config[oidcCA], caData: p.Config[oidcCAData],
	}
	switch {
	case p.Name == "":
		return nil, s.failed(errors.New("it has no auth-provider: OIDC is for users with the auth-provider oidc"))
	case p.Name != oidcName:
		return nil, s.failed(fmt.Errorf("its auth-provider is %+.40q: OIDC is for users with the auth-provider oidc", p.Name))
	}
	for _, key := range []string{oidcIssuer, oidcClientID} {
		if p.Config[key] == "" {
			return nil, s.failed(fmt.Errorf("auth-provider.config.%s is missing: set it with kubectl config set-credentials %s --auth-provider-arg=%s=VALUE", key, argument(s.user), key))
		}
	}
	if id := p.Config[oidcIDToken]; id != "" {
		s.idToken = token.New(token.NewSecret(id))
	}
	if r := p.Config[oidcRefreshToken]; r != "" {
		s.refresh = token.Token{Value: token.NewSecret(r)}
	}
	return s, nil
}

// failed returns err with whose login it is about.
func (s *oidcSettings) failed(err error) error {
	return fmt.Errorf("kubeconfig: user %+.80q in %s: %w", s.user, s.file, err)
}

// transport returns what trusts whom the kubeconfig says, and nil if it does not say.
func (s *oidcSettings) transport() (http.RoundTripper, error) {
	field, pem := oidcCAData, []byte(nil)
	var err error
	switch {
	case s.caData != "": // as for kubectl, it counts before a file
		pem, err = base64.StdEncoding.DecodeString(s.caData)
	case s.caFile != "":
		field = oidcCA
		pem, err = readBounded((&file{path: s.file}).resolve(s.caFile), maxPEM)
	default:
		return nil, nil
	}
	roots := x509.NewCertPool()
	if err == nil && !roots.AppendCertsFromPEM(pem) {
		err = errors.New("there is no certificate in it: set it to those of the issuer's authority, in PEM")
	}
	if err != nil {
		return nil, fmt.Errorf("auth-provider.config.%s: %w", field, err)
	}
	// A connection that the issuer has closed in the meantime would leave it open
	// what became of a refresh token: each request makes its own.
	t := new(http.Transport)
	if d, ok := http.DefaultTransport.(*http.Transport); ok {
		t = d.Clone()
	}
	t.DisableKeepAlives, t.MaxResponseHeaderBytes = true, 64<<10
	t.TLSClientConfig = &tls.Config{RootCAs: roots}
	return t, nil
}
