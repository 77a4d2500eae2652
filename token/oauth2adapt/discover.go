package oauth2adapt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/tokenlife/tokenlife/internal/origin"
	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/internal/strictjson"
)

// A Provider is what an OpenID Connect issuer says of itself.
type Provider struct {
	// Issuer is who it is, as the iss of its ID tokens has it.
	Issuer string

	// Endpoint has the token endpoint, and those for authorization and devices
	// (RFC 8628), which are empty if there is none. Its AuthStyle is for an
	// [Exchanger]: AuthStyleInParams where the issuer takes a client's secret in the
	// body only, and otherwise AuthStyleAutoDetect. A login of a client without a
	// secret sets AuthStyleInParams, since oauth2 detects by trying.
	Endpoint oauth2.Endpoint

	// Revocation is where tokens are revoked (RFC 7009); empty if that is nowhere.
	Revocation string

	// SendsIssuer reports whether the issuer names itself in the answer to an
	// authorization (RFC 9207). One that does not, or names another, is then not to
	// be believed.
	SendsIssuer bool
}

// Discover asks issuer for its endpoints (OpenID Connect Discovery 1.0, section 4), once:
// it follows no redirect. A nil client means one of its own. It lasts until ctx is done,
// and at most 10 seconds if ctx has no deadline.
//
// The issuer must be https, or http to a literal loopback address; so must be the
// endpoints, http only where the issuer is on a loopback address itself. They may be on
// other hosts. It is an error if the answer is not that of issuer, to the letter, or has
// no token endpoint. No error is a verdict on a token.
func Discover(ctx context.Context, client *http.Client, issuer string) (Provider, error) {
	start := time.Now()
	u, err := endpoint("the issuer", issuer, true)
	switch {
	case err != nil:
	case strings.Contains(issuer, "?"):
		err = errors.New("the issuer has a query, which the URL of an issuer has not")
	default:
		u, err = url.Parse(strings.TrimSuffix(issuer, "/") + "/.well-known/openid-configuration")
	}
	if err != nil {
		return Provider{}, fmt.Errorf("oauth2adapt: discovery: %w", err)
	}
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, defaultTimeout)
		defer cancel()
	}
	var text string
	err = panics.Call("the Client", func() (err error) {
		text, err = document(ctx, client, u)
		return err
	})
	var p Provider
	if err == nil {
		p, err = readProvider(text, issuer, origin.Of(u).Loopback())
	}
	if err != nil {
		return Provider{}, sentence(start, "discovery: GET "+origin.Address(u), hidden(nil).from(err))
	}
	return p, nil
}

// document returns what is at u.
func document(ctx context.Context, client *http.Client, u *url.URL) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return "", err
	}
	r.Header.Set("Accept", "application/json")
	var c http.Client // a copy, since the caller's may be shared
	if client != nil {
		c = *client
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if c.Transport == nil {
		c.Transport = ownTransport()
	}
	if !origin.Of(u).Encrypted() && !origin.Direct(c.Transport, r) {
		return "", errors.New("it is http, and a proxy could put in other endpoints: use https, or an http.Transport without a proxy")
	}
	resp, err := c.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	switch {
	case resp.Request != nil && origin.Of(resp.Request.URL) != origin.Of(u):
		return "", errors.New("the answer is from elsewhere: the Client's Transport must not follow redirects")
	case resp.StatusCode/100 == 3:
		return "", fmt.Errorf("%s, a redirect, which is not followed: an issuer answers itself", status(resp.StatusCode))
	case resp.StatusCode != http.StatusOK:
		return "", fmt.Errorf("%s: is that the issuer's URL, and does it speak OpenID Connect?", status(resp.StatusCode))
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, longestBody+1))
	switch {
	case err != nil:
		return "", err
	case len(body) > longestBody:
		return "", fmt.Errorf("the answer is longer than %d bytes", longestBody)
	}
	return string(body), nil
}

// The members of a discovery document that are looked at (OpenID Connect Discovery 1.0,
// section 3; RFC 8414; RFC 8628; RFC 9207).
const (
	memberIssuer        = "issuer"
	memberAuthorization = "authorization_endpoint"
	memberToken         = "token_endpoint"
	memberDevice        = "device_authorization_endpoint"
	memberRevocation    = "revocation_endpoint"
	memberAuthMethods   = "token_endpoint_auth_methods_supported"
	memberSendsIssuer   = "authorization_response_iss_parameter_supported"
)

// readProvider reads a discovery document, which must be that of issuer: if one could
// speak for another, it would be sent the other's tokens. It allows http if that is
// where the issuer is.
func readProvider(text, issuer string, loopback bool) (p Provider, err error) {
	var methods []string
	r := strictjson.NewReader(text, strictjson.Limits{Size: longestBody})
	for name := range r.Object() {
		switch name {
		case memberIssuer:
			p.Issuer = r.Text()
		case memberAuthorization:
			p.Endpoint.AuthURL = r.Text()
		case memberToken:
			p.Endpoint.TokenURL = r.Text()
		case memberDevice:
			p.Endpoint.DeviceAuthURL = r.Text()
		case memberRevocation:
			p.Revocation = r.Text()
		case memberAuthMethods:
			methods = r.Texts()
		case memberSendsIssuer:
			p.SendsIssuer = r.Bool()
		}
	}
	err = strictjson.Placed(r.End(), memberIssuer, memberAuthorization, memberToken, memberDevice, memberRevocation, memberAuthMethods, memberSendsIssuer)
	switch {
	case err != nil:
		return Provider{}, fmt.Errorf("what came is no discovery document: %w", err)
	case p.Issuer != issuer:
		return Provider{}, fmt.Errorf("it is the document of issuer %+.100q, not of %+.100q: they must be the same to the letter", p.Issuer, issuer)
	case p.Endpoint.TokenURL == "":
		return Provider{}, errors.New("the document has no " + memberToken)
	}
	if slices.Contains(methods, "client_secret_post") && !slices.Contains(methods, "client_secret_basic") {
		p.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	for _, e := range []struct{ name, text string }{
		{memberAuthorization, p.Endpoint.AuthURL}, {memberToken, p.Endpoint.TokenURL},
		{memberDevice, p.Endpoint.DeviceAuthURL}, {memberRevocation, p.Revocation},
	} {
		if e.text == "" {
			continue
		}
		if _, err := endpoint("its "+e.name, e.text, loopback); err != nil {
			return Provider{}, err
		}
	}
	return p, nil
}

// endpoint reads the URL of what is called name, which may be http if loopback says so
// and its host is a loopback address. Its error does not quote text: it may have a
// password in it.
func endpoint(name, text string, loopback bool) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || strings.Contains(text, "#") {
		return nil, fmt.Errorf("%s is not of the form https://host[:port]/path, without user, password and fragment", name)
	}
	switch o := origin.Of(u); {
	case o.Encrypted(), o.Plain() && o.Loopback() && loopback:
		return u, nil
	case o.Plain():
		return nil, fmt.Errorf("%s is http, where others could read tokens: it must be https, or everything on a loopback address such as 127.0.0.1", name)
	}
	return nil, fmt.Errorf("%s is neither https nor http", name)
}
