package token_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tokenlife/tokenlife/token"
)

func FuzzFromRequest(f *testing.F) {
	for _, header := range []string{
		"", "Bearer", "Bearer ", "Bearer abc", "bearer  token-x:y", "Basic eDp5", "Bearer a,Bearer b",
		"Bearer a\r\nX: y", `Bearer "a"`, "Bearer \xff", "Bearer\tabc", " Bearer abc",
	} {
		f.Add(header, "", 1)
		f.Add(header, "Bearer z", 2)
	}
	f.Fuzz(func(t *testing.T, one, two string, n int) {
		r := &http.Request{Header: http.Header{"Authorization": []string{one, two}[:uint(n)%3]}}
		got, err := token.FromRequest(r)
		if err != nil {
			if !got.IsZero() {
				t.Error("a token and an error")
			}
			if errors.Is(err, token.ErrNoToken) == errors.Is(err, token.ErrMalformed) {
				t.Errorf("error %v is neither ErrNoToken nor ErrMalformed, or both", err)
			}
			if _, text, _ := strings.Cut(one, " "); len(text) > 20 && strings.Contains(err.Error(), text) {
				t.Errorf("error %v quotes the header", err)
			}
			return
		}
		text := got.Reveal()
		if len(r.Header["Authorization"]) != 1 || text == "" || len(text) > token.MaxSize || !strings.HasSuffix(one, " "+text) {
			t.Fatalf("%q gave %q", r.Header["Authorization"], text)
		}
		if strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune(`",\`, c) }) {
			t.Errorf("%q was taken for a token", text)
		}
		// What is read can be sent, and reads the same.
		token.Token{Value: got}.SetHeader(r)
		if again, err := token.FromRequest(r); err != nil || !again.Equal(got) {
			t.Errorf("%q came back as %q, %v", text, again.Reveal(), err)
		}
	})
}

// The oracle compares what url.Parse says, without the code under test.
func FuzzTransportOrigin(f *testing.F) {
	for _, origin := range []string{
		"https://api.example", "https://API.example:443", "http://api.example", "https://[::1]:1", "https://a%FFb", "https://u@api.example",
	} {
		f.Add(origin, origin+"/x")
		f.Add(origin, "https://api.example/")
		f.Add(origin, "https://api.example.:0443")
	}
	f.Fuzz(func(t *testing.T, origin, target string) {
		u, err := url.Parse(target)
		if err != nil || origin == "" {
			return
		}
		base := &only{}
		tr := &token.Transport{Source: newDeck("a"), Base: base, Origin: origin, Insecure: true}
		_, err = tr.RoundTrip(&http.Request{URL: u, Header: http.Header{}})
		if err != nil || base.saw[0] == "" {
			return
		}
		o, err := url.Parse(origin)
		if err != nil || o.User != nil || o.Path != "" || o.RawQuery != "" || o.Fragment != "" {
			t.Fatalf("Origin %q was taken", origin)
		}
		if o.Scheme != u.Scheme || !strings.EqualFold(o.Hostname(), u.Hostname()) || port(o) != port(u) || u.Hostname() == "" {
			t.Errorf("Origin %q let a token go to %q", origin, target)
		}
	})
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}
