package kube

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tokenlife/tokenlife/token"
)

const (
	tokenReviews = "/apis/authentication.k8s.io/v1/tokenreviews"
	selfReviews  = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
)

// A reviewed is what an API server says of a token that somebody asks it about.
type reviewed struct {
	seen
	status authenticationv1.TokenReviewStatus
	known  bool // status is an answer
	text   string
}

// reviewWith asks about a token with TokenReview.
func reviewWith(ctx context.Context, a *asker, s Suspect) reviewed {
	var answer authenticationv1.TokenReview
	r := reviewed{text: s.Token.Reveal()}
	r.seen = a.post(ctx, "TokenReview", tokenReviews, authenticationv1.TokenReview{
		TypeMeta: metav1.TypeMeta{Kind: "TokenReview", APIVersion: "authentication.k8s.io/v1"},
		Spec:     authenticationv1.TokenReviewSpec{Token: r.text, Audiences: s.Audiences},
	})
	if r.read(&answer) && answer.Kind == "TokenReview" {
		r.status, r.known = answer.Status, true
	}
	return r
}

// approves reports whether the server says that the token is good.
func (r reviewed) approves() bool {
	return r.status.Authenticated && r.status.User.Username != anonymous
}

// refuses reports whether the server says that it is not.
func (r reviewed) refuses() bool { return r.known && !r.approves() }

// says reports whether words are among those of the server.
func (r reviewed) says(words string) bool {
	return strings.Contains(strings.ToLower(unquoted(r.status.Error)), words)
}

func (r reviewed) evidence() token.Evidence {
	switch {
	case !r.known:
		return r.seen.evidence()
	case r.approves():
		return saw(r.what, "good, as %s", brief(r.status.User.Username, 300))
	case r.status.Authenticated:
		return saw(r.what, "taken for %s, which is nobody", anonymous)
	case r.status.Error == "":
		return saw(r.what, "not good, and the server does not say why")
	}
	return saw(r.what, "not good: %s", excerpt(r.status.Error, r.text))
}

// A presented is what came of asking an API server with the token itself.
type presented struct {
	seen
	user, id string // as whom and as which token it was accepted; empty if that is not known
	known    bool   // it was accepted
}

// presentWith asks an API server who has the token.
func presentWith(ctx context.Context, a *asker) presented {
	p := presented{seen: a.post(ctx, "SelfSubjectReview", selfReviews, authenticationv1.SelfSubjectReview{
		TypeMeta: metav1.TypeMeta{Kind: "SelfSubjectReview", APIVersion: "authentication.k8s.io/v1"},
	})}
	if p.status == http.StatusNotFound && !p.foreign() {
		// Kubernetes before 1.28 has no such thing; whoever is known may ask this.
		p = presented{seen: a.get(ctx, "/api", asJSON)}
	}
	var answer authenticationv1.SelfSubjectReview
	switch {
	case p.read(&answer) && (answer.Kind == "SelfSubjectReview" || answer.Kind == "APIVersions"):
		p.user, p.id, p.known = answer.Status.UserInfo.Username, idOf(&answer.Status.UserInfo), true
	case p.forbidden():
		p.user, p.known = userIn(p.said.Message), true
	}
	return p
}

// accepted reports whether the credential was accepted, though what was asked for
// need not have been granted.
func (p presented) accepted() bool { return p.known && !p.anonymous() }

// anonymous reports whether the server has seen no credential.
func (p presented) anonymous() bool { return p.user == anonymous }

func (p presented) evidence() token.Evidence {
	switch {
	case p.anonymous():
		return saw(p.what, "HTTP status %d, as %s: there was no token", p.status, anonymous)
	case p.user != "":
		return saw(p.what, "accepted, as %s", brief(p.user, 300))
	case p.accepted():
		return saw(p.what, "accepted")
	}
	return p.seen.evidence()
}

// judged is what the server's own words say of a token that it does not approve.
func (f *facts) judged() (found []token.Finding) {
	r := f.review
	if !r.refuses() {
		return nil
	}
	evidence := []token.Evidence{r.evidence()}
	if f.probe.accepted() {
		evidence = append(evidence, f.probe.evidence(), saw("why both", "an API server goes by what it found out about a token for 10 seconds, and where there are several they may differ"))
	}
	add := func(cause, remedy string, more ...token.Evidence) {
		found = append(found, certain(cause, remedy, append(evidence, more...)...))
	}
	kind := faultOf(r.status.Error).kind
	switch {
	case kind == nil:
		found = append(found, likely(causeCannotTell, "its log says which webhook or OpenID Connect issuer it is", evidence...))
	case kind == token.ErrExpired:
		add(causeExpired, f.anew(), f.life.evidence(causeExpired, f.clocks)...)
	case kind == token.ErrNotYetValid:
		add(causeNotYet, "set the clock that is wrong (NTP): that of whoever issued the token, or that of the API server; or wait", f.life.evidence(causeNotYet, f.clocks)...)
	case kind == token.ErrMalformed && f.info.Format != token.JWT:
		// It is none to one who knows JWTs alone.
	case kind == token.ErrMalformed:
		add(causeMalformed, "use the token from its first character to its last, as it was given out; if it is lost, get another")
	case kind == token.ErrAudience:
		found = append(found, f.misdirected(true, evidence...))
	case kind == token.ErrIssuer:
		found = append(found, f.strange(true, evidence...))
	case kind == token.ErrSignature && r.says("no keys found"):
		found = append(found, f.keyless(true, evidence...))
	case kind == token.ErrSignature:
		proved := f.ofKubernetes() && f.info.KeyID != "" // or it may be by a key that was replaced
		found = append(found, finding(proved, causeSignature, "get a new token, from this cluster or its issuer, and use it from its first character to its last", append(evidence, saw("the key of the token (kid)", "%s", orNone(brief(f.info.KeyID, 100))))...))
	case kind == token.ErrRevoked:
		add(f.revoked())
	}
	if f.probe.accepted() && kind != token.ErrRevoked {
		for i := range found {
			found[i].Certain = false
		}
	}
	return found
}

// revoked returns which of the things that a token hangs on is gone, by the words of
// the server, and what to do about it.
func (f *facts) revoked() (cause, remedy string) {
	says := f.review.says
	bound, _, _ := f.bound()
	switch {
	case says("server's copy"):
		return causeLegacyReplaced, f.reread()
	case says("marked invalid"):
		return causeLegacyInvalid, f.unmark()
	case says(") does not match claim ("):
		return causeAccountRecreated, f.anew()
	case says(") does not match service account ") && bound != "":
		return fmt.Sprintf(causeBoundRecreated, bound), f.anewBound(bound)
	case says("service account") && says(" has been deleted"), says("serviceaccount") && (says("not found") || says(" has been deleted")):
		return causeAccountDeleted, f.anewAccount()
	case says("has been invalidated") && f.legacy():
		return causeLegacyDeleted, f.anew()
	case says("has been invalidated") && bound != "":
		// Which of the two it is the object itself says, if it may be seen.
		cause := causeBoundGone
		switch f.object.state {
		case objectEnding:
			cause = causeBoundEnding
		case objectGone:
			cause = causeBoundDeleted
		}
		return fmt.Sprintf(cause, bound), f.anewBound(bound)
	}
	return causeRevoked, f.anew()
}
