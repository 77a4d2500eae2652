package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// A tool works with a Rancher, and with the token that it keeps for it.
type tool struct {
	options
	server *rancher.Server
	api    rancher.API

	// kept gives the token that is kept, and replaces it when that is due: with
	// a login in 1.6, and in 2.x with the token itself.
	kept interface {
		token.Source
		token.Invalidator
	}
	v2beta *rancher.V2BetaSource // what logs in to 1.6; nil at 2.x

	// fresh gives the same, ahead of time.
	fresh *refresh.Source

	mayLogin bool         // with the credentials that there are
	asked    token.Secret // if a person has been asked
	session  token.Secret // of the login that a chain has begun with

	mu      sync.Mutex // guards what follows, since events come from several goroutines
	out     io.Writer
	live    bool   // out is a terminal
	drawn   string // the line that is drawn there
	telling bool   // what becomes of the token
}

// newTool returns a tool for the Rancher that is at a server.
func newTool(ctx context.Context, server *rancher.Server, o options, out io.Writer) (*tool, error) {
	api, err := server.Open(ctx)
	if err != nil {
		return nil, err
	}
	t := &tool{options: o, server: server, api: api, out: out, live: isTerminal(out)}
	store := &refresh.Dir{Path: filepath.Join(o.dir, "tokens")}
	key := strings.TrimRight(server.URL, "/")
	switch src := api.NewSource(t.credentials).(type) {
	case *rancher.V3Source:
		src.First = token.SourceFunc(t.first)
		src.Store, src.Key = store, key
		src.Lifetime, src.OnEvent = o.lifetime, t.told
		t.kept = src
	case *rancher.V2BetaSource:
		t.v2beta = src
		t.kept = &refresh.Rotator{Exchanger: refresh.ExchangerFunc(t.exchange), Store: store, Key: key, Timeout: 30 * time.Second, Lease: 40 * time.Second}
	}
	t.fresh = &refresh.Source{Base: t.kept, OnEvent: t.event}
	return t, nil
}

// errNoLogin is what there is where there is nothing, or nothing any more.
var errNoLogin = errors.New("no good token is kept here: the command login comes first")

// current returns the token that is kept.
func (t *tool) current(ctx context.Context) (token.Token, error) {
	tok, err := t.kept.Token(ctx)
	return tok, t.plain(err)
}

// plain returns what of err matters to whoever has run a command: errNoLogin, or
// what the server has said, without when the sources would try again.
func (t *tool) plain(err error) error {
	e, said := errors.AsType[*rancher.Error](err)
	switch {
	case errors.Is(err, errNoLogin), t.v2beta != nil && errors.Is(err, token.ErrRefused) && !said:
		return errNoLogin
	case said:
		return e
	}
	return err
}

// logout revokes what is kept, and forgets it.
func (t *tool) logout(ctx context.Context) error {
	tok, err := t.current(ctx)
	if errors.Is(err, errNoLogin) {
		t.say("not logged in")
		return nil
	}
	if err != nil && !errors.Is(err, token.ErrRefused) {
		return err
	}
	switch kept := t.kept.(type) {
	case *rancher.V3Source:
		err = kept.Close(ctx)
	case *refresh.Rotator:
		if err = t.api.Logout(ctx, tok.Value); err == nil {
			err = kept.Forget(ctx)
		}
	}
	if errors.Is(err, errNoLogin) {
		return errors.New("the server refuses the token, which is forgotten here: what was made on its way may be good to its end, unless you log in and out again")
	}
	if err != nil {
		return fmt.Errorf("the token may be good still: %w", t.plain(err))
	}
	t.say("logged out")
	return nil
}

// describe says which token it is and how long it lives.
func (t *tool) describe(tok token.Token) string {
	name := "a token"
	if b, err := rancher.ParseV3(tok.Value); err == nil && b.Name != "" {
		name = b.Name
	}
	if tok.ExpiresIn <= 0 {
		return name + ", for nobody knows how long"
	}
	return fmt.Sprintf("%s, for another %v", name, round(tok.ExpiresIn))
}

// round leaves off what nobody wants to read.
func round(d time.Duration) time.Duration {
	if d < time.Minute {
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Second)
}

// who names a user.
func who(u rancher.User) string {
	return oneLine(fmt.Sprintf("%s (%s)", cmp.Or(u.Login, u.Name, "somebody"), cmp.Or(u.ID, u.Principal, "of unknown id")))
}
