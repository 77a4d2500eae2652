package jwttest

import (
	"maps"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// A Bad is a token that must be refused.
type Bad struct {
	Name  string // what is wrong with it: "expired"
	Token token.Token

	// Want is the kind of error that a [jwt.Policy] refuses it with, such as
	// [token.ErrExpired].
	Want error
}

// Bad returns tokens that are each like Mint(claims) but for one fault: used
// outside their life, made for others, ambiguous, changed on the way, or made
// by someone who knows all that is public of the Issuer. Claims are those of a
// token that the service under test accepts. If no aud is among them, the
// service does not look at it, and no token is at fault for its aud; likewise
// with the Issuer's Type.
//
// All of them can be sent in an Authorization header. Dates are at fault by the
// Issuer's clock, and by hours, so that no leeway covers it. One token names a
// key that nobody knows, for which a [jwt.Remote] asks the Issuer: outside of a
// synctest bubble that takes its MinInterval, a second.
func (i *Issuer) Bad(claims map[string]any) []Bad {
	i.tb.Helper()
	var all []Bad
	add := func(name, text string, want error) {
		if text != "" {
			all = append(all, Bad{name, i.token(text), want})
		}
	}
	k := i.signer()
	header, good := i.header(k, nil), i.claims(claims)

	for _, f := range i.badClaims(claims) {
		add(f.name, i.seal(k, header, merge(maps.Clone(good), f.change)), f.want)
	}
	for _, f := range i.badHeaders() {
		add(f.name, i.seal(k, merge(maps.Clone(header), f.change), good), f.want)
	}
	for _, f := range badSpellings {
		add(f.name, f.spell(i, k, header, good), token.ErrMalformed)
	}
	for _, f := range forgeries {
		add(f.name, f.forge(i, k, header, good), f.want)
	}
	return all
}

// A fault is what is wrong with a header or with claims; nil takes a member
// away.
type fault struct {
	name   string
	change map[string]any
	want   error
}

// badClaims returns faults of claims that the Issuer itself signs.
func (i *Issuer) badClaims(claims map[string]any) []fault {
	now := i.now()
	faults := []fault{
		{"expired", map[string]any{"exp": now.Add(-3 * time.Hour), "iat": now.Add(-4 * time.Hour), "nbf": nil}, token.ErrExpired},
		{"not yet valid", map[string]any{"nbf": now.Add(3 * time.Hour), "exp": now.Add(4 * time.Hour)}, token.ErrNotYetValid},
		{"issued in the future", map[string]any{"iat": now.Add(3 * time.Hour), "exp": now.Add(4 * time.Hour), "nbf": nil}, token.ErrNotYetValid},
		{"never expires", map[string]any{"exp": nil}, token.ErrMalformed},
		{"exp in milliseconds", map[string]any{"exp": now.Add(time.Hour).UnixMilli()}, token.ErrMalformed},
		{"exp as text", map[string]any{"exp": now.Add(time.Hour).Format(time.RFC3339)}, token.ErrMalformed},
		{"wrong issuer", map[string]any{"iss": "https://another-issuer.example"}, token.ErrIssuer},
		{"issuer with a slash at its end", map[string]any{"iss": i.URL + "/"}, token.ErrIssuer},
		{"no issuer", map[string]any{"iss": nil}, token.ErrIssuer},
	}
	if claims["aud"] != nil {
		faults = append(faults,
			fault{"wrong audience", map[string]any{"aud": "https://another-api.example"}, token.ErrAudience},
			fault{"no audience", map[string]any{"aud": nil}, token.ErrAudience})
	}
	return faults
}

// badHeaders returns faults of headers that the Issuer itself signs, but for
// alg none.
func (i *Issuer) badHeaders() []fault {
	faults := []fault{
		{"alg none", map[string]any{"alg": "none"}, token.ErrSignature},
		{"alg nOnE", map[string]any{"alg": "nOnE"}, token.ErrSignature},
		{"no alg", map[string]any{"alg": nil}, token.ErrMalformed},
		{"crit", map[string]any{"crit": []string{"must-know"}, "must-know": true}, token.ErrMalformed},
		{"b64 false", map[string]any{"crit": []string{"b64"}, "b64": false}, token.ErrMalformed},
	}
	if i.Type != "" {
		faults = append(faults, fault{"wrong type", map[string]any{"typ": "another+jwt"}, token.ErrMalformed})
	}
	return faults
}
