package dashboard

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// diagnosis decides what the facts mean. Nothing is certain if others than the
// Dashboard can have told them.
func (f *facts) diagnosis() token.Diagnosis {
	d := token.Diagnosis{Findings: f.decided()}
	if f.unproved != "" {
		d = d.Doubt(saw("who has answered", "%s", f.unproved))
	}
	return d
}

// decided is what the facts mean if it is the Dashboard that has told them.
func (f *facts) decided() []token.Finding {
	switch {
	case f.fault != nil:
		return []token.Finding{*f.fault}
	case f.use.what == "":
		return f.expired(false)
	case f.use.away():
		return append([]token.Finding{f.unreached()}, f.expired(false)...)
	}
	d := f.onTheWay()
	if len(d) == 0 {
		d = f.judged()
	}
	if f.astray() {
		d = append(d, f.clocks.finding())
	}
	return d
}

// unreached is why the Dashboard has said nothing of the token.
func (f *facts) unreached() token.Finding {
	e, _ := errors.AsType[*failure](f.use.err)
	evidence := f.use.evidence()
	switch {
	case e == nil && f.use.a.status == http.StatusTooManyRequests, e != nil && e.status == http.StatusTooManyRequests:
		return certain("the Dashboard, or a proxy before it, wants to be asked less often", "wait, and find out who asks that often", evidence)
	case e == nil, e.status/100 == 5 && !errors.Is(e, errBrokenOff):
		return certain("the Dashboard, or a proxy before it, cannot answer now", "try again later, or look at its log", evidence)
	case errors.Is(e, errBrokenOff):
		return certain("the diagnosis was broken off before the Dashboard had answered", "let it go on for longer", evidence)
	case e.from == "":
		return certain("nothing was asked: "+e.err.Error(), "set Source.URL to where the Dashboard is, over a way that nobody else can read", evidence)
	case e.status/100 == 3:
		return certain("the request is redirected, perhaps to a login of a proxy's", e.remedy, evidence)
	case errors.Is(e, errUntrusted):
		return certain("the connection to the Dashboard, or to a proxy on the way, cannot be secured", e.remedy, evidence)
	case errors.Is(e, errForeign):
		return likely("what answers is perhaps not the Dashboard, or something on the way changes what it answers", e.remedy, evidence)
	case unconnected.MatchString(e.err.Error()):
		return certain("the Dashboard, or a proxy on the way, cannot be reached", e.remedy, evidence)
	}
	return certain("there was no answer, or not all of one", e.remedy, evidence)
}

// unconnected finds errors of the network by their words, which are all that is left
// of them.
var unconnected = regexp.MustCompile(`^` + regexp.QuoteMeta(errUnavailable.Error()) + `: (proxyconnect [a-z0-9]+: )?(dial|socks connect) `)

// onTheWay is what keeps the token from being looked at.
func (f *facts) onTheWay() []token.Finding {
	use := f.use.evidence()
	switch a := f.arrival; {
	case f.session && f.use.read():
		return nil // whatever is said of another request
	case f.session && a == nil && f.use.seven():
		seven := likely("the Dashboard is 7.x, which has no sessions: it takes the bearer token itself",
			"send the token that one logs in with in Authorization: Bearer; a Source finds out which Dashboard there is", use, f.status.evidence())
		seven.Certain = f.status.err == nil && f.status.a.status == http.StatusNotFound // 2.x has it
		return []token.Finding{seven}
	case a == nil && f.use.a.status == http.StatusNotFound:
		return []token.Finding{likely("what answers there is perhaps no Dashboard", isIt, use, f.status.evidence())}
	case a == nil:
	case f.session && !a.session, !f.session && !a.bearer:
		header := map[bool]string{true: scheme, false: "Authorization"}[f.session]
		return []token.Finding{certain(f.what()+" does not arrive: something on the way takes the header "+header+" off",
			"have the proxy before the Dashboard, or the Transport of Source.Client, let it through, or ask the Dashboard without it, such as by kubectl port-forward", use, a.evidence())}
	case f.session && a.bearer:
		return []token.Finding{certain("something on the way adds a header Authorization, and the Dashboard goes by that instead of the session",
			"have the proxy before the Dashboard take Authorization off what it passes on, or log in to the proxy alone; or see whether the Transport of Source.Client adds it", use, a.evidence())}
	case !a.secure:
		return []token.Finding{certain("the Dashboard takes nobody's token over this way, which is not TLS where it ends: it acts with its own rights, or refuses",
			"have the proxy before it speak TLS to it, or start it with --enable-insecure-login if nobody can listen between the two", use, a.evidence())}
	}
	return nil
}

// judged is what the Dashboard, or the API server behind it, thinks of a token that
// has arrived.
func (f *facts) judged() []token.Finding {
	use := f.use.evidence()
	switch {
	case !f.use.spoke() && (f.use.a.status == http.StatusUnauthorized || f.use.a.status == http.StatusForbidden):
		return append([]token.Finding{likely("something refuses, and not in the words of a Dashboard: perhaps a proxy before it that wants a login of its own",
			"ask the Dashboard without that, such as by kubectl port-forward, or log in there first", use, f.status.evidence())}, f.expired(false)...)
	case f.session && f.use.text == msgExpired:
		return f.expired(true)
	case f.session && f.use.read() && (f.use.text == msgAAD || f.use.text == msgNoJWE):
		return []token.Finding{certain("the Dashboard cannot read the session: it was cut off or changed on the way, or another kind of server has made it",
			"log in again; if that does not help, look at what is between here and there: some proxies let no header pass that is as long", use)}
	case f.session && f.use.read():
		return []token.Finding{certain("no key of the Dashboard opens the session: its key was replaced since, or the session is another Dashboard's, or it was changed on the way",
			"log in again. The key is in the Secret kubernetes-dashboard-key-holder: a new one, which a deleted Secret or a new cluster brings, ends all sessions", use)}
	case f.session && f.use.refused() && f.use.a.status == http.StatusOK:
		inside := likely("the session is good, and the API server refuses the credential that it was made of: it has expired, was revoked, or is none of this cluster's",
			"log in again with one that is live, such as kubectl create token makes; what is wrong with the one before, kube.Diagnose says of it", use)
		inside.Certain = f.arrival != nil // or something may have added an Authorization of its own
		return []token.Finding{inside}
	case f.session && f.use.refused():
		return []token.Finding{likely("the Dashboard refuses what the session was made of", "log in again with a live token, such as kubectl create token makes", use)}
	case f.use.refused():
		return append(f.expired(true), f.refusedBearer(use)...)
	case f.use.list.worst.code == "403", f.use.a.status == http.StatusForbidden:
		return []token.Finding{likely(f.what()+" is good, and its user may not list namespaces: of what may not be seen the Dashboard shows an empty list",
			"have the user given a role that permits what is missing (kubectl create clusterrolebinding); another token of the same user fares no better", use)}
	case f.use.a.status != http.StatusOK:
		return []token.Finding{likely("the Dashboard has said nothing of the token: it is perhaps none", isIt, use)}
	}
	return nil
}

// refusedBearer is what there is to say of a bearer token that is refused before
// its end.
func (f *facts) refusedBearer(use token.Evidence) []token.Finding {
	if f.over() {
		return nil
	}
	const cause, remedy = "the API server behind the Dashboard refuses the token, which has not expired as far as it says itself",
		"log in with a live token of this cluster, such as kubectl create token makes; why it refuses this one, kube.Diagnose says, which asks the API server"
	if f.arrival == nil {
		return []token.Finding{likely(cause+"; or no token arrives there, of which a Dashboard says the same",
			remedy+"; or find out what takes the header Authorization off", use, f.status.evidence())}
	}
	return []token.Finding{certain(cause, remedy, use, f.arrival.evidence())}
}

// end returns when the token says that it ends; zero if it does not.
func (f *facts) end() time.Time {
	if f.session {
		return f.info.Expiry
	}
	return f.info.Claims.Expiry // and not when a service account's was to be replaced
}

func (f *facts) over() bool { return f.overBy(f.now()) }

func (f *facts) overBy(now time.Time) bool { return !f.end().IsZero() && !now.Before(f.end()) }

// bearerLeeway is how long after its end an API server takes a service account's
// token.
const bearerLeeway = time.Minute

// expired is what there is to say of the end of the token. Proved says that the
// Dashboard has refused it for that.
func (f *facts) expired(proved bool) []token.Finding {
	remedy := "log in again with a live token; a bearer token lives as long as was asked for when it was made (kubectl create token --duration)"
	if f.session {
		remedy = "log in again. A session lives as long as --token-ttl says, 15 minutes by default, and for as long again each time that it is refreshed before its end, as a Source does"
	}
	var evidence []token.Evidence
	if proved {
		evidence = append(evidence, f.use.evidence())
	}
	if end := f.end(); !end.IsZero() {
		made := "made at a time that is not known"
		if !f.info.IssuedAt.IsZero() {
			made = "made " + stamp(f.info.IssuedAt)
		}
		evidence = append(evidence, saw("its own dates", "%s, ends %s", made, stamp(end)))
	}
	evidence = append(evidence, f.clocks.evidence()...)
	switch {
	case f.over():
		ago := f.now().Sub(f.end()).Round(time.Second)
		d := likely(fmt.Sprintf("%s has expired %v ago", f.what(), ago), remedy, evidence...)
		// Of a session the Dashboard says that it has expired, and of a token only that
		// it is refused: then no proxy's Date may decide.
		d.Certain = proved && (f.session || ago > bearerLeeway && f.overBy(f.received.Add(-bearerLeeway)))
		return []token.Finding{d}
	case !proved || !f.session:
		return nil
	case f.end().IsZero():
		return []token.Finding{certain("the session has no end, and the Dashboard wants sessions that have one: it was made when --token-ttl was 0, or its dates were changed", remedy, evidence...)}
	}
	return []token.Finding{likely("the Dashboard calls the session expired before the end that it says itself: what it was made of has ended, or it is as old as the Dashboard lets any become, or the clocks of its replicas differ",
		"log in again with a live token", evidence...)}
}
