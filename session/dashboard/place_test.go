package dashboard

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/internal/pipe"
	"github.com/tokenlife/tokenlife/token"
)

// Over plain HTTP nothing at all is sent, unless that is asked for, or it stays on
// this machine.
func TestPlainHTTP(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		url      string
		insecure bool
		sent     bool
	}{
		{"http://dashboard.example", false, false},
		{"http://dashboard.example", true, true},
		{"http://127.0.0.1:9090", false, true},
		{"http://[::1]:9090", false, true},
		{"https://dashboard.example", false, true},
	} {
		t.Run(test.url, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDouble()
				s := d.source(bearerSource("bearer-1"))
				s.URL, s.Insecure = test.url, test.insecure
				s.Client = pipe.Client("dashboard", func() string { return test.url }, d)
				_, err := s.Token(t.Context())
				if (err == nil) != test.sent || test.sent != (len(d.requests) > 0) {
					t.Errorf("%v after %v", err, d.requests)
				}
			})
		})
	}
}

// The client of the caller is left as it was.
func TestClientIsCopied(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newDouble().source(bearerSource("bearer-1"))
		s.Client.CheckRedirect = func(*http.Request, []*http.Request) error { t.Error("it was asked"); return nil }
		mustToken(t, t.Context(), s)
		if s.Client.CheckRedirect == nil || s.Client.Timeout != 0 {
			t.Error("changed")
		}
	})
	if got := new(Source).client(); got.Timeout != 10*time.Second || got.Transport != http.DefaultTransport {
		t.Errorf("%+v", got)
	}
}

func TestUnconfigured(t *testing.T) {
	t.Parallel()
	asked := false
	login := token.SourceFunc(func(context.Context) (token.Token, error) { asked = true; return token.Token{}, nil })
	proxied := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(mustURL("http://proxy.example"))}}
	for name, test := range map[string]struct {
		s    *Source
		want string
	}{
		"nothing":    {&Source{}, "Source.URL is empty"},
		"no Login":   {&Source{URL: doubleURL}, "Source.Login is nil"},
		"user":       {&Source{URL: "https://u:s3cret@dashboard.example", Login: login}, "without user"},
		"query":      {&Source{URL: doubleURL + "?s3cret", Login: login}, "without user"},
		"fragment":   {&Source{URL: doubleURL + "/#/login", Login: login}, "without user"},
		"no host":    {&Source{URL: "https://", Login: login}, "not of the form"},
		"opaque":     {&Source{URL: "https:dashboard.example", Login: login}, "not of the form"},
		"no URL":     {&Source{URL: "https://a b\n", Login: login}, "not of the form"},
		"escapes":    {&Source{URL: doubleURL + "/a%2Fb", Login: login}, "not of the form"},
		"leads up":   {&Source{URL: doubleURL + "/a/../b", Login: login}, "/../"},
		"scheme":     {&Source{URL: "ftp://dashboard.example", Login: login}, "neither https nor http"},
		"plain":      {&Source{URL: "http://dashboard.example", Login: login}, "set Source.Insecure"},
		"localhost":  {&Source{URL: "http://localhost:9090", Login: login}, "set Source.Insecure"},
		"by a proxy": {&Source{URL: "http://127.0.0.1:9090", Login: login, Client: proxied}, "set Source.Insecure"},
	} {
		_, err := test.s.Token(t.Context())
		if err == nil || !strings.HasPrefix(err.Error(), "dashboard: ") || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if asked {
		t.Error("Login was asked for a credential that could not be sent")
	}
}

func mustURL(s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil {
		panic(err)
	}
	return u
}
