package main

import (
	"context"
	"errors"

	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// credentials are what to log in with, if somebody has said.
func (t *tool) credentials(context.Context) (rancher.Credentials, error) {
	c := rancher.Credentials{Provider: t.provider, Username: t.user, Password: t.asked}
	switch {
	case !t.mayLogin:
		return rancher.Credentials{}, errNoLogin
	case t.passwordFile != "":
		var err error
		if c.Password, err = readSecret("-password-file", t.passwordFile); err != nil {
			return rancher.Credentials{}, err
		}
	}
	return c, nil
}

// askUser has it log in from now on, and asks for what that takes.
func (t *tool) askUser(ctx context.Context) (err error) {
	t.mayLogin = true
	if t.user == "" {
		if t.user, err = ask(ctx, "user", "-user", false); err != nil {
			return err
		}
	}
	if t.passwordFile != "" {
		_, err := readSecret("-password-file", t.passwordFile)
		return err
	}
	if !t.asked.IsZero() {
		return nil
	}
	line, err := ask(ctx, "password of "+t.user, "-password-file", true)
	t.asked = token.NewSecret(line)
	return err
}

// first logs in, for a chain to begin with.
func (t *tool) first(ctx context.Context) (token.Token, error) {
	c, err := t.credentials(ctx)
	if err != nil {
		return token.Token{}, err
	}
	login, err := t.api.Login(ctx, c)
	if err != nil {
		return token.Token{}, err
	}
	t.session = login.Token.Value
	return login.Token, nil
}

// password stands where a Rotator wants a refresh token: what is exchanged for a
// token of 1.6 is a password, which is not kept.
var password = token.New(token.NewSecret("a password"))

// exchange logs in to 1.6.
func (t *tool) exchange(ctx context.Context, _ token.Secret) (refresh.Pair, error) {
	tok, err := t.v2beta.Token(ctx)
	if err != nil {
		return refresh.Pair{}, &refresh.ExchangeError{Outcome: refresh.Transient, Err: err}
	}
	return refresh.Pair{Access: tok, Refresh: password}, nil
}

// begin logs in, for what is kept from then on.
func (t *tool) begin(ctx context.Context) (token.Token, error) {
	rotator, ok := t.kept.(*refresh.Rotator)
	if !ok {
		return t.current(ctx)
	}
	tok, err := t.v2beta.Token(ctx)
	if err == nil {
		err = rotator.Replace(ctx, refresh.Pair{Access: tok, Refresh: password})
	}
	return tok, err
}

// login gets a token, unless there is one that is good.
func (t *tool) login(ctx context.Context) error {
	tok, err := t.current(ctx)
	if err == nil {
		p, err := t.api.Probe(ctx, tok.Value)
		if err != nil {
			return err
		}
		if p.Live {
			t.say("logged in already, as %s: log out first to be somebody else", who(p.User))
			return nil
		}
	}
	// The sources that have found nothing would wait before they try again.
	dead := tok
	next, err := newTool(ctx, t.server, t.options, t.out)
	if err != nil {
		return err
	}
	next.asked = t.asked
	if err := next.askUser(ctx); err != nil {
		return err
	}
	tok, err = next.begin(ctx)
	if err == nil && !dead.IsZero() && tok.Equal(dead) {
		next.kept.Invalidate(tok)
		tok, err = next.current(ctx)
	}
	if err != nil {
		return err
	}
	next.endSession(ctx)
	p, err := next.api.Probe(ctx, tok.Value)
	if err != nil {
		return err
	}
	t.say("logged in as %s: %s", who(p.User), t.describe(tok))
	return nil
}

// endSession ends the session of the login that a chain has begun with: what it
// made is good without it.
func (t *tool) endSession(ctx context.Context) {
	if t.session.IsZero() {
		return
	}
	if err := t.api.Logout(ctx, t.session); err != nil {
		t.say("the session of the login stays, to its end: %s", oneLine(err.Error()))
	}
	t.session = token.Secret{}
}

// renew replaces the token.
func (t *tool) renew(ctx context.Context) error {
	tok, err := t.current(ctx)
	if t.v2beta != nil {
		return t.loginAgain(ctx, tok)
	}
	if err != nil {
		return err
	}
	t.kept.Invalidate(tok)
	next, err := t.current(ctx)
	if err != nil {
		return err
	}
	if next.Equal(tok) {
		return errors.New("the token is the same as before: try again in a moment")
	}
	t.say("renewed: %s", t.describe(next))
	return nil
}

// loginAgain is the way to another token of 1.6.
func (t *tool) loginAgain(ctx context.Context, before token.Token) error {
	if err := t.askUser(ctx); err != nil {
		return err
	}
	next, err := t.begin(ctx)
	if err != nil {
		return err
	}
	if !before.IsZero() {
		if err := t.api.Logout(ctx, before.Value); err != nil {
			t.say("the token before stays, to its end: %s", oneLine(err.Error()))
		}
	}
	t.say("renewed: %s", t.describe(next))
	return nil
}
