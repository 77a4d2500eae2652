package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/oauth2"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/oauth2adapt"
)

// signIn has the user log in, because of why, unless that is done already, or under
// way, in another process: then it waits for what comes of it. So one kubectl of many
// opens a browser.
//
// A login is the user's, and outlives a kubectl that is killed without this program:
// the page in the browser is still good, and the next kubectl says where it is. But
// for a kubectl that has ended none is begun.
func (g *getter) signIn(ctx context.Context, why error) error {
	began := time.Now()
	unlock, err := g.turn(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	inTime, cancel := context.WithTimeout(ctx, g.loginTimeout)
	defer cancel()
	if _, err := g.stored(inTime); !errors.Is(err, token.ErrRefused) {
		return err // nil, if another was faster
	}
	if err := g.failedSince(inTime, began); err != nil {
		return err
	}
	if g.parent != parentProcess() {
		return errors.New("the kubectl that a login is needed for has ended")
	}
	g.say("%s: log in at %s", g.reason(inTime, why), brief(g.Issuer))
	defer g.untell(ctx)
	pair, err := g.ask(inTime)
	if ctx.Err() != nil {
		return errors.New("interrupted") // which concerns nobody who waits
	}
	if err != nil && inTime.Err() != nil {
		err = fmt.Errorf("nobody has logged in within %v: try again", g.loginTimeout)
	}
	if err != nil {
		err = fmt.Errorf("logging in at %s: %w", brief(g.Issuer), err)
		g.fail(ctx, err)
		return err
	}
	if err := g.keep(ctx, pair); err != nil {
		return fmt.Errorf("the login was good, but cannot be kept: %w", err)
	}
	g.say("logged in")
	return nil
}

// turn waits until no other process has a login open.
func (g *getter) turn(ctx context.Context) (done func(), err error) {
	inTime, cancel := context.WithTimeout(ctx, g.loginTimeout)
	defer cancel()
	patience := time.AfterFunc(time.Second, func() { g.say("waiting for the login that another kubectl has open%s", g.told(inTime)) })
	defer patience.Stop()
	done, err = g.store.Lock(inTime, "login/"+g.Key)
	if err != nil && inTime.Err() != nil {
		err = fmt.Errorf("another kubectl-login has a login at %s open, which nobody has finished within %v: finish it, or end that kubectl-login, and try again", brief(g.Issuer), g.loginTimeout)
	}
	return done, err
}

// reason says why there has to be a login.
func (g *getter) reason(ctx context.Context, err error) string {
	all, _ := g.store.accounts(ctx)
	switch {
	case errors.Is(err, refresh.ErrReused):
		return "the login has been ended, since its refresh token was used twice: by a copy of it, or of the folder that it is kept in"
	case errors.Is(err, refresh.ErrLost):
		return "the login was lost on the way from the issuer"
	case slices.ContainsFunc(all, func(a account) bool { return a.Key == g.Key }):
		return "the issuer has ended the login"
	}
	return "there is no login for this cluster yet"
}

// ask goes through a login, and returns what it brings if the ID token is good.
func (g *getter) ask(ctx context.Context) (refresh.Pair, error) {
	p, config, err := g.discover(ctx)
	if err != nil {
		return refresh.Pair{}, err
	}
	hasCode, hasDevice := p.Endpoint.AuthURL != "", p.Endpoint.DeviceAuthURL != ""
	byDevice := g.device || !g.browser && hasDevice && !(hasCode && hasBrowser())
	switch {
	case byDevice && !hasDevice:
		return refresh.Pair{}, errors.New("the issuer has no device flow: leave -device out")
	case byDevice:
		return g.askDevice(ctx, config)
	case !hasCode:
		return refresh.Pair{}, errors.New("the issuer has no authorization endpoint, to which a browser could be sent: leave -browser out, or ask whoever runs it")
	}
	return g.askBrowser(ctx, p, config)
}

// accept returns the pair that a login has brought, once its ID token is known to be
// the issuer's, for this client, and for this login, if that has sent a nonce.
func (g *getter) accept(ctx context.Context, tok *oauth2.Token, nonce string) (refresh.Pair, error) {
	pair, err := oauth2adapt.IDTokenPair(tok)
	if err != nil {
		return refresh.Pair{}, err
	}
	if err := g.verify(ctx, pair.Access.Value, nonce); err != nil {
		return refresh.Pair{}, err
	}
	if pair.Refresh.IsZero() {
		return refresh.Pair{}, errors.New("the issuer gave no refresh token: is offline_access among -scopes, and may the client have it?")
	}
	return pair, nil
}

// keep puts a login into the list, and then its pair into the store, so that there is
// none that status and logout do not find. A logout in between takes it off the list.
func (g *getter) keep(ctx context.Context, pair refresh.Pair) error {
	if err := g.store.list(ctx, g.account); err != nil {
		return err
	}
	if err := g.rotator.Replace(ctx, pair); err != nil {
		return err
	}
	return g.store.list(ctx, g.account)
}

// A failure is what the store has under "failed/" of the last login that failed, for
// those who have waited for it: they are not to begin another each.
type failure struct {
	At  time.Time `json:"at"`
	Why string    `json:"why"`
}

// fail notes that a login has failed. If it cannot be noted, the next in line asks
// again.
func (g *getter) fail(ctx context.Context, why error) {
	_ = g.store.update(ctx, "failed/"+g.Key, func([]byte) ([]byte, time.Time, error) {
		now := time.Now()
		raw, err := json.Marshal(failure{now, brief(why.Error())})
		return raw, now.Add(time.Hour), err
	})
}

// failedSince returns an error if a login has failed since then. One that is to fail in
// the future is of a clock that has been put back.
func (g *getter) failedSince(ctx context.Context, began time.Time) error {
	raw, err := g.store.Get(ctx, "failed/"+g.Key)
	var f failure
	if err != nil || json.Unmarshal(raw, &f) != nil || f.At.Before(began) || f.At.After(time.Now()) {
		return nil
	}
	return fmt.Errorf("another kubectl-login has asked for a login meanwhile, and got none: %s", brief(f.Why))
}
