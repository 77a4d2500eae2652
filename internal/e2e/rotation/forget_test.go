package rotation_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/tokenlife/tokenlife/internal/e2e/oidcprovider"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/introspect"
)

// TestForget is a logout: the issuer knows the newest refresh token no longer,
// and nobody presents one after it.
func TestForget(t *testing.T) {
	t.Parallel()
	s := oidcprovider.Start(t)
	i := issuerOf(s)
	first := s.Login(t, s.Basic)
	revoker := &introspect.Revoker{URL: s.URL + "/token/revocation", Auth: introspect.Basic(s.Basic.ID, s.Basic.Secret)}
	var revoked token.Secret
	r := &refresh.Rotator{
		Exchanger: i.exchanger(),
		Store:     &refresh.Dir{Path: filepath.Join(t.TempDir(), "store")}, Key: "e2e",
		Initial: refresh.Pair{Refresh: first.Refresh},
		Revoke: func(ctx context.Context, tok token.Secret) error {
			revoked = tok
			return revoker.Revoke(ctx, tok, "refresh_token")
		},
	}
	if _, err := r.Token(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.Forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Token(t.Context()); err == nil {
		t.Error("there is a token after the logout")
	}
	i.wantCount(t, count{Presented: 1, Different: 1, Exchanged: 1, Revoked: 1}) // by the logout
	if revoked.IsZero() || revoked.Equal(first.Refresh.Value) {
		t.Fatal("another refresh token was revoked than the newest")
	}
	i.wantOutcome(t, refresh.Pair{Refresh: token.Token{Value: revoked}}, refresh.Terminal, false)
}
