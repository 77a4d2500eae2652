package jwt

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tokenlife/tokenlife/internal/origin"
)

func TestReadConfiguration(t *testing.T) {
	t.Parallel()
	const form = "the jwks_uri in it is not of the form https://host[:port]/path, without user, password and fragment"
	for _, test := range []struct {
		issuer, text string
		want         string // the place of the keys, or else the error
	}{
		{"https://i.example", `{"issuer":"https://i.example","jwks_uri":"https://i.example/jwks?v=1"}`, "https://i.example/jwks?v=1"},
		{"https://i.example", `{"jwks_uri":"https://10.0.0.1/openid/v1/jwks","issuer":"https://i.example","x":[{"y":null}]}`, "https://10.0.0.1/openid/v1/jwks"},
		{"https://i.example", `{"issuer":"https://i.example","jwks_uri":"http://127.0.0.1:8080/jwks"}`, "http://127.0.0.1:8080/jwks"},
		{"https://i.example", `{"issuer":"https:\/\/i.example","jwks_uri":"https://i.example/jwks"}`, "https://i.example/jwks"},

		// Another issuer, to the letter.
		{"https://i.example", `{"issuer":"https://i.example/","jwks_uri":"https://i.example/"}`, `it is the document of issuer "https://i.example/", not of "https://i.example": Remote.Issuer must be the same to the letter`},
		{"https://i.example/", `{"issuer":"https://i.example","jwks_uri":"https://i.example/"}`, `it is the document of issuer "https://i.example", not of "https://i.example/"`},
		{"https://i.example", `{"issuer":"https://I.example","jwks_uri":"https://i.example/"}`, `it is the document of issuer "https://I.example", not`},
		{"https://i.example", `{"issuer":"https://i.example:443","jwks_uri":"https://i.example/"}`, `it is the document of issuer "https://i.example:443", not`},
		{"https://i.example", `{"issuer":"` + strings.Repeat("x", 1000) + `","jwks_uri":"https://i.example/"}`, `it is the document of issuer "` + strings.Repeat("x", 100) + `", not`},
		{"https://i.example", `{"jwks_uri":"https://i.example/"}`, `it is the document of issuer "", not`},
		{"https://i.example", `{}`, `it is the document of issuer "", not`},

		// Two ways to read it.
		{"https://i.example", `{"issuer":"https://i.example","jwks_uri":"https://i.example/1","jwks_uri":"https://i.example/2"}`, "jwks_uri: a name that occurs twice"},
		{"https://i.example", `{"issuer":"https://i.example","jwks_uri":"https://i.example/1","JWKS_URI":"https://i.example/2"}`, "jwks_uri: a name that occurs twice"},
		{"https://i.example", `{"issuer":"https://i.example","issuer":"https://i.example","jwks_uri":"https://i.example/1"}`, "issuer: a name that occurs twice"},
		{"https://i.example", `{"issuer":"https://i.example","jwks_uri":"https://i.example/1"}{}`, "more text after the end"},
		{"https://i.example", `{"issuer":["https://i.example"],"jwks_uri":"https://i.example/1"}`, "issuer: an array where a string must be"},
		{"https://i.example", `["https://i.example"]`, "an array where an object must be"},
		{"https://i.example", "{\"hunter2\xff\":1}", "text that is not UTF-8"},
		{"https://i.example", "<html>hunter2", "not JSON"},
		{"https://i.example", "", "an end in the middle"},
		{"https://i.example", strings.Repeat("[", 1000), "an array where an object must be"},
		{"https://i.example", `{"x":` + strings.Repeat("[", 1000), "too deep a nesting"},
		{"https://i.example", `{"x":[` + strings.Repeat("1,", 5000) + `1]}`, "too many members"},

		// Nowhere to go.
		{"https://i.example", `{"issuer":"https://i.example"}`, form},
		{"https://i.example", `{"issuer":"https://i.example","jwks_uri":"https://u:hunter2@i.example/"}`, form},
		{"https://i.example", `{"issuer":"https://i.example","jwks_uri":"/hunter2"}`, form},
		{"https://i.example", `{"issuer":"https://i.example","jwks_uri":"https:hunter2"}`, form},
		{"https://i.example", `{"issuer":"https://i.example","jwks_uri":"file:///hunter2"}`, form},
		{"https://i.example", `{"issuer":"https://i.example","jwks_uri":"file://i.example/hunter2"}`, "the jwks_uri in it is neither https nor http"},
		{"https://i.example", `{"issuer":"https://i.example","jwks_uri":"http://i.example/hunter2"}`, "the jwks_uri in it is http, and whoever is on the way could put in other keys: use https, or a loopback address such as 127.0.0.1, or set Remote.Insecure"},
		{"https://i.example", `{"issuer":"https://i.example","jwks_uri":"http://localhost/hunter2"}`, "the jwks_uri in it is http, "},
	} {
		u, err := (&Remote{Issuer: test.issuer}).readConfiguration(test.text)
		got := fmt.Sprint(u)
		if err != nil {
			got = err.Error()
		}
		if (err == nil && got != test.want) || !strings.HasPrefix(got, test.want) || strings.Contains(got, "hunter2") || len(got) > 400 {
			t.Errorf("%.200s: %s, want %s", test.text, got, test.want)
		}
	}
	u, err := (&Remote{Issuer: "https://i.example", Insecure: true}).readConfiguration(`{"issuer":"https://i.example","jwks_uri":"http://keys.example/"}`)
	if err != nil || u.String() != "http://keys.example/" {
		t.Errorf("Insecure: %v, %v", u, err)
	}
}

func TestDiscoveryURL(t *testing.T) {
	t.Parallel()
	for issuer, want := range map[string]string{
		"https://i.example":              "https://i.example/.well-known/openid-configuration",
		"https://i.example/":             "https://i.example/.well-known/openid-configuration",
		"https://i.example/tenant":       "https://i.example/tenant/.well-known/openid-configuration",
		"https://i.example/tenant/":      "https://i.example/tenant/.well-known/openid-configuration",
		"https://i.example/a//b/%2F/../": "https://i.example/a//b/%2F/../.well-known/openid-configuration",
		"https://i.example:8443//":       "https://i.example:8443//.well-known/openid-configuration",
		"http://[::1]:8080":              "http://[::1]:8080/.well-known/openid-configuration",
	} {
		u, err := (&Remote{Issuer: issuer}).discoveryURL()
		if err != nil || u.String() != want {
			t.Errorf("%s: %v, %v; want %s", issuer, u, err, want)
		}
	}
}

// What is asked for, and in which words a failure is told.
func TestDiscover(t *testing.T) {
	t.Parallel()
	const keys = `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`
	asked := []string{}
	mux := http.NewServeMux()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path+" "+r.Header.Get("Accept"))
		mux.ServeHTTP(w, r)
	}))
	defer server.Close()
	for _, name := range []string{"/good", "/liar", "/lost"} {
		mux.HandleFunc(name+"/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, server.URL+strings.Replace(name, "/liar", "/good", 1), server.URL+strings.Replace(name, "/good", "", 1)+"/keys")
		})
	}
	mux.HandleFunc("/keys", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, keys) })

	r, err := Discover(t.Context(), nil, server.URL+"/good")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := r.Keys(t.Context(), "a"); len(got) != 1 || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	if got, want := strings.Join(asked, "; "), "/good/.well-known/openid-configuration application/json; /keys "+acceptKeys; got != want {
		t.Errorf("asked for %s, want %s", got, want)
	}
	for issuer, want := range map[string]string{
		server.URL + "/liar": fmt.Sprintf("jwt: fetching keys: GET %[1]s/liar/.well-known/openid-configuration: it is the document of issuer %[2]q, not of %[3]q: Remote.Issuer must be the same to the letter; ", server.URL, server.URL+"/good", server.URL+"/liar"),
		server.URL + "/none": fmt.Sprintf("jwt: fetching keys: GET %s/none/.well-known/openid-configuration: status 404 Not Found; ", server.URL),
		server.URL + "/lost": fmt.Sprintf("jwt: fetching keys: GET %s/lost/keys: status 404 Not Found; ", server.URL),
		"":                   "jwt: Remote has neither URL nor Issuer",
	} {
		r, err := Discover(t.Context(), nil, issuer)
		if r != nil || err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, %v; want %s", issuer, r, err, want)
		}
	}
}

// A document that is accepted is that of the issuer, also to encoding/json, and
// leads to where keys may come from.
func FuzzReadConfiguration(f *testing.F) {
	const issuer = "https://i.example"
	for _, text := range []string{
		`{"issuer":"https://i.example","jwks_uri":"https://i.example/jwks"}`,
		`{"issuer":"https://i.example","jwks_uri":"http://127.0.0.1/jwks","JWKS_URI":1}`,
		`{"issuer":"https:\/\/i.example","jwks_uri":"https://[::1]:8443"}`,
		`{"issuer":"https://i.example","jwks_uri":"https://u@i.example/#"}`,
		`{"issuer":"https://i.example","jwks_uri":"https://i.example\\@evil.example/"}`,
		`{"x":[{"issuer":"https://i.example"}]}`, "", "{", "\ufeff{}",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := (&Remote{Issuer: issuer}).readConfiguration(text)
		if err != nil {
			if u != nil || len(err.Error()) > 600 {
				t.Errorf("%v, %v", u, err)
			}
			return
		}
		var doc struct {
			Issuer string `json:"issuer"`
			Keys   string `json:"jwks_uri"`
		}
		if err := json.Unmarshal([]byte(text), &doc); err != nil || doc.Issuer != issuer {
			t.Fatalf("%v, %+v", err, doc)
		}
		o := origin.Of(u)
		if u.User != nil || u.Fragment != "" || !o.Encrypted() && !(o.Plain() && o.Loopback()) {
			t.Errorf("%q leads to %v", doc.Keys, u)
		}
	})
}
