package jwt_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

func TestVerify(t *testing.T) {
	t.Parallel()
	want := token.Claims{
		Issuer: issuer, Subject: "alice", Audience: []string{audience},
		IssuedAt: noon.Add(-time.Minute), NotBefore: noon.Add(-time.Minute), Expiry: noon.Add(time.Hour),
	}
	for alg, m := range makers() {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			p := policy(m.named("1"))
			p.Algorithms = []string{alg}
			for name, header := range map[string]set{"with kid": {"kid": "1", "typ": "JWT"}, "without": {}} {
				claims, err := verify(t, p, m.token(t, header, nil))
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if diff := cmp.Diff(want, claims, cmpopts.IgnoreUnexported(token.Claims{})); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
				var all struct{ Sub string }
				if err := claims.Decode(&all); err != nil || all.Sub != "alice" {
					t.Errorf("%s: %v, %+v", name, err, all)
				}
			}

			// One bit of the signature, and one of what is signed.
			good := m.token(t, nil, nil)
			dot := strings.LastIndexByte(good, '.')
			_, err := verify(t, p, good[:dot+1]+flip(good[dot+1:]))
			refused(t, token.Claims{}, err, token.ErrSignature, "it was not made with key ")
			other := m.token(t, nil, set{"sub": "bob"})
			_, err = verify(t, p, other[:strings.LastIndexByte(other, '.')]+good[dot:])
			refused(t, token.Claims{}, err, token.ErrSignature, "it was not made with key ")
			_, err = verify(t, p, good[:dot+1]+"AAAA")
			refused(t, token.Claims{}, err, token.ErrSignature, "it was not made with key ")
		})
	}
}

// flip changes the first letter.
func flip(s string) string {
	if s[0] == 'A' {
		return "B" + s[1:]
	}
	return "A" + s[1:]
}

// What a token may look like before any key matters.
func TestForm(t *testing.T) {
	t.Parallel()
	m := makerOf(t, "HS256")
	text := m.token(t, nil, nil)
	segments := strings.Split(text, ".")
	p := policy(m.public)
	p.Keys = noKeys{t}
	for _, test := range []struct{ name, text, why string }{
		{"empty", "", "length: it is empty"},
		{"Bearer", "bearer " + text, "scheme: the token begins with one"},
		{"opaque", "kubeconfig-u-b4qkhsnliz:bzrxt7m5c4kqvdjg9wx2lh8n6p", "segments: no dots"},
		{"cut off", segments[0] + "." + segments[1], "segments: 2 of them"},
		{"four", text + ".", "segments: 4 of them"},
		{"six", text + "...", "segments: 6 of them"},
		{"a million dots", strings.Repeat(".", 1e6), "segments: 1000001 of them"},
		{"too long", strings.Repeat("A", token.MaxSize+1), "length: 1048577 bytes"},
		{"JSON", `{"payload":"` + segments[1] + `","protected":"` + segments[0] + `","signature":"` + segments[2] + `"}`, "segments: no dots"},

		{"line break at the end", text + "\n", "segment 3 (signature): white space in it"},
		{"line break in front", "\r\n" + text, "segment 1 (header): white space in it"},
		{"line break within", segments[0] + "." + segments[1][:8] + "\n" + segments[1][8:] + "." + segments[2], "segment 2 (payload): white space in it"},
		{"line break in signature", segments[0] + "." + segments[1] + "." + segments[2][:8] + "\r" + segments[2][8:], "segment 3 (signature): white space in it"},
		{"padding", text + "=", "segment 3 (signature): padded"},
		{"stray bits", text[:len(text)-1] + string(text[len(text)-1]+1), "segment 3 (signature): not base64url"},
		{"no signature", segments[0] + "." + segments[1] + ".", "segment 3 (signature): empty"},

		{"header no JSON", m.sign(t, `alg`, `{}`), "segment 1 (header): not JSON"},
		{"header null", m.sign(t, `null`, `{}`), "segment 1 (header): null"},
		{"no alg", m.sign(t, `{"typ":"JWT"}`, `{}`), "segment 1 (header): alg: missing"},
		{"two alg", m.sign(t, `{"alg":"none","alg":"HS256"}`, `{}`), "segment 1 (header): alg: a name that occurs twice"},
		{"twin alg", m.sign(t, `{"alg":"HS256","Alg":"none"}`, `{}`), "segment 1 (header): alg: a name that occurs twice"},
		{"crit", m.token(t, set{"crit": []string{"exp"}}, nil), "segment 1 (header): crit"},
		{"crit, empty", m.token(t, set{"crit": []string{}}, nil), "segment 1 (header): crit"},
		{"b64", m.token(t, set{"b64": false}, nil), "segment 1 (header): b64"},
		{"b64 true", m.token(t, set{"b64": true}, nil), "segment 1 (header): b64"},
		{"zip", m.token(t, set{"zip": "DEF"}, nil), "segment 1 (header): zip"},
		{"enc", m.token(t, set{"enc": "A256GCM"}, nil), "segment 1 (header): enc"},

		{"claims no JSON", m.sign(t, `{"alg":"HS256"}`, `It's a dangerous business`), "claims: not JSON"},
		{"claims null", m.sign(t, `{"alg":"HS256"}`, `null`), "claims: null"},
		{"two exp", m.sign(t, `{"alg":"HS256"}`, `{"exp":1,"exp":2}`), "claims: exp: a name that occurs twice"},
		{"exp and EXP", m.sign(t, `{"alg":"HS256"}`, `{"exp":1,"EXP":2}`), "claims: exp: a name that occurs twice"},
		{"milliseconds", m.token(t, nil, set{"exp": noon.UnixMilli()}), "claims: exp: a date outside"},
		{"exp a string", m.token(t, nil, set{"exp": "1"}), "claims: exp: a string"},
		{"not UTF-8", m.sign(t, `{"alg":"HS256"}`, "{\"sub\":\"\xff\"}"), "claims: sub: text that is not UTF-8"},
		{"trailing", m.sign(t, `{"alg":"HS256"}`, `{} {}`), "claims: more text"},
	} {
		claims, err := verify(t, p, test.text)
		if err == nil {
			t.Errorf("%s: accepted", test.name)
			continue
		}
		refused(t, claims, err, token.ErrMalformed, test.why)
	}
}

// noKeys is a KeySet that nobody should ask.
type noKeys struct{ t *testing.T }

func (k noKeys) Keys(context.Context, string) ([]jwt.Key, error) {
	k.t.Error("a key was asked for")
	return nil, errors.New("no")
}

func TestType(t *testing.T) {
	t.Parallel()
	m := makerOf(t, "HS256")
	for _, test := range []struct {
		policy string
		typ    any
		good   bool
	}{
		{"", nil, true},
		{"", "JWT", true},
		{"", "whatever", true},
		{"at+jwt", "at+jwt", true},
		{"at+jwt", "AT+JWT", true},
		{"at+jwt", "application/at+jwt", true},
		{"at+jwt", "Application/at+jwt", true},
		{"application/at+jwt", "at+jwt", true},
		{"at+jwt", "JWT", false},
		{"at+jwt", nil, false},
		{"at+jwt", "", false},
		{"at+jwt", "at+jwt ", false},
		{"at+jwt", "x/at+jwt", false},
		{"at+jwt", "application/application/at+jwt", false},
		{"secevent+jwt", "\u017fecevent+jwt", false},
		{"at+jwt", "application/", false},
	} {
		p := policy(m.public)
		p.Type = test.policy
		if !test.good {
			p.Keys = noKeys{t}
		}
		claims, err := verify(t, p, m.token(t, set{"typ": test.typ}, nil))
		if test.good && err != nil {
			t.Errorf("typ %v for a Policy of %q: %v", test.typ, test.policy, err)
		}
		if !test.good {
			refused(t, claims, err, token.ErrMalformed, ", and not the "+`"`+test.policy)
		}
	}
}

func TestIssuerAndAudience(t *testing.T) {
	t.Parallel()
	m := makerOf(t, "HS256")
	long := strings.Repeat("x", 5000)
	for _, test := range []struct {
		name   string
		claims set
		edit   func(*jwt.Policy)
		kind   error
		why    string
	}{
		{name: "another issuer", claims: set{"iss": "https://evil.example"}, kind: token.ErrIssuer,
			why: `"https://evil.example", and this Policy is for "https://issuer.example"`},
		{name: "a slash", claims: set{"iss": issuer + "/"}, kind: token.ErrIssuer, why: issuer},
		{name: "in another case", claims: set{"iss": strings.ToUpper(issuer)}, kind: token.ErrIssuer, why: issuer},
		{name: "no issuer", claims: set{"iss": nil}, kind: token.ErrIssuer, why: `"", and`},
		{name: "any issuer", claims: set{"iss": "x"}, edit: func(p *jwt.Policy) { p.Issuer, p.AnyIssuer = "", true }},
		{name: "any issuer and none", claims: set{"iss": nil}, edit: func(p *jwt.Policy) { p.Issuer, p.AnyIssuer = "", true }},

		{name: "another audience", claims: set{"aud": "https://other.example"}, kind: token.ErrAudience,
			why: `["https://other.example"], and this Policy is for ["https://api.example"]`},
		{name: "no audience", claims: set{"aud": nil}, kind: token.ErrAudience, why: "none, and this Policy is for"},
		{name: "empty audience", claims: set{"aud": []string{}}, kind: token.ErrAudience, why: "none, and"},
		{name: "many audiences", claims: set{"aud": []string{"a", "b", "c", "d", "e"}}, kind: token.ErrAudience, why: `["a" "b" "c"] and 2 more`},
		{name: "one of several", claims: set{"aud": []string{"x", audience}}},
		{name: "one of ours", edit: func(p *jwt.Policy) { p.Audience = []string{"x", audience} }},
		{name: "any audience", claims: set{"aud": "x"}, edit: func(p *jwt.Policy) { p.Audience, p.AnyAudience = nil, true }},
		{name: "any audience and none", claims: set{"aud": nil}, edit: func(p *jwt.Policy) { p.Audience, p.AnyAudience = nil, true }},

		{name: "long issuer", claims: set{"iss": long}, kind: token.ErrIssuer, why: issuer},
		{name: "long audience, alone", claims: set{"aud": long}, kind: token.ErrAudience, why: audience},
		{name: "long audience", claims: set{"aud": []string{long, long, long, long}}, kind: token.ErrAudience, why: audience},

		// The first fault is the one that is named.
		{name: "issuer before audience", claims: set{"iss": "x", "aud": "x"}, kind: token.ErrIssuer},
		{name: "dates before issuer", claims: set{"iss": "x", "exp": noon.Unix() - 50}, kind: token.ErrExpired},
	} {
		p := policy(m.public)
		if test.edit != nil {
			test.edit(p)
		}
		claims, err := verify(t, p, m.token(t, nil, test.claims))
		switch {
		case test.kind != nil:
			refused(t, claims, err, test.kind, test.why)
			if err != nil && len(err.Error()) > 800 {
				t.Errorf("%s: an error of %d bytes", test.name, len(err.Error()))
			}
		case err != nil:
			t.Errorf("%s: %v", test.name, err)
		}

		// CheckClaims says the same of claims from elsewhere, without keys.
		c, err := token.ParseClaims([]byte(good.with(test.claims).json(t)))
		if err != nil {
			t.Fatal(err)
		}
		p.Keys = nil
		if err := p.CheckClaims(c); !errors.Is(err, test.kind) {
			t.Errorf("%s: CheckClaims: %v", test.name, err)
		}
	}
}

// A Policy that is not filled in says so, whatever is presented, and does not
// blame the token.
func TestIncomplete(t *testing.T) {
	t.Parallel()
	m := makerOf(t, "HS256")
	for _, test := range []struct {
		name string
		edit func(*jwt.Policy)
		want string // of Verify
		keys bool   // CheckClaims does not mind
	}{
		{"zero", func(p *jwt.Policy) { *p = jwt.Policy{} },
			"jwt: Policy: neither Issuer nor AnyIssuer is set; neither Audience nor AnyAudience is set; Keys is not set", false},
		{"no Keys", func(p *jwt.Policy) { p.Keys = nil }, "jwt: Policy: Keys is not set", true},
		{"nil Keys", func(p *jwt.Policy) { p.Keys = jwt.Keys(nil) }, "jwt: Policy: Keys is not set", true},
		{"empty Keys", func(p *jwt.Policy) { p.Keys = jwt.Keys{} }, "jwt: Policy: Keys is not set", true},
		{"no Remote", func(p *jwt.Policy) { p.Keys = (*jwt.Remote)(nil) }, "jwt: Policy: Keys is not set", true},
		{"no Issuer", func(p *jwt.Policy) { p.Issuer = "" }, "jwt: Policy: neither Issuer nor AnyIssuer is set", false},
		{"two Issuers", func(p *jwt.Policy) { p.AnyIssuer = true }, "jwt: Policy: both Issuer and AnyIssuer are set: clear one", false},
		{"no Audience", func(p *jwt.Policy) { p.Audience = []string{} }, "jwt: Policy: neither Audience nor AnyAudience is set", false},
		{"two Audiences", func(p *jwt.Policy) { p.AnyAudience = true }, "jwt: Policy: both Audience and AnyAudience are set: clear one", false},
		{"empty Audience", func(p *jwt.Policy) { p.Audience = []string{audience, ""} }, "jwt: Policy: Audience has an empty name", false},
		{"no Algorithms", func(p *jwt.Policy) { p.Algorithms = []string{} }, "jwt: Policy: Algorithms is empty, and not nil", true},
		{"none", func(p *jwt.Policy) { p.Algorithms = []string{"HS256", "none"} }, `jwt: Policy: Algorithms has "none", which is no signature algorithm that is ever accepted`, true},
		{"lower case", func(p *jwt.Policy) { p.Algorithms = []string{"hs256"} }, `jwt: Policy: Algorithms has "hs256", which is no signature algorithm that is ever accepted: is "HS256" meant?`, true},
	} {
		p := policy(m.public)
		test.edit(p)
		for _, text := range []string{m.token(t, nil, nil), "", "a.b.c", "a.b.c.d.e"} {
			_, err := verify(t, p, text)
			if err == nil || err.Error() != test.want || errors.Is(err, token.ErrInvalid) {
				t.Errorf("%s: %q: %v, want %s", test.name, text, err, test.want)
			}
		}
		if err := p.Check(); err == nil || err.Error() != test.want {
			t.Errorf("%s: Check: %v, want %s", test.name, err, test.want)
		}
		c, err := token.ParseClaims([]byte(good.json(t)))
		if err != nil {
			t.Fatal(err)
		}
		if err := p.CheckClaims(c); (err == nil) != test.keys || errors.Is(err, token.ErrInvalid) {
			t.Errorf("%s: CheckClaims: %v", test.name, err)
		}
	}
}

// A nil Policy is one that is not filled in.
func TestNilPolicy(t *testing.T) {
	t.Parallel()
	var p *jwt.Policy
	_, err := p.Verify(t.Context(), token.NewSecret("a.b.c"))
	for _, err := range []error{err, p.Check(), p.CheckClaims(token.Claims{})} {
		if fmt.Sprint(err) != "jwt: the Policy is nil" {
			t.Errorf("error %v", err)
		}
	}
}

// Check finds keys that no token could be verified with.
func TestCheck(t *testing.T) {
	t.Parallel()
	rs, hs := makerOf(t, "RS256").public, makerOf(t, "HS256").public
	edited := func(k jwt.Key, edit func(*jwt.Key)) jwt.Key {
		edit(&k)
		return k
	}
	for _, test := range []struct {
		name       string
		keys       jwt.KeySet
		algorithms []string
		want       string // behind what the error begins with; empty if there is none
	}{
		{"good", jwt.Keys{rs}, nil, ""},
		{"one of two", jwt.Keys{{}, rs}, nil, ""},
		{"listed", jwt.Keys{rs}, []string{"PS512"}, ""},
		{"remote", &jwt.Remote{Issuer: issuer}, nil, ""},
		{"another's remote", &jwt.Remote{Issuer: issuer + "/"}, nil, `Policy.Issuer is "` + issuer + `", and that of its Keys, the Remote, is "` + issuer + `/": if both are right, set Remote.URL instead`},
		{"nobody's remote", &jwt.Remote{}, nil, "Remote has neither URL nor Issuer: set one, to where the keys are or to who signs"},
		{"remote at a URL", &jwt.Remote{URL: siteURL, Issuer: issuer + "/"}, nil, ""},
		{"empty", jwt.Keys{{}}, nil, "Policy.Keys has no key that verifies anything; of the last, key (nothing in it), neither Public nor Shared is set"},
		{"short", jwt.Keys{edited(hs, func(k *jwt.Key) { k.Shared = token.NewSecret("hunter2") })}, nil, "Policy.Keys has no key that verifies anything; of the last, key (shared secret), it is a secret shorter than the algorithm's hash"},
		{"for another", jwt.Keys{rs}, []string{"HS256", "ES256"}, "Policy.Keys has no key that verifies anything; of the last, key (RSA 2048 bits), it is of a kind that Policy.Algorithms has nothing for"},
		{"bound to another", jwt.Keys{edited(rs, func(k *jwt.Key) { k.Algorithm = "RS256" })}, []string{"PS256"}, `Policy.Keys has no key that verifies anything; of the last, key (RSA 2048 bits, alg "RS256"), its own alg is another`},
		{"lower case", jwt.Keys{edited(rs, func(k *jwt.Key) { k.Algorithm = "rs256" })}, nil, `Policy.Keys has no key that verifies anything; of the last, key (RSA 2048 bits, alg "rs256"), its alg is no signature algorithm that is ever accepted: is "RS256" meant?`},
		{"for encryption", jwt.Keys{hs, edited(rs, func(k *jwt.Key) { k.Use = "enc" })}, []string{"RS256"}, `Policy.Keys has no key that verifies anything; of the last, key (RSA 2048 bits, use "enc"), its use is not sig`},
	} {
		p := policy()
		p.Keys, p.Algorithms = test.keys, test.algorithms
		err := p.Check()
		if test.want == "" && err == nil {
			continue
		}
		if want := "jwt: " + test.want; fmt.Sprint(err) != want || errors.Is(err, token.ErrInvalid) {
			t.Errorf("%s: %v, want %s", test.name, err, want)
		}
	}
}

// Errors repeat nothing of a token that nobody signed, but for the names that
// whoever looks for the fault needs: kid and typ, quoted and cut.
func TestErrorsDoNotRepeat(t *testing.T) {
	t.Parallel()
	m := makerOf(t, "HS256")
	const canary = "xyzzy4711"
	for _, header := range []set{
		{"alg": canary}, {canary: 1, "crit": []string{canary}},
		{"zip": canary}, {"alg": "HS512"}, {"enc": canary}, {"cty": canary, "typ": 1},
	} {
		p := policy(m.named("1"))
		_, err := verify(t, p, m.token(t, header, set{"iss": canary, canary: canary, "sub": canary}))
		if err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("%v: %v", header, err)
		}
	}
}
