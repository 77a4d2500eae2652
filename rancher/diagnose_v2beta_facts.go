package rancher

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// facts asks the server for what can be known of a token. It changes nothing:
// everything that it sends is a GET.
func (c *V2Beta) facts(ctx context.Context, s Suspect) *v2betaFacts {
	f := &v2betaFacts{
		form:    v2betaForm(s.Token),
		life:    life{created: s.Created, granted: s.Lifetime, from: "what is known here"},
		err:     s.Err,
		project: c.Project,
	}
	if f.form.fault != nil {
		return f
	}
	cookie := func(r *http.Request) { setV2BetaCookie(r, s.Token.Reveal()) }
	var a *answer
	var t v2betaToken
	f.probe, t, a = c.ask(ctx, "the token", cookie)
	f.live, f.open, f.unprovided = t.isLive(), t.isOpen(), !t.hasProvider()
	f.another = f.live && !t.isOf(s.Token)
	f.clocks = clocks{received: time.Now()}
	if a != nil {
		f.clocks = a.clocks()
	}
	if errors.Is(f.probe.err, ErrNotRancher) || f.probe.status == http.StatusNotFound || f.probe.status == http.StatusUnauthorized && f.probe.code == "" {
		f.server, _ = c.Server.Detect(ctx)
	}
	switch {
	case f.probe.status != http.StatusOK || f.open || f.another:
	case f.live:
		c.try(ctx, f, s)
	case !f.unprovided:
		c.read(ctx, f)
	}
	f.expect()
	return f
}

// ask asks about a token, as its own cookie.
func (c *V2Beta) ask(ctx context.Context, what string, present func(*http.Request)) (s seen, t v2betaToken, a *answer) {
	s, a = look(ctx, c.Server, "GET /v2-beta/token with "+what, call{
		op: "diagnose a token", method: http.MethodGet, path: "/v2-beta/token", header: v2betaHeader(), present: present,
	})
	if s.status != http.StatusOK {
		return s, t, a
	}
	t, err := parseV2BetaTokens(a)
	if err != nil {
		s.err = a.unreadable(err)
		s.status = 0
	}
	return s, t, a
}

// isOf reports whether a live token is the one that was sent: it is repeated.
func (t v2betaToken) isOf(sent token.Secret) bool {
	echo, err := v2betaText(*t.JWT)
	text, err2 := v2betaText(sent)
	return err == nil && err2 == nil && token.NewSecret(echo).Equal(token.NewSecret(text))
}

// try uses a token that is live.
func (c *V2Beta) try(ctx context.Context, f *v2betaFacts, s Suspect) {
	var a *answer
	const projects = "/v2-beta/projects?limit=1"
	ask := call{op: "diagnose a token", method: http.MethodGet, path: projects, most: longestList}
	named := func(path, with string) string { return "GET " + strings.TrimSuffix(path, "?limit=1") + with }
	as := ask
	as.present = func(r *http.Request) { setV2BetaCookie(r, s.Token.Reveal()) }
	f.account, a = look(ctx, c.Server, named(projects, " with the token"), as)
	if a != nil && a.status == http.StatusUnauthorized && !f.account.foreign && f.account.code != "AuthProviderChanged" && a.header.Get("WWW-Authenticate") == "" {
		f.inactive = true
		f.nobody, a = look(ctx, c.Server, named(projects, " without a token"), ask)
		f.challenged = a != nil && a.status == http.StatusUnauthorized && a.header.Get("WWW-Authenticate") != ""
		return
	}
	where, _ := placeOf(s.URL, serverURL(c.Server))
	as.present = func(r *http.Request) { c.Set(r, token.Token{Value: s.Token}) }
	if c.Project != "" {
		f.confined, _ = look(ctx, c.Server, named(projects, " with the token"), as)
	}
	switch {
	case where != "":
		as.path = where
		f.place, _ = look(ctx, c.Server, named(where, " with the token"), as)
	case c.Project != "":
		f.place = f.confined
	}
	if where == "" && f.account.status/100 != 2 {
		f.place = f.account // better than nothing
	}
	if stale := jarred(c.Server); stale != "" && stale != s.Token.Reveal() {
		var t v2betaToken
		f.stale, t, _ = c.ask(ctx, "the cookie token that Server.HTTP has in its Jar", func(r *http.Request) { setV2BetaCookie(r, stale) })
		f.staleAlive = t.isLive()
	}
}

// read has f have the settings that say how long tokens live.
func (c *V2Beta) read(ctx context.Context, f *v2betaFacts) {
	if c.Source == nil {
		return
	}
	own, err := own(ctx, "V2Beta", c.Source)
	if err != nil {
		f.second = seen{what: "V2Beta.Source", err: err}
		return
	}
	f.sent = own.Value
	as := &V2Beta{Server: c.Server, Source: token.Static(own)}
	for _, name := range []string{v2betaExpiry, v2betaRestrict} {
		set, err := as.Setting(ctx, name)
		if err != nil {
			if !f.second.asked() {
				f.second = asSeen("GET /v2-beta/settings/"+name+" with the token of V2Beta.Source", err)
			}
			continue
		}
		if f.settings == nil {
			f.settings = map[string]Setting{}
		}
		f.settings[name] = set
	}
}

// expect weighs what is known here against the setting. A login that may not
// read the setting takes 16 hours for granted, and what is known here may be that.
func (f *v2betaFacts) expect() {
	now, known := f.settings[v2betaExpiry].milliseconds()
	switch l := &f.life; {
	case known && l.granted > 0 && nearly(now, l.granted):
		l.granted = now
	case known && (l.granted <= 0 || now < l.granted):
		l.granted, l.guessed, l.from = now, true, "the setting "+v2betaExpiry+" as it is now"
	case known:
		l.guessed = true
	case l.granted <= 0 || nearly(l.granted, v2betaLifetime):
		l.granted, l.guessed, l.from = v2betaLifetime, true, "the default of "+v2betaExpiry
	}
}

// jarred returns the cookie called token, in any case, that a jar of the client
// puts on requests; empty if there is none.
func jarred(s *Server) string {
	u, err := s.address()
	if err != nil || s.HTTP == nil || s.HTTP.Jar == nil {
		return ""
	}
	u.Path += "/v2-beta"
	for _, c := range s.HTTP.Jar.Cookies(u) {
		if strings.EqualFold(c.Name, "token") && c.Value != "" {
			return c.Value
		}
	}
	return ""
}
