package jwt_test

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

// Headers that another reader, or another version of the RFC, reads in another
// way, all of them signed with the right key.
func TestAttackHeaders(t *testing.T) {
	t.Parallel()
	f := forge()
	for _, header := range []string{
		// Two members for one. golang-jwt takes the last of two alg.
		`{"alg":"none","alg":"HS256"}`,
		`{"alg":"HS256","alg":"none"}`,
		`{"alg":"HS256","alg":"HS256"}`,
		`{"alg":"HS256","\u0061lg":"none"}`,
		`{"alg":"HS256","kid":"a","kid":"b"}`,
		`{"alg":"HS256","kid":"","kid":"b"}`,
		`{"alg":"HS256","x":{"y":1,"y":2}}`,
		// In another case, which encoding/json takes for the same.
		`{"alg":"HS256","ALG":"none"}`,
		`{"alg":"HS256","Alg":"none"}`,
		`{"alg":"HS256","kid":"a","KID":"b"}`,
		`{"alg":"HS256","kid":"a","\u212aid":"b"}`, // the Kelvin sign
		`{"alg":"HS256","typ":"JWT","TYP":"at+jwt"}`,
		`{"alg":"HS256","crit":["x"],"x":1}`,
		// crit, of which no library here understands any; golang-jwt does not
		// look at it.
		`{"alg":"HS256","crit":["exp"],"exp":1800000600}`,
		`{"alg":"HS256","crit":["b64"]}`,
		`{"alg":"HS256","crit":[]}`,
		`{"alg":"HS256","crit":null}`,
		`{"alg":"HS256","crit":""}`,
		`{"alg":"HS256","crit":"exp"}`,
		`{"alg":"HS256","crit":{}}`,
		`{"alg":"HS256","crit":["alg"]}`,
		`{"alg":"HS256","crit":["x","x"],"x":1}`,
		`{"alg":"HS256","\u0063rit":["x"]}`,
		`{"alg":"HS256","CRIT":["x"],"x":1}`,
		// RFC 7797, with or without crit; golang-jwt takes both, go-jose none.
		`{"alg":"HS256","b64":false}`,
		`{"alg":"HS256","b64":false,"crit":["b64"]}`,
		`{"alg":"HS256","b64":true,"crit":["b64"]}`,
		`{"alg":"HS256","b64":"false"}`,
		// A JWS has no zip.
		`{"alg":"HS256","zip":"DEF"}`,
		// Not what a header is.
		``, `null`, `[]`, `"HS256"`, `1`, `[{"alg":"HS256"}]`,
		`{"alg":"HS256"}{}`, `{"alg":"HS256"} x`, `{"alg":"HS256",}`, `{'alg':'HS256'}`, `{"alg":"HS256"`, `{alg:"HS256"}`,
		`{"alg":"HS256"}` + "\x00", "\ufeff" + `{"alg":"HS256"}`, "{\"alg\":\"HS256\",\"x\":\"\xff\"}", `{"alg":"HS256","x":"\ud800"}`,
		"{\"alg\":\"HS256\",\"x\":\"\n\"}", `{"alg":"HS256","x":01}`, `{"alg":"HS256","x":NaN}`, `{"alg":"HS256" /* x */}`,
		`{"alg":"HS256","x":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`,
		`{"alg":"HS256","x":[` + strings.Repeat("0,", 100_000) + `0]}`,
		// Not of the type that they have.
		`{"alg":"HS256","kid":1}`, `{"alg":"HS256","kid":null}`, `{"alg":"HS256","kid":["a"]}`, `{"alg":"HS256","kid":{}}`,
		`{"alg":"HS256","typ":1}`, `{"alg":"HS256","typ":null}`, `{"alg":"HS256","cty":false}`,
	} {
		t.Run(name(header), func(t *testing.T) {
			f.refuses(t, f.policy(f.hsKey()), f.token(header, goodClaims, f.hs256()), token.ErrMalformed)
		})
	}
	for _, header := range []string{
		`{"alg":"HS256"}`,
		" {\r\n\t\"alg\" : \"HS256\" } ",
		`{"typ":"JWT","alg":"HS256","unknown":{"a":[1,null]}}`,
		`{"\u0061lg":"\u0048S256"}`,
	} {
		t.Run("good: "+name(header), func(t *testing.T) {
			f.accepts(t, f.policy(f.hsKey()), f.token(header, goodClaims, f.hs256()))
		})
	}
}

// A lone parameter in another case is another parameter to this package and to
// go-jose, and the same to encoding/json: nobody may take a key ID or an
// algorithm from it.
func TestAttackLoneCase(t *testing.T) {
	t.Parallel()
	f := forge()
	for _, header := range []string{
		`{"alg":"HS256","KID":"a"}`,
		`{"alg":"HS256","\u212aid":"a"}`,
		`{"alg":"HS256","Typ":"at+jwt"}`,
	} {
		t.Run(header, func(t *testing.T) {
			f.refuses(t, f.policy(f.hsKey()), f.token(header, goodClaims, f.hs256()), token.ErrMalformed)
		})
	}
}

// The key ID is compared with those of the keys, and nothing else is done with
// it.
func TestAttackKeyID(t *testing.T) {
	t.Parallel()
	f := forge()
	key := f.hsKey()
	key.ID = "k1"
	for _, kid := range []string{
		"../../../../../../dev/null", "/etc/passwd", "file:///etc/passwd", "/proc/self/environ", `..\..\windows\win.ini`,
		"' OR '1'='1", "k1' UNION SELECT 'secret'--", "k1; DROP TABLE keys", "$(id)", "`id`", "| id", "%00", "%6b1", "{{7*7}}", "${jndi:ldap://x/}",
		"k1\x00", "\x00k1", "k1\n", " k1", "k1 ", "K1", "k1\u200b", "ｋ1", "", "k", "k11", "*", "k?", ".*",
		"\x1b[2J\x1b[31mroot logged in", "line\r\nHTTP/1.1 200 OK",
		strings.Repeat("k1", 50_000), strings.Repeat("\u00e9", 60_000),
	} {
		t.Run(name(kid), func(t *testing.T) {
			quoted, err := json.Marshal(kid)
			if err != nil {
				t.Fatal(err)
			}
			text := f.token(`{"alg":"HS256","kid":`+string(quoted)+`}`, goodClaims, f.hs256())
			if kid == "" { // as good as none: all keys are tried
				f.accepts(t, f.policy(key), text)
				return
			}
			f.refuses(t, f.policy(key), text, token.ErrSignature, token.ErrMalformed)
		})
	}
	// The MAC of an empty file, which is what a kid of /dev/null is after.
	f.refuses(t, f.policy(key), f.token(`{"alg":"HS256","kid":"/dev/null"}`, goodClaims, f.hmac(crypto.SHA256, nil)), token.ErrSignature)
}

// What a header says of where its key is, or what it is, is not followed, and
// the key in it verifies nothing.
func TestAttackForeignKeys(t *testing.T) {
	t.Parallel()
	f := forge()
	certificate := selfSigned(t, f.enemyRSA)
	enemy, err := json.Marshal(jose.JSONWebKey{Key: &f.enemyRSA.PublicKey, KeyID: "k1", Algorithm: "RS256", Use: "sig"})
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		fmt.Fprintf(w, `{"keys":[%s]}`, enemy)
	}))
	defer server.Close()

	p := f.policy(jwt.Key{ID: "k1", Public: &f.rsa.PublicKey})
	forged := f.pkcs1(crypto.SHA256, f.enemyRSA)
	x5c := base64.StdEncoding.EncodeToString(certificate)
	for _, more := range []string{
		`"jku":"` + server.URL + `/jwks.json"`,
		`"jku":"https://issuer.example@` + strings.TrimPrefix(server.URL, "http://") + `/jwks.json"`,
		`"x5u":"` + server.URL + `/x5u.pem"`,
		`"jwk":` + string(enemy),
		`"x5c":["` + x5c + `"]`,
		`"jku":"` + server.URL + `","x5u":"` + server.URL + `","jwk":` + string(enemy) + `,"x5c":["` + x5c + `"]`,
		`"jwk":{"kty":"oct","k":""}`,
		`"iss":"` + server.URL + `"`,
		`"epk":` + string(enemy),
	} {
		for _, kid := range []string{`"kid":"k1",`, `"kid":"other",`, ``} {
			f.refuses(t, p, f.token(`{"alg":"RS256",`+kid+more+`}`, goodClaims, forged), token.ErrSignature, token.ErrMalformed)
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("%d requests to where a token said", n)
	}

	// Wycheproof's embedded key: the same attack on EC.
	ec, err := json.Marshal(jose.JSONWebKey{Key: &f.enemyP256.PublicKey, KeyID: "k1"})
	if err != nil {
		t.Fatal(err)
	}
	f.refuses(t, f.policy(jwt.Key{ID: "k1", Public: &f.p256.PublicKey}),
		f.token(`{"alg":"ES256","kid":"k1","jwk":`+string(ec)+`}`, goodClaims, f.ecdsa(crypto.SHA256, f.enemyP256)), token.ErrSignature, token.ErrMalformed)
}

// One kind of token for another, where the issuer signs them with one key (RFC
// 9068, section 4; RFC 8725, section 3.11).
func TestAttackType(t *testing.T) {
	t.Parallel()
	f := forge()
	access := f.policy(f.hsKey())
	access.Type = "at+jwt"
	long := f.policy(f.hsKey())
	long.Type = "application/at+JWT"
	for _, p := range []*jwt.Policy{access, long} {
		for _, typ := range []string{"at+jwt", "AT+JWT", "At+jWt", "application/at+jwt", "APPLICATION/AT+JWT"} {
			f.accepts(t, p, f.token(`{"alg":"HS256","typ":"`+typ+`"}`, goodClaims, f.hs256()))
		}
		for _, typ := range []string{
			"JWT", "jwt", "", "at", "jwt+at", "at+jwt ", " at+jwt", "at+jwt;x=y", "at+jwt, JWT", "dpop+jwt", "logout+jwt", "secevent+jwt",
			"text/at+jwt", "application/", "application/application/at+jwt", "/at+jwt", "at+jwt\u0000", "\u212aat+jwt", "application/x-at+jwt", "JOSE",
		} {
			t.Run(name(typ), func(t *testing.T) {
				f.refuses(t, p, f.token(`{"alg":"HS256","typ":"`+typ+`"}`, goodClaims, f.hs256()), kinds...)
			})
		}
		t.Run("without typ", func(t *testing.T) {
			f.refuses(t, p, f.token(`{"alg":"HS256"}`, goodClaims, f.hs256()), kinds...)
		})
	}
	// Any, where it is not set.
	f.accepts(t, f.policy(f.hsKey()), f.token(`{"alg":"HS256","typ":"anything"}`, goodClaims, f.hs256()))
}
