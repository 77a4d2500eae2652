// Package rotation_test runs refresh.Rotator and oauth2adapt.Exchanger against
// servers that others wrote, whose refresh tokens are good once: of which one
// that comes again ends the login.
package rotation_test

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/tokenlife/tokenlife/internal/e2e/fosite"
	"github.com/tokenlife/tokenlife/internal/e2e/oidcprovider"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token/oauth2adapt"
)

// count is a server's own record.
type count = oidcprovider.Count

// An issuer is a server and its client.
type issuer struct {
	config oauth2.Config
	says   bool // of a token that was used before, that it was

	login  func(*testing.T) refresh.Pair
	count  func(*testing.T) count
	expire func(*testing.T, refresh.Pair) // makes a pair too old
}

// issuers start one each.
var issuers = map[string]func(*testing.T) issuer{
	"fosite": func(t *testing.T) issuer {
		s := fosite.Start(t)
		return issuer{
			config: s.Config,
			says:   true,
			login:  func(t *testing.T) refresh.Pair { return oauth2adapt.Pair(s.Login(t)) },
			count:  func(*testing.T) count { return count(s.Count()) },
			expire: func(t *testing.T, p refresh.Pair) { s.Expire(t, p.Refresh.Value.Reveal()) },
		}
	},
	"node-oidc-provider": func(t *testing.T) issuer { return issuerOf(oidcprovider.Start(t)) },
}

func issuerOf(s *oidcprovider.Server) issuer {
	return issuer{
		config: oauth2.Config{
			ClientID: s.Basic.ID, ClientSecret: s.Basic.Secret.Reveal(),
			Endpoint: oauth2.Endpoint{TokenURL: s.URL + "/token"},
		},
		login:  func(t *testing.T) refresh.Pair { return s.Login(t, s.Basic) },
		count:  func(t *testing.T) count { return s.Count(t) },
		expire: func(t *testing.T, _ refresh.Pair) { s.SetClock(t, 15*24*time.Hour) },
	}
}

// exchanger returns an Exchanger for i.
func (i issuer) exchanger() *oauth2adapt.Exchanger { return &oauth2adapt.Exchanger{Config: &i.config} }

// wantCount fails the test unless the server has counted want.
func (i issuer) wantCount(t *testing.T, want count) {
	t.Helper()
	if got := i.count(t); got != want {
		t.Errorf("the server counts %+v, want %+v", got, want)
	}
}

// keepsSecrets fails the test if err has a token or the client's secret in it.
func (i issuer) keepsSecrets(t *testing.T, err error, pairs ...refresh.Pair) {
	t.Helper()
	if strings.Contains(err.Error(), i.config.ClientSecret) {
		t.Error("the client's secret is in the error")
	}
	for _, p := range pairs {
		if strings.Contains(err.Error(), p.Refresh.Value.Reveal()) {
			t.Errorf("the refresh token is in the error")
		}
	}
}
