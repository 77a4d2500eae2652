package main

import (
	"cmp"
	"context"
	"errors"

	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/token"
)

// show says what is kept.
func (t *tool) show(ctx context.Context) error {
	product, err := t.server.Detect(ctx)
	if err != nil {
		return err
	}
	tok, err := t.current(ctx)
	if err != nil {
		return err
	}
	p, err := t.api.Probe(ctx, tok.Value)
	if err != nil {
		return err
	}
	if !p.Live {
		return errors.New("the token that is kept is refused: the command diagnose says why")
	}
	t.say("server   %s, Rancher %s", t.server.Origin(), cmp.Or(product.Version, "of a version that it does not tell"))
	t.say("user     %s", who(p.User))
	t.say("token    %s", t.describe(tok))
	for _, name := range limits[product.V2Beta] {
		t.setting(ctx, name, tok)
	}
	return nil
}

// limits are the settings that say how long tokens live.
var limits = map[bool][]string{
	true:  {"api.auth.jwt.token.expiry"},
	false: {"auth-user-session-ttl-minutes", "auth-token-max-ttl-minutes"},
}

// setting says what a setting is.
func (t *tool) setting(ctx context.Context, name string, tok token.Token) {
	s, err := t.as(token.Static(tok)).Setting(ctx, name)
	switch {
	case errors.Is(err, rancher.ErrNotFound), errors.Is(err, rancher.ErrForbidden):
		t.say("setting  %s may not be read by this user", name)
	case err != nil:
		t.say("setting  %s cannot be read: %s", name, oneLine(err.Error()))
	default:
		t.say("setting  %s is %s (%s)", name, oneLine(s.Value), cmp.Or(oneLine(s.Source), "of unknown source"))
	}
}

// as returns a client whose calls are made with the tokens of src.
func (t *tool) as(src token.Source) interface {
	rancher.API
	Setting(ctx context.Context, name string) (rancher.Setting, error)
} {
	if t.v2beta != nil {
		return &rancher.V2Beta{Server: t.server, Source: src}
	}
	return &rancher.V3{Server: t.server, Source: src}
}

// diagnose says why a token is refused.
func (t *tool) diagnose(ctx context.Context) error {
	tok, err := t.current(ctx)
	api := t.api
	suspect := rancher.Suspect{Token: tok.Value, Created: tok.IssuedAt}
	if !tok.IssuedAt.IsZero() && !tok.Expiry.IsZero() {
		suspect.Lifetime = tok.Expiry.Sub(tok.IssuedAt)
	}
	if t.tokenFile != "" {
		if suspect.Token, err = readSecret("-token-file", t.tokenFile); err != nil {
			return err
		}
		suspect = rancher.Suspect{Token: suspect.Token}
		api = t.as(t.kept) // which can ask about it
	}
	if err != nil {
		return err
	}
	t.say("%s", api.Diagnose(ctx, suspect))
	return nil
}
