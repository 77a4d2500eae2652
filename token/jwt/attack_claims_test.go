package jwt_test

import (
	"strings"
	"testing"

	"github.com/tokenlife/tokenlife/token"
)

// Claims that are odd and rightly signed. now is 1800000000.
func TestAttackClaims(t *testing.T) {
	t.Parallel()
	f := forge()
	p := f.policy(f.hsKey())
	with := func(more string) string {
		return `{"iss":"https://issuer.example","aud":"https://api.example","sub":"alice-in-wonderland",` + more + `}`
	}
	const exp = `"exp":1800000600`
	for _, c := range []struct {
		claims string
		want   error
	}{
		// Two readings of one name. golang-jwt lets EXP win over exp; it and
		// jwx take the last of two exp.
		{with(`"exp":1700000000,"exp":1800000600`), token.ErrMalformed},
		{with(`"exp":1800000600,"exp":1700000000`), token.ErrMalformed},
		{with(`"exp":1800000600,"exp":1800000600`), token.ErrMalformed},
		{with(`"exp":1700000000,"EXP":1800000600`), token.ErrMalformed},
		{with(`"EXP":1700000000,"exp":1800000600`), token.ErrMalformed},
		{with(`"exp":1700000000,"Exp":1800000600`), token.ErrMalformed},
		{with(`"exp":1700000000,"exP":1800000600`), token.ErrMalformed},
		{with(`"exp":1700000000,"\u0065xp":1800000600`), token.ErrMalformed},
		{with(`"exp":1700000000,"\u0065\u0078\u0070":1800000600`), token.ErrMalformed},
		{with(exp + `,"sub":"bob"`), token.ErrMalformed},
		{with(exp + `,"SUB":"bob"`), token.ErrMalformed},
		{with(exp + `,"\u017fub":"bob"`), token.ErrMalformed}, // the long s
		{with(exp + `,"i\u017fs":"bob"`), token.ErrMalformed},
		{with(exp + `,"is\u017f":"bob"`), token.ErrMalformed},
		{with(exp + `,"x":{"a":1,"a":2}`), token.ErrMalformed},
		{with(exp + `,"x":[{"a":1,"A":2}]`), token.ErrMalformed},
		{with(exp + `,"k":1,"\u212a":2`), token.ErrMalformed}, // the Kelvin sign
		{with(exp + `,"":1,"":2`), token.ErrMalformed},
		// Twins beyond those that are compared one by one.
		{with(exp + `,"a1":0,"a2":0,"a3":0,"a4":0,"a5":0,"a6":0,"a7":0,"a8":0,"a9":0,"b1":0,"b2":0,"b3":0,"b4":0,"b5":0,"b6":0,"Exp":0`), token.ErrMalformed},

		// Dates. golang-jwt, go-jose and jwx each accept milliseconds.
		{with(`"exp":1800000600000`), token.ErrMalformed},
		{with(`"exp":99999999999999`), token.ErrMalformed},
		{with(`"exp":253402300800`), token.ErrMalformed}, // the year 10000
		{with(`"exp":9223372036854775807`), token.ErrMalformed},
		{with(`"exp":18446744073709551615`), token.ErrMalformed},
		{with(`"exp":1` + strings.Repeat("0", 400)), token.ErrMalformed},
		{with(`"exp":1e400`), token.ErrMalformed},
		{with(`"exp":1e99999999999999999999`), token.ErrMalformed},
		{with(`"exp":-1`), token.ErrMalformed},
		{with(`"exp":-1800000600`), token.ErrMalformed},
		{with(`"exp":-0`), token.ErrMalformed},
		{with(`"exp":-1e400`), token.ErrMalformed},
		{with(`"exp":"1800000600"`), token.ErrMalformed},
		{with(`"exp":"2027-01-15T08:10:00Z"`), token.ErrMalformed},
		{with(`"exp":""`), token.ErrMalformed},
		{with(`"exp":true`), token.ErrMalformed},
		{with(`"exp":[1800000600]`), token.ErrMalformed},
		{with(`"exp":{"$numberLong":1800000600}`), token.ErrMalformed},
		{with(`"exp":null`), token.ErrMalformed},
		{with(`"exp":01800000600`), token.ErrMalformed},
		{with(`"exp":+1800000600`), token.ErrMalformed},
		{with(`"exp":0x6B49D458`), token.ErrMalformed},
		{with(`"exp":1800000600.`), token.ErrMalformed},
		{with(`"exp":.5`), token.ErrMalformed},
		{with(`"exp":Infinity`), token.ErrMalformed},
		{with(`"exp":NaN`), token.ErrMalformed},
		{with(`"exp":1_800_000_600`), token.ErrMalformed},
		{with(`"exp":1,800,000,600`), token.ErrMalformed},
		{with(exp + `,"nbf":null`), token.ErrMalformed},
		{with(exp + `,"nbf":"0"`), token.ErrMalformed},
		{with(exp + `,"nbf":-5`), token.ErrMalformed},
		{with(exp + `,"iat":null`), token.ErrMalformed},
		{with(exp + `,"iat":1800000000000`), token.ErrMalformed},
		{with(exp + `,"iat":"yesterday"`), token.ErrMalformed},

		// Lifetimes. Of these golang-jwt, go-jose and jwx accept the first, and
		// golang-jwt an iat to come.
		{with(`"x":1`), token.ErrMalformed}, // no exp
		{with(`"EXP":1800000600`), token.ErrMalformed},
		{with(`"exp":0`), token.ErrExpired},
		{with(`"exp":1`), token.ErrExpired},
		{with(`"exp":1799999000`), token.ErrExpired},
		{with(`"exp":1799999969`), token.ErrExpired},                  // 31 s ago, and 30 s are allowed
		{with(`"exp":1799999969.9999999999999999`), token.ErrExpired}, // not rounded up
		{with(`"exp":1.799999969999999999999999999e9`), token.ErrExpired},
		{with(`"exp":1799999970`), token.ErrExpired}, // not good at the very instant
		{with(exp + `,"nbf":1800000031`), token.ErrNotYetValid},
		{with(exp + `,"nbf":253402300799`), token.ErrMalformed}, // after its end
		{with(exp + `,"iat":1800000031`), token.ErrNotYetValid},
		{with(exp + `,"nbf":1800000600`), token.ErrMalformed},
		{with(exp + `,"nbf":1800000601`), token.ErrMalformed},
		{with(`"exp":1799990000,"nbf":1800090000`), token.ErrMalformed},
		{with(`"exp":1800000010,"nbf":1800000020`), token.ErrMalformed}, // both within the leeway
		{with(exp + `,"iat":1800000601`), token.ErrMalformed},

		// Whose and for whom.
		{`{"aud":"https://api.example",` + exp + `}`, token.ErrIssuer},
		{`{"iss":"","aud":"https://api.example",` + exp + `}`, token.ErrIssuer},
		{`{"iss":"https://issuer.example/","aud":"https://api.example",` + exp + `}`, token.ErrIssuer},
		{`{"iss":"https://ISSUER.example","aud":"https://api.example",` + exp + `}`, token.ErrIssuer},
		{`{"iss":"HTTPS://issuer.example","aud":"https://api.example",` + exp + `}`, token.ErrIssuer},
		{`{"iss":"https://issuer.example ","aud":"https://api.example",` + exp + `}`, token.ErrIssuer},
		{`{"iss":"https://issuer.example\u0000","aud":"https://api.example",` + exp + `}`, token.ErrIssuer},
		{`{"iss":"https://issuer.ex\u0430mple","aud":"https://api.example",` + exp + `}`, token.ErrIssuer},
		{`{"iss":"\u001b[31m\r\nroot: all is well","aud":"https://api.example",` + exp + `}`, token.ErrIssuer},
		{`{"iss":"` + strings.Repeat("x", 100_000) + `","aud":"https://api.example",` + exp + `}`, token.ErrIssuer},
		{`{"iss":["https://issuer.example"],"aud":"https://api.example",` + exp + `}`, token.ErrMalformed},
		{`{"iss":null,"aud":"https://api.example",` + exp + `}`, token.ErrMalformed},
		{`{"ISS":"https://issuer.example","aud":"https://api.example",` + exp + `}`, token.ErrMalformed},
		{`{"iss":"https://issuer.example",` + exp + `}`, token.ErrAudience},
		{`{"iss":"https://issuer.example","aud":"",` + exp + `}`, token.ErrAudience},
		{`{"iss":"https://issuer.example","aud":[],` + exp + `}`, token.ErrAudience},
		{`{"iss":"https://issuer.example","aud":[""],` + exp + `}`, token.ErrAudience},
		{`{"iss":"https://issuer.example","aud":"https://api.example/",` + exp + `}`, token.ErrAudience},
		{`{"iss":"https://issuer.example","aud":"https://API.example",` + exp + `}`, token.ErrAudience},
		{`{"iss":"https://issuer.example","aud":"https://api.example https://other.example",` + exp + `}`, token.ErrAudience},
		{`{"iss":"https://issuer.example","aud":"https://api.example,https://other.example",` + exp + `}`, token.ErrAudience},
		{`{"iss":"https://issuer.example","aud":["[https://api.example]"],` + exp + `}`, token.ErrAudience},
		{`{"iss":"https://issuer.example","aud":"*",` + exp + `}`, token.ErrAudience},
		{`{"iss":"https://issuer.example","aud":["` + strings.Repeat(`a","`, 4000) + `b"],` + exp + `}`, token.ErrAudience},
		{`{"iss":"https://issuer.example","aud":[["https://api.example"]],` + exp + `}`, token.ErrMalformed},
		{`{"iss":"https://issuer.example","aud":{"https://api.example":1},` + exp + `}`, token.ErrMalformed},
		{`{"iss":"https://issuer.example","aud":["https://api.example",null],` + exp + `}`, token.ErrMalformed},
		{`{"iss":"https://issuer.example","aud":["https://api.example",1],` + exp + `}`, token.ErrMalformed},
		{`{"iss":"https://issuer.example","aud":null,` + exp + `}`, token.ErrMalformed},
		{`{"iss":"https://issuer.example","AUD":"https://api.example",` + exp + `}`, token.ErrMalformed},
		{with(exp + `,"jti":1`), token.ErrMalformed},
		{with(exp + `,"jti":null`), token.ErrMalformed},
		{`{"iss":"https://issuer.example","aud":"https://api.example","sub":1,` + exp + `}`, token.ErrMalformed},
		{`{"iss":"https://issuer.example","aud":"https://api.example","sub":null,` + exp + `}`, token.ErrMalformed},

		// Names that encoding/json, and so golang-jwt, takes for a registered
		// one where that is missing: it would have a subject, an ID or a
		// lifetime that this package knows nothing of.
		{`{"iss":"https://issuer.example","aud":"https://api.example","SUB":"root",` + exp + `}`, token.ErrMalformed},
		{`{"iss":"https://issuer.example","aud":"https://api.example","Sub":"root",` + exp + `}`, token.ErrMalformed},
		{`{"iss":"https://issuer.example","aud":"https://api.example","\u017fub":"root",` + exp + `}`, token.ErrMalformed},
		{with(exp + `,"JTI":"1"`), token.ErrMalformed},
		{with(exp + `,"NBF":1900000000`), token.ErrMalformed},
		{with(exp + `,"IAT":1900000000`), token.ErrMalformed},

		// Not claims at all. golang-jwt and go-jose accept null, jwx two objects.
		{``, token.ErrMalformed}, {`null`, token.ErrMalformed}, {`true`, token.ErrMalformed}, {`1800000600`, token.ErrMalformed},
		{`"exp"`, token.ErrMalformed}, {`[]`, token.ErrMalformed}, {`[` + with(exp) + `]`, token.ErrMalformed},
		{with(exp) + with(exp), token.ErrMalformed}, {`{} {}`, token.ErrMalformed}, {with(exp) + ` x`, token.ErrMalformed},
		{with(exp) + "\x00", token.ErrMalformed}, {with(exp) + "\n,", token.ErrMalformed},
		{`{}`, token.ErrMalformed}, {`{`, token.ErrMalformed}, {with(exp + `,`), token.ErrMalformed}, {with(`,` + exp), token.ErrMalformed},
		{"\ufeff" + with(exp), token.ErrMalformed}, {"\x1e" + with(exp), token.ErrMalformed}, {")]}'\n" + with(exp), token.ErrMalformed},
		{with(exp + `,"x":"` + "\xff" + `"`), token.ErrMalformed},             // golang-jwt, go-jose and jwx accept it
		{with(exp + `,"x":"` + "\xed\xa0\x80" + `"`), token.ErrMalformed},     // a surrogate in UTF-8
		{with(exp + `,"x":"` + "\xc0\xaf" + `"`), token.ErrMalformed},         // overlong
		{with(exp + `,"x":"` + "\xf4\x90\x80\x80" + `"`), token.ErrMalformed}, // beyond Unicode
		{with(exp + `,"\xff":1`), token.ErrMalformed},
		{with(exp + `,"x":"\ud800"`), token.ErrMalformed}, {with(exp + `,"x":"\udc00\ud800"`), token.ErrMalformed},
		{with(exp + `,"x":"\ud800\u0041"`), token.ErrMalformed}, {with(exp + `,"\ud800":1`), token.ErrMalformed},
		{with(exp + `,"x":"\x41"`), token.ErrMalformed}, {with(exp + `,"x":"\'"`), token.ErrMalformed},
		{with(exp + `,"x":"` + "\n" + `"`), token.ErrMalformed}, {with(exp + `,"x":"` + "\x00" + `"`), token.ErrMalformed},
		{strings.ReplaceAll(with(exp), `"`, `'`), token.ErrMalformed}, {with(exp + `,x:1`), token.ErrMalformed},
		{with(exp + ` // comment`), token.ErrMalformed}, {with(exp + `,"x":undefined`), token.ErrMalformed},
		{with(exp + `,"x":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)), token.ErrMalformed},
		{with(exp + `,"x":` + strings.Repeat(`{"x":`, 50) + "1" + strings.Repeat("}", 50)), token.ErrMalformed},
		{utf16(with(exp)), token.ErrMalformed},
		{"\x1f\x8b\x08\x00" + with(exp), token.ErrMalformed},
		{"It\u2019s a dangerous business, Frodo", token.ErrMalformed},
		// A signature around a signature: which claims would it be?
		{f.token(`{"alg":"HS256"}`, with(exp), f.hs256()), token.ErrMalformed},
	} {
		t.Run(name(c.claims[min(len(c.claims), 85*b2i(strings.HasPrefix(c.claims, `{"iss":"https://issuer.example","aud":"https://api.example","sub"`))):]), func(t *testing.T) {
			f.refuses(t, p, f.token(`{"alg":"HS256"}`, c.claims, f.hs256()), c.want)
		})
	}

	for _, claims := range []string{
		with(exp),
		with(`"exp":1800000600.0`), with(`"exp":1800000600.75`), with(`"exp":18000006e2`), with(`"exp":1.8000006E+9`),
		with(exp + `,"nbf":1800000030`), // within the leeway
		with(exp + `,"iat":1800000030`),
		with(exp + `,"nbf":0,"iat":0`),
		with(exp + `,"x":"\ud83d\ude00","y":1e300,"z":null`),
		" \t\r\n" + with(exp) + " \t\r\n",
		`{"iss":"https://issuer.example","aud":["other","https://api.example"],"sub":"alice-in-wonderland",` + exp + `}`,
		strings.Replace(with(exp), "iss", `\u0069ss`, 1),
	} {
		t.Run("good: "+name(claims), func(t *testing.T) {
			f.accepts(t, p, f.token(`{"alg":"HS256"}`, claims, f.hs256()))
		})
	}
}

// A token that is refused for two reasons is refused for the first that the
// documentation names, so that nobody learns of claims that no issuer signed.
func TestAttackOrder(t *testing.T) {
	t.Parallel()
	f := forge()
	p := f.policy(f.hsKey())
	wrong := f.always(1, 2, 3)
	for _, claims := range []string{
		`{"iss":"https://enemy.example","exp":1}`, `{"exp":1}`, `{"exp":1900000000,"nbf":1890000000}`, `{"x":1}`,
	} {
		f.refuses(t, p, f.token(`{"alg":"HS256"}`, claims, wrong), token.ErrSignature)
	}
	f.refuses(t, p, f.token(`{"alg":"HS256"}`, `{"iss":"https://enemy.example","aud":"x","exp":1}`, f.hs256()), token.ErrExpired)
	f.refuses(t, p, f.token(`{"alg":"HS256"}`, `{"iss":"https://enemy.example","aud":"x","exp":1800000600}`, f.hs256()), token.ErrIssuer)
	f.refuses(t, p, f.token(`{"alg":"none"}`, `null`, f.always()), token.ErrMalformed)
}

func utf16(s string) string {
	var b strings.Builder
	for _, c := range s {
		b.WriteByte(0)
		b.WriteByte(byte(c))
	}
	return b.String()
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
