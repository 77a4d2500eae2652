package session_test

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/session"
	"github.com/tokenlife/tokenlife/token"
)

// Whatever Cookie headers a request has, Load does not panic, returns no session
// but those that were sealed, and says of everything else that there is none.
func FuzzLoad(f *testing.F) {
	all := goldens(f)
	for _, g := range all {
		f.Add(g.cookie(), "")
		f.Add("a=b; "+g.cookie(), "c=d")
		f.Add(g.cookie(), g.Cookies[0])
		f.Add(g.Cookies[0], strings.Join(g.Cookies[1:], ";"))
		f.Add(g.cookie()[:100], g.cookie()[100:])
		f.Add(strings.Replace(g.cookie(), "2.", "3.", 1), "")
	}
	for _, name := range []string{"__Host-session", "__Host-s"} {
		for _, value := range []string{"", "=", "=ey", "=ey....", "=0.AAECAwQF.", "=1.AAECAwQF.x", "=6.AAECAwQF.x", "=03.AAECAwQF.x", "=2.AAECAwQF.", "=\"x\"", "-1=AAECAwQF.x"} {
			f.Add(name+value, name+"-1=AAECAwQF.x; "+name+"-2")
		}
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		for _, g := range all {
			r := carrying("")
			r.Header["Cookie"] = []string{first, second}
			s, err := g.manager().Load(r)
			switch {
			case err == nil:
				if s.ID != g.ID || s.Subject != g.Subject || !cmp.Equal(s.Data, g.Data) {
					t.Errorf("loaded %v, with %v", s, s.Data)
				}
				for _, cookie := range g.Cookies {
					if !strings.Contains(first+";"+second, cookie) {
						t.Errorf("loaded without %s", cookie)
					}
				}
			case s != nil || !errors.Is(err, session.ErrNoSession):
				t.Errorf("%v, %v", s, err)
			case errors.Is(err, token.ErrInvalid) && !errors.Is(err, token.ErrMalformed) && !errors.Is(err, token.ErrSignature):
				t.Errorf("another reason: %v", err)
			case len(err.Error()) > 400:
				t.Errorf("a long error: %v", err)
			}
		}
	})
}

// Of texts that are authentic, whatever their headers and however they are spelled,
// those are sessions that go-jose opens with the same key and that have the one
// form which the package comment gives.
func FuzzGoJOSE(f *testing.F) {
	g := goldens(f)[0]
	m := g.manager()
	purpose := "cookie/" + g.Name
	kid := kidOf(f, g.sealedText())
	key, err := m.Keys.Key(f.Context(), kid, purpose)
	if err != nil {
		f.Fatal(err)
	}
	block, err := aes.NewCipher([]byte(key.Reveal()))
	if err != nil {
		f.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		f.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	head := `{"alg":"dir","ctx":"MQ","enc":"A256GCM","kid":"` + kid + `"}`

	f.Add(head, 0, "", 0)
	for _, header := range []string{
		`{"alg":"dir","enc":"A256GCM","kid":"` + kid + `"}`,
		`{"alg":"dir","ctx":"MQ","enc":"A256GCM","kid":"` + kid + `","zip":"DEF"}`,
		`{"alg":"dir","crit":["ctx"],"ctx":"MQ","enc":"A256GCM","kid":"` + kid + `"}`,
		`{"alg":"dir","ctx":"Mg","enc":"A256GCM","kid":"` + kid + `"}`,
		`{"alg":"dir","ctx":"MR","enc":"A256GCM","kid":"` + kid + `"}`,
		`{"alg":"dir","ctx":"MQ","enc":"A256GCM","kid":"` + kid + `","kid":"` + kid + `"}`,
		`{"enc":"A256GCM","alg":"dir","ctx":"MQ","kid":"` + kid + `"}`,
		`{"alg":"dir", "ctx":"MQ","enc":"A256GCM","kid":"` + kid + `"}`,
		`{"alg":"A256KW","ctx":"MQ","enc":"A256GCM","kid":"` + kid + `"}`,
		`{"alg":"dir","ctx":"MQ","enc":"A128GCM","kid":"` + kid + `"}`,
		strings.Replace(head, "dir", `d\u0069r`, 1), head + " ", " " + head, "", "{}",
	} {
		f.Add(header, 0, "", 0)
	}
	for _, edit := range []string{"=", "\n", ".", "A", "+", "\x00"} {
		for at := -1; at < 700; at += 97 {
			f.Add(head, at, edit, 0)
			f.Add(head, at, edit, 1)
		}
	}
	f.Add(head, -1, "", 1)
	for _, key := range []string{"A", "AA", "AAAA"} { // which nothing authenticates
		f.Add(head, len(b64([]byte(head)))+1, key, 0)
	}

	// edit puts text in the place of so many bytes. A negative at is from the end.
	f.Fuzz(func(t *testing.T, header string, at int, edit string, instead int) {
		segment := b64([]byte(header))
		iv := make([]byte, 12)
		box := aead.Seal(nil, iv, []byte(g.Plaintext), []byte(segment))
		text := segment + ".." + b64(iv) + "." + b64(box[:len(box)-16]) + "." + b64(box[len(box)-16:])
		if at < 0 {
			at += len(text) + 1
		}
		if at = min(max(at, 0), len(text)); instead >= 0 {
			text = text[:at] + edit + text[min(at+min(instead, len(text)), len(text)):]
		}
		if strings.ContainsAny(text, "; \t") {
			return // no value of a cookie: what Load sees is less
		}

		plaintext, joseErr := joseOpen(t, m.Keys, purpose, text)
		want := joseErr == nil && plaintext == g.Plaintext && isOurs(text, head)
		s, err := m.Load(carrying(g.Name + "=" + text))
		switch {
		case (err == nil) != want:
			t.Errorf("%s\nLoad: %v; go-jose: %v; our form: %v", text, err, joseErr, isOurs(text, head))
		case err == nil && s.ID != g.ID:
			t.Errorf("loaded %v", s)
		case err != nil && !errors.Is(err, session.ErrNoSession):
			t.Error(err)
		}
	})
}

// isOurs reports whether text has the form that the package comment gives, with
// this header.
func isOurs(text, head string) bool {
	part := strings.Split(text, ".")
	if len(part) != 5 || part[1] != "" || part[0] != base64.RawURLEncoding.EncodeToString([]byte(head)) {
		return false
	}
	for i, size := range []int{2: 12, 3: -1, 4: 16} {
		raw, err := base64.RawURLEncoding.DecodeString(part[i])
		if err != nil || base64.RawURLEncoding.EncodeToString(raw) != part[i] || size > 0 && len(raw) != size {
			return false
		}
	}
	return true
}
