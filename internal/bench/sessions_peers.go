package main

import (
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"strings"

	gojose "github.com/go-jose/go-jose/v4"
	"github.com/gorilla/securecookie"
)

// sessionPeers are what others keep sessions with.
var sessionPeers = []peer{
	{"gorilla", "github.com/gorilla/securecookie, JSONEncoder, hash key and block key of 32 bytes"},
	{"go-jose", "github.com/go-jose/go-jose/v4, compact, dir + A256GCM: what a Manager has sealed"},
	{"Dashboard", "the Kubernetes Dashboard's token: go-jose, flattened, RSA-OAEP-256 + A256GCM, RSA 2048"},
}

// A secureCookie keeps a session as securecookie seals it.
type secureCookie struct {
	codec   *securecookie.SecureCookie
	cookie  *http.Cookie
	request *http.Request // with the cookie in it
}

func newSecureCookie(s kept) (*secureCookie, error) {
	key := func(letter string) []byte { return []byte(strings.Repeat(letter, 32)) }
	c := &secureCookie{codec: securecookie.New(key("h"), key("b")).SetSerializer(securecookie.JSONEncoder{})}
	w := make(response)
	err := c.save(w, s)
	if err != nil {
		return nil, err
	}
	if c.cookie, err = w.cookie(); err != nil {
		return nil, err
	}
	c.request = requestWith(c.cookie)
	return c, nil
}

// logInToBoth returns a browser with a session, the JSON in its cookie, and the same
// session as securecookie keeps it.
func logInToBoth() (b *browser, text []byte, secure *secureCookie, err error) {
	if b, err = logIn(nil); err != nil {
		return nil, nil, nil, err
	}
	if text, err = b.plaintext(); err != nil {
		return nil, nil, nil, err
	}
	secure, err = newSecureCookie(b.kept)
	return b, text, secure, err
}

// save sets a cookie with the attributes that a Manager's has.
func (c *secureCookie) save(w http.ResponseWriter, s kept) error {
	text, err := c.codec.Encode(sessionCookie, &s)
	if err != nil {
		return err
	}
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: text, Path: "/", HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode})
	return nil
}

// load returns the session in r's cookie.
func (c *secureCookie) load(r *http.Request) (s kept, err error) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return s, err
	}
	err = c.codec.Decode(sessionCookie, cookie.Value, &s)
	return s, err
}

// gojose returns what opens the text in b's cookie by go-jose.
func (b *browser) gojose() (func() error, error) {
	purpose, _ := b.sealedFor()
	box, err := boxOf(b.keys, purpose, b.cookie.Value)
	return func() error {
		j, err := gojose.ParseEncryptedCompact(box.text, gojoseDirect, gojoseGCM)
		if err != nil {
			return err
		}
		_, err = j.Decrypt(box.key)
		return err
	}, err
}

// dashboardOpener returns what opens a token that the Dashboard 2.x makes for a
// bearer token of 19 bytes, 658 characters long: go-jose, as there. Its dates are
// not looked at.
func dashboardOpener() (func() error, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	e, err := gojose.NewEncrypter(gojose.A256GCM, gojose.Recipient{Algorithm: gojose.RSA_OAEP_256, Key: &key.PublicKey}, nil)
	if err != nil {
		return nil, err
	}
	j, err := e.EncryptWithAuthData(
		[]byte(`{"LocationOfOrigin":"","token":"sample-bearer-token"}`),
		[]byte(`{"exp":"2026-11-22T12:14:50Z","iat":"2026-11-22T11:59:50Z"}`))
	if err != nil {
		return nil, err
	}
	text := j.FullSerialize()
	return func() error {
		j, err := gojose.ParseEncryptedJSON(text, []gojose.KeyAlgorithm{gojose.RSA_OAEP_256}, gojoseGCM)
		if err != nil {
			return err
		}
		_, err = j.Decrypt(key)
		return err
	}, nil
}
