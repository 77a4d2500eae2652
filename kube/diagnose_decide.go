package kube

import (
	"errors"
	"slices"

	"github.com/tokenlife/tokenlife/token"
)

// A ranking is findings, each cause once.
type ranking []token.Finding

// add adds findings. What is found twice is as certain as the more certain of the
// two, and has the evidence of both.
func (r *ranking) add(more ...token.Finding) {
	for _, m := range more {
		i := slices.IndexFunc(*r, func(f token.Finding) bool { return f.Cause == m.Cause })
		if i < 0 {
			*r = append(*r, m)
			continue
		}
		f := &(*r)[i]
		f.Certain = f.Certain || m.Certain
		for _, e := range m.Evidence {
			if !slices.Contains(f.Evidence, e) {
				f.Evidence = append(f.Evidence, e)
			}
		}
	}
}

// sorted returns the findings with those that are certain first.
func (r ranking) sorted() []token.Finding {
	rank := func(f token.Finding) int {
		if f.Certain {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(r, func(a, b token.Finding) int { return rank(a) - rank(b) })
	return r
}

// diagnosis decides what the facts mean.
func (f *facts) diagnosis() token.Diagnosis {
	d := token.Diagnosis{Findings: f.decided()}
	if f.unsure {
		d = d.Doubt(saw("who answers", "anybody on the way to the API server may have: its certificate is not verified, because the rest.Config says Insecure (insecure-skip-tls-verify)"))
	}
	return d
}

// decided is what the facts mean, if it is the API server that has answered.
func (f *facts) decided() []token.Finding {
	other := otherKind(f.info)
	switch {
	case f.fault != nil:
		return []token.Finding{*f.fault}
	case !f.asks, f.unanswered() != nil:
		return f.unasked(other)
	}
	var found ranking
	found.add(f.judged()...)
	found.add(f.hung()...)
	found.add(f.misdirections()...)
	found.add(f.dated()...)
	found.add(f.between()...)
	if f.refused() {
		found.add(f.told()...)
		if other != nil {
			other.Evidence = append(other.Evidence, f.words()...)
			found.add(*other)
		}
	}
	found.add(f.unexplained(settled(found), len(found) > 0)...)
	if f.accepted() && !settled(found) {
		found.add(f.acceptance()...)
	}
	found.add(f.stale()...)
	found.add(f.powerless()...)
	found.add(f.apart()...)
	return found.sorted()
}

// unasked is what there is to say where nobody has looked at the token.
func (f *facts) unasked(other *token.Finding) []token.Finding {
	var found ranking
	if away := f.unanswered(); away != nil {
		found.add(*away)
	}
	found.add(f.misdirections()...)
	found.add(f.dated()...)
	if other != nil {
		found.add(*other)
	}
	if len(found) == 0 {
		found.add(f.blamed()...)
	}
	found.add(f.stale()...)
	return found.sorted()
}

// unanswered is why the server was not asked, or did not answer; nil if it did.
func (f *facts) unanswered() *token.Finding {
	var t token.Finding
	switch {
	case !f.asks:
		return nil
	case f.setUp != nil:
		t = certain(causeSetUp, "set what is missing", saw("the rest.Config", "%s", brief(f.setUp.Error(), longestExcerpt)))
	case f.exposed != "":
		t = certain(causeInClear, "set Host of the rest.Config, which is server in a kubeconfig, to an address with https, or to a loopback address, such as that of kubectl proxy", saw("the address", "%s", brief(f.exposed, 300)))
	default:
		return f.reach.away()
	}
	return &t
}

// between is what something between here and the API server does to the token.
func (f *facts) between() []token.Finding {
	p := f.probe
	switch {
	case f.replaced():
		proved := p.id != "" || f.review.approves() // or the server may have a name of its own for it
		return []token.Finding{finding(proved, causeReplaced, "find out what puts another credential on the request: a client certificate in the Transport of the rest.Config, or a proxy on the way",
			p.evidence(), saw("the ID (JTI) of what was accepted", "%s", orNone(brief(p.id, 100))),
			saw("the token", "of %s, with the ID %s", brief(f.info.Claims.Subject, 300), orNone(brief(f.info.Claims.ID, 100))))}
	case p.anonymous():
		return []token.Finding{certain(causeAnonymous, "find out what takes the header Authorization off: a proxy on the way, or the Transport of the rest.Config", p.evidence())}
	case p.foreign(), p.err == nil && p.status/100 == 2 && !p.known, errors.Is(p.err, errTooLong):
		return []token.Finding{likely(causeProxy, "look at the log of what is before the API server: it may want a login, or a token, of its own", p.evidence())}
	case p.refused() && f.review.approves(), f.presentable() && f.review.refuses() && faultOf(f.review.status.Error).kind == token.ErrInvalid:
		return []token.Finding{likely(causeDiffer, "where there are several API servers, compare their keys and flags; look at the log of whatever is before them", p.evidence(), f.review.evidence())}
	default:
		if t := p.away(); t != nil {
			t.Certain = false
			return []token.Finding{*t}
		}
	}
	return nil
}

// misdirections is that the token is for others than those whom it is presented to.
func (f *facts) misdirections() []token.Finding {
	if len(f.audiences) == 0 || len(f.info.Claims.Audience) == 0 || slices.ContainsFunc(f.audiences, f.info.Claims.HasAudience) {
		return nil
	}
	if r := f.review; r.approves() && slices.ContainsFunc(r.status.Audiences, func(name string) bool { return slices.Contains(f.audiences, name) }) {
		return nil // that of an ID token is a client, and an API server takes it for its own audiences
	}
	// Of service accounts' tokens everybody looks at the audience. An API server takes
	// others, which are for a client, for its own audiences, and says for which.
	return []token.Finding{f.misdirected(f.ofKubernetes() && !f.otherIssuer() || f.review.approves() && len(f.review.status.Audiences) > 0)}
}

// powerless is that the credential is refused with which the token was to be looked
// into.
func (f *facts) powerless() []token.Finding {
	over := errors.Is(f.review.err, token.ErrRefused) // by whoever gives it out
	if f.self || !over && (!f.review.seen.refused() || f.asker == no) {
		return nil
	}
	return []token.Finding{finding(over || f.asker == yes, causeAsker, "renew the asker's credential: one that may create tokenreviews gets to know more", f.review.evidence())}
}

// unexplained is that the server refuses the token, or was not to be asked, and that
// what was found so far does not settle why.
func (f *facts) unexplained(settled, found bool) []token.Finding {
	var evidence []token.Evidence
	for _, s := range []interface {
		asked() bool
		evidence() token.Evidence
	}{f.probe, f.review, f.account, f.object, f.secret, f.server, f.keys} {
		if s.asked() {
			evidence = append(evidence, s.evidence())
		}
	}
	switch {
	case settled:
		return nil
	case f.refused() && f.review.refuses() && !found:
		t := finding(f.info.Format == token.Opaque && f.unknown(), causeUnknown, "get a new token from whoever has issued it, and see that the API server is configured for it (bootstrap tokens, a webhook, OpenID Connect); its log says more", evidence...)
		if len(f.audiences) > 0 {
			t.Evidence = append(t.Evidence, saw("it is presented to", "%s: an API server takes a token that names no audience for itself alone", some(f.audiences)))
		}
		return []token.Finding{t}
	case f.refused() && !f.review.known:
		return []token.Finding{likely(causeUnexplained, f.empower(), evidence...)}
	case !f.accepted() && !found:
		return []token.Finding{likely(causeUnseen, f.empower(), evidence...)}
	}
	return nil
}
