package session_test

import (
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/session"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

var update = flag.Bool("update", false, "write testdata/v1.json, of which nothing may change once it is released")

// A golden is what version 1 put into cookies once, and must be read for ever.
type golden struct {
	Secret      []byte // in base64
	Name        string // of the Manager
	Cookies     []string
	Place       string
	Plaintext   string
	ID, Subject string
	Began, Seen time.Time
	Data        goldenData
}

type goldenData struct {
	Name string            `json:"name"`
	Tags map[string]string `json:"tags,omitempty"`
	Text string            `json:"text,omitempty"`
}

const goldenFile = "testdata/v1.json"

func goldens(t testing.TB) (all []golden) {
	text, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &all); err != nil || len(all) == 0 {
		t.Fatal(len(all), err)
	}
	return all
}

// manager returns the Manager of g, at the time when g was last seen.
func (g golden) manager() *session.Manager[goldenData] {
	ring := &seal.Keyring{Keys: []token.Secret{token.NewSecret(strings.Repeat("x", 32)), token.NewSecret(string(g.Secret))}}
	return &session.Manager[goldenData]{Keys: ring, Name: g.Name, Now: at(g.Seen)}
}

func (g golden) cookie() string { return strings.Join(g.Cookies, "; ") }

// sealedText returns what is sealed in the cookies.
func (g golden) sealedText() string {
	var text string
	for i, cookie := range g.Cookies {
		_, value, _ := strings.Cut(cookie, "=")
		if len(g.Cookies) > 1 {
			part := strings.Split(value, ".")
			if value = strings.Join(part[1:], "."); i == 0 {
				value = strings.Join(part[2:], ".")
			}
		}
		text += value
	}
	return text
}

func TestGolden(t *testing.T) {
	t.Parallel()
	if *update {
		writeGoldens(t)
	}
	for i, g := range goldens(t) {
		m := g.manager()
		s, err := m.Load(carrying(g.cookie()))
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		if s.ID != g.ID || s.Subject != g.Subject || !s.Began.Equal(g.Began) || !s.Seen.Equal(g.Seen) || s.ReadOnly {
			t.Errorf("%d: %v, began %v, seen %v", i, s, s.Began, s.Seen)
		}
		if diff := cmp.Diff(g.Data, s.Data); diff != "" {
			t.Errorf("%d: data (-want +got):\n%s", i, diff)
		}
		got, err := m.Keys.Open(t.Context(), "cookie/"+g.Name, g.Place, g.sealedText())
		if err != nil || string(got) != g.Plaintext {
			t.Errorf("%d: %s, %v", i, got, err)
		}

		// What is written today is what was written then, but for Seen.
		m.Now = at(g.Seen.Add(time.Second))
		w := httptest.NewRecorder()
		if err := m.Save(w, carrying(g.cookie()), s); err != nil {
			t.Fatal(err)
		}
		p := pocket{}.take(w)
		g.Cookies = nil
		for j := range len(p) {
			name := g.Name
			if j > 0 {
				name = fmt.Sprintf("%s-%d", name, j)
			}
			g.Cookies = append(g.Cookies, name+"="+p[name])
		}
		if len(p) > 1 {
			g.Place = p[g.Name][:strings.LastIndexByte(p[g.Name][:12], '.')]
		}
		want := strings.Replace(g.Plaintext, fmt.Sprintf(`"seen":%d`, g.Seen.UnixMilli()), fmt.Sprintf(`"seen":%d`, g.Seen.UnixMilli()+1000), 1)
		got, err = m.Keys.Open(t.Context(), "cookie/"+g.Name, g.Place, g.sealedText())
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%d: written (-want +got):\n%s", i, diff)
		}
	}
}

func writeGoldens(t *testing.T) {
	secret := []byte("0123456789abcdef0123456789abcdef")
	ring := &seal.Keyring{Keys: []token.Secret{token.NewSecret(string(secret))}}
	began := time.UnixMilli(1764132345123).UTC()
	seen := began.Add(10 * time.Minute)
	text := strings.Repeat("0123456789", 500)
	all := []golden{{
		Name: "__Host-session", Place: "1", Data: goldenData{Name: "<Mira & é>", Tags: map[string]string{"a": "b"}},
		Plaintext: `{"v":1,"id":"AAECAwQFBgcICQoLDA0ODw","sub":"mira","began":1764132345123,"seen":1764132945123,` +
			`"data":{"name":"\u003cMira \u0026 é\u003e","tags":{"a":"b"}}}`,
	}, {
		Name: "__Host-s", Place: "2.AAECAwQF", Data: goldenData{Name: "Mira", Text: text},
		Plaintext: `{"v":1,"id":"AAECAwQFBgcICQoLDA0ODw","login":"Dw4NDAsKCQgHBgUEAwIBAA","sub":"mira","epoch":7,"began":1764132345123,"seen":1764132945123,` +
			`"data":{"name":"Mira","text":"` + text + `"}}`,
	}}
	for i := range all {
		g := &all[i]
		g.Secret, g.ID, g.Subject, g.Began, g.Seen = secret, "AAECAwQFBgcICQoLDA0ODw", "mira", began, seen
		value, err := ring.Seal(t.Context(), "cookie/"+g.Name, g.Place, []byte(g.Plaintext))
		if err != nil {
			t.Fatal(err)
		}
		if g.Cookies = []string{g.Name + "=" + value}; g.Place != "1" {
			set := strings.TrimPrefix(g.Place, "2.")
			g.Cookies = []string{g.Name + "=" + g.Place + "." + value[:3800], g.Name + "-1=" + set + "." + value[3800:]}
		}
	}
	out, err := json.MarshalIndent(all, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(goldenFile, append(out, '\n'), 0o666); err != nil {
		t.Fatal(err)
	}
}

// joseOpen opens text as any program does that has go-jose and the key.
func joseOpen(t testing.TB, ring *seal.Keyring, purpose, text string) (string, error) {
	t.Helper()
	jwe, err := jose.ParseEncryptedCompact(text, []jose.KeyAlgorithm{jose.DIRECT}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		return "", err
	}
	key, err := ring.Key(t.Context(), jwe.Header.KeyID, purpose)
	if err != nil {
		return "", err
	}
	plaintext, err := jwe.Decrypt([]byte(key.Reveal()))
	return string(plaintext), err
}

// joseSeal seals text as such a program does.
func joseSeal(t testing.TB, ring *seal.Keyring, kid, purpose, place, text string) string {
	t.Helper()
	key, err := ring.Key(t.Context(), kid, purpose)
	if err != nil {
		t.Fatal(err)
	}
	options := new(jose.EncrypterOptions).WithHeader("ctx", base64.RawURLEncoding.EncodeToString([]byte(place)))
	encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.DIRECT, Key: []byte(key.Reveal()), KeyID: kid}, options)
	if err != nil {
		t.Fatal(err)
	}
	jwe, err := encrypter.Encrypt([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	value, err := jwe.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// kidOf returns the kid in the header of a sealed text.
func kidOf(t testing.TB, text string) string {
	t.Helper()
	segment, _, _ := strings.Cut(text, ".")
	header, err := base64.RawURLEncoding.DecodeString(segment)
	var h struct{ Kid string }
	if err == nil {
		err = json.Unmarshal(header, &h)
	}
	if err != nil {
		t.Fatal(err)
	}
	return h.Kid
}

// What is in a cookie is what the package comment says, for any JOSE library.
func TestGoJoseReads(t *testing.T) {
	t.Parallel()
	m := &session.Manager[member]{Keys: keysOf("a"), Now: at(time.UnixMilli(1764132345123))}
	p := begun(t, m, "mira", member{Name: "Mira"})
	s, err := m.Load(p.request())
	if err != nil {
		t.Fatal(err)
	}
	got, err := joseOpen(t, m.Keys, "cookie/"+cookieName, p[cookieName])
	if err != nil {
		t.Fatal(err)
	}
	want := `{"v":1,"id":"` + s.ID + `","sub":"mira","began":1764132345123,"seen":1764132345123,"data":{"Name":"Mira"}}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, g := range goldens(t) {
		if got, err := joseOpen(t, g.manager().Keys, "cookie/"+g.Name, g.sealedText()); err != nil || got != g.Plaintext {
			t.Errorf("golden: %q, %v", got, err)
		}
	}
}

// What another JOSE library seals with the key is a session.
func TestGoJoseWrites(t *testing.T) {
	t.Parallel()
	for _, g := range goldens(t) {
		m := g.manager()
		value := joseSeal(t, m.Keys, kidOf(t, g.sealedText()), "cookie/"+g.Name, g.Place, g.Plaintext)
		cookie := g.Name + "=" + value
		if g.Place != "1" {
			cookie = fmt.Sprintf("%s=%s.%s; %[1]s-1=%[4]s.%[5]s", g.Name, g.Place, value[:3500], strings.TrimPrefix(g.Place, "2."), value[3500:])
		}
		s, err := m.Load(carrying(cookie))
		if err != nil || s.ID != g.ID {
			t.Errorf("%v, %v", s, err)
			continue
		}
		if diff := cmp.Diff(g.Data, s.Data); diff != "" {
			t.Errorf("data (-want +got):\n%s", diff)
		}
	}
}
