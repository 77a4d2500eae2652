package introspect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/tokenlife/tokenlife/skew"
	"github.com/tokenlife/tokenlife/token"
)

// A Verifier asks the issuer of tokens about each (RFC 7662). It is a
// [token.Verifier].
//
// The claims it returns are the members of the issuer's answer, with those that
// are null left out: besides the registered ones, [token.Claims.Decode] finds
// client_id and username there, and [token.Claims.HasScope] the scope.
//
// The fields must be set before first use. A Verifier is then safe for
// concurrent use.
type Verifier struct {
	// URL is the introspection endpoint: https, or http to a literal loopback
	// address. Required.
	URL string

	// Auth proves to the endpoint who is asking. Required.
	Auth Auth

	// Audience lists the names of this service; one of them must be in a
	// token's aud. Required, unless AnyAudience: a token for another service
	// could be sent here by that service. AnyAudience is for issuers that do
	// not say whom a token is for, or call active only what is for who asks.
	Audience    []string
	AnyAudience bool

	// Issuer is the iss that a token must have, to the letter; empty means that
	// whatever the endpoint calls active is from the right issuer.
	Issuer string

	// AnyBinding takes tokens that are bound to a key of their holder (cnf, or
	// the type DPoP) from anyone. It is for services that check the proof
	// themselves, with each request and after any cache. Without that, whoever
	// steals such a token is let in.
	AnyBinding bool

	// Hint is sent as token_type_hint; empty means none. With a hint, servers
	// still look for tokens of other kinds.
	Hint string

	// Leeway is how far the issuer's clock may be from Now: how long after its
	// exp, and before its nbf, a token is good that the issuer calls active. 0
	// means [skew.DefaultLeeway], negative means none.
	Leeway time.Duration

	// Client makes the requests; nil means one of its own. Its redirects are
	// not followed.
	Client *http.Client

	// Timeout bounds one request; 0 means 10 seconds, negative means no bound.
	Timeout time.Duration

	// Insecure permits http to hosts other than loopback addresses: whoever is
	// on the way can read the tokens and change the answers.
	Insecure bool

	// Now tells the time; nil means [time.Now].
	Now func() time.Time
}

// Check returns an error that says which field is missing or wrong, if one is, so
// that a program can fail at its start. It sends nothing: whether the endpoint
// answers, and knows this service, only Verify tells.
func (v *Verifier) Check() error {
	e, err := v.endpoint()
	if err == nil {
		err = e.check()
	}
	if err != nil {
		return fmt.Errorf("introspect: %w", err)
	}
	return nil
}

// Verify asks the issuer about a token. It implements [token.Verifier].
//
// A token that cannot be one, because it is empty, longer than [MaxSize] or has
// a character other than visible ASCII, is [token.ErrMalformed], and nobody is
// asked. One that its issuer does not call active is [token.ErrRevoked]. Then
// come its dates ([token.TimeError]), its issuer ([token.ErrIssuer]) and its
// audience ([token.ErrAudience]). A refresh token or an ID token, where the
// issuer says that it is one, a token of a kind that the endpoint says it does
// not judge, and one that is bound to a key are refused with [token.ErrInvalid]
// alone.
//
// If the endpoint refuses this service, the error matches [token.ErrRefused].
// If it asks to come back later, [token.RetryAfter] says when. A field that is
// missing or wrong is what [Verifier.Check] says.
func (v *Verifier) Verify(ctx context.Context, presented token.Secret) (token.Claims, error) {
	e, err := v.endpoint()
	if err != nil {
		return token.Claims{}, fmt.Errorf("introspect: %w", err)
	}
	if err := presentable(presented); err != nil {
		return token.Claims{}, fmt.Errorf("%w: %v", token.ErrMalformed, err)
	}
	a, err := v.ask(ctx, e, presented)
	if errors.Is(err, token.ErrInvalid) {
		return token.Claims{}, err // a verdict, like those of check
	}
	if err != nil {
		return token.Claims{}, fmt.Errorf("introspect: %w", err)
	}
	if err := v.check(a); err != nil {
		return token.Claims{}, err
	}
	return a.claims, nil
}

// ask returns what the issuer says of a token.
func (v *Verifier) ask(ctx context.Context, e *endpoint, presented token.Secret) (answer, error) {
	r, err := e.post(ctx, presented, v.Hint)
	if err != nil {
		return answer{}, err
	}
	if r.status == http.StatusBadRequest && errorCode(r.body) == unsupported {
		// Whoever presents such tokens could otherwise have this service answer
		// 503 at will.
		return answer{}, fmt.Errorf("%w: %v does not judge tokens of this kind", token.ErrInvalid, r.from)
	}
	if r.status != http.StatusOK {
		return answer{}, e.failure(r)
	}
	err = isJSON(r.header.Get("Content-Type"))
	var a answer
	if err == nil {
		a, err = parseAnswer(r.body)
	}
	if err != nil {
		return answer{}, fmt.Errorf("the answer of %v cannot be read: %w", r.from, err)
	}
	return a, nil
}

// endpoint returns what is to be asked, or an error if a field that is needed is
// not set.
func (v *Verifier) endpoint() (*endpoint, error) {
	if v == nil {
		return nil, errors.New("the Verifier is nil")
	}
	e := &endpoint{"Verifier", v.URL, v.Auth, v.Client, v.Timeout, v.Insecure}
	if _, err := e.address(); err != nil {
		return nil, err
	}
	switch {
	case len(v.Audience) == 0 && !v.AnyAudience:
		return nil, errors.New("Verifier.Audience is empty: set it to the names of this service, or set AnyAudience")
	case len(v.Audience) > 0 && v.AnyAudience:
		return nil, errors.New("Verifier has both Audience and AnyAudience: set one of them")
	case slices.Contains(v.Audience, ""):
		return nil, errors.New("Verifier.Audience has an empty name: set it to the names of this service")
	}
	return e, nil
}

// check judges a token by what its issuer says of it.
func (v *Verifier) check(a answer) error {
	switch {
	case !a.active:
		return fmt.Errorf("%w: its issuer does not call it active", token.ErrRevoked)
	case a.other:
		return fmt.Errorf("%w: not an access token, says its issuer: present one that is", token.ErrInvalid)
	case a.bound && !v.AnyBinding:
		return fmt.Errorf("%w: bound to a key of its holder, which nobody has checked: check it and set Verifier.AnyBinding, or use tokens that are not bound", token.ErrInvalid)
	}
	if err := v.checkDates(a.claims); err != nil {
		return err
	}
	switch {
	case v.Issuer == "", a.claims.Issuer == v.Issuer:
	case a.claims.Issuer == "":
		return fmt.Errorf("%w: the server's answer has no iss: have it say who issued the token, or leave Verifier.Issuer empty", token.ErrIssuer)
	default:
		return fmt.Errorf("%w: %+.100q, not %q", token.ErrIssuer, a.claims.Issuer, v.Issuer)
	}
	switch {
	case v.AnyAudience, slices.ContainsFunc(v.Audience, a.claims.HasAudience):
	case len(a.claims.Audience) == 0:
		return fmt.Errorf("%w: the server's answer has no aud: have it say whom tokens are for, or set Verifier.AnyAudience", token.ErrAudience)
	default:
		some := a.claims.Audience[:min(3, len(a.claims.Audience))] // there may be thousands
		return fmt.Errorf("%w: the token's aud is %+.100q, none of %q: ask its issuer for one that is", token.ErrAudience, some, v.Audience)
	}
	return nil
}

func (v *Verifier) checkDates(c token.Claims) error {
	now := time.Now()
	if v.Now != nil {
		now = v.Now()
	}
	leeway := skew.Leeway(v.Leeway)
	if !c.Expiry.IsZero() && !now.Before(c.Expiry.Add(leeway)) {
		return &token.TimeError{Claim: "exp", Limit: c.Expiry, Now: now, Leeway: leeway}
	}
	if !c.NotBefore.IsZero() && now.Before(c.NotBefore.Add(-leeway)) {
		return &token.TimeError{Claim: "nbf", Limit: c.NotBefore, Now: now, Leeway: leeway}
	}
	return nil
}
