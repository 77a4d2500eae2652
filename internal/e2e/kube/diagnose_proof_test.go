package kube_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/internal/e2e/apiserver"
	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

const (
	wrongSignature = "the signature of the token is wrong: it was altered, or another cluster has signed it"
	otherIssuer    = "the token is from an issuer that the API server does not know"
)

// unproved are rows of which nobody can be certain, though much speaks for their cause.
func unproved() []row {
	const podGone = "the Pod that the token is bound to has been deleted"
	return []row{
		// It knows the token, for itself.
		{name: "a static token, for a service", make: func(t *testing.T, l *lab) kube.Suspect {
			return kube.Suspect{Token: token.NewSecret(l.User("alice").BearerToken), Audiences: []string{"vault.example"}}
		}, cause: "the API server does not know the token"},
		// It knows the issuer, and asks it about nobody that is for a service.
		{name: "a service account's token of an issuer of OpenID Connect, for a service", make: func(t *testing.T, l *lab) kube.Suspect {
			claims := claimsOf(l.account(t), map[string]any{"aud": "vault.example"})
			delete(claims, "iss")
			return kube.Suspect{Token: l.issuer.Mint(claims).Value, Audiences: []string{"vault.example"}}
		}, cause: otherIssuer},
		// Nobody has altered it, and no other cluster has signed it.
		{name: "an ID token of a key that was replaced", make: func(t *testing.T, l *lab) kube.Suspect {
			s := idToken(nil)(t, l)
			l.issuer.Rotate()
			// The server looks for keys anew when it meets one.
			eventually(t, "the server has the new key", func() error {
				if st := review(t, l.Server, token.New(idToken(nil)(t, l).Token)); !st.Authenticated {
					return errors.New(st.Error)
				}
				return nil
			})
			return s
		}, cause: wrongSignature},
		{name: "signed by an unknown key that has no name", make: func(t *testing.T, l *lab) kube.Suspect {
			key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			return kube.Suspect{Token: signed(t, key, map[string]any{"alg": "ES256"}, claimsOf(l.account(t), nil))}
		}, cause: wrongSignature},
		// The server's certificate is not looked at.
		{name: "Pod deleted, as anybody may say", make: boundTo("Pod", false), via: insecurely, cause: podGone, reviewer: podGone + ", or is being deleted for more than a minute"},
		{name: "nothing is wrong, as anybody may say", make: fine, via: insecurely},
		{name: "nothing is wrong, as somebody on the way says", make: fine, via: func(t *testing.T, l *lab, c *rest.Config) {
			through(func(l *lab) http.Handler { return proxy(l, func(*http.Request) {}) })(t, l, c)
			insecurely(t, l, c)
		}},
	}
}

// insecurely has no certificate of the server's verified.
func insecurely(_ *testing.T, _ *lab, c *rest.Config) { c.CAData, c.Insecure = nil, true }

// A server that lets nobody in who has no credential refuses none by that.
func TestDiagnoseNoAnonymous(t *testing.T) {
	t.Parallel()
	s := apiserver.Start(t, "--anonymous-auth=false")
	nobody := rest.AnonymousClientConfig(s.Admin())
	over := token.SourceFunc(func(context.Context) (token.Token, error) {
		return token.Token{}, token.Refused(errors.New("invalid_grant"))
	})
	for name, test := range map[string]struct {
		suspect string
		asker   *rest.Config
		certain []string
	}{
		"a good token":     {s.User("alice").BearerToken, nobody, nil},
		"an unknown token": {"not-a-token-of-this-server", nobody, nil},
		"a good token, and the asker's login over":     {s.User("alice").BearerToken, kube.Config(nobody, refresh.New(over)), []string{askerRefused}},
		"an unknown token, and the asker's login over": {"not-a-token-of-this-server", kube.Config(nobody, refresh.New(over)), []string{askerRefused}},
	} {
		unhurried(t, func() (wrong []string) {
			d := kube.Diagnose(t.Context(), kube.Suspect{Token: token.NewSecret(test.suspect)}, test.asker)
			t.Logf("%s:\n%v", name, d)
			if got := certainOf(d); len(got) != len(test.certain) || len(got) > 0 && got[0] != test.certain[0] {
				wrong = append(wrong, fmt.Sprintf("%s: this is certain:\n%v", name, d))
			}
			if unknown := test.suspect[:3] == "not"; unknown != (len(d.Findings) > len(test.certain)) {
				wrong = append(wrong, fmt.Sprintf("%s: found:\n%v", name, d))
			}
			return wrong
		})
	}
}
