package oauthclient

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"github.com/tokenlife/tokenlife/token"
)

// xoauth2 is golang.org/x/oauth2.
type xoauth2 struct{}

func (xoauth2) String() string { return "golang.org/x/oauth2" }

func (xoauth2) Refresh(tb testing.TB, s Server, a App, refresh token.Secret) Answer {
	tb.Helper()
	config := &oauth2.Config{
		ClientID:     a.ID,
		ClientSecret: a.Secret.Reveal(),
		Endpoint:     oauth2.Endpoint{TokenURL: s.Token, AuthStyle: oauth2.AuthStyleInParams},
	}
	if a.Auth == Basic {
		config.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	}
	// A token with nothing but a refresh token is one that needs refreshing.
	tok, err := config.TokenSource(tb.Context(), &oauth2.Token{RefreshToken: refresh.Reveal()}).Token()
	var refused *oauth2.RetrieveError
	switch {
	case errors.As(err, &refused):
		return Answer{Failed: &Failure{
			Name:        "RetrieveError",
			Error:       refused.ErrorCode,
			Description: refused.ErrorDescription,
			Status:      refused.Response.StatusCode,
			RetryAfter:  refused.Response.Header.Get("Retry-After"),
		}}
	case err != nil:
		tb.Fatalf("refreshing with golang.org/x/oauth2: %v", err)
	}
	scope, _ := tok.Extra("scope").(string)
	return Answer{Tokens: Tokens{
		Access:    token.NewSecret(tok.AccessToken),
		Refresh:   token.NewSecret(tok.RefreshToken),
		Type:      tok.TokenType,
		Scope:     scope,
		ExpiresIn: tok.ExpiresIn,
	}}
}

// Revoke makes the request by itself: the library has none.
func (xoauth2) Revoke(tb testing.TB, s Server, a App, refresh token.Secret) Answer {
	tb.Helper()
	form := url.Values{"token": {refresh.Reveal()}}
	if a.Auth != Basic {
		form.Set("client_id", a.ID)
	}
	if a.Auth == Post {
		form.Set("client_secret", a.Secret.Reveal())
	}
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, s.Revoke, strings.NewReader(form.Encode()))
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if a.Auth == Basic {
		req.SetBasicAuth(url.QueryEscape(a.ID), url.QueryEscape(a.Secret.Reveal()))
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return Answer{Failed: &Failure{Status: resp.StatusCode, RetryAfter: resp.Header.Get("Retry-After")}}
	}
	return Answer{}
}
