package kube

import (
	"context"
	"sync"
	"time"

	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/token"
)

// An answer is yes, no, or not known.
type answer int

const (
	maybe answer = iota
	yes
	no
)

// facts are what is known of a token.
type facts struct {
	suspect   Suspect
	audiences []string // whom it is presented to; none is the API server
	info      token.Info
	fault     *token.Finding // its text can be no token
	life      life
	clocks    readings

	asks    bool   // there is a server to ask
	unsure  bool   // and anybody on the way there may have answered
	setUp   error  // why nothing could be asked
	exposed string // an address at which others could read what is asked
	self    bool   // the asker's credential is the token itself
	asker   answer // whether the asker has a credential
	reach   reached
	probe   presented
	review  reviewed
	access  permitted

	account looked // its service account
	object  looked // what it is bound to
	secret  legacySecret
	server  discovered
	keys    published
	ours    answer // whether this server has signed it, by all of these
}

// gather finds out what can be known of a token. It changes nothing.
func gather(ctx context.Context, s Suspect, server *rest.Config) *facts {
	f := &facts{suspect: s, audiences: s.Audiences, clocks: readings{received: time.Now()}}
	f.info, f.fault = formFault(s.Token)
	if f.fault != nil {
		return f
	}
	f.life = lifeOf(f.info)
	if other := otherKind(f.info); server == nil || other != nil && other.Certain {
		return f
	}
	f.asks = true
	nobody := newAsker("without the token", barren(server), &below{token: s.Token})
	if nobody.err != nil {
		f.setUp = nobody.err
		return f
	}
	if inClear(nobody.base, server) {
		f.exposed = origin(nobody.base)
		return f
	}
	f.reach = reach(ctx, nobody)
	f.self = nobody.below.refused.Load()
	if around := f.reach.seen; around.here && server.WrapTransport != nil {
		c := barren(server)
		c.WrapTransport = nil
		f.reach = reach(ctx, newAsker(nobody.who+" and without WrapTransport", c, &below{token: s.Token}))
		f.reach.around = around
	}
	f.unsure = server.Insecure && nobody.base.Scheme == "https" && f.reach.status != 0
	if f.reach.away() != nil {
		return f
	}
	f.ask(ctx, server)
	switch {
	case f.reach.api:
		f.clocks = f.reach.clocks
	case f.review.known: // that of the first answer is the clock of something else
		f.clocks = f.review.clocks
	}
	return f
}

// ask asks about the token and with it, and about what it hangs on.
func (f *facts) ask(ctx context.Context, server *rest.Config) {
	with := newAsker("with the token", bearing(server, f.suspect.Token), &below{token: f.suspect.Token, with: true})
	f.self = f.self || server.BearerToken == f.suspect.Token.Reveal()
	by, credential := who(server, f.self)
	f.asker = credential
	about := newAsker(by, credentialOf(server), nil)

	var wg sync.WaitGroup
	if len(f.audiences) == 0 {
		wg.Go(func() { f.probe = presentWith(ctx, with) })
	}
	wg.Go(func() { f.review = reviewWith(ctx, about, f.suspect) })
	if f.info.Format == token.JWT {
		wg.Go(func() { f.server = discover(ctx, about) })
	}
	a := f.info.ServiceAccount
	if isName(a.Namespace) && isName(a.Name) { // only service accounts' tokens have them
		in := "/api/v1/namespaces/" + a.Namespace
		wg.Go(func() { f.keys = keysOf(ctx, about) })
		patience := leeway
		if f.legacy() {
			patience = 0
		}
		wg.Go(func() { f.account = lookAt(ctx, about, in+"/serviceaccounts/"+a.Name, a.UID, patience) })
		if _, path, uid := f.bound(); path != "" {
			wg.Go(func() { f.object = lookAt(ctx, about, path, uid, leeway) })
		}
		if f.legacy() && isName(a.Secret.Name) {
			wg.Go(func() { f.secret = lookAtSecret(ctx, about, in+"/secrets/"+a.Secret.Name, f.suspect.Token) })
		}
	}
	wg.Wait()
	f.ours = f.origin()
	if want, known := f.suspect.wanted(); known && f.presentable() {
		f.access = mayI(ctx, with, want)
	}
}
