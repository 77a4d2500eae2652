package jwt_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/skew"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// at returns the NumericDate that lies d after noon.
func at(d time.Duration) int64 { return noon.Add(d).Unix() }

func TestDates(t *testing.T) {
	t.Parallel()
	const s = time.Second
	none := jwt.Leeway{Expiry: -1, NotBefore: -1, IssuedAt: -1}
	minute := jwt.Leeway{Expiry: jwt.KubernetesLeeway, NotBefore: jwt.KubernetesLeeway, IssuedAt: jwt.KubernetesLeeway}
	for _, test := range []struct {
		name   string
		claims set
		leeway jwt.Leeway
		maxAge time.Duration
		want   *token.TimeError // nil: good; Now is noon
	}{
		{name: "good"},
		{name: "exp alone", claims: set{"iat": nil, "nbf": nil}},

		// The default is 30 seconds, for each.
		{name: "exp just now", claims: set{"exp": at(-29 * s)}},
		{name: "exp too long ago", claims: set{"exp": at(-30 * s)}, want: &token.TimeError{Claim: "exp", Limit: noon.Add(-30 * s), Leeway: 30 * s}},
		{name: "nbf soon", claims: set{"nbf": at(30 * s)}},
		{name: "nbf too far ahead", claims: set{"nbf": at(31 * s)}, want: &token.TimeError{Claim: "nbf", Limit: noon.Add(31 * s), Leeway: 30 * s}},
		{name: "iat soon", claims: set{"iat": at(30 * s)}},
		{name: "iat too far ahead", claims: set{"iat": at(31 * s)}, want: &token.TimeError{Claim: "iat", Limit: noon.Add(31 * s), Leeway: 30 * s}},

		{name: "exp without leeway", leeway: none, claims: set{"exp": at(s)}},
		{name: "exp at noon", leeway: none, claims: set{"exp": at(0)}, want: &token.TimeError{Claim: "exp", Limit: noon}},
		{name: "exp in fractions", leeway: none, claims: set{"exp": float64(at(0)) + 0.9}, want: &token.TimeError{Claim: "exp", Limit: noon}},
		{name: "nbf at noon", leeway: none, claims: set{"nbf": at(0)}},
		{name: "nbf after noon", leeway: none, claims: set{"nbf": at(s)}, want: &token.TimeError{Claim: "nbf", Limit: noon.Add(s)}},
		{name: "iat at noon", leeway: none, claims: set{"iat": at(0)}},
		{name: "iat after noon", leeway: none, claims: set{"iat": at(s)}, want: &token.TimeError{Claim: "iat", Limit: noon.Add(s)}},

		{name: "exp, Kubernetes", leeway: minute, claims: set{"exp": at(-59 * s)}},
		{name: "nbf, Kubernetes", leeway: minute, claims: set{"nbf": at(60 * s)}},
		{name: "iat, Kubernetes", leeway: minute, claims: set{"iat": at(60 * s)}},

		// Each has its own.
		{name: "exp's own", leeway: jwt.Leeway{Expiry: 5 * s, NotBefore: -1, IssuedAt: -1}, claims: set{"exp": at(-4 * s)}},
		{name: "nbf's own", leeway: jwt.Leeway{Expiry: -1, NotBefore: 5 * s, IssuedAt: -1}, claims: set{"nbf": at(5 * s)}},
		{name: "iat's own", leeway: jwt.Leeway{Expiry: -1, NotBefore: -1, IssuedAt: 5 * s}, claims: set{"iat": at(5 * s)}},
		{name: "not exp's", leeway: jwt.Leeway{Expiry: -1, NotBefore: 5 * s, IssuedAt: 5 * s}, claims: set{"exp": at(0)}, want: &token.TimeError{Claim: "exp", Limit: noon}},
		{name: "not nbf's", leeway: jwt.Leeway{Expiry: 5 * s, NotBefore: -1, IssuedAt: 5 * s}, claims: set{"nbf": at(s)}, want: &token.TimeError{Claim: "nbf", Limit: noon.Add(s)}},
		{name: "not iat's", leeway: jwt.Leeway{Expiry: 5 * s, NotBefore: 5 * s, IssuedAt: -1}, claims: set{"iat": at(s)}, want: &token.TimeError{Claim: "iat", Limit: noon.Add(s)}},

		{name: "young enough", maxAge: time.Hour, claims: set{"iat": at(-time.Hour - 29*s)}},
		{name: "too old", maxAge: time.Hour, claims: set{"iat": at(-time.Hour - 30*s)}, want: &token.TimeError{Claim: "iat", Limit: noon.Add(-30 * s), Leeway: 30 * s}},
		{name: "too old, without leeway", leeway: none, maxAge: time.Hour, claims: set{"iat": at(-time.Hour)}, want: &token.TimeError{Claim: "iat", Limit: noon}},
		{name: "any age", maxAge: -1, claims: set{"iat": 0}},
		{name: "no MaxAge", claims: set{"iat": 0}},

		// Of several faults, the end comes first.
		{name: "all of it", leeway: none, claims: set{"iat": at(-2 * s), "nbf": at(-2 * s), "exp": at(-s)}, want: &token.TimeError{Claim: "exp", Limit: noon.Add(-s)}},
		{name: "long ago", claims: set{"iat": 0, "nbf": 0, "exp": 1}, want: &token.TimeError{Claim: "exp", Limit: time.Unix(1, 0).UTC(), Leeway: 30 * s}},
		{name: "for ever", claims: set{"exp": 253402300799}},
	} {
		p := policy(makerOf(t, "HS256").public)
		p.Leeway, p.MaxAge = test.leeway, test.maxAge
		claims, err := verify(t, p, makerOf(t, "HS256").token(t, nil, test.claims))
		if test.want == nil {
			if err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		kind := token.ErrExpired
		if noon.Before(test.want.Limit) {
			kind = token.ErrNotYetValid
		}
		refused(t, claims, err, kind, test.want.Claim)
		got, _ := errors.AsType[*token.TimeError](err)
		test.want.Now = noon
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %v: %s", test.name, err, diff)
		}
	}
}

// Dates without which a token is good for ever, or never was.
func TestMissingDates(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		claims set
		maxAge time.Duration
		why    string
	}{
		{name: "no exp", claims: set{"exp": nil}, why: "exp: missing"},
		{name: "no dates", claims: set{"exp": nil, "iat": nil, "nbf": nil}, why: "exp: missing"},
		{name: "no iat", claims: set{"iat": nil}, maxAge: time.Hour, why: "iat: missing"},
		{name: "exp at nbf", claims: set{"exp": at(10), "nbf": at(10)}, why: "exp: not after nbf"},
		{name: "exp before nbf", claims: set{"exp": at(0), "nbf": at(10 * time.Second)}, why: "exp: not after nbf"},
		{name: "exp at iat", claims: set{"exp": at(0), "iat": at(0), "nbf": nil}, why: "exp: not after iat"},
		{name: "exp before iat", claims: set{"exp": at(0), "iat": at(10 * time.Second), "nbf": nil}, why: "exp: not after iat"},
	} {
		p := policy(makerOf(t, "HS256").public)
		p.MaxAge = test.maxAge
		claims, err := verify(t, p, makerOf(t, "HS256").token(t, nil, test.claims))
		refused(t, claims, err, token.ErrMalformed, "claims: "+test.why)
	}
}

// off returns a Clock that has learned that the issuer's clock is d ahead.
func off(d time.Duration) *skew.Clock {
	c := &skew.Clock{Max: -1}
	now := time.Now()
	c.Observe(skew.Observation{Sent: now, Received: now.Add(time.Millisecond), Remote: now.Add(d), Resolution: time.Millisecond})
	return c
}

// An estimate of the issuer's clock can only refuse, and not by more than five
// minutes.
func TestClockOnlyNarrows(t *testing.T) {
	t.Parallel()
	const m = time.Minute
	for _, test := range []struct {
		name   string
		clock  *skew.Clock
		claims set
		maxAge time.Duration
		kind   error
		claim  string
	}{
		{name: "nothing observed", clock: &skew.Clock{}},
		{name: "agrees", clock: off(0)},

		{name: "ahead, past exp", clock: off(2 * m), claims: set{"exp": at(m)}, kind: token.ErrExpired, claim: "exp"},
		{name: "behind, past exp", clock: off(-2 * m), claims: set{"exp": at(-m)}, kind: token.ErrExpired, claim: "exp"},
		{name: "behind, before nbf", clock: off(-2 * m), claims: set{"nbf": at(-m)}, kind: token.ErrNotYetValid, claim: "nbf"},
		{name: "ahead, before nbf", clock: off(2 * m), claims: set{"nbf": at(m)}, kind: token.ErrNotYetValid, claim: "nbf"},
		{name: "behind, before iat", clock: off(-2 * m), claims: set{"iat": at(-m)}, kind: token.ErrNotYetValid, claim: "iat"},
		{name: "ahead, too old", clock: off(2 * m), claims: set{"iat": at(-9 * m)}, maxAge: 10 * m, kind: token.ErrExpired, claim: "iat"},
		{name: "ahead, good", clock: off(2 * m), claims: set{"exp": at(3 * m)}},

		{name: "a day ahead", clock: off(24 * time.Hour), claims: set{"exp": at(6 * m)}},
		{name: "a day ahead, within five minutes", clock: off(24 * time.Hour), claims: set{"exp": at(4 * m)}, kind: token.ErrExpired, claim: "exp"},
		{name: "a day behind", clock: off(-24 * time.Hour), claims: set{"iat": at(-6 * m)}},
		{name: "a day behind, within five minutes", clock: off(-24 * time.Hour), claims: set{"iat": at(-4 * m)}, kind: token.ErrNotYetValid, claim: "iat"},
	} {
		p := policy(makerOf(t, "HS256").public)
		p.Clock, p.MaxAge = test.clock, test.maxAge
		claims, err := verify(t, p, makerOf(t, "HS256").token(t, nil, set{"iat": at(-time.Hour), "nbf": at(-time.Hour)}.with(test.claims)))
		if test.kind == nil {
			if err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		t.Log(test.name)
		refused(t, claims, err, test.kind, test.claim)
		if got, _ := errors.AsType[*token.TimeError](err); got != nil && got.Now.Equal(noon) != (test.name == "behind, past exp" || test.name == "ahead, before nbf") {
			t.Errorf("%s: by the clock that says %v", test.name, got.Now)
		}
	}
}

// Without Now it is time.Now that decides.
func TestNow(t *testing.T) {
	t.Parallel()
	p := policy(makerOf(t, "HS256").public)
	p.Now = nil
	now := time.Now().Unix()
	if _, err := verify(t, p, makerOf(t, "HS256").token(t, nil, set{"iat": now, "nbf": nil, "exp": now + 60})); err != nil {
		t.Error(err)
	}
	claims, err := verify(t, p, makerOf(t, "HS256").token(t, nil, set{"iat": nil, "nbf": nil, "exp": now - 60}))
	refused(t, claims, err, token.ErrExpired, "exp")
}
