package rancher

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/token"
)

// How often SAML asks whether somebody has logged in, and how long.
const (
	samlInterval = 3 * time.Second
	samlTimeout  = 15 * time.Minute // then the server has forgotten it
)

// SAML logs in by a provider that wants a browser, for a command-line program.
// It gives show a URL of this server, to be opened or printed, and waits until
// somebody has logged in there, for up to 15 minutes. The provider is one of
// those of [BySAML], such as "okta".
//
// The token is one for a kubeconfig: it lives as long as the setting
// kubeconfig-default-token-ttl-minutes says, and the server encrypts it on its way
// under a key that is made for this one login.
func (c *V3) SAML(ctx context.Context, provider string, show func(url string) error) (Login, error) {
	const op = "log in by SAML"
	fail := call{op: op}.fail
	if show == nil {
		return Login{}, fail(errors.New("show is nil: it must show somebody the URL where to log in"))
	}
	if err := c.samlProvider(ctx, op, provider); err != nil {
		return Login{}, err
	}
	base, err := c.Server.address()
	if err != nil {
		return Login{}, fail(err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return Login{}, fail(err)
	}
	public, err := json.Marshal(key.PublicKey) // {"N":…,"E":65537}
	if err != nil {
		return Login{}, fail(err)
	}
	id := rand.Text() + rand.Text()[:6] // 32 letters and digits
	ctx, cancel := context.WithTimeoutCause(ctx, samlTimeout, errNobody)
	defer cancel()
	defer c.forgetSAML(ctx, id)
	query := url.Values{
		"requestId": {id}, "publicKey": {base64.StdEncoding.EncodeToString(public)},
		"responseType": {"kubeconfig"}, "cli": {"true"},
	}
	base = base.JoinPath("login")
	base.RawQuery = query.Encode()
	if err := panics.Call("show", func() error { return show(base.String()) }); err != nil {
		return Login{}, fail(err)
	}
	a, err := c.awaitSAML(ctx, op, id)
	if err != nil {
		return Login{}, err
	}
	return c.decrypt(ctx, a, key, provider)
}

var errNobody = fmt.Errorf("nobody has logged in for %v: %w", samlTimeout, context.DeadlineExceeded)

// samlProvider returns an error unless the provider is enabled, and of SAML.
func (c *V3) samlProvider(ctx context.Context, op, provider string) error {
	list, err := c.listed(ctx, op)
	if err != nil {
		return err
	}
	for _, p := range list {
		switch {
		case p.Name != provider:
		case p.Kind == BySAML || p.Kind == "":
			return nil
		default:
			return call{op: op}.fail(fmt.Errorf("%w: it is not one of SAML: use V3.Login", ErrProvider))
		}
	}
	return call{op: op}.fail(fmt.Errorf("%w: no provider of this name is enabled: Providers lists those that are", ErrProvider))
}

// samlPath is where the server keeps what comes of a login.
func (c *V3) samlPath(id string) string {
	if c.old.Load() {
		return "/v3-public/authTokens/" + id
	}
	return "/v1-public/authtokens/" + id
}

// awaitSAML asks until the server has a token.
func (c *V3) awaitSAML(ctx context.Context, op, id string) (*answer, error) {
	for {
		a, err := c.Server.do(ctx, call{op: op, method: http.MethodGet, path: c.samlPath(id)})
		switch {
		case err == nil && a.status == http.StatusOK:
			return a, nil
		case err == nil && a.status != http.StatusNotFound:
			err = v3Check(a)
		}
		if err != nil && !errors.Is(err, ErrUnavailable) && ctx.Err() == nil {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, call{op: op}.fail(context.Cause(ctx))
		case <-time.After(samlInterval):
		}
	}
}

// decrypt reads the token that a login has brought.
func (c *V3) decrypt(ctx context.Context, a *answer, key *rsa.PrivateKey, provider string) (Login, error) {
	var sealed string
	var expiresAt time.Time
	r := a.reader()
	for name := range r.Object() {
		switch name {
		case "token":
			sealed = text(&r)
		case "expiresAt":
			expiresAt = instant(&r)
		}
	}
	if err := r.End(); err != nil {
		return Login{}, a.unreadable(err)
	}
	ciphertext, err := base64.StdEncoding.Strict().DecodeString(sealed)
	if err != nil {
		return Login{}, a.unreadable(errors.New("token: not base64"))
	}
	plain, err := rsa.DecryptOAEP(sha256.New(), nil, key, ciphertext, nil)
	if err != nil {
		return Login{}, a.unreadable(errors.New("token: not encrypted under the key of this login"))
	}
	b, err := parseBearer(string(plain))
	if err != nil {
		return Login{}, a.unreadable(fmt.Errorf("token: %w", err))
	}
	t := v3Record{secret: token.NewSecret(string(plain)), V3Token: V3Token{ExpiresAt: expiresAt}}
	t.ExpiresIn = t.left(a)
	return c.completed(ctx, Login{Name: b.Name, User: User{Provider: provider}, Token: t.token(a)}), nil
}

// forgetSAML deletes what the server keeps of a login.
func (c *V3) forgetSAML(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), defaultTimeout)
	defer cancel()
	c.Server.do(ctx, call{op: "end the login by SAML", method: http.MethodDelete, path: c.samlPath(id)})
}
