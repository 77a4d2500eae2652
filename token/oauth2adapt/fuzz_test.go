package oauth2adapt

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tokenlife/tokenlife/internal/origin"
	"github.com/tokenlife/tokenlife/refresh"
)

// Whatever an endpoint answers: what is taken for a token is in the answer, and
// a header, or a Store, takes it.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"access_token":"a","refresh_token":"b","expires_in":3600,"token_type":"bearer"}`, `{"access_token":"a","refresh_token":"b`,
		`{"refresh_token":"b\u00e9\""}`, `{"access_token":1e400,"expires_in":"1e400"}`, `access_token=a&refresh_token=b%20c`, `refresh_token=a%2`,
		`{"error":"invalid_grant","error_description":"x"}`, `[{"refresh_token":"a"},{"refresh_token":"b"}]`, "\ufeff{}", ``, `{"refresh_token":"\ud800"}`,
	} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, text string, whole bool) {
		a := parseAnswer(text, whole)
		kept := salvage(text, whole, "presented")
		for _, s := range []string{a.access, a.kind, a.id} {
			if strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
				t.Fatalf("%q goes into a header", s)
			}
		}
		for _, s := range []string{a.refresh, kept} {
			if !utf8.ValidString(s) || s == "presented" && s == kept {
				t.Fatalf("%q is kept", s)
			}
			if plain := strings.ContainsAny(text, `\%+`); s != "" && !plain && !strings.Contains(text, s) {
				t.Fatalf("%q is not in the answer", s)
			}
		}
		if a.expiresIn < 0 || a.refreshExpiresIn < 0 {
			t.Fatalf("lives for %v and %v", a.expiresIn, a.refreshExpiresIn)
		}
		// Where encoding/json agrees that there is one answer, it is that.
		var members map[string]any
		if json.Unmarshal([]byte(text), &members) == nil {
			if s, _ := members["refresh_token"].(string); keepable(s) && a.refresh != s {
				t.Fatalf("kept %q, encoding/json says %q", a.refresh, s)
			}
		}
		a.pair()
		for status := range 600 {
			if r := judge(status, a); status == 500 && r.outcome == refresh.Terminal {
				t.Fatal("a server that failed kills a login")
			}
		}
	})
}

// Whatever a server or a transport says, no secret is repeated, nor a piece of
// one that is worth something.
func FuzzForeign(f *testing.F) {
	f.Add("the token s3cr3t-0123456789 was used", "s3cr3t-0123456789")
	f.Add("0123456789ABCDEF 0123456789ABCDEFGHIJKLMN", "another")
	f.Add("a\"b\\c\n\x1b[31m\xff", "")
	f.Fuzz(func(t *testing.T, text, secret string) {
		h := hidden{secret, "presented-token"}
		said := h.quote(": ", text)
		if len(said) > longestText+100 || strings.ContainsFunc(strings.ReplaceAll(said, "…", ""), func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Fatalf("%q", said)
		}
		words := strings.Trim(said, `: "`)
		for i := range len(words) - window {
			if piece := words[i : i+window]; len(secret) >= window && !strings.Contains(piece, "…"[:1]) && strings.Contains(secret, piece) && strings.Contains(text, piece) {
				t.Fatalf("%q has %q in it", said, piece)
			}
		}
		for word := range strings.FieldsSeq(words) {
			if len(word) > longestWord+len("…") {
				t.Fatalf("%q has a long word", said)
			}
		}
		p := post{hides: h}
		err := p.refusal(&http.Response{StatusCode: 400}, answer{code: text, description: text})
		if len(err.Error()) > 3*longestText {
			t.Fatalf("%d bytes", len(err.Error()))
		}
	})
}

// Whatever an issuer says of itself: what is believed is its own, and every endpoint
// is where tokens may go.
func FuzzDiscover(f *testing.F) {
	const issuer = "https://i.example"
	for _, seed := range []string{
		`{"issuer":"https://i.example","token_endpoint":"https://i.example/token","authorization_response_iss_parameter_supported":true}`,
		`{"issuer":"https://i.example","token_endpoint":"http://127.0.0.1/token","revocation_endpoint":"https://u:p@h/#"}`,
		`{"issuer":"https://i.example","token_endpoint":"https://i.example/token","token_endpoint_auth_methods_supported":["client_secret_post"]}`, `[]`, ``,
	} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, text string, loopback bool) {
		p, err := readProvider(text, issuer, loopback)
		if err != nil {
			if p != (Provider{}) {
				t.Fatalf("%v, and yet %v", err, p)
			}
			return
		}
		if p.Issuer != issuer || p.Endpoint.TokenURL == "" {
			t.Fatalf("believed %v", p)
		}
		for _, e := range []string{p.Endpoint.TokenURL, p.Endpoint.AuthURL, p.Endpoint.DeviceAuthURL, p.Revocation} {
			u, err := url.Parse(e)
			if e != "" && (err != nil || u.User != nil || u.Fragment != "" || u.Scheme != "https" && !(loopback && u.Scheme == "http" && origin.Of(u).Loopback())) {
				t.Fatalf("endpoint %q", e)
			}
		}
		for _, text := range []string{text, strings.Replace(text, "i.example", "j.example", 1)} {
			var m map[string]any
			if json.Unmarshal([]byte(text), &m) != nil || m["issuer"] != issuer {
				if _, err := readProvider(text, issuer, loopback); err == nil {
					t.Fatalf("%s is another's", text)
				}
			}
		}
	})
}
