package oauth2adapt_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"golang.org/x/oauth2"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/oauth2adapt"
)

// A login whose ID token is for a Kubernetes API server, kept fresh.
func ExampleDiscover() {
	// id stands for an ID token, which an issuer signs.
	id := func(subject string, life time.Duration) string {
		enc := base64.RawURLEncoding.EncodeToString
		now := time.Now()
		return enc([]byte(`{"alg":"RS256"}`)) + "." + enc(fmt.Appendf(nil, `{"sub":%q,"iat":%d,"exp":%d}`, subject, now.Unix(), now.Add(life).Unix())) + ".c2lnbmF0dXJl"
	}
	mux := http.NewServeMux()
	issuer := httptest.NewServer(mux)
	defer issuer.Close()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"token_endpoint":%q}`, issuer.URL, issuer.URL+"/token")
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"access_token":"a2","refresh_token":"r2","id_token":%q}`, id("mira", time.Hour))
	})

	ctx := context.Background()
	provider, err := oauth2adapt.Discover(ctx, nil, issuer.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	config := &oauth2.Config{ClientID: "kubectl", Endpoint: provider.Endpoint, Scopes: []string{"openid", "offline_access"}}

	// What config.Exchange or config.DeviceAccessToken brought, so long ago that the ID token has ended.
	tok := (&oauth2.Token{AccessToken: "a1", RefreshToken: "r1"}).WithExtra(map[string]any{"id_token": id("mira", -time.Hour)})
	pair, err := oauth2adapt.IDTokenPair(tok)
	if err != nil {
		fmt.Println(err)
		return
	}
	rotator := &refresh.Rotator{
		Exchanger: &oauth2adapt.Exchanger{Config: config, IDToken: true},
		Store:     new(refresh.Memory), Key: "kubectl", // a *refresh.Dir, to keep the login between runs
		Initial: pair,
	}
	t, err := rotator.Token(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	info, err := token.Inspect(t.Value)
	fmt.Println(info.Format, "of", info.Claims.Subject, "for", t.ExpiresIn.Round(time.Minute), err)
	// Output: JWT of mira for 1h0m0s <nil>
}
