package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tokenlife/tokenlife/kube/execcred"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// longestWait bounds how long kubectl waits for what needs nobody at the keyboard.
const longestWait = time.Minute

// getToken answers the kubectl that has run this program.
func (o options) getToken(ctx context.Context, stdout, stderr io.Writer) error {
	req, err := execcred.ReadRequest()
	if err != nil {
		return err
	}
	if req.Cluster == nil || req.Cluster.Server == "" {
		return errors.New("nobody says which cluster the token is for: kubectl does, with provideClusterInfo: true beside the command in the kubeconfig, as kubectl-login setup prints it")
	}
	g, err := o.newGetter(req.Cluster, stderr)
	if err != nil {
		return err
	}
	defer g.store.close() // kubectl waits for the end of this program in any case
	tok, err := g.token(ctx)
	if err != nil {
		return err
	}
	return req.Answer(stdout, tok) // at once: it says what tok has left now
}

// A getter gets the token of a login, and logs in if it must.
type getter struct {
	*login
	options
	stderr io.Writer
	parent string // process
}

func (o options) newGetter(c *execcred.Cluster, stderr io.Writer) (*getter, error) {
	issuerCA, err := readCA(o.ca)
	if err != nil {
		return nil, err
	}
	l := newLogin(account{
		Key:        keyOf(o, c, issuerCA),
		Issuer:     o.issuer,
		ClientID:   o.clientID,
		Scopes:     o.scopes,
		Cluster:    c.Server,
		SecretFile: o.secretFile,
		CA:         o.ca,
	}, openStore(o.cache), issuerCA)
	g := &getter{login: l, options: o, stderr: stderr, parent: parentProcess()}
	l.rotator.OnEvent = g.event
	return g, nil
}

// token returns the token of the login that is kept, or of a new one if there is none,
// or it has ended. Nothing else is a reason to log in: a network that is down, or an
// issuer that is, comes back.
func (g *getter) token(ctx context.Context) (token.Token, error) {
	g.heal(ctx)
	tok, err := g.stored(ctx)
	if errors.Is(err, token.ErrRefused) {
		if err := g.signIn(ctx, err); err != nil {
			return token.Token{}, err
		}
		tok, err = g.stored(ctx)
	}
	if err != nil {
		return token.Token{}, g.later(err)
	}
	g.hand(ctx, tok)
	return tok, nil
}

// stored returns the token of the login that is kept.
func (g *getter) stored(ctx context.Context) (token.Token, error) {
	ctx, cancel := context.WithTimeout(ctx, longestWait)
	defer cancel()
	return g.rotator.Token(ctx)
}

// later returns the error of a token that could not be had now. A Rotator's says when it
// would try again, which is for programs that stay.
func (g *getter) later(err error) error {
	if e, ok := errors.AsType[*refresh.ExchangeError](err); ok {
		return fmt.Errorf("no new token could be had at %s, and the login is kept for when it can: %w", brief(g.Issuer), e)
	}
	return err
}

// event tells what somebody should know of, and what no error says.
func (g *getter) event(e refresh.Event) {
	switch e.Kind {
	case refresh.Unsaved, refresh.RolledBack:
		g.say("%v: %s", e.Kind, cut(explain(e.Err), 2000))
	}
}

// say writes a line for the user. Standard output is kubectl's.
func (g *getter) say(format string, args ...any) {
	fmt.Fprintf(g.stderr, "kubectl-login: "+format+"\n", args...)
}
