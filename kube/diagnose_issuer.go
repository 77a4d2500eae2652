package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tokenlife/tokenlife/token"
)

const (
	discoveryPath = "/.well-known/openid-configuration"
	keysPath      = "/openid/v1/jwks"
)

// A discovered is what an API server says of the tokens that it issues.
type discovered struct {
	seen
	issuer string // empty if that is not known
}

func discover(ctx context.Context, a *asker) discovered {
	d := discovered{seen: a.get(ctx, discoveryPath, asJSON)}
	var answer struct {
		Issuer string `json:"issuer"`
	}
	d.read(&answer)
	d.issuer = answer.Issuer
	return d
}

func (d discovered) evidence() token.Evidence {
	if d.issuer == "" {
		return d.seen.evidence()
	}
	return saw(d.what, "issuer %s", brief(d.issuer, 300))
}

// A published is the keys that an API server says it verifies its tokens with.
type published struct {
	seen
	ids []string // nil if that is not known
}

func keysOf(ctx context.Context, a *asker) published {
	// A server answers 406 to whoever accepts nothing but application/json.
	p := published{seen: a.get(ctx, keysPath, "application/jwk-set+json, application/json")}
	var answer struct {
		Keys []struct {
			ID string `json:"kid"`
		} `json:"keys"`
	}
	if p.read(&answer) {
		for _, k := range answer.Keys {
			p.ids = append(p.ids, k.ID)
		}
	}
	return p
}

// known reports whether the server has said which keys there are.
func (p published) known() bool { return p.ids != nil }

func (p published) evidence() token.Evidence {
	if !p.known() {
		return p.seen.evidence()
	}
	var some []string
	for _, id := range p.ids[:min(4, len(p.ids))] {
		some = append(some, brief(id, 64))
	}
	if len(p.ids) > len(some) {
		some = append(some, "…")
	}
	return saw(p.what, "keys %s", strings.Join(some, ", "))
}

// keyThere and keyMissing report what is known of the key that signed the token.
func (f *facts) keyThere() bool {
	return f.info.KeyID != "" && slices.Contains(f.keys.ids, f.info.KeyID)
}

func (f *facts) keyMissing() bool {
	return f.keys.known() && f.info.KeyID != "" && !slices.Contains(f.keys.ids, f.info.KeyID)
}

// otherIssuer reports whether the token is by another issuer than the server itself,
// which may take tokens of others as well. That of legacy tokens is the same in
// each cluster.
func (f *facts) otherIssuer() bool {
	return !f.legacy() && f.server.issuer != "" && f.info.Claims.Issuer != f.server.issuer
}

// forOthers reports whether the token is for others than the API server by the looks of
// it: an API server's own audience is its issuer, unless it has been
// given others, of which there is one that many have.
func (f *facts) forOthers() bool {
	audience := f.info.Claims.Audience
	return f.info.Kind == token.KindServiceAccount && len(audience) > 0 &&
		!slices.ContainsFunc(audience, func(name string) bool {
			return name == f.info.Claims.Issuer || strings.Contains(name, "kubernetes.default")
		})
}

// misdirected is the finding that the token is for others.
func (f *facts) misdirected(proved bool, evidence ...token.Evidence) token.Finding {
	evidence = append(evidence, saw("the token is for (aud)", "%s", some(f.info.Claims.Audience)))
	switch {
	case len(f.audiences) > 0:
		evidence = append(evidence, saw("it is presented to", "%s", some(f.audiences)))
	case f.server.issuer != "":
		evidence = append(evidence, f.server.evidence())
	}
	remedy := "ask its issuer for a token that is for whoever refuses it"
	if f.ofKubernetes() {
		remedy = "ask for one that is for whoever refuses it: " + f.create()
		if len(f.audiences) > 0 {
			remedy += "; in a pod: a projected volume of its own with that audience; in a program: the Audiences of kube.Request"
		} else {
			remedy += ", without --audience; in a program: no Audiences in kube.Request"
		}
	}
	return finding(proved, causeAudience, remedy, evidence...)
}

// strange is the finding that the token is by an issuer that the server has not.
func (f *facts) strange(proved bool, evidence ...token.Evidence) token.Finding {
	evidence = append(evidence, saw("the token's issuer (iss)", "%s", orNone(brief(f.info.Claims.Issuer, 300))))
	if f.server.asked() {
		evidence = append(evidence, f.server.evidence())
	}
	remedy := "is it the right cluster? Get a token from the one that is asked; one of an identity provider is taken only if the API server is configured for it (--authentication-config, or --oidc-issuer-url and --oidc-client-id)"
	if f.ofKubernetes() {
		remedy = "is it the right cluster? Get a token from the one that is asked: " + f.create() + "; if its issuer was renamed, the old one can stay good for a time, as kube-apiserver takes --service-account-issuer more than once"
	}
	return finding(proved, causeIssuer, remedy, evidence...)
}

// keyless is the finding that the server has no key with the token's kid.
func (f *facts) keyless(proved bool, evidence ...token.Evidence) token.Finding {
	evidence = append(evidence, saw("the key of the token (kid)", "%s", orNone(brief(f.info.KeyID, 100))))
	if f.keys.asked() {
		evidence = append(evidence, f.keys.evidence())
	}
	return finding(proved, causeKeyGone, "is it the right cluster? Get a new token: "+f.create()+"; when keys are rotated, keep the old public key in --service-account-key-file until all tokens that it has signed are replaced", evidence...)
}

// told is what can be told of the token's origin where the server refuses it and
// says nothing in particular.
func (f *facts) told() (found []token.Finding) {
	general := f.review.refuses() && faultOf(f.review.status.Error).kind == token.ErrInvalid
	if f.review.known && !general {
		return nil
	}
	evidence := f.words()
	switch {
	case f.otherIssuer():
		// A server that knows the issuer has something to say of whatever is wrong
		// with such a token.
		found = append(found, f.strange(f.unknown() && f.info.Kind == token.KindServiceAccount, evidence...))
	case general:
	case f.keyMissing():
		found = append(found, f.keyless(false, evidence...))
	case f.forOthers():
		found = append(found, f.misdirected(false, evidence...))
	}
	return found
}

// unknown reports whether the API server says that nobody whom it asks knows the
// token. For others than itself it asks few, and a webhook may have words of its own.
func (f *facts) unknown() bool {
	return len(f.audiences) == 0 && strings.Trim(f.review.status.Error, "[]") == "invalid bearer token"
}

// words are what the server says of the token.
func (f *facts) words() []token.Evidence {
	evidence := []token.Evidence{f.review.evidence()}
	if f.probe.asked() {
		evidence = append(evidence, f.probe.evidence())
	}
	return slices.Clip(evidence)
}

// some names a few of a list.
func some(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	text := fmt.Sprintf("%+.100q", list[:min(5, len(list))])
	if len(list) > 5 {
		text += fmt.Sprintf(" and %d more", len(list)-5)
	}
	return brief(text, 600)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
