package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/introspect"
	"github.com/tokenlife/tokenlife/token/oauth2adapt"
)

// A login keeps the rotating pair of an account.
type login struct {
	account
	store   *store
	rotator *refresh.Rotator
	client  func() *http.Client // for the issuer; to make one may take longer than all the rest
}

// newLogin returns the login of an account, where the certificates in issuerCA are
// trusted at the issuer.
func newLogin(a account, s *store, issuerCA []byte) *login {
	l := &login{account: a, store: s, client: sync.OnceValue(func() *http.Client { return newClient(issuerCA) })}
	l.rotator = &refresh.Rotator{
		Exchanger: refresh.ExchangerFunc(l.exchange),
		Store:     s,
		Key:       a.Key,
		Revoke:    l.revoke,
	}
	return l
}

// exchange makes one exchange, at the endpoint that the issuer has now.
func (l *login) exchange(ctx context.Context, refreshToken token.Secret) (refresh.Pair, error) {
	_, config, err := l.discover(ctx)
	if err != nil {
		return refresh.Pair{}, &refresh.ExchangeError{Outcome: refresh.Transient, Err: fmt.Errorf("no new token was asked for: %w", err)}
	}
	e := &oauth2adapt.Exchanger{Config: config, Client: l.client(), IDToken: true}
	return e.Exchange(ctx, refreshToken)
}

// revoke tells the issuer of a refresh token that is of no more use.
func (l *login) revoke(ctx context.Context, refreshToken token.Secret) error {
	p, config, err := l.discover(ctx)
	if err != nil {
		return err
	}
	if p.Revocation == "" {
		return errNoRevocation
	}
	auth, secret := introspect.ClientID(config.ClientID), token.NewSecret(config.ClientSecret)
	switch {
	case config.ClientSecret == "":
	case config.Endpoint.AuthStyle == oauth2.AuthStyleInParams:
		auth = introspect.Post(config.ClientID, secret)
	default:
		auth = introspect.Basic(config.ClientID, secret)
	}
	r := &introspect.Revoker{URL: p.Revocation, Auth: auth, Client: l.client()}
	return r.Revoke(ctx, refreshToken, "refresh_token")
}

// errNoRevocation is of an issuer that cannot be told of a logout.
var errNoRevocation = errors.New("the issuer has no revocation endpoint (RFC 7009)")

// discover asks the issuer where its endpoints are, and returns what it takes to use
// them as the account's client.
func (l *login) discover(ctx context.Context) (oauth2adapt.Provider, *oauth2.Config, error) {
	p, err := oauth2adapt.Discover(ctx, l.client(), l.Issuer)
	if err != nil {
		return p, nil, err
	}
	config := &oauth2.Config{ClientID: l.ClientID, Endpoint: p.Endpoint, Scopes: l.Scopes}
	if l.SecretFile != "" {
		secret, err := readSecret(l.SecretFile, l.Issuer)
		if err != nil {
			return p, nil, err
		}
		config.ClientSecret = secret.Reveal()
	}
	if config.Endpoint.AuthStyle == oauth2.AuthStyleAutoDetect {
		// To detect it takes a second request, with a code or a token that is spent.
		config.Endpoint.AuthStyle = oauth2.AuthStyleInParams
		if config.ClientSecret != "" {
			config.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
		}
	}
	return p, config, nil
}

// readSecret reads the client's secret from the first line of a file, which is the
// issuer, a space, and the secret. Whoever writes a kubeconfig names the file, and the
// issuer: without that one in it, any file could be sent to anybody.
func readSecret(path, issuer string) (token.Secret, error) {
	f, err := os.Open(path)
	if err != nil {
		return token.Secret{}, fmt.Errorf("-client-secret-file: %w", err)
	}
	defer f.Close()
	line, err := bufio.NewReader(io.LimitReader(f, 4<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return token.Secret{}, fmt.Errorf("-client-secret-file: %w", err)
	}
	whose, secret, _ := strings.Cut(line, " ")
	if secret = strings.TrimSpace(secret); whose != issuer || secret == "" {
		return token.Secret{}, fmt.Errorf("-client-secret-file %s: it is not for this issuer: its first line must be the URL of the issuer, as -issuer has it, a space, and the secret", path)
	}
	return token.NewSecret(secret), nil
}

// readCA reads the certificates that are trusted at the issuer besides the system's.
func readCA(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("-ca: %w", err)
	}
	defer f.Close()
	const most = 1 << 20
	pem, err := io.ReadAll(io.LimitReader(f, most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("-ca: %w", err)
	case len(pem) > most:
		return nil, fmt.Errorf("-ca %s: the file is longer than a megabyte", path)
	case !x509.NewCertPool().AppendCertsFromPEM(pem):
		return nil, fmt.Errorf("-ca %s: no certificate in PEM", path)
	}
	return pem, nil
}

// newClient returns a client that trusts the certificates in pem as well. It follows
// no redirects, which could lead a code or a token elsewhere, and makes a connection
// for each request: after one that has been closed meanwhile, nobody would know
// whether a refresh token is spent.
func newClient(pem []byte) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true
	transport.MaxResponseHeaderBytes = 64 << 10
	if len(pem) > 0 {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		pool.AppendCertsFromPEM(pem)
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	return &http.Client{
		Transport:     transport,
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
