package jwe_test

import (
	"crypto/elliptic"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tokenlife/tokenlife/skew"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwe"
	"github.com/tokenlife/tokenlife/token/jwt"
)

func TestPolicy(t *testing.T) {
	t.Parallel()
	want := token.Claims{
		Issuer: "https://issuer.example", Subject: "mira", Audience: []string{"api"},
		IssuedAt: time.Unix(1795348740, 0).UTC(), Expiry: time.Unix(1795352400, 0).UTC(),
	}
	check := func(t *testing.T, p *jwe.Policy, text string) {
		t.Helper()
		got, err := p.Verify(t.Context(), token.NewSecret(text))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(token.Claims{})); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		var all struct{ Sub string }
		if err := got.Decode(&all); err != nil || all.Sub != "mira" {
			t.Errorf("decoded %+v, %v", all, err)
		}
	}
	encs := []string{"A128GCM", "A192GCM", "A256GCM", "A128CBC-HS256", "A192CBC-HS384", "A256CBC-HS512"}
	for i, size := range []int{16, 24, 32} {
		// As the size has it.
		k := jwt.Key{Shared: secret(size, 'k')}
		check(t, policy(k), encrypt(t, k, claims, jwe.Header{}))
		check(t, policy(k), sealDir(t, k.Shared, `{"enc":"`+encs[i]+`","typ":"x","alg":"dir","more":{"a":[1]}}`, claims))

		// As the key or the Policy has it.
		kw := fmt.Sprintf("A%dKW", size*8)
		for _, enc := range encs {
			k := jwt.Key{ID: "1", Algorithm: kw, Shared: secret(size, 'k')}
			check(t, policy(k), encrypt(t, k, claims, jwe.Header{Encryption: enc}))
			k.Algorithm = ""
			p := policy(k)
			p.Algorithms = []string{kw}
			check(t, p, encrypt(t, k, claims, jwe.Header{Algorithm: kw, Encryption: enc}))
		}
	}
	for enc, size := range map[string]int{"A128CBC-HS256": 32, "A192CBC-HS384": 48, "A256CBC-HS512": 64, "A256GCM": 32} {
		k := jwt.Key{Algorithm: enc, Use: "enc", Operations: []string{"decrypt", "encrypt"}, Shared: secret(size, 'k')}
		check(t, policy(k), encrypt(t, k, claims, jwe.Header{}))
	}
}

// Which claims pass is jwt.Policy's to say; that it is asked, and about what, is
// seen here.
func TestPolicyClaims(t *testing.T) {
	t.Parallel()
	k := jwt.Key{Shared: secret(32, 'k')}
	with := func(old, new string) string { return strings.Replace(claims, old, new, 1) }
	ahead := new(skew.Clock)
	ahead.Observe(skew.Observation{Received: time.Now(), Remote: time.Now().Add(3 * time.Minute), AtLeast: true})
	for _, test := range []struct {
		name, claims string
		change       func(*jwe.Policy)
		want         error
	}{
		{name: "no exp", claims: with(`,"exp":1795352400`, ``), want: token.ErrMalformed},
		{name: "exp not a number", claims: with(`1795352400`, `"1795352400"`), want: token.ErrMalformed},
		{name: "two exp", claims: with(`"exp":`, `"exp":1795359999,"exp":`), want: token.ErrMalformed},
		{name: "EXP", claims: with(`"exp":`, `"EXP":1795359999,"exp":`), want: token.ErrMalformed},
		{name: "expired", claims: with(`1795352400`, `1795348769`), want: token.ErrExpired},
		{name: "in the leeway", claims: with(`1795352400`, `1795348771`)},
		{name: "no leeway", claims: with(`1795352400`, `1795348771`), change: func(p *jwe.Policy) { p.Leeway.Expiry = -1 }, want: token.ErrExpired},
		{name: "not yet valid", claims: with(`"iat"`, `"nbf":1795348900,"iat"`), want: token.ErrNotYetValid},
		{name: "issuer", claims: with(`issuer.example`, `issuer.example/`), want: token.ErrIssuer},
		{name: "any issuer", claims: with(`issuer.example`, `other.example`), change: func(p *jwe.Policy) { p.Issuer, p.AnyIssuer = "", true }},
		{name: "audience", claims: with(`"api"`, `["web"]`), want: token.ErrAudience},
		{name: "any audience", claims: with(`"api"`, `["web"]`), change: func(p *jwe.Policy) { p.Audience, p.AnyAudience = nil, true }},
		{name: "too old", claims: claims, change: func(p *jwe.Policy) { p.MaxAge, p.Now = time.Minute, at(now.Add(time.Hour-time.Minute)) }, want: token.ErrInvalid},
		{name: "expired by the issuer's clock", claims: with(`1795352400`, `1795348860`), change: func(p *jwe.Policy) { p.Clock = ahead }, want: token.ErrExpired},
		{name: "prose", claims: "Live long and prosper.", want: token.ErrMalformed},
		{name: "nothing", claims: "", want: token.ErrMalformed},
		{name: "an array", claims: "[]", want: token.ErrMalformed},
		{name: "null", claims: "null", want: token.ErrMalformed},
	} {
		p := policy(k)
		if test.change != nil {
			test.change(p)
		}
		got, err := p.Verify(t.Context(), token.NewSecret(encrypt(t, k, test.claims, jwe.Header{})))
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
		if empty := cmp.Equal(got, token.Claims{}, cmpopts.IgnoreUnexported(token.Claims{})); empty != (test.want != nil) {
			t.Errorf("%s: %+v beside %v", test.name, got, err)
		}
	}
}

func TestPolicyType(t *testing.T) {
	t.Parallel()
	k := jwt.Key{Shared: secret(32, 'k')}
	for _, test := range []struct {
		want, typ string
		ok        bool
	}{
		{"", "", true}, {"", "anything", true}, {"at+jwt", "at+jwt", true}, {"at+jwt", "application/AT+JWT", true},
		{"application/at+jwt", "at+jwt", true}, {"at+jwt", "", false}, {"at+jwt", "JWT", false}, {"s", "\u017f", false},
	} {
		p := policy(k)
		p.Type = test.want
		_, err := p.Verify(t.Context(), token.NewSecret(encrypt(t, k, claims, jwe.Header{Type: test.typ})))
		if test.ok != (err == nil) || !test.ok && !errors.Is(err, token.ErrMalformed) {
			t.Errorf("typ %q for %q: %v", test.typ, test.want, err)
		}
	}
}

// A signed token inside is not for this Policy, and the error says for which.
func TestPolicyNested(t *testing.T) {
	t.Parallel()
	k := jwt.Key{Shared: secret(32, 'k')}
	for _, cty := range []string{"JWT", "jwt", "application/jwt"} {
		got, err := policy(k).Verify(t.Context(), token.NewSecret(encrypt(t, k, claims, jwe.Header{ContentType: cty})))
		refused(t, got.Issuer == "", err, token.ErrMalformed, "the Policy of package jwt")
	}
}

// What was encrypted under a public key anybody could have made.
func TestPolicyPublicKey(t *testing.T) {
	t.Parallel()
	rsaPair, ecPair := jwt.Key{Private: rsaKey()}, jwt.Key{Private: ecKey(elliptic.P256())}
	for _, k := range []jwt.Key{rsaPair, ecPair} {
		got, err := policy(k).Verify(t.Context(), token.NewSecret(encrypt(t, k, claims, jwe.Header{})))
		refused(t, got.Issuer == "", err, token.ErrSignature, "public key")
	}
	for _, alg := range []string{"RSA-OAEP-256", "ECDH-ES", "none", "HS256"} {
		p := policy(rsaPair)
		p.Algorithms = []string{alg}
		got, err := p.Verify(t.Context(), token.NewSecret("x"))
		refused(t, got.Issuer == "", err, nil, alg)
	}
}

// A Policy that lacks something does not blame the token, good or bad.
func TestPolicyIncomplete(t *testing.T) {
	t.Parallel()
	k := jwt.Key{Shared: secret(32, 'k')}
	good, bad := encrypt(t, k, claims, jwe.Header{}), "bad"
	for _, test := range []struct {
		change func(*jwe.Policy)
		says   string
	}{
		{func(p *jwe.Policy) { *p = jwe.Policy{} }, "Keys"},
		{func(p *jwe.Policy) { p.Keys = nil }, "no Keys"},
		{func(p *jwe.Policy) { p.Keys = jwt.Keys{} }, "no Keys"},
		{func(p *jwe.Policy) { p.Issuer = "" }, "Issuer"},
		{func(p *jwe.Policy) { p.Audience = nil }, "Audience"},
		{func(p *jwe.Policy) { p.AnyIssuer = true }, "Issuer"},
		{func(p *jwe.Policy) { p.Algorithms = []string{} }, "Algorithms"},
		{func(p *jwe.Policy) { p.Algorithms = []string{"A256KW", "PBES2-HS256+A128KW"} }, "PBES2"},
	} {
		for _, text := range []string{good, bad} {
			p := policy(k)
			test.change(p)
			got, err := p.Verify(t.Context(), token.NewSecret(text))
			refused(t, got.Issuer == "", err, nil, test.says)
			if check := p.Check(); check == nil || check.Error() != err.Error() {
				t.Errorf("Check: %v, Verify: %v", check, err)
			}
		}
	}
	if err := policy(k).Check(); err != nil {
		t.Error(err)
	}
	var none *jwe.Policy
	_, err := none.Verify(t.Context(), token.NewSecret(good))
	refused(t, true, err, nil, "the Policy is nil")
}
