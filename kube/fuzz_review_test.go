package kube_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	authenticationv1 "k8s.io/api/authentication/v1"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/token"
)

// FuzzReview gives a Reviewer any answer: it approves of none but a whole one, and
// its errors are short, on one line and without the token.
func FuzzReview(f *testing.F) {
	f.Add(true, builder, "uid", "group", "JTI=a", "api", "")
	f.Add(true, builder, "uid", "system:unauthenticated", "JTI=a", "api", "")
	f.Add(true, "", "", "", "", "", "invalid bearer token")
	f.Add(false, "", "", "", "", "", `[invalid bearer token, token audiences ["a\"b"] is invalid for the target audiences ["api"]]`)
	f.Add(false, "", "", "", "", "", `[invalid bearer token, Post "https://hook": EOF]`)
	f.Add(false, "", "", "", "", "", "service account token has expired")
	f.Add(true, "a\xff", "\x00", "\n", "JTI=", "API", "\"\\")
	f.Fuzz(func(t *testing.T, authenticated bool, username, uid, group, id, audience, said string) {
		status := authenticationv1.TokenReviewStatus{
			Authenticated: authenticated,
			User: authenticationv1.UserInfo{Username: username, UID: uid, Groups: []string{group},
				Extra: map[string]authenticationv1.ExtraValue{"authentication.kubernetes.io/credential-id": {id}, uid: {group}}},
			Audiences: []string{audience},
			Error:     said,
		}
		if audience == "" {
			status.Audiences = nil
		}
		secret := presented(time.Now())
		client := reviews(func(_ context.Context, spec authenticationv1.TokenReviewSpec) (*authenticationv1.TokenReview, error) {
			s := status
			s.Error = strings.ReplaceAll(s.Error, "TOKEN", spec.Token)
			return &authenticationv1.TokenReview{Spec: spec, Status: s}, nil
		})
		for _, r := range []*kube.Reviewer{kube.NewReviewer(client, "api"), {Client: client, AnyAudience: true}} {
			both := &kube.Both{Online: r, Offline: token.VerifierFunc(func(context.Context, token.Secret) (token.Claims, error) {
				return token.Claims{Subject: builder}, nil
			})}
			for _, v := range []token.Verifier{r, both} {
				claims, err := v.Verify(t.Context(), secret)
				if err == nil {
					switch {
					case !authenticated, username == "", username == "system:anonymous", group == "system:unauthenticated", said != "":
						t.Errorf("approved: %+v", status)
					case !r.AnyAudience && audience != "api":
						t.Errorf("approved for %q", audience)
					case claims.Subject != username:
						t.Errorf("approved as %q, and the server says %q", claims.Subject, username)
					}
					continue
				}
				if authenticated && errors.Is(err, token.ErrInvalid) && (said != "" || username == "") {
					t.Errorf("an answer that is none is a verdict: %v", err)
				}
				if !authenticated && !errors.Is(err, token.ErrInvalid) && !mentionsTrouble(said) {
					t.Errorf("a refusal is no verdict: %v", err)
				}
				text := err.Error()
				if len(text) > 1100 || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
					t.Errorf("%d bytes: %q", len(text), text)
				}
				if strings.Contains(text, secret.Reveal()) {
					t.Errorf("the token is in: %s", text)
				}
				if claims.Subject != "" {
					t.Errorf("claims with an error: %+v", claims)
				}
			}
		}
	})
}

// mentionsTrouble reports whether a text has a word without which the server did
// not say that it could not tell.
func mentionsTrouble(said string) bool {
	return slices.ContainsFunc([]string{
		"get", "post", "dial", "connection", "pipe", "host", "server", "route", "network", "x509", "time", "deadline", "context",
		"internal", "request", "rpc", "gateway", "unavailable", "keys", "initialized", "response", "version", "conversion",
	}, func(word string) bool { return strings.Contains(strings.ToLower(said), word) })
}
