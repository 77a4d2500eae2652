package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/introspect"
	"github.com/tokenlife/tokenlife/token/oauth2adapt"
	"github.com/tokenlife/tokenlife/token/seal"
)

// What the site is called at the upstream, and what access tokens are sealed for.
const (
	upstreamClient = "webapp"
	accessPurpose  = "upstream access token"
)

// An upstream is the service that has the orders: it hands out pairs of an access
// token and a refresh token, and has an API for those who bring an access token.
// It would be somewhere else, and somebody else's. Here it is in the same
// process, on a listener of its own, so that there is nothing to install, and in
// the same store, so that the upstream of each replica knows all logins.
type upstream struct {
	url       string
	issuer    *refresh.Issuer
	keys      *seal.Keyring
	access    time.Duration // how long an access token is good
	latency   time.Duration // how long an exchange takes, at least
	exchanges atomic.Int64  // that it was asked for
}

func newUpstream(url string, store refresh.Store, keys *seal.Keyring, access time.Duration) *upstream {
	u := &upstream{url: url, keys: keys, access: access}
	u.issuer = &refresh.Issuer{Mint: u.mint, Keys: keys, Store: store, Grace: min(time.Minute, access/2)}
	return u
}

// handler serves the upstream.
func (u *upstream) handler() http.Handler {
	endpoint := &refresh.Endpoint{Issuer: u.issuer}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		u.exchanges.Add(1)
		select {
		case <-time.After(u.latency):
		case <-r.Context().Done():
			return
		}
		endpoint.Token(w, r)
	})
	mux.HandleFunc("POST /revoke", endpoint.Revoke)
	mux.Handle("GET /orders", token.Require(token.VerifierFunc(u.verify), http.HandlerFunc(u.orders)))
	return mux
}

// login returns the pair of a login. With an OpenID provider it is what comes of
// the authorization code: see oauth2adapt.Pair.
func (u *upstream) login(ctx context.Context, user string) (refresh.Pair, error) {
	return u.issuer.Begin(ctx, refresh.Grant{Subject: user, Client: upstreamClient})
}

// exchanger exchanges refresh tokens at the upstream.
func (u *upstream) exchanger() *oauth2adapt.Exchanger {
	return &oauth2adapt.Exchanger{Config: &oauth2.Config{
		ClientID: upstreamClient,
		Endpoint: oauth2.Endpoint{TokenURL: u.url + "/token", AuthStyle: oauth2.AuthStyleInParams},
	}}
}

// revoke tells the upstream of a refresh token that is no longer wanted.
func (u *upstream) revoke(ctx context.Context, refresh token.Secret) error {
	revoker := &introspect.Revoker{URL: u.url + "/revoke", Auth: introspect.ClientID(upstreamClient)}
	return revoker.Revoke(ctx, refresh, "refresh_token")
}

// An order is one line of what the API answers.
type order struct {
	Number string `json:"number"`
	Date   string `json:"date"`
	Item   string `json:"item"`
	Total  string `json:"total"`
	State  string `json:"state"`
}

// ordersAnswer is what the API answers.
type ordersAnswer struct {
	Orders    []order `json:"orders"`
	Exchanges int64   `json:"exchanges"` // of refresh tokens, by this upstream, since it began
}

var orderBook = map[string][]order{
	"alice": {
		{"TW-2041", "2026-03-02", "Looking glass, oak frame", "€ 84.00", "shipped"},
		{"TW-2038", "2026-02-24", "Pocket watch, slightly late", "€ 129.50", "delivered"},
		{"TW-1997", "2026-02-11", "Tea set for six", "€ 61.20", "delivered"},
		{"TW-1954", "2026-01-19", "Croquet mallets, a pair", "€ 45.00", "returned"},
	},
	"bob": {
		{"TW-2040", "2026-03-01", "Cement, 20 bags", "€ 138.00", "packed"},
		{"TW-2012", "2026-02-16", "Hard hat, yellow", "€ 24.90", "delivered"},
		{"TW-1988", "2026-02-07", "Spirit level, 80 cm", "€ 37.40", "delivered"},
	},
}

// orders is the API.
func (u *upstream) orders(w http.ResponseWriter, r *http.Request) {
	claims, _ := token.FromContext(r.Context())
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(ordersAnswer{orderBook[claims.Subject], u.exchanges.Load()})
}

// mint makes an access token: claims that are sealed with the keys.
func (u *upstream) mint(ctx context.Context, g refresh.Grant) (token.Token, error) {
	claims, err := json.Marshal(map[string]any{"sub": g.Subject, "exp": time.Now().Add(u.access).Unix()})
	if err != nil {
		return token.Token{}, err
	}
	text, err := u.keys.Seal(ctx, accessPurpose, "", claims)
	return token.Token{Value: token.NewSecret(text), ExpiresIn: u.access}, err
}

// verify is the Verifier of what mint makes.
func (u *upstream) verify(ctx context.Context, presented token.Secret) (token.Claims, error) {
	text, err := u.keys.Open(ctx, accessPurpose, "", presented.Reveal())
	if err != nil {
		return token.Claims{}, err
	}
	claims, err := token.ParseClaims(text)
	if err != nil {
		return token.Claims{}, err
	}
	if over := time.Since(claims.Expiry); over >= 0 {
		return token.Claims{}, fmt.Errorf("%w: %v ago", token.ErrExpired, over.Round(time.Second))
	}
	return claims, nil
}
