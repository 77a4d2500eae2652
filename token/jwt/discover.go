package jwt

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/tokenlife/tokenlife/internal/strictjson"
)

// Discover returns the key set of an OpenID Connect issuer, which a Kubernetes
// API server also is, once it has been fetched. A nil client means one of the
// Remote's own.
//
// It is short for a [Remote] with Issuer and Client and its [Remote.Fetch]. A
// service that is to start while its issuer is down makes the Remote itself.
func Discover(ctx context.Context, client *http.Client, issuer string) (*Remote, error) {
	r := &Remote{Issuer: issuer, Client: client}
	if err := r.Fetch(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

// discoveryURL returns where the discovery document of Issuer is (OpenID
// Connect Discovery 1.0, section 4.1).
func (r *Remote) discoveryURL() (*url.URL, error) {
	if strings.Contains(r.Issuer, "?") {
		return nil, errors.New("Remote.Issuer has a query, which the URL of an issuer has not")
	}
	return r.address("Remote.Issuer", strings.TrimSuffix(r.Issuer, "/")+"/.well-known/openid-configuration")
}

// discover returns where the document at u says that the keys are.
func (r *Remote) discover(ctx context.Context, client *http.Client, u *url.URL) (*url.URL, error) {
	body, _, err := r.get(ctx, client, u, "application/json")
	if err != nil {
		return nil, err
	}
	keys, err := r.readConfiguration(string(body))
	if err != nil {
		return nil, at(u, err)
	}
	return keys, nil
}

// readConfiguration reads a discovery document, which must be that of Issuer: if
// one issuer could speak for another, its keys would sign the other's tokens.
func (r *Remote) readConfiguration(text string) (*url.URL, error) {
	var issuer, keys string
	reader := strictjson.NewReader(text, strictjson.Limits{Size: maxDocument})
	for name := range reader.Object() {
		switch name {
		case "issuer":
			issuer = reader.Text()
		case "jwks_uri":
			keys = reader.Text()
		}
	}
	if err := strictjson.Placed(reader.End(), "issuer", "jwks_uri"); err != nil {
		return nil, err
	}
	if issuer != r.Issuer {
		return nil, fmt.Errorf("it is the document of issuer %+.100q, not of %+q: Remote.Issuer must be the same to the letter", issuer, r.Issuer)
	}
	return r.address("the jwks_uri in it", keys)
}
