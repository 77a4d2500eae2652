package rancher

import (
	"context"
	"fmt"
	"net/http"

	"github.com/tokenlife/tokenlife/internal/foreign"
	"github.com/tokenlife/tokenlife/token"
)

// Diagnose says why a token is refused, and what to change.
//
// A token that has expired and one that never was look alike to whoever asks
// Rancher 1.6. So what s says of when it was made counts for most; c.Source, if
// it is an administrator's, supplies a token to read the settings with.
//
// Everything that is sent is a GET. It takes a minute at most, whatever the
// context allows. Nothing of the token is in what it returns. What is Certain is as for
// [V3.Diagnose].
func (c *V2Beta) Diagnose(ctx context.Context, s Suspect) (d token.Diagnosis) {
	defer recovered(&d)
	if c == nil {
		c = new(V2Beta)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, diagnosisTime, lateError{diagnosisTime, "which is all that a diagnosis takes"})
	defer cancel()
	f := c.facts(ctx, s)
	d = diagnosisOf(c.Server, f.findings(), f.probe, f.account, f.place, f.stale)
	return d.Redact(keyOf(s.Token), keyOf(f.sent), c.Server.proxyPassword())
}

// v2betaFacts are what is known of a token of 1.6.
type v2betaFacts struct {
	form    form
	life    life
	err     error // what a call with it has failed with
	project string
	clocks  clocks

	server     Product
	probe      seen // the token, asking about itself
	open       bool // access control is off
	unprovided bool // access control has no provider
	live       bool
	another    bool // the answer is about another token
	account    seen // the token, asking for what it is good for
	inactive   bool // that was refused without a challenge, as is done to accounts that are known
	nobody     seen // nobody, asking for the same
	challenged bool // that was refused with a challenge
	place      seen // the token, asking for what it was refused for
	confined   seen // the token, asking for projects while confined to one

	stale      seen // a cookie that Server.HTTP has, asking about itself
	staleAlive bool

	sent     token.Secret // a credential to read settings with
	second   seen         // a credential to read settings with, if that cannot be used
	settings map[string]Setting
}

const renew16 = "log in again, and have that done ahead of it (V2BetaSource): a token of 1.6 is never renewed"

// findings decides what the facts mean.
func (f *v2betaFacts) findings() []token.Finding {
	p := f.probe
	switch {
	case f.form.fault != nil:
		return []token.Finding{*f.form.fault}
	case p.csrf():
		return []token.Finding{csrf(p.evidence())}
	case p.code == "AuthProviderChanged":
		return []token.Finding{f.providerChanged(p)}
	case p.code == "AuthError" && p.status == http.StatusForbidden:
		return []token.Finding{f.leftOut(p)}
	case f.server.Version != "" && !f.server.V2Beta:
		newer := likely("the server is Rancher 2.x, and is asked as a Rancher 1.6", "use V3, and a token that it has given out; Server.Open finds out which Rancher there is",
			p.evidence(), saw("GET /rancherversion", "%s", foreign.Brief(f.server.Version, 30)))
		newer.Certain = p.auth != "" // or there are two of them behind one name
		return []token.Finding{newer}
	case p.away():
		d := []token.Finding{away(p)}
		if ended := f.life.finding(f.clocks, renew16); ended != nil {
			ended.Certain = false // who knows whose clock that is
			d = append(d, *ended)
		}
		return d
	case f.another:
		return []token.Finding{certain("the server has answered about another token than this: another is on the request in its place, or the answer is somebody else's",
			"find out what puts it there: a Transport of Server.HTTP, or a proxy on the way; or whether a cache answers", p.evidence(), saw("jwt", "another than the one that was sent"))}
	case p.status/100 != 2:
		return []token.Finding{likely("the server has said nothing of the token: it is perhaps no Rancher 1.6", "set Server.URL to where Rancher is, without the path of an API; Server.Detect says what is there", p.evidence())}
	case f.open:
		return []token.Finding{certain("access control is off: the server takes everybody for an administrator, and looks at no token",
			"switch it on (ADMIN > Access Control in the UI), and log in then: this token does not count", p.evidence(), saw("security", "false"))}
	case f.live:
		return f.acceptance()
	case f.unprovided:
		return []token.Finding{certain("access control has no provider, and without one the server accepts no token",
			"have an administrator configure one (ADMIN > Access Control in the UI, which sets api.auth.provider.configured), and log in then", p.evidence(), saw("authProvider", "none"))}
	}
	return f.refusal()
}

func (f *v2betaFacts) providerChanged(p seen) token.Finding {
	return certain("access control has been given another provider since the token was made, and no token from before counts",
		"log in again, as a user of the provider that there is now (the setting api.auth.provider.configured; ADMIN > Access Control in the UI)", p.evidence())
}

func (f *v2betaFacts) leftOut(p seen) token.Finding {
	return certain("the token is good, and the site access mode leaves its user out",
		"have an administrator let the user, or a group of theirs, in: Site Access in ADMIN > Access Control, which is accessMode in the provider's configuration", p.evidence())
}

// acceptance is what there is to say of a token that is live.
func (f *v2betaFacts) acceptance() (d []token.Finding) {
	live := saw(f.probe.what, "the token is live")
	if f.inactive {
		t := likely("the account of the token's user is not active, so all that it asks for is refused",
			"have an administrator activate the account (ADMIN > Accounts in the UI)", live, f.account.evidence(), saw("the header WWW-Authenticate", "not there, as for an account that is known"))
		if t.Certain = f.challenged; f.challenged {
			t.Evidence = append(t.Evidence, saw(f.nobody.what, "WWW-Authenticate is there: nothing on the way takes it off"))
		}
		return []token.Finding{t}
	}
	if f.stale.asked() {
		d = append(d, f.hidden(live))
	}
	switch p := f.place; {
	case !p.asked():
	case p.csrf():
		d = append(d, csrf(live, p.evidence()))
	case p.code == "AuthProviderChanged":
		d = append(d, f.providerChanged(p))
	case p.code == "AuthError" && p.status == http.StatusForbidden:
		d = append(d, f.leftOut(p))
	case p.away():
		d = append(d, silent(p, live))
	case p.code == "InvalidFormat" && f.project != "" && f.confined.code == "InvalidFormat":
		d = append(d, certain("the token is good: the project that the request is confined to can be none", `set V2Beta.Project to the id of a project, such as "1a5"`,
			live, f.confined.evidence(), saw("V2Beta.Project", "%q", foreign.Brief(f.project, 40))))
	case p.status == http.StatusUnauthorized, p.status == http.StatusForbidden:
		missing := f.noRole(live)
		missing.Certain = p.status == http.StatusForbidden
		d = append(d, missing)
	case p.status == http.StatusNotFound:
		d = append(d, likely("the token is good: there is no such thing at this URL, or not in this project, or its user may not see it",
			"correct the URL, or look at V2Beta.Project and at the project's members", live, p.evidence()))
	case p.status/100 != 2:
		d = append(d, likely("the token is good: it is the request that the server does not take", "correct the request", live, p.evidence()))
	}
	if len(d) == 0 {
		d = append(d, blamed(f.err, live)...)
	}
	if f.life.at(f.clocks.now()) == ending {
		d = append(d, *f.life.finding(f.clocks, renew16))
	}
	if f.clocks.astray() {
		d = append(d, f.clocks.finding())
	}
	return d
}

// noRole is the finding that a live token's user may not do something.
func (f *v2betaFacts) noRole(live token.Evidence) token.Finding {
	evidence := []token.Evidence{live, f.place.evidence()}
	if f.project != "" {
		evidence = append(evidence, saw("V2Beta.Project", "%q", foreign.Brief(f.project, 40)))
	}
	return likely("the token is good, and its user may not do this: it is a role that is missing, in the project or altogether, rather than authentication",
		"have the user made a member of the project with a role that permits it, or an administrator, or set V2Beta.Project to a project of theirs", evidence...)
}

// hidden is the finding that another cookie is in the token's way.
func (f *v2betaFacts) hidden(live token.Evidence) token.Finding {
	const cure = "delete the cookie from the Jar of Server.HTTP, or use a client without a Jar; Set and SetBearer take it off a request, but a Jar puts it on behind them"
	what := "another cookie called token is sent as well by whoever asks with Server.HTTP, and hides a token in the header: "
	switch {
	case f.staleAlive:
		return likely(what+"whatever is asked is asked as another user", cure, live, saw(f.stale.what, "it is live"))
	case f.stale.status != http.StatusOK:
		return likely(what+"Rancher looks at the cookie alone", cure, live, f.stale.evidence())
	}
	return likely("a stale cookie called token is sent as well by whoever asks with Server.HTTP, and hides a token in the header: Rancher looks at the cookie alone, also if there is a good token in the header", cure, live, saw(f.stale.what, "it is not live"))
}

// refusal is what there is to say of a token that is not live.
func (f *v2betaFacts) refusal() (d []token.Finding) {
	dead := saw(f.probe.what, "the token is not live")
	ended := f.life.finding(f.clocks, renew16)
	if ended != nil {
		ended.Evidence = append(ended.Evidence, dead)
		if s, ok := f.settings[v2betaExpiry]; ok {
			ended.Evidence = append(ended.Evidence, s.evidence())
			ended.Remedy += "; or " + s.mend() + ", which counts for tokens that are made from then on"
		}
		d = append(d, *ended)
	}
	if s := f.settings[v2betaRestrict]; s.Value == "true" && !settled(d) {
		d = append(d, likely("another login of the same user has ended the token", "give each program a user of its own, or change the setting "+v2betaRestrict, dead, s.evidence()))
	}
	if f.form.odd != "" {
		d = append(d, likely("the token is mistyped", "use the whole jwt of the login's answer, or log in again", saw("its text", "%s", f.form.odd), dead))
	}
	if len(d) == 0 {
		d = append(d, f.alike(dead))
	}
	if ended != nil && f.clocks.astray() {
		d = append(d, f.clocks.finding())
	}
	if s, ok := f.settings[v2betaExpiry]; ok && ended != nil {
		d = append(d, s.behind()...)
	}
	return d
}

// alike says that causes are left that look alike.
func (f *v2betaFacts) alike(dead token.Evidence) token.Finding {
	evidence := []token.Evidence{dead}
	if f.second.asked() {
		evidence = append(evidence, f.second.evidence())
	}
	const again = "log in again. "
	if f.life.at(f.clocks.now()) == running {
		cause := "the token was ended before its time: it was logged out, by whoever holds it or by another login of the same user, or it never was this server's"
		if f.life.guessed {
			cause += "; or it has expired, if " + v2betaExpiry + " was less when it was made"
		}
		return likely(cause, again+"The setting "+v2betaRestrict+" says whether a login ends the others", append(evidence, f.life.evidence())...)
	}
	remedy := again + "Created in the Suspect would tell whether it has expired"
	if s, ok := f.settings[v2betaExpiry]; ok {
		evidence = append(evidence, s.evidence())
	} else {
		remedy += fmt.Sprintf(", and V2Beta.Source, with a token of an administrator, how long tokens live: the setting %s, in milliseconds, which is %d unless set otherwise", v2betaExpiry, v2betaLifetime.Milliseconds())
	}
	return likely("the token has expired, was logged out, or never was this server's: Rancher 1.6 answers all of these alike", remedy, evidence...)
}
