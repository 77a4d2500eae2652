package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/rancher/ranchertest"
)

// demo plays the story with a Rancher of each kind, both at once.
func demo(ctx context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "ranchertoken-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Fprintln(out, "A Rancher 1.6 and a Rancher 2.x, both in this program; their tokens live for seconds.")
	lines := &lines{out: out}
	stories := []*story{storyOfV2Beta(filepath.Join(dir, "1.6")), storyOfV3(filepath.Join(dir, "2.x"))}
	var all sync.WaitGroup
	for _, s := range stories {
		s.ctx, s.out = ctx, lines
		all.Go(s.play)
	}
	all.Wait()
	steps := 0
	for _, s := range stories {
		steps += s.steps
		err = errors.Join(err, s.err)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return err
	}
	fmt.Fprintf(out, "All %d steps were as they must be.\n", steps)
	return nil
}

// storyOfV2Beta is that of 1.6, whose tokens live for 3 seconds.
func storyOfV2Beta(dir string) *story {
	fake := ranchertest.NewV2Beta()
	fake.AddUser("admin", demoPassword, "admin")
	fake.Set("api.auth.jwt.token.expiry", "3000")
	s := &story{name: "1.6", server: &rancher.Server{URL: fake.URL, HTTP: fake.Client()}, options: options{user: "admin", dir: dir}}
	s.play = func() {
		s.wrongPassword()
		s.run("log in", func(t *tool) error { return t.login(s.ctx) }, "logged in as admin", "for another")
		s.run("show", func(t *tool) error { return t.show(s.ctx) }, "v1.6.30", "api.auth.jwt.token.expiry is 3000")
		s.keepFresh("keep fresh, 3 s each", 9*time.Second, fake.URL+"/v2-beta/projects", func() int { return len(fake.Refused()) })
		s.step("the setting is raised to 1 h", func() (string, error) {
			// By then whatever keep had begun is over, and so is the token
			// before the last, which is never logged out before its time.
			select {
			case <-time.After(3 * time.Second):
			case <-s.ctx.Done():
			}
			fake.Set("api.auth.jwt.token.expiry", "3630000") // half a minute of it for a busy machine
			return "which counts for tokens that are made from now on", nil
		})
		s.run("renew", func(t *tool) error { return t.renew(s.ctx) }, "renewed: a token, for another 1h0m")
		s.diagnosed("a token that is refused", func() (rancher.Suspect, rancher.API, error) {
			fake.SetAccess("admin", false)
			t, err := s.tool(io.Discard)
			if err != nil {
				return rancher.Suspect{}, nil, err
			}
			tok, err := t.current(s.ctx)
			return rancher.Suspect{Token: tok.Value}, t.api, err
		}, "access")
		fake.SetAccess("admin", true)
		s.run("log out", func(t *tool) error { return t.logout(s.ctx) }, "logged out")
		s.empty(func() int { return fake.Live("admin") })
	}
	return s
}

// storyOfV3 is that of 2.x.
func storyOfV3(dir string) *story {
	fake := ranchertest.NewV3("v2.13.1")
	fake.AddUser("admin", demoPassword)
	fake.Set("auth-token-max-ttl-minutes", "60")
	s := &story{name: "2.x", server: &rancher.Server{URL: fake.URL, HTTP: fake.Client()}, options: options{user: "admin", dir: dir}}
	s.play = func() {
		s.wrongPassword()
		s.run("log in", func(t *tool) error { return t.login(s.ctx) },
			"asked for 24h0m0s, granted 1h0m0s", "auth-token-max-ttl-minutes", "logged in as admin")
		s.run("show", func(t *tool) error { return t.show(s.ctx) }, "v2.13.1", "auth-token-max-ttl-minutes is 60 (db)")
		fake.SetFault(fast)
		s.run("renew, on a fast clock", func(t *tool) error { return t.renew(s.ctx) }, "renewed: token-")
		s.keepFresh("keep fresh, 8 s each", 17*time.Second, fake.URL+"/v3/users?me=true", func() int { return len(fake.Refused()) })
		fake.SetFault(nil)
		s.diagnosed("a token that is refused", func() (rancher.Suspect, rancher.API, error) {
			t, err := s.tool(io.Discard)
			if err != nil {
				return rancher.Suspect{}, nil, err
			}
			with := &rancher.V3{Server: s.server, Source: t.kept}
			tok, made, err := with.Create(s.ctx, rancher.V3Request{Lifetime: time.Hour})
			if err != nil {
				return rancher.Suspect{}, nil, err
			}
			fake.DisableToken(made.Name)
			return rancher.Suspect{Token: tok.Value}, with, nil
		}, "disabled")
		s.run("log out", func(t *tool) error { return t.logout(s.ctx) }, "logged out")
		s.empty(func() (n int) {
			for _, t := range fake.Tokens() {
				if t.Enabled {
					n++
				}
			}
			return n
		})
	}
	return s
}

// fast has a Rancher 2.x, which counts its limits in minutes, grant seconds: an
// hour of a token's life takes 8 of them.
func fast(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Path == "/v3/tokens" {
			var asked map[string]any
			if body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20)); err == nil && json.Unmarshal(body, &asked) == nil {
				asked["ttl"] = (8 * time.Second).Milliseconds()
				body, _ = json.Marshal(asked)
				r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			}
		}
		h.ServeHTTP(w, r)
	})
}
