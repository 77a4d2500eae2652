package kubelogin_test

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/oauth2"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/internal/e2e/oidcprovider"
)

// awaitTrust waits until the API server takes the issuer's ID tokens, and lets the user
// list namespaces. It is ready before it has asked the issuer what it takes to check
// them, and refuses them all until then. The login by which that is seen is none that
// the issuer counts.
func (w *world) awaitTrust(t testing.TB) {
	t.Helper()
	cfg := rest.AnonymousClientConfig(w.server.Admin())
	cfg.BearerToken = w.codeToken(t)
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		who, err := client.AuthenticationV1().SelfSubjectReviews().Create(t.Context(), &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
		if err == nil && who.Status.UserInfo.Username == alice {
			_, err = client.CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{})
		}
		if err == nil {
			return
		}
		if time.Since(began) > patience {
			t.Fatalf("the API server does not take the issuer's ID tokens: %v", err)
		}
	}
}

// codeToken logs the user in by a browser, and returns the ID token, which lives for an
// hour.
func (w *world) codeToken(t testing.TB) string {
	t.Helper()
	w.issuer.SetIDTokenLife(t, time.Hour)
	defer func() { w.issuer.SetIDTokenLife(t, w.life) }()
	codes := make(chan string, 1)
	back := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case codes <- r.URL.Query().Get("code"):
		default:
		}
	}))
	defer back.Close()
	client := w.issuer.HTTPClient()
	ctx := context.WithValue(t.Context(), oauth2.HTTPClient, client)
	config := &oauth2.Config{
		ClientID: w.issuer.Public.ID, RedirectURL: back.URL + "/callback", Scopes: []string{"openid"},
		Endpoint: oauth2.Endpoint{AuthURL: w.issuer.URL + "/auth", TokenURL: w.issuer.URL + "/token", AuthStyle: oauth2.AuthStyleInParams},
	}
	verifier := oauth2.GenerateVerifier()
	if text, err := oidcprovider.Visit(ctx, client, config.AuthCodeURL(rand.Text(), oauth2.S256ChallengeOption(verifier))); err != nil {
		t.Fatalf("%v: %.500s", err, text)
	}
	tok, err := config.Exchange(ctx, <-codes, oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	id, _ := tok.Extra("id_token").(string)
	if id == "" {
		t.Fatal("the issuer gave no ID token")
	}
	return id
}
