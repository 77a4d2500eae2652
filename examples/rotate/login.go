package main

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/oauth2"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/oauth2adapt"
)

// login has the user log in if nobody is, or no longer. Of several processes
// that find it so at once, one asks, and the others wait for that.
func (t *tool) login(ctx context.Context) error {
	// A new Source, since one that failed a moment ago would wait.
	t.source = refresh.New(t.rotator)
	if loggedIn, err := t.loggedIn(ctx); loggedIn || err != nil {
		return err
	}
	unlock, err := t.store.Lock(ctx, "login")
	if err != nil {
		return err
	}
	defer unlock()
	if loggedIn, err := t.loggedIn(ctx); loggedIn || err != nil {
		return err
	}
	pair, err := t.ask(ctx)
	if err != nil {
		return fmt.Errorf("logging in: %w", err)
	}
	if err := t.rotator.Replace(ctx, pair); err != nil {
		return err
	}
	t.say("logged in; the login is kept in %s", t.store.Path)
	return nil
}

// loggedIn reports whether there is a login that works. It says so.
func (t *tool) loggedIn(ctx context.Context) (bool, error) {
	_, err := t.rotator.Token(ctx)
	switch {
	case errors.Is(err, token.ErrRefused):
		return false, nil
	case err != nil:
		return false, err
	}
	t.say("using the login in %s", t.store.Path)
	return true, nil
}

// ask goes through the device flow.
func (t *tool) ask(ctx context.Context) (refresh.Pair, error) {
	d, err := t.config.DeviceAuth(ctx)
	if err != nil {
		return refresh.Pair{}, err
	}
	if err := t.confirm(ctx, d); err != nil {
		return refresh.Pair{}, err
	}
	tok, err := t.config.DeviceAccessToken(ctx, d)
	if err != nil {
		return refresh.Pair{}, err
	}
	pair := oauth2adapt.Pair(tok)
	if pair.Refresh.IsZero() {
		return refresh.Pair{}, errors.New("the issuer gave no refresh token; some want to be asked for one: -scope offline_access")
	}
	return pair, nil
}

// askUser tells the user what to do in a browser.
func (t *tool) askUser(_ context.Context, d *oauth2.DeviceAuthResponse) error {
	t.say("to log in, open %s and enter the code %s", d.VerificationURI, d.UserCode)
	return nil
}
