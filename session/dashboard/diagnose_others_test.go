package dashboard

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// at has something else answer a path.
func at(path string, answer http.HandlerFunc, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == path {
			answer(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// says answers with a status, a body and headers, such as "Age: 5".
func says(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, line := range headers {
			key, value, _ := strings.Cut(line, ": ")
			w.Header().Set(key, value)
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// What somebody else than the Dashboard may have said, or another cause explains as
// well, is not certain.
func TestDiagnoseOthers(t *testing.T) {
	t.Parallel()
	const (
		nobodyCame = `{"tokenPresent":false,"headerPresent":false,"httpsMode":true}`
		refused    = "MSG_LOGIN_UNAUTHORIZED_ERROR\n"
		elsewise   = "probably: something refuses, and not in the words of a Dashboard"
	)
	for _, test := range []struct {
		name  string
		s     func(*Source)
		h     func() http.Handler
		token func(t *testing.T, session string) string
		after time.Duration
		want  string // the beginnings of what is found, one a line
	}{
		{name: "a 401 of a proxy on one path", h: func() http.Handler { return at(namespacePath, says(401, ""), newDouble2()) }, token: bearerOf("bearer-1"), want: elsewise},
		{name: "a 403 of a proxy on one path", h: func() http.Handler { return at(namespacePath, says(403, "no"), newDouble2()) }, token: bearerOf("bearer-1"), want: elsewise},
		{name: "7.x, and Authorization is taken off", h: func() http.Handler {
			d := newDouble()
			d.seven = true
			return dropping("Authorization", d)
		}, token: bearerOf("bearer-1"), want: "probably: the API server behind the Dashboard refuses the token"},
		{name: "refused where nothing tells what arrives", h: func() http.Handler {
			return at(statusPath, says(502, ""), at(namespacePath, says(401, refused), newDouble2()))
		},
			token: bearerOf("bearer-1"), want: "probably: the API server behind the Dashboard refuses the token"},
		{name: "a list that is refused where nothing tells what arrives", h: func() http.Handler {
			d := newDouble2()
			d.good = nil
			return at(statusPath, says(502, ""), d)
		}, token: flawless, want: "probably: the session is good, and the API server refuses"},
		{name: "a cache that keeps what arrived of somebody else", h: func() http.Handler { return at(statusPath, says(200, nobodyCame, "Age: 5"), newDouble2()) },
			token: flawless, after: 16 * time.Minute, want: "certain: the session has expired"},
		{name: "a cache that does not say so", h: func() http.Handler { return at(statusPath, says(200, nobodyCame), newDouble2()) },
			token: flawless, after: 16 * time.Minute, want: "certain: the session has expired"},
		{name: "a cache that does not say so, and another key", h: func() http.Handler { return at(statusPath, says(200, nobodyCame), newDouble2()) },
			token: otherKeys, want: "certain: no key of the Dashboard opens the session"},
		{name: "a list of a cache", h: func() http.Handler { return at(namespacePath, says(401, refused, "Age: 5"), newDouble2()) },
			token: bearerOf("bearer-1"), want: "probably: the API server behind the Dashboard refuses the token"},
		{name: "JSON in the words of 7.x, of a 2.x", h: func() http.Handler {
			return at(namespacePath, says(401, `{"ErrStatus":{"code":401,"message":"MSG_TOKEN_EXPIRED_ERROR"}}`), newDouble2())
		}, token: flawless, after: 16 * time.Minute, want: "certain: the session has expired"},
		{name: "JSON in the words of 7.x, of nobody knows what", h: func() http.Handler {
			return says(401, `{"ErrStatus":{"code":401,"message":"MSG_LOGIN_UNAUTHORIZED_ERROR"}}`)
		},
			token: flawless, want: "probably: the Dashboard is 7.x"},
		{name: "JSON in the words of 7.x, where a session arrives", h: func() http.Handler {
			return at(namespacePath, says(401, `{"ErrStatus":{"code":401,"message":"MSG_LOGIN_UNAUTHORIZED_ERROR"}}`), newDouble2())
		}, token: flawless, want: "probably: the Dashboard refuses what the session was made of"},
		{name: "JSON in the words of 7.x, and nothing tells what arrives", h: func() http.Handler {
			return at(statusPath, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
				says(401, `{"ErrStatus":{"code":401,"message":"MSG_LOGIN_UNAUTHORIZED_ERROR"}}`))
		}, token: flawless, want: "probably: the Dashboard is 7.x"},
		{name: "an answer of no age", h: func() http.Handler { return at(namespacePath, says(401, refused, "Age: 0"), newDouble2()) },
			token: bearerOf("bearer-1"), want: "certain: the API server behind the Dashboard refuses the token"},
		{name: "a proxy that writes the Date, and a token that has just ended", h: func() http.Handler {
			d := newDouble()
			d.seven = true
			return dated(48*time.Hour, d)
		}, token: jwtBearer, after: time.Hour + 30*time.Second, want: "probably: the token has expired\nprobably: this machine's clock is behind"},
		{name: "a session that cannot be read", h: func() http.Handler { return at(namespacePath, says(500, msgNoJWE+"\n"), newDouble2()) },
			token: flawless, want: "certain: the Dashboard cannot read the session"},
		{name: "the words of a JOSE library, and another status", h: func() http.Handler { return at(namespacePath, says(403, msgCryptography), newDouble2()) },
			token: flawless, want: elsewise},
		{name: "a proxy that writes the Date", h: func() http.Handler {
			d := newDouble()
			d.seven = true
			return dated(48*time.Hour, d)
		}, token: jwtBearer, want: "probably: the token has expired\nprobably: this machine's clock is behind"},
		{name: "a list that is cut off", h: func() http.Handler { return at(namespacePath, says(200, `{"namespaces":[`), newDouble2()) },
			token: flawless, want: "probably: what answers is perhaps not the Dashboard"},
		{name: "a 500 after the token was looked at", h: func() http.Handler { return at(namespacePath, says(500, "etcd is away"), newDouble2()) },
			token: flawless, want: "certain: the Dashboard, or a proxy before it, cannot answer now"},
		{name: "a panic", s: func(s *Source) {
			s.Client = &http.Client{Transport: tripper(func(*http.Request) (*http.Response, error) { panic("hunter2") })}
		}, token: flawless, want: "certain: there was no answer, or not all of one"},
		{name: "a Transport that cannot get a credential of its own", s: func(s *Source) {
			s.Client = &http.Client{Transport: tripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("oauth2: cannot fetch token") })}
		}, token: flawless, want: "certain: there was no answer, or not all of one"},
		{name: "a certificate that nobody verifies", s: func(s *Source) {
			s.Client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
		}, h: func() http.Handler { return newDouble2() }, token: otherKeys, want: "probably: no key of the Dashboard opens the session"},
		{name: "http", s: func(s *Source) {
			s.Insecure, s.URL = true, "http://dashboard.example"
			s.Client.Transport = changed(s.Client.Transport, func(r *http.Request) { r.URL.Scheme = "https"; r.URL.Host = strings.TrimPrefix(doubleURL, "https://") })
		}, h: func() http.Handler { return newDouble2() }, token: otherKeys, want: "probably: no key of the Dashboard opens the session"},
		{name: "40 letters and digits", h: func() http.Handler { return newDouble2() }, token: bearerOf("V1dMyPArix5nN1jxiA6DdzsqdZitDJhZuBR3vZNr"),
			want: "certain: the API server behind the Dashboard refuses the token"},
		{name: "a token that a cluster of Rancher's takes", token: bearerOf("token-7d9xk:" + strings.Repeat("b", 54)), want: "probably: this is a Rancher 2.x token"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				suspect := token.NewSecret(test.token(t, newDouble().seal("bearer-1")))
				time.Sleep(test.after)
				if test.h == nil {
					test.h = func() http.Handler { return http.NotFoundHandler() }
				}
				s := diagnoserOf(test.h())
				if test.s != nil {
					test.s(s)
				}
				d := s.Diagnose(t.Context(), suspect)
				got, want := strings.Split(causes(d), "\n"), strings.Split(test.want, "\n")
				for i := range max(len(got), len(want)) {
					if i >= len(got) || i >= len(want) || !strings.HasPrefix(got[i], want[i]) {
						t.Fatalf("%q\nwant %q\n%v", got, want, d)
					}
				}
			})
		})
	}
}

// changed has something done to each request first.
func changed(base http.RoundTripper, change func(*http.Request)) http.RoundTripper {
	return tripper(func(r *http.Request) (*http.Response, error) {
		as := r.Clone(r.Context())
		change(as)
		resp, err := base.RoundTrip(as)
		if err == nil {
			resp.Request = r
		}
		return resp, err
	})
}

// What a proxy repeats of its password is no evidence, and what panics is no matter.
func TestDiagnoseProxyPassword(t *testing.T) {
	t.Parallel()
	proxy, err := url.Parse("http://user:hunter2-hunter3@proxy.example:3128")
	if err != nil {
		t.Fatal(err)
	}
	near := func(ctx context.Context, _, _ string) (net.Conn, error) {
		here, there := net.Pipe()
		go func() {
			defer there.Close()
			if _, err := http.ReadRequest(bufio.NewReader(there)); err == nil {
				io.WriteString(there, "HTTP/1.1 407 not hunter2-hunter3\r\n\r\n")
			}
		}()
		return here, nil
	}
	for name, transport := range map[string]http.RoundTripper{
		"a proxy": &http.Transport{Proxy: http.ProxyURL(proxy), DialContext: near},
		"a panic": wrapped{tripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("no") })},
	} {
		d := (&Source{URL: doubleURL, Client: &http.Client{Transport: transport}}).Diagnose(t.Context(), token.NewSecret("bearer-1"))
		if causes(d) != "certain: there was no answer, or not all of one" || strings.Contains(d.String(), "hunter") {
			t.Errorf("%s: %v", name, d)
		}
	}
}

type wrapped struct{ http.RoundTripper }

func (wrapped) WrappedRoundTripper() http.RoundTripper { panic("hunter2") }
