package main

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/handler/oauth2"
	"github.com/ory/fosite/storage"
)

// A fositeIssuer is fosite's refresh_token grant for one public client, in
// memory.
type fositeIssuer struct {
	provider fosite.OAuth2Provider
	strategy oauth2.CoreStrategy
	store    *storage.MemoryStore
}

// fositeHMAC makes tokens as fosite does by default: 32 random bytes and their
// HMAC.
func fositeHMAC() oauth2.CoreStrategy {
	return compose.NewOAuth2HMACStrategy(&fosite.Config{GlobalSecret: make([]byte, 32)})
}

// numbered has access tokens that cost next to nothing: they are numbers.
type numbered struct {
	oauth2.CoreStrategy
	last int
}

func (n *numbered) GenerateAccessToken(context.Context, fosite.Requester) (text, signature string, err error) {
	n.last++
	text = strconv.Itoa(n.last)
	return text, text, nil
}

// newFosite composes it as fosite's documentation does.
func newFosite(s oauth2.CoreStrategy) *fositeIssuer {
	f := &fositeIssuer{strategy: s, store: storage.NewMemoryStore()}
	f.store.Clients[login.Client] = &fosite.DefaultClient{
		ID:         login.Client,
		Public:     true,
		GrantTypes: fosite.Arguments{"refresh_token"},
		Scopes:     fosite.Arguments{login.Scope, "offline"},
	}
	f.provider = compose.Compose(&fosite.Config{GlobalSecret: make([]byte, 32)}, f.store, f.strategy, compose.OAuth2RefreshTokenGrantFactory)
	return f
}

// begin returns the first refresh token of a login.
func (f *fositeIssuer) begin(ctx context.Context) (string, error) {
	request := fosite.NewAccessRequest(&fosite.DefaultSession{Subject: login.Subject})
	request.Client = f.store.Clients[login.Client]
	request.RequestedScope = fosite.Arguments{login.Scope, "offline"}
	request.GrantedScope = request.RequestedScope
	text, signature, err := f.strategy.GenerateRefreshToken(ctx, request)
	if err != nil {
		return "", err
	}
	return text, f.store.CreateRefreshTokenSession(ctx, signature, "", request)
}

// exchange trades a refresh token for the next. The request is what net/http
// makes of one once its form is read, and the answer is not written.
func (f *fositeIssuer) exchange(ctx context.Context, refresh string) (string, error) {
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {login.Client}, "refresh_token": {refresh}}
	request, err := f.provider.NewAccessRequest(ctx, &http.Request{Method: "POST", Form: form, PostForm: form}, &fosite.DefaultSession{})
	if err != nil {
		return "", err
	}
	response, err := f.provider.NewAccessResponse(ctx, request)
	if err != nil {
		return "", err
	}
	next, _ := response.GetExtra("refresh_token").(string)
	return next, nil
}

// rows returns how many entries it keeps for the logins there have been.
func (f *fositeIssuer) rows() int { return len(f.store.RefreshTokens) + len(f.store.AccessTokens) }
