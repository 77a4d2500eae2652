package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/introspect"
	"github.com/tokenlife/tokenlife/token/oauth2adapt"
)

// A tool uses an API with a login that it shares with others of its kind.
type tool struct {
	config  *oauth2.Config
	store   *refresh.Dir
	rotator *refresh.Rotator
	source  *refresh.Source
	api     string

	// confirm does what the user must do for the device flow, or tells the user
	// to.
	confirm func(ctx context.Context, d *oauth2.DeviceAuthResponse) error

	mu  sync.Mutex // guards out, since events come from several goroutines
	out io.Writer
}

// newTool returns a tool that keeps its login in the folder dir, under the name
// given.
func newTool(r remote, dir, name string, out io.Writer) *tool {
	t := &tool{api: r.api, out: out}
	t.confirm = t.askUser
	t.config = &oauth2.Config{
		ClientID: r.client,
		Endpoint: oauth2.Endpoint{
			DeviceAuthURL: r.deviceEndpoint,
			TokenURL:      r.tokenEndpoint,
			AuthStyle:     oauth2.AuthStyleInParams,
		},
	}
	if r.scope != "" {
		t.config.Scopes = []string{r.scope}
	}
	t.store = &refresh.Dir{Path: filepath.Join(dir, "login")}
	t.rotator = &refresh.Rotator{
		Exchanger: &oauth2adapt.Exchanger{Config: t.config},
		Store:     t.store,
		Key:       name,
		OnEvent:   t.event,
	}
	if r.revocationEndpoint != "" {
		revoker := &introspect.Revoker{URL: r.revocationEndpoint, Auth: introspect.ClientID(r.client)}
		t.rotator.Revoke = func(ctx context.Context, refresh token.Secret) error {
			return revoker.Revoke(ctx, refresh, "refresh_token")
		}
	}
	return t
}

// use calls the API so many times, if asked to with another access token than the
// one that is there.
func (t *tool) use(ctx context.Context, calls int, force bool) error {
	if force {
		tok, err := t.source.Token(ctx)
		if err != nil {
			return err
		}
		t.source.Invalidate(tok)
	}
	client := &http.Client{Transport: &token.Transport{Source: t.source}, Timeout: 30 * time.Second}
	for range calls {
		text, err := t.get(ctx, client)
		if err != nil {
			return err
		}
		t.say("the API says: %s", text)
	}
	return nil
}

// get returns the beginning of what the API answers.
func (t *tool) get(ctx context.Context, client *http.Client) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, t.api, nil)
	if err != nil {
		return "", err
	}
	resp, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 200))
	if err == nil && resp.StatusCode == http.StatusUnauthorized {
		_, err = t.source.Token(ctx) // why there is no better one, if there is none
	}
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("the API answered %s", resp.Status)
	}
	return oneLine(string(text)), err
}

// logout ends the login.
func (t *tool) logout(ctx context.Context) error {
	_, none := t.rotator.Stored(ctx)
	if err := t.rotator.Forget(ctx); err != nil {
		return fmt.Errorf("the login may be good still: %w", err)
	}
	if errors.Is(none, token.ErrRefused) {
		t.say("not logged in")
		return nil
	}
	if t.rotator.Revoke == nil {
		t.say("logged out here; the issuer was not told, since there is no -revocation-endpoint")
		return nil
	}
	t.say("logged out")
	return nil
}

// event tells what became of the login.
func (t *tool) event(e refresh.Event) {
	switch e.Kind {
	case refresh.Refused, refresh.Failed, refresh.Died: // what comes of it is told
	case refresh.Exchanged:
		t.say("rotated: a new access token for %v, and a new refresh token", e.ExpiresIn.Round(time.Second))
	case refresh.Adopted:
		t.say("adopted what another process rotated")
	default:
		t.say("the login: %s", oneLine(e.String()))
	}
}

// say writes a line.
func (t *tool) say(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(t.out, format+"\n", args...)
}
