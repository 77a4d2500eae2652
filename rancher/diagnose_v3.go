package rancher

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/tokenlife/tokenlife/internal/foreign"
	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/token"
)

// Diagnose says why a token is refused, and what to change.
//
// What can be told from its text and from s is told without asking. Then the
// server is asked, by GET and nothing else, about the token and with it, and, if
// it is refused, about its record, with another token of the same user, which
// c.Source supplies: Rancher itself answers every refusal with the same 401.
// Without a Source more than one cause is left, and what is said is what is
// likely.
//
// The Source is asked once, and only about a token that is refused; whether it
// gets a new one for that is its own affair. A diagnosis takes a minute at most,
// whatever the context allows. Of the token only its name is in what it returns.
//
// A finding is Certain if it is Rancher that has said so, and no other cause explains it
// as well. None is if the server's certificate is not verified, if it is asked over
// http, or if a cache has answered.
func (c *V3) Diagnose(ctx context.Context, s Suspect) (d token.Diagnosis) {
	defer recovered(&d)
	if c == nil {
		c = new(V3)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, diagnosisTime, lateError{diagnosisTime, "which is all that a diagnosis takes"})
	defer cancel()
	f := c.facts(ctx, s)
	d = diagnosisOf(c.Server, f.findings(), f.probe, f.place, f.second, f.inside, f.owner)
	return d.Redact(keyOf(s.Token), keyOf(f.sent), c.Server.proxyPassword())
}

// recovered makes a finding of a panic of somebody else's code.
func recovered(d *token.Diagnosis) {
	if v := recover(); v != nil {
		*d = token.Diagnosis{Findings: []token.Finding{likely("the diagnosis itself has failed, which says nothing of the token",
			"mend what panics", saw("Diagnose", "%v", panics.Error("what it called", v)))}}
	}
}

// v3Facts are what is known of a token of 2.x.
type v3Facts struct {
	form   form
	life   life
	user   User  // whom it was made for; what is empty is not known
	err    error // what a call with it has failed with
	clocks clocks

	server Product // what the server says that it is
	probe  seen    // the token, asking who its user is
	userID string  // the id of that user
	place  seen    // the token, asking for what it was refused for
	within string  // the cluster which that belongs to

	// What a second credential has found out.
	sent     token.Secret // that credential
	second   seen         // that credential, asking who its user is
	secondID string       // the id of that user
	same     bool         // it is the token itself
	record   *V3Token     // what the server keeps of the token
	looked   seen         // how record was asked for
	listed   seen         // a list of such tokens, asked for if there is no record
	mistaken bool         // record is of an ext token though the text says otherwise, or the reverse
	siblings []V3Token
	activity seen // the UserActivity of a session
	deserted bool // which says that nobody was active
	owner    seen // the user whom it was made for
	disabled bool // that user is disabled
	inside   seen // the token, asking for the cluster that it is confined to

	providers []string // those that are enabled; nil if that is not known
	settings  map[string]Setting
}

// findings decides what the facts mean.
func (f *v3Facts) findings() []token.Finding {
	if f.record != nil {
		f.life = f.recorded()
	}
	switch p := f.probe; {
	case f.form.fault != nil:
		return []token.Finding{*f.form.fault}
	case p.csrf():
		return []token.Finding{csrf(p.evidence())}
	case p.away():
		return f.unreached()
	case f.server.V2Beta && p.auth == "": // otherwise there are two of them behind one name
		old := likely("the server is Rancher 1.6, and is asked as a Rancher 2.x", "use V2Beta, and a token that it has given out; Server.Open finds out which Rancher there is",
			p.evidence(), saw("GET /v2-beta/token", "answered as by Rancher 1.6"))
		old.Certain = p.code != "" // of a refusal 2.x says none
		return []token.Finding{old}
	case p.refused():
		return f.refusal()
	case p.accepted() && f.replaced():
		return []token.Finding{likely("what the server accepts is not this token: another user's credential is on the request in its place, or another's answer came back",
			"find out what puts it there: a Transport of Server.HTTP, or a proxy on the way; or whether a cache answers", p.evidence(),
			saw("the user who is accepted", "%s", orUnknown(f.userID)), saw("the user of the token", "%s", orUnknown(foreign.Brief(f.user.ID, 60))), f.looked.evidence())}
	case p.accepted():
		return f.acceptance()
	}
	return []token.Finding{likely("the server has said nothing of the token: it is perhaps no Rancher 2.x", "set Server.URL to where Rancher is, without the path of an API; Server.Detect says what is there", f.probe.evidence())}
}

// unreached is what there is to say where nobody has looked at the token.
func (f *v3Facts) unreached() []token.Finding {
	d := []token.Finding{away(f.probe)}
	if ended := f.life.finding(f.clocks, renew3); ended != nil {
		ended.Certain = false // who knows whose clock that is
		d = append(d, *ended)
	}
	return d
}

// replaced reports whether the server has accepted somebody else than the user of
// the token. To the token itself its record is always shown.
func (f *v3Facts) replaced() bool {
	opaque := f.form.name != "" && !f.form.ext && !f.form.life.known()
	return f.user.ID != "" && f.userID != "" && f.user.ID != f.userID ||
		opaque && f.probe.status == http.StatusOK && f.looked.status == http.StatusNotFound
}

const renew3 = "make another token, and have one that is renewed ahead of that (V3Source)"

// acceptance is what there is to say of a token that the server accepts.
func (f *v3Facts) acceptance() (d []token.Finding) {
	switch p := f.place; {
	case !p.asked():
	case p.csrf():
		d = append(d, csrf(f.probe.evidence(), p.evidence()))
	case p.refused(), p.status == http.StatusUnauthorized && !p.away():
		d = append(d, likely("the token is good, and what answers at this URL does not take it: a cluster's own endpoint, which knows a token only some time after it is made and by the cluster's own clock, or a proxy that takes the header Authorization off",
			"ask Rancher's own URL for the cluster (/k8s/clusters/ID), or look at what is between here and there", f.probe.evidence(), p.evidence()))
	case p.away():
		d = append(d, silent(p, f.probe.evidence()))
	case p.status == http.StatusForbidden:
		may := forbidden(f.probe.evidence(), p.evidence())
		may.Certain = p.auth == f.probe.auth // the same has answered
		d = append(d, may)
	case p.status == http.StatusNotFound:
		d = append(d, likely("the token is good: there is no such thing at this URL, or its user may not see it, which Rancher answers alike",
			"correct the URL, or have the user given a role in that cluster or project", f.probe.evidence(), p.evidence()))
	case p.status/100 != 2:
		d = append(d, likely("the token is good: it is the request that the server does not take", "correct the request", f.probe.evidence(), p.evidence()))
	}
	if len(d) == 0 {
		d = append(d, blamed(f.err, f.probe.evidence())...)
	}
	if f.life.at(f.clocks.now()) == ending {
		d = append(d, *f.life.finding(f.clocks, renew3))
	}
	if f.clocks.astray() {
		d = append(d, f.clocks.finding())
	}
	return append(d, f.shortened()...)
}

// forbidden is the finding that a good token's user may not do something.
func forbidden(evidence ...token.Evidence) token.Finding {
	return likely("the token is good, and its user may not do this: it is permission that is missing rather than authentication",
		"have the user given a global role, or a role in that cluster or project, that permits it; another token of the same user fares no better", evidence...)
}

// blamed is what the error of a call says, of a token that the server accepts
// now.
func blamed(err error, accepted token.Evidence) []token.Finding {
	said := func() token.Evidence { return saw("the call that failed", "%s", why(err)) }
	switch {
	case err == nil:
	case errors.Is(err, ErrCSRF):
		missed := csrf(accepted, said())
		missed.Certain = true
		return []token.Finding{missed}
	case errors.Is(err, ErrForbidden) && statusOf(err) == http.StatusUnauthorized:
		return []token.Finding{likely("the token is good, and is not taken for this: before 2.15 none of ext.cattle.io (ext/…) is where the others are made and listed", "use another token for this", accepted, said())}
	case errors.Is(err, ErrForbidden):
		return []token.Finding{forbidden(accepted, said())} // or an admission refused what was sent
	case errors.Is(err, ErrUnavailable), errors.Is(err, ErrNotRancher), errors.Is(err, context.DeadlineExceeded):
		return []token.Finding{likely("the token is good: the server, or a proxy before it, was away when the call failed", "try again; if it happens often, look at what is between here and there", accepted, said())}
	case errors.Is(err, ErrNotAuthenticated):
		return []token.Finding{likely("the token is good now: the server refused it for a moment, as Rancher does while its own store cannot be read",
			"try again; a V3Source and the Transport ask a second time before they give a token up", accepted, said())}
	}
	return nil
}

// shortened says that the token's life was, or will be, shorter than asked for,
// and why.
func (f *v3Facts) shortened() []token.Finding {
	s, known := f.settings[f.rule()]
	granted, _ := s.minutes()
	switch {
	case f.life.clamped():
		s.Name = f.rule()
		cause := "the token lives shorter than asked for: the server shortens lives to its maximum without a word"
		if s.Name == sessionSetting {
			cause = "the token lives shorter than asked for: what a login asks for is not looked at"
		}
		evidence := []token.Evidence{saw("its life by "+f.life.from, "%v of the %v that were asked for", f.life.granted, f.life.asked)}
		if known {
			evidence = append(evidence, s.evidence())
		}
		short := likely(cause, s.mend()+", or ask for less and renew it (V3Source); a token that there is already keeps its life", evidence...)
		short.Certain = f.record != nil && known && nearly(granted, f.life.granted) // or it may have been shortened since
		return append([]token.Finding{short}, s.behind()...)
	case known && granted > 0 && granted == f.life.granted && f.over():
		return s.behind()
	}
	return nil
}

func (f *v3Facts) over() bool {
	return f.life.at(f.clocks.now()) == over || f.record != nil && f.record.Expired
}

// rule returns the name of the setting that says how long such a token lives.
func (f *v3Facts) rule() string {
	switch {
	case isKubeconfig(f.form.name):
		return kubeconfigSetting
	case f.record != nil && !f.record.Derived && !f.record.Ext:
		return sessionSetting
	}
	return maxSetting
}

// recorded returns the token's life by its record.
func (f *v3Facts) recorded() life {
	r := f.record
	return life{created: r.Created, granted: r.Lifetime, asked: f.life.asked, from: "GET " + recordPath(r.Name, r.Ext)}
}

// who says what a token is called, for people.
func (f *v3Facts) who() string {
	if f.form.name == "" {
		return "the token"
	}
	return fmt.Sprintf("the token %s", foreign.Brief(f.form.name, 100))
}
