package jwttest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	gojwt "github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token/jwt/jwttest"
)

// get returns what the Issuer answers to a request below its URL.
func get(t *testing.T, client *http.Client, url string) (status int, date, body string, err error) {
	t.Helper()
	resp, err := client.Get(url)
	if err != nil {
		return 0, "", "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header.Get("Date"), string(b), err
}

// published returns the key set, as someone reads it who knows nothing but the
// Issuer's URL.
func published(t *testing.T, client *http.Client, url string) jose.JSONWebKeySet {
	t.Helper()
	var doc struct {
		Issuer  string
		JWKSURI string `json:"jwks_uri"`
	}
	read := func(url string, v any) {
		t.Helper()
		status, _, body, err := get(t, client, url)
		if err != nil {
			t.Fatal(err)
		}
		if status != 200 {
			t.Fatalf("GET %s: %d", url, status)
		}
		if err := json.Unmarshal([]byte(body), v); err != nil {
			t.Fatalf("GET %s: %v", url, err)
		}
	}
	read(url+"/.well-known/openid-configuration", &doc)
	if doc.Issuer != url {
		t.Errorf("the discovery document is of %q, want %q", doc.Issuer, url)
	}
	var set jose.JSONWebKeySet
	read(doc.JWKSURI, &set)
	return set
}

// verifies reports whether golang-jwt verifies the token's signature with a key
// of the set.
func verifies(set jose.JSONWebKeySet, text string) bool {
	_, err := gojwt.Parse(text, func(t *gojwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		for _, k := range set.Key(kid) {
			if k.Algorithm == t.Method.Alg() {
				return k.Key, nil
			}
		}
		return nil, errors.New("no such key")
	}, gojwt.WithoutClaimsValidation())
	return err == nil
}

func TestAlgorithms(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			issuer := jwttest.NewIssuer(t)
			issuer.Algorithm = alg
			tok := issuer.Mint(map[string]any{"sub": "alice"}).Value.Reveal()
			set := published(t, issuer.Client(), issuer.URL)
			if len(set.Keys) != 1 || set.Keys[0].Algorithm != alg || set.Keys[0].Use != "sig" || !set.Keys[0].IsPublic() {
				t.Fatalf("published are %d keys, want one public key to verify %s", len(set.Keys), alg)
			}
			if !verifies(set, tok) {
				t.Error("the token does not verify by what is published")
			}
		})
	}
}

// A secret shared by both sides is not published, and is had from Keys alone.
func TestSymmetric(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"HS256", "HS384", "HS512"} {
		issuer := jwttest.NewIssuer(t)
		issuer.Algorithm = alg
		tok := issuer.Mint(nil).Value.Reveal()
		if set := published(t, issuer.Client(), issuer.URL); len(set.Keys) != 0 {
			t.Errorf("%s: published are %d keys, want none", alg, len(set.Keys))
		}
		keys, err := issuer.Keys(t.Context(), "")
		if err != nil || len(keys) != 1 {
			t.Fatalf("%s: Keys = %d keys, %v; want one", alg, len(keys), err)
		}
		_, err = gojwt.Parse(tok, func(*gojwt.Token) (any, error) { return []byte(keys[0].Shared.Reveal()), nil })
		if err != nil {
			t.Errorf("%s: %v", alg, err)
		}
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	issuer := jwttest.NewIssuer(t)
	var tokens []string
	mint := func() { tokens = append(tokens, issuer.Mint(nil).Value.Reveal()) }
	check := func(when string, want ...bool) {
		t.Helper()
		set := published(t, issuer.Client(), issuer.URL)
		var got, known []bool
		for _, text := range tokens {
			got = append(got, verifies(set, text))
			parsed, _, err := gojwt.NewParser().ParseUnverified(text, gojwt.MapClaims{})
			if err != nil {
				t.Fatal(err)
			}
			keys, err := issuer.Keys(t.Context(), parsed.Header["kid"].(string))
			known = append(known, err == nil && len(keys) == 1)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: the tokens that verify (-want +got):\n%s", when, diff)
		}
		if diff := cmp.Diff(want, known); diff != "" {
			t.Errorf("%s: the tokens whose key is in Keys (-want +got):\n%s", when, diff)
		}
	}
	mint()
	check("at first", true)
	issuer.AddKey()
	mint()
	check("with another key", true, true)
	issuer.Withdraw()
	check("with the other key alone", false, true)
	issuer.Withdraw()
	check("with nothing to withdraw", false, true)
	issuer.Rotate()
	mint()
	check("rotated", false, false, true)
}

// An Issuer that has signed nothing yet has a key as well, which is another's
// predecessor.
func TestRotateAtFirst(t *testing.T) {
	t.Parallel()
	issuer := jwttest.NewIssuer(t)
	issuer.AddKey()
	if set := published(t, issuer.Client(), issuer.URL); len(set.Keys) != 2 {
		t.Errorf("published are %d keys, want the old one and the new one", len(set.Keys))
	}
}

// A change of Algorithm is for the next key.
func TestMigration(t *testing.T) {
	t.Parallel()
	issuer := jwttest.NewIssuer(t)
	old := issuer.Mint(nil).Value.Reveal()
	issuer.Algorithm = "EdDSA"
	issuer.AddKey()
	set := published(t, issuer.Client(), issuer.URL)
	if !verifies(set, old) || !verifies(set, issuer.Mint(nil).Value.Reveal()) {
		t.Error("a token of either algorithm does not verify")
	}
}

func TestMint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // where it is 2000-01-01
		const now = 946684800
		issuer := jwttest.NewIssuer(t)
		ahead := jwttest.NewIssuer(t)
		ahead.Now = func() time.Time { return time.Now().Add(90 * time.Second) }
		typed := jwttest.NewIssuer(t)
		typed.Type = "at+jwt"
		for _, tt := range []struct {
			name           string
			issuer         *jwttest.Issuer
			header, claims map[string]any
			wantHeader     map[string]any // but for alg and kid
			wantClaims     map[string]any
			expiresIn      time.Duration
		}{
			{
				name: "nothing said", issuer: issuer,
				wantHeader: map[string]any{"typ": "JWT"},
				wantClaims: map[string]any{"iss": issuer.URL, "iat": now, "exp": now + 3600},
				expiresIn:  time.Hour,
			},
			{
				name: "claims", issuer: issuer,
				claims:     map[string]any{"iss": "https://other.example", "iat": 1, "exp": 2.5, "aud": []string{"a", "b"}},
				wantHeader: map[string]any{"typ": "JWT"},
				wantClaims: map[string]any{"iss": "https://other.example", "iat": 1, "exp": 2.5, "aud": []string{"a", "b"}},
				expiresIn:  -(now - 2) * time.Second,
			},
			{
				name: "claims taken away", issuer: issuer,
				claims:     map[string]any{"iss": nil, "iat": nil, "exp": nil},
				wantHeader: map[string]any{"typ": "JWT"},
				wantClaims: map[string]any{},
			},
			{
				name: "dates", issuer: issuer,
				claims:     map[string]any{"exp": time.Now().Add(1500 * time.Millisecond), "nbf": time.Now()},
				wantHeader: map[string]any{"typ": "JWT"},
				wantClaims: map[string]any{"iss": issuer.URL, "iat": now, "exp": now + 1, "nbf": now},
				expiresIn:  time.Second,
			},
			{
				name: "not a moment left", issuer: issuer,
				claims:     map[string]any{"exp": time.Now()},
				wantHeader: map[string]any{"typ": "JWT"},
				wantClaims: map[string]any{"iss": issuer.URL, "iat": now - 3600, "exp": now},
				expiresIn:  -1,
			},
			{
				name: "expired", issuer: issuer,
				claims:     map[string]any{"exp": time.Now().Add(-time.Minute)},
				wantHeader: map[string]any{"typ": "JWT"},
				wantClaims: map[string]any{"iss": issuer.URL, "iat": now - 3660, "exp": now - 60},
				expiresIn:  -time.Minute,
			},
			{
				name: "expired, in seconds", issuer: issuer,
				claims:     map[string]any{"exp": now - 60},
				wantHeader: map[string]any{"typ": "JWT"},
				wantClaims: map[string]any{"iss": issuer.URL, "iat": now - 3660, "exp": now - 60},
				expiresIn:  -time.Minute,
			},
			{
				name: "expired, in seconds of another kind", issuer: issuer,
				claims:     map[string]any{"exp": uint32(now - 60)},
				wantHeader: map[string]any{"typ": "JWT"},
				wantClaims: map[string]any{"iss": issuer.URL, "iat": now - 3660, "exp": now - 60},
				expiresIn:  -time.Minute,
			},
			{
				name: "a fast clock", issuer: ahead,
				wantHeader: map[string]any{"typ": "JWT"},
				wantClaims: map[string]any{"iss": issuer.URL, "iat": now + 90, "exp": now + 90 + 3600},
				expiresIn:  time.Hour,
			},
			{
				name: "header", issuer: issuer,
				header:     map[string]any{"typ": nil, "x": "y"},
				wantHeader: map[string]any{"x": "y"},
				wantClaims: map[string]any{"iss": issuer.URL, "iat": now, "exp": now + 3600},
				expiresIn:  time.Hour,
			},
			{
				name: "type", issuer: typed,
				wantHeader: map[string]any{"typ": "at+jwt"},
				wantClaims: map[string]any{"iss": issuer.URL, "iat": now, "exp": now + 3600},
				expiresIn:  time.Hour,
			},
		} {
			tok := tt.issuer.MintHeader(tt.header, tt.claims)
			if tok.ExpiresIn != tt.expiresIn {
				t.Errorf("%s: ExpiresIn is %v, want %v", tt.name, tok.ExpiresIn, tt.expiresIn)
			}
			claims := gojwt.MapClaims{}
			parsed, _, err := gojwt.NewParser().ParseUnverified(tok.Value.Reveal(), claims)
			if err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			if parsed.Header["alg"] != "ES256" || parsed.Header["kid"] != "key-1" {
				t.Errorf("%s: alg %v and kid %v, want ES256 and key-1", tt.name, parsed.Header["alg"], parsed.Header["kid"])
			}
			delete(parsed.Header, "alg")
			delete(parsed.Header, "kid")
			for _, diff := range []string{
				cmp.Diff(fmt.Sprint(tt.wantHeader), fmt.Sprint(parsed.Header)),
				cmp.Diff(asJSON(t, tt.wantClaims), asJSON(t, claims)),
			} {
				if diff != "" {
					t.Errorf("%s (-want +got):\n%s", tt.name, diff)
				}
			}
		}
	})
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Mint leaves its arguments as they are.
func TestMintAliasing(t *testing.T) {
	t.Parallel()
	issuer := jwttest.NewIssuer(t)
	header := map[string]any{"typ": nil}
	claims := map[string]any{"sub": "alice", "aud": "x", "jti": nil, "exp": time.Now()}
	issuer.MintHeader(header, claims)
	issuer.Bad(claims)
	if len(header) != 1 || len(claims) != 4 || claims["sub"] != "alice" {
		t.Errorf("the arguments are now %v and %v", header, claims)
	}
	if _, ok := claims["exp"].(time.Time); !ok {
		t.Errorf("exp is now %v", claims["exp"])
	}
}

func TestDown(t *testing.T) {
	t.Parallel()
	for _, issuer := range []*jwttest.Issuer{jwttest.NewIssuer(t), jwttest.NewServer(t)} {
		url := issuer.URL + "/keys"
		issuer.Down(503)
		if status, _, _, err := get(t, issuer.Client(), url); err != nil || status != 503 {
			t.Errorf("GET %s: %d, %v; want 503", url, status, err)
		}
		issuer.Down(0)
		if status, _, _, err := get(t, issuer.Client(), url); err == nil {
			t.Errorf("GET %s: %d, want no answer", url, status)
		}
		issuer.Up()
		if status, _, _, err := get(t, issuer.Client(), url); err != nil || status != 200 {
			t.Errorf("GET %s: %d, %v; want 200", url, status, err)
		}
		if discovery, keys := issuer.Requests(); discovery != 0 || keys != 3 {
			t.Errorf("Requests = %d, %d; want 0, 3", discovery, keys)
		}
		published(t, issuer.Client(), issuer.URL)
		if discovery, keys := issuer.Requests(); discovery != 1 || keys != 4 {
			t.Errorf("Requests = %d, %d; want 1, 4", discovery, keys)
		}
	}
}

// The one issuer is reached in both ways.
func TestServer(t *testing.T) {
	t.Parallel()
	issuer := jwttest.NewServer(t)
	tok := issuer.Mint(nil).Value.Reveal()
	for name, client := range map[string]*http.Client{"its own client": issuer.Client(), "any client": {Transport: &http.Transport{DisableKeepAlives: true}}} {
		if !verifies(published(t, client, issuer.URL), tok) {
			t.Errorf("with %s: the token does not verify by what is published", name)
		}
	}
}

// An issuer whose URL has a path, as those of many tenants have.
func TestURL(t *testing.T) {
	t.Parallel()
	issuer := jwttest.NewIssuer(t)
	issuer.URL = "https://login.example:8443/realms/test"
	if !verifies(published(t, issuer.Client(), issuer.URL), issuer.Mint(nil).Value.Reveal()) {
		t.Error("the token does not verify by what is published")
	}
	for _, path := range []string{"https://login.example:8443/keys", issuer.URL} {
		if status, _, _, err := get(t, issuer.Client(), path); err != nil || status != 404 {
			t.Errorf("GET %s: %d, %v; want 404", path, status, err)
		}
	}
}

// Nothing but the Issuer is reached, or a test could leave the machine.
func TestClientReachesNothingElse(t *testing.T) {
	t.Parallel()
	issuer := jwttest.NewIssuer(t)
	for _, url := range []string{"https://other.example/keys", "http://issuer.example/keys", "https://issuer.example:8443/keys"} {
		if _, _, _, err := get(t, issuer.Client(), url); err == nil || !strings.Contains(err.Error(), "reaches https://issuer.example and nothing else") {
			t.Errorf("GET %s: %v, want an error", url, err)
		}
	}
}

func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := jwttest.NewIssuer(t)
		issuer.Now = func() time.Time { return time.Now().Add(-time.Hour) }
		for range 2 {
			_, date, _, err := get(t, issuer.Client(), issuer.URL+"/keys")
			if err != nil {
				t.Fatal(err)
			}
			if want := time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat); date != want {
				t.Errorf("Date is %s, want %s", date, want)
			}
			time.Sleep(24 * time.Hour)
		}
	})
}

// A bubble ends, though nobody has closed anything: with an issuer of the
// bubble or from without, and in any order of answers and clients that leave.
func TestBubble(t *testing.T) {
	t.Parallel()
	outside := jwttest.NewIssuer(t)
	synctest.Test(t, func(t *testing.T) {
		for _, issuer := range []*jwttest.Issuer{outside, jwttest.NewIssuer(t)} {
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() { published(t, issuer.Client(), issuer.URL) })
			}
			wg.Wait()
			synctest.Wait()
			issuer.Down(0)
			get(t, issuer.Client(), issuer.URL+"/keys")
			issuer.Up()
			issuer.Rotate()
			issuer.Bad(nil)
			resp, err := issuer.Client().Get(issuer.URL + "/keys")
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close() // unread
		}
	})
}

// An Issuer prints no key, and a Bad no token.
func TestPrintsNoSecrets(t *testing.T) {
	t.Parallel()
	issuer := jwttest.NewIssuer(t)
	issuer.Algorithm = "HS256"
	bad := issuer.Bad(nil)
	keys, err := issuer.Keys(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	secret := keys[0].Shared.Reveal()
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		for _, v := range []any{issuer, bad, keys, bad[0].Token} {
			out := fmt.Sprintf(format, v)
			for _, leak := range []string{secret, fmt.Sprintf("%x", secret), fmt.Sprint([]byte(secret)), strings.Trim(fmt.Sprint([]byte(secret)), "[]"), bad[0].Token.Value.Reveal()} {
				if strings.Contains(out, leak) {
					t.Errorf("%s of %T prints a secret", format, v)
				}
			}
		}
	}
}

// A misspelt Algorithm, or one without keys, is told, and to the test.
func TestUnknownAlgorithm(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"RS255", "none"} {
		tb := &recorder{TB: t}
		issuer := jwttest.NewIssuer(tb)
		issuer.Algorithm = alg
		if _, err := issuer.Keys(t.Context(), ""); err == nil || !strings.Contains(err.Error(), alg) {
			t.Errorf("Keys: %v, want an error that names %q", err, alg)
		}
		if status, _, _, err := get(t, issuer.Client(), issuer.URL+"/keys"); status != 500 || err != nil {
			t.Errorf("GET /keys: %d, %v; want 500", status, err)
		}
		if len(tb.errors) != 1 || !strings.Contains(tb.errors[0], alg) {
			t.Errorf("the test was told %q, want one error that names %q", tb.errors, alg)
		}
	}
}

// A recorder is a test that does not fail.
type recorder struct {
	testing.TB
	errors []string
}

func (r *recorder) Error(args ...any) { r.errors = append(r.errors, fmt.Sprint(args...)) }

// The port is open no longer than the test.
func TestServerEnds(t *testing.T) {
	t.Parallel()
	var issuer *jwttest.Issuer
	t.Run("inner", func(t *testing.T) { issuer = jwttest.NewServer(t) })
	url := issuer.URL + "/keys"
	_, _, _, err := get(t, http.DefaultClient, url)
	// Another server may have been given the port since, and that may answer.
	if _, keys := issuer.Requests(); err == nil && keys > 0 {
		t.Errorf("GET %s: an answer after the test has ended", url)
	}
}

// Whatever runs at the same time, each token is signed with a key that was
// published.
func TestConcurrently(t *testing.T) {
	t.Parallel()
	issuer := jwttest.NewIssuer(t)
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for range 20 {
				switch n {
				case 0:
					issuer.AddKey()
				case 1:
					issuer.Down(503)
					issuer.Up()
				case 2:
					issuer.Bad(nil)
				default:
					tok := issuer.Mint(nil)
					keys, err := issuer.Keys(t.Context(), "")
					if err != nil {
						t.Error(err)
						return
					}
					var set jose.JSONWebKeySet
					for _, k := range keys {
						set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.Public, KeyID: k.ID, Algorithm: k.Algorithm})
					}
					if !verifies(set, tok.Value.Reveal()) {
						t.Error("a token does not verify by the keys of its issuer")
					}
					if status, _, _, err := get(t, issuer.Client(), issuer.URL+"/keys"); err != nil || status != 200 && status != 503 {
						t.Errorf("GET /keys: %d, %v", status, err)
					}
				}
			}
		})
	}
	wg.Wait()
}

// Of alg none there is no signature, and of any other the same as ever.
func TestMintHeaderAlg(t *testing.T) {
	t.Parallel()
	issuer := jwttest.NewIssuer(t)
	for alg, want := range map[string]bool{"none": false, "NONE": false, "RS256": true, "": true} {
		text := issuer.MintHeader(map[string]any{"alg": alg}, nil).Value.Reveal()
		if signed := !strings.HasSuffix(text, "."); signed != want {
			t.Errorf("alg %q: signed is %t, want %t", alg, signed, want)
		}
	}
}
