package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log"
	"time"

	"github.com/tokenlife/tokenlife/examples/internal/story"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/introspect"
)

const (
	// audience is what the server of the demonstration calls the API.
	audience = "https://api.example"

	// ttl is how long the API remembers that a token is good.
	ttl = 2 * time.Second
)

// none is no token at all.
var none token.Secret

// demonstrate sends good and bad tokens to an API, and tells out what it
// answers. It is an error if that is not as it must be.
func demonstrate(ctx context.Context, out io.Writer) error {
	issuer := &server{api: token.NewSecret(rand.Text()), app: token.NewSecret(rand.Text())}
	url, stop, err := story.Serve(issuer)
	if err != nil {
		return err
	}
	defer stop()
	app := &introspect.Revoker{URL: url + "/revoke", Auth: introspect.Basic("app", issuer.app)}

	s := story.New(ctx, out)
	start := func(secret token.Secret) (stop func() error, err error) {
		auth := introspect.Basic("api", secret)
		api, err := newAPI(url+"/introspect", auth, audience, ttl, log.New(&s.Log, "", 0))
		if err != nil {
			return nil, err
		}
		s.API, stop, err = story.Serve(api)
		return stop, err
	}
	stop, err = start(issuer.api)
	if err != nil {
		return err
	}
	defer stop()
	fmt.Fprintf(out, "The authorization server is %s, the API is %s.\n", url, s.API)

	s.Section("Good tokens")
	good := issuer.issue(audience, "notes:read", time.Hour)
	s.Get(200, "GET /hello", good)
	s.Post(201, "POST /notes, which needs notes:write", issuer.issue(audience, "notes:read notes:write", time.Hour))
	s.Post(403, "POST /notes without that scope", good)

	s.Section("Bad tokens")
	s.Get(401, "no token", none)
	s.Get(401, "made up", token.NewSecret(rand.Text()))
	s.Get(401, "expired an hour ago", issuer.issue(audience, "", -time.Hour))
	s.Get(401, "for another API", issuer.issue("https://another-api.example", "", time.Hour))

	s.Section("A token is revoked")
	revoked := issuer.issue(audience, "", time.Hour)
	s.Get(200, "not yet", revoked)
	if err := app.Revoke(ctx, revoked, "access_token"); err != nil && ctx.Err() == nil {
		return err
	}
	s.Get(200, "just now: the API remembers it", revoked)
	s.Wait(ttl)
	s.Get(401, fmt.Sprintf("%v later", ttl), revoked)

	s.Section("The server is down")
	s.Get(200, "a token the API has seen", good)
	issuer.setDown(true)
	s.Get(200, "the same, which it remembers", good)
	s.Get(503, "one it has not seen", issuer.issue(audience, "", time.Hour))
	s.Wait(ttl)
	s.Get(503, fmt.Sprintf("the first, %v later", ttl), good)

	s.Section("The server is up again")
	issuer.setDown(false)
	s.Get(200, "the same", good)

	s.Section("The API's own secret is wrong")
	stop, err = start(token.NewSecret("not the secret"))
	if err != nil {
		return err
	}
	defer stop()
	s.Get(503, "a good token, whose fault it is not", good)

	if err := s.End(); err != nil {
		return err
	}
	fmt.Fprintf(out, "The API had to ask the authorization server %d times.\n", issuer.count())
	return nil
}
