package jwttest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// Mint returns a token with the given claims, to which it adds the Issuer's iss,
// an iat of now and an exp an hour from now, unless they are there. If exp is
// there and has passed, the iat that is added is an hour before it. A claim that
// is nil is left out of the token, and one that is a [time.Time] is written as
// RFC 7519 writes dates, in whole seconds.
//
//	issuer.Mint(map[string]any{"sub": "alice", "exp": time.Now().Add(-time.Hour)}) // expired
//	issuer.Mint(map[string]any{"sub": "alice", "exp": nil})                        // for ever
//
// The token's ExpiresIn is by the Issuer's clock.
func (i *Issuer) Mint(claims map[string]any) token.Token {
	i.tb.Helper()
	return i.MintHeader(nil, claims)
}

// MintHeader is like Mint, with members for the token's header too: they are
// added to alg, kid and typ, replace them, or, where they are nil, take them
// away. Whatever alg says, the Issuer's key signs as it always does; only of
// "none" there is no signature.
//
//	issuer.MintHeader(map[string]any{"kid": nil}, claims)
//	issuer.MintHeader(map[string]any{"typ": "at+jwt"}, claims)
func (i *Issuer) MintHeader(header, claims map[string]any) token.Token {
	i.tb.Helper()
	k := i.signer()
	return i.token(i.seal(k, i.header(k, header), i.claims(claims)))
}

// header returns what stands in a token's header.
func (i *Issuer) header(k *key, more map[string]any) map[string]any {
	typ := i.Type
	if typ == "" {
		typ = "JWT"
	}
	return merge(map[string]any{"alg": k.Algorithm, "kid": k.ID, "typ": typ}, more)
}

// claims returns what a token says.
func (i *Issuer) claims(more map[string]any) map[string]any {
	now := i.now()
	issued := now
	if exp, ok := date(more["exp"]); ok && !exp.After(now) {
		issued = exp.Add(-time.Hour) // or it would not be expired but nonsense
	}
	return merge(map[string]any{"iss": i.URL, "iat": issued, "exp": now.Add(time.Hour)}, more)
}

// date returns the time that a claim says, be it a [time.Time] or any kind of
// number.
func date(claim any) (time.Time, bool) {
	if t, ok := claim.(time.Time); ok {
		return t, true
	}
	seconds, err := strconv.ParseFloat(fmt.Sprint(claim), 64)
	return time.Unix(int64(seconds), 0), err == nil
}

// merge adds more to m, and takes away what is nil.
func merge(m, more map[string]any) map[string]any {
	for name, value := range more {
		m[name] = value
	}
	for name, value := range m {
		switch v := value.(type) {
		case nil:
			delete(m, name)
		case time.Time:
			m[name] = v.Unix()
		}
	}
	return m
}

// seal returns the compact form of a token that k signs.
func (i *Issuer) seal(k *key, header, claims map[string]any) string {
	i.tb.Helper()
	return i.sealRaw(k, header, string(i.json(claims)))
}

// sealRaw is seal for claims that no map can hold.
func (i *Issuer) sealRaw(k *key, header map[string]any, claims string) string {
	i.tb.Helper()
	text := encode(i.json(header)) + "." + encode([]byte(claims))
	if alg, _ := header["alg"].(string); strings.EqualFold(alg, "none") {
		return text + "."
	}
	signature, err := k.sign(text)
	if err != nil {
		i.tb.Fatalf("jwttest: signing with %s: %v", k.Algorithm, err)
	}
	return text + "." + encode(signature)
}

// token returns what a client would be given.
func (i *Issuer) token(text string) token.Token {
	t := token.New(token.NewSecret(text))
	if !t.Expiry.IsZero() {
		t.ExpiresIn = t.Expiry.Sub(i.now())
		if t.ExpiresIn == 0 {
			t.ExpiresIn = -1 // zero would mean unknown
		}
	}
	return t
}

func (i *Issuer) json(v map[string]any) []byte {
	i.tb.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		i.tb.Fatalf("jwttest: not fit for a token: %v", err)
	}
	return b
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
