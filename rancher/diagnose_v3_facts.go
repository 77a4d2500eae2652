package rancher

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// facts asks the server for what can be known of a token. It changes nothing:
// everything that it sends is a GET.
func (c *V3) facts(ctx context.Context, s Suspect) *v3Facts {
	f := &v3Facts{
		form: v3Form(s.Token, serverURL(c.Server)),
		life: life{created: s.Created, granted: s.Lifetime, asked: s.Asked, from: "what is known here"},
		user: s.User,
		err:  s.Err,
	}
	if f.form.fault != nil {
		return f
	}
	if !f.life.known() && f.form.life.known() {
		f.life = f.form.life
	}
	suspect := token.Token{Value: s.Token}
	var a *answer
	f.probe, a = c.look(ctx, suspect, "/v3/users?me=true", "the token")
	f.clocks = clocks{received: time.Now()}
	if a != nil {
		f.clocks = a.clocks()
		f.userID, _ = userOf(a)
		f.probe.other = f.probe.status/100 == 2 && f.probe.auth == "" && f.userID == ""
	}
	if f.probe.away() || f.probe.csrf() {
		return f
	}
	var where string
	where, f.within = placeOf(s.URL, serverURL(c.Server))
	if where != "" {
		f.place, _ = c.look(ctx, suspect, where, "the token")
	}
	switch {
	case f.probe.refused():
		c.investigate(ctx, f, suspect)
		f.guess()
	case f.probe.accepted():
		as := &V3{Server: c.Server, Source: token.Static(suspect)}
		as.keep(ctx, f, f.form.ext)
		as.read(ctx, f, f.rule())
	default:
		f.server, _ = c.Server.Detect(ctx)
	}
	return f
}

// look asks for a path with a token.
func (c *V3) look(ctx context.Context, tok token.Token, path, with string) (seen, *answer) {
	plain, _, _ := strings.Cut(path, "?limit")
	return look(ctx, c.Server, "GET "+plain+" with "+with, call{
		op: "diagnose a token", method: http.MethodGet, path: path, most: longestList,
		present: func(r *http.Request) { c.Set(r, tok) },
	})
}

// investigate asks about a token that is refused: what anybody may know, and
// what another of its user's may.
func (c *V3) investigate(ctx context.Context, f *v3Facts, suspect token.Token) {
	f.server, _ = c.Server.Detect(ctx)
	if list, err := c.Providers(ctx); err == nil {
		f.providers = []string{}
		for _, p := range list {
			f.providers = append(f.providers, p.Name)
		}
	}
	if c.Source == nil {
		return
	}
	second, err := own(ctx, "V3", c.Source)
	switch {
	case err != nil:
		f.second = seen{what: "V3.Source", err: err}
		return
	case second.Equal(suspect):
		f.same = true
		return
	}
	f.sent = second.Value
	as := &V3{Server: c.Server, Source: token.Static(second)}
	var a *answer
	f.second, a = c.look(ctx, second, "/v3/users?me=true", "the token of V3.Source")
	if !f.second.accepted() {
		return
	}
	f.secondID, _ = userOf(a)
	if f.form.name != "" {
		as.keep(ctx, f, f.form.ext)
		if f.looked.status == http.StatusNotFound {
			as.keep(ctx, f, !f.form.ext)
			f.mistaken = f.record != nil
		}
		if f.record == nil {
			// That there is no such thing is also said where there are no such things
			// at all, and by whoever hides them.
			list := "/v3/tokens"
			if f.form.ext {
				list = extTokens.path("")
			}
			f.listed, _ = c.look(ctx, second, list+"?limit=1", "the token of V3.Source")
		}
	}
	as.read(ctx, f, maxSetting, sessionSetting, idleSetting, kubeconfigSetting)
	if f.record != nil && !f.mistaken {
		as.more(ctx, f, suspect)
	}
	as.askOwner(ctx, f)
}

// keep has f have the server's record of the token.
func (c *V3) keep(ctx context.Context, f *v3Facts, ext bool) {
	if f.form.name == "" {
		return
	}
	var t V3Token
	var err error
	if ext {
		t, err = c.GetExt(ctx, f.form.name)
	} else {
		t, err = c.Get(ctx, f.form.name)
	}
	looked := asSeen("GET "+recordPath(f.form.name, ext), err)
	if err == nil {
		f.record = &t
	}
	if err == nil || !f.looked.asked() {
		f.looked = looked
	}
}

// more asks for what explains a record.
func (c *V3) more(ctx context.Context, f *v3Facts, suspect token.Token) {
	r := f.record
	if !r.Enabled {
		if list, err := c.Tokens(ctx); err == nil {
			f.siblings = list
		}
		c.read(ctx, f, maxAgeSetting, resyncSetting)
	}
	if r.Cluster != "" {
		f.inside, _ = c.look(ctx, suspect, "/v3/clusters/"+url.PathEscape(r.Cluster), "the token")
	}
	if n, ok := f.server.minor(); ok && n >= 11 && !r.Derived && !r.Ext && !isKubeconfig(r.Name) {
		_, err := c.Activity(ctx, r.Name)
		f.activity = asSeen("GET "+extActivities.path(r.Name), err)
		f.deserted = errors.Is(err, ErrSessionIdle)
	}
}

// askOwner asks whether the user is disabled whom the token was made for. None
// but an administrator is told, of anybody else.
func (c *V3) askOwner(ctx context.Context, f *v3Facts) {
	id := f.user.ID
	if f.record != nil && f.record.UserID != "" {
		id = f.record.UserID
	}
	if id == "" || id == f.secondID || !isName(id) {
		return
	}
	own, err := own(ctx, "V3", c.Source)
	if err != nil {
		return
	}
	var a *answer
	f.owner, a = c.look(ctx, own, "/v3/users/"+url.PathEscape(id), "the token of V3.Source")
	if found, enabled := userOf(a); found == id && a.status == http.StatusOK {
		f.disabled = !enabled
	}
}

// read has f have settings.
func (c *V3) read(ctx context.Context, f *v3Facts, names ...string) {
	for _, name := range names {
		s, err := c.Setting(ctx, name)
		if err != nil {
			continue // one that this version has not, or that is not for this user to see
		}
		if f.settings == nil {
			f.settings = map[string]Setting{}
		}
		f.settings[name] = s
	}
}

// guess fills in how long the token was granted, if all that is known is how
// long it was asked for.
func (f *v3Facts) guess() {
	l := &f.life
	if f.record != nil || l.granted > 0 || l.asked <= 0 {
		return
	}
	l.granted, l.guessed, l.from = l.asked, true, "what was asked for"
	if most, ok := f.settings[f.rule()].minutes(); ok && most > 0 && most < l.asked {
		l.granted, l.from = most, "what the setting "+f.rule()+" allows now"
	}
}

// asSeen returns an error of the client as what was seen; nil is a 200.
func asSeen(what string, err error) seen {
	e, ok := errors.AsType[*Error](err)
	switch {
	case err == nil:
		return seen{what: what, status: http.StatusOK}
	case ok && e.Status != 0 && !errors.Is(err, ErrUnavailable) && !errors.Is(err, ErrNotRancher):
		return seen{what: what, status: e.Status, code: e.Code}
	}
	return seen{what: what, err: err}
}

// recordPath returns the path of what a server keeps of a token.
func recordPath(name string, ext bool) string {
	if ext {
		return extTokens.path(name)
	}
	return "/v3/tokens/" + name
}

// userOf reads a user, or a list that has one; enabled unless it says otherwise.
func userOf(a *answer) (id string, enabled bool) {
	if a == nil {
		return "", true
	}
	enabled = true
	r := a.reader()
	member := func(name string) {
		switch name {
		case "id":
			if t := text(&r); isName(t) {
				id = t
			}
		case "enabled":
			enabled = boolean(&r, true)
		}
	}
	for name := range r.Object() {
		if name != "data" {
			member(name)
			continue
		}
		for range r.Array() {
			if isObject(&r) {
				for name := range r.Object() {
					member(name)
				}
			}
		}
	}
	if r.End() != nil {
		return "", true
	}
	return id, enabled
}
