package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"time"

	gojwt "github.com/golang-jwt/jwt/v5"

	"github.com/tokenlife/tokenlife/examples/internal/story"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// audience is what the issuer of the demonstration calls the API.
const audience = "https://api.example"

// demonstrate sends good and bad tokens to an API, and tells out what it
// answers. It is an error if that is not as it must be.
func demonstrate(ctx context.Context, out io.Writer) error {
	iss := &issuer{}
	if err := iss.rotate(); err != nil {
		return err
	}
	url, stop, err := story.Serve(iss)
	if err != nil {
		return err
	}
	defer stop()
	iss.url = url

	s := story.New(ctx, out)
	start := func() (stop func() error, err error) {
		keys := &jwt.Remote{Issuer: iss.url}
		api, err := newAPI(iss.url, audience, keys, log.New(&s.Log, "", 0))
		if err != nil {
			return nil, err
		}
		s.API, stop, err = story.Serve(api)
		return stop, err
	}
	stop, err = start()
	if err != nil {
		return err
	}
	defer stop()
	fmt.Fprintf(out, "The issuer is %s, the API is %s.\n", iss.url, s.API)
	hour := func(n int) int64 { return time.Now().Add(time.Duration(n) * time.Hour).Unix() }

	s.Section("Good tokens")
	good := iss.mint(nil)
	s.Get(200, "GET /hello", good)
	s.Post(201, "POST /notes, which needs notes:write", iss.mint(gojwt.MapClaims{"scope": "notes:read notes:write"}))
	s.Post(403, "POST /notes without that scope", good)

	s.Section("Bad tokens")
	s.Get(401, "no token", none)
	s.Get(401, "expired three hours ago", iss.mint(gojwt.MapClaims{"iat": hour(-4), "exp": hour(-3)}))
	s.Get(401, "good in three hours", iss.mint(gojwt.MapClaims{"nbf": hour(3), "exp": hour(4)}))
	s.Get(401, "for another API", iss.mint(gojwt.MapClaims{"aud": "https://another-api.example"}))
	s.Get(401, "of another issuer", iss.mint(gojwt.MapClaims{"iss": "https://another-issuer.example"}))
	s.Get(401, "changed: says bob", tampered(good, "alice", "bob"))
	s.Get(401, "signed by a stranger", iss.strangers())
	s.Get(401, "not signed: alg none", iss.unsigned())
	s.Get(401, "HS256 with the public key as its secret", iss.confused())

	s.Section("The issuer replaces its key")
	if err := iss.rotate(); err != nil {
		return err
	}
	s.Get(200, "signed with the new key", iss.mint(nil))
	s.Get(401, "signed with the old one", good)

	s.Section("The issuer is down")
	good = iss.mint(nil)
	iss.setDown(true)
	s.Get(200, "signed with a key the API has", good)
	if err := iss.rotate(); err != nil {
		return err
	}
	newer := iss.mint(nil)
	s.Get(503, "signed with a key it has not seen", newer)
	stop, err = start()
	if err != nil {
		return err
	}
	defer stop()
	s.Get(503, "at an API that starts only now", newer)

	s.Section("The issuer is up again")
	iss.setDown(false)
	s.Wait(s.Later)
	s.Get(200, "the same, a moment later", newer)
	return s.End()
}
