package oauth2adapt_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/oauth2adapt"
)

// What an issuer says is what comes.
func TestDiscover(t *testing.T) {
	t.Parallel()
	const issuer = "https://issuer.example/tenant/"
	const most = `"issuer":"` + issuer + `","authorization_endpoint":"https://login.example/auth?x=y","token_endpoint":"https://tokens.example/token","unknown":{"a":[null]}`
	endpoint := oauth2.Endpoint{AuthURL: "https://login.example/auth?x=y", TokenURL: "https://tokens.example/token"}
	inBody, device := endpoint, endpoint
	inBody.AuthStyle, device.DeviceAuthURL = oauth2.AuthStyleInParams, "https://login.example/device"
	for body, want := range map[string]oauth2adapt.Provider{
		`{` + most + `}`: {Issuer: issuer, Endpoint: endpoint},
		`{` + most + `,"device_authorization_endpoint":"https://login.example/device","revocation_endpoint":"https://tokens.example/revoke","authorization_response_iss_parameter_supported":true}`: {Issuer: issuer, Endpoint: device, Revocation: "https://tokens.example/revoke", SendsIssuer: true},
		`{` + most + `,"token_endpoint_auth_methods_supported":["client_secret_post","none"]}`:                                                                                                      {Issuer: issuer, Endpoint: inBody},
		`{` + most + `,"token_endpoint_auth_methods_supported":["client_secret_post","client_secret_basic"]}`:                                                                                       {Issuer: issuer, Endpoint: endpoint},
		`{` + most + `,"token_endpoint_auth_methods_supported":["none"]}`:                                                                                                                           {Issuer: issuer, Endpoint: endpoint},
		`{"issuer":"` + issuer + `","token_endpoint":"https://tokens.example/token"}`:                                                                                                               {Issuer: issuer, Endpoint: oauth2.Endpoint{TokenURL: "https://tokens.example/token"}},
	} {
		var asked string
		p, err := oauth2adapt.Discover(t.Context(), answers(&asked, 200, body), issuer)
		if err != nil {
			t.Errorf("%s: %v", body, err)
		}
		if diff := cmp.Diff(want, p); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
		if asked != "GET https://issuer.example/tenant/.well-known/openid-configuration application/json" {
			t.Errorf("asked %s", asked)
		}
	}
}

// answers returns a client that gets one answer to whatever it asks, which is noted.
func answers(asked *string, status int, body string, header ...string) *http.Client {
	return &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		*asked += r.Method + " " + r.URL.String() + " " + r.Header.Get("Accept")
		h := http.Header{}
		for f := header; len(f) > 0; f = f[2:] {
			h.Set(f[0], f[1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	})}
}

// Nothing is asked of an issuer that others could speak for, and its URL, in which
// there may be a password, is not repeated.
func TestDiscoverIssuer(t *testing.T) {
	t.Parallel()
	for issuer, want := range map[string]string{
		"":                             "the issuer is not of the form",
		"issuer.example":               "the issuer is not of the form",
		"https://":                     "the issuer is not of the form",
		"https://user:hush@i.example":  "the issuer is not of the form",
		"https://i.example/#hush":      "the issuer is not of the form",
		"https://i.example/\x7f":       "the issuer is not of the form",
		"https://i.example?key=hush":   "the issuer has a query",
		"https://i.example/?":          "the issuer has a query",
		"http://i.example":             "the issuer is http",
		"http://localhost:8080":        "the issuer is http",
		"http://127.0.0.1.example":     "the issuer is http",
		"ftp://i.example":              "the issuer is neither https nor http",
		"https:i.example":              "the issuer is not of the form",
		"http://[::1]:1/?/../x=hush#y": "the issuer is not of the form",
	} {
		var asked string
		p, err := oauth2adapt.Discover(t.Context(), answers(&asked, 200, `{}`), issuer)
		discoveryFailed(t, p, err, "oauth2adapt: discovery: "+want)
		if asked != "" {
			t.Errorf("%s: %s", issuer, asked)
		}
	}
}

func discoveryFailed(t *testing.T, p oauth2adapt.Provider, err error, want string) {
	t.Helper()
	switch {
	case err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "oauth2adapt: discovery: "):
		t.Errorf("got %v, want %s", err, want)
	case errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrRefused):
		t.Errorf("it is a verdict on a token: %v", err)
	case p != oauth2adapt.Provider{}:
		t.Errorf("%v, and yet %v", err, p)
	default:
		keepsSecrets(t, err)
	}
}

// Of an answer that is not to be believed nothing is.
func TestDiscoverAnswers(t *testing.T) {
	t.Parallel()
	const id = `"issuer":"https://i.example"`
	const endpoint = `"token_endpoint":"https://i.example/token"`
	const good = `{` + id + `,` + endpoint + `}`
	for _, test := range []struct {
		name   string
		status int
		body   string
		want   string
	}{
		{"another's", 200, `{"issuer":"https://j.example",` + endpoint + `}`, `it is the document of issuer "https://j.example", not of "https://i.example"`},
		{"a slash", 200, `{"issuer":"https://i.example/",` + endpoint + `}`, "to the letter"},
		{"nobody's", 200, `{` + endpoint + `}`, `it is the document of issuer ""`},
		{"a long name", 200, `{"issuer":"` + strings.Repeat("x", 1<<19) + `",` + endpoint + `}`, "it is the document of issuer"},
		{"no endpoint", 200, `{` + id + `}`, "the document has no token_endpoint"},
		{"an empty one", 200, `{` + id + `,"token_endpoint":""}`, "the document has no token_endpoint"},
		{"in the clear", 200, `{` + id + `,"token_endpoint":"http://i.example/token"}`, "its token_endpoint is http"},
		{"on loopback", 200, `{` + id + `,"token_endpoint":"http://127.0.0.1/token"}`, "its token_endpoint is http"},
		{"with a user", 200, `{` + id + `,"token_endpoint":"https://hush@i.example/token"}`, "its token_endpoint is not of the form"},
		{"of a file", 200, `{` + id + `,"token_endpoint":"file:///etc"}`, "its token_endpoint is not of the form"},
		{"authorization", 200, `{` + id + `,` + endpoint + `,"authorization_endpoint":"http://i.example/a"}`, "its authorization_endpoint is http"},
		{"revocation", 200, `{` + id + `,` + endpoint + `,"revocation_endpoint":"http://i.example/a"}`, "its revocation_endpoint is http"},
		{"device", 200, `{` + id + `,` + endpoint + `,"device_authorization_endpoint":"javascript:hush"}`, "its device_authorization_endpoint is not of the form"},
		{"twice", 200, `{` + id + `,` + endpoint + `,"token_endpoint":"https://j.example"}`, "token_endpoint: a name that occurs twice"},
		{"in another case", 200, `{` + id + `,` + endpoint + `,"Token_Endpoint":"https://j.example"}`, "occurs twice"},
		{"a number", 200, `{` + id + `,"token_endpoint":7}`, "token_endpoint: a number where a string must be"},
		{"methods", 200, `{` + id + `,` + endpoint + `,"token_endpoint_auth_methods_supported":"none"}`, "token_endpoint_auth_methods_supported: a string where an array must be"},
		{"yes", 200, `{` + id + `,` + endpoint + `,"authorization_response_iss_parameter_supported":"yes"}`, "authorization_response_iss_parameter_supported: a string"},
		{"a page", 200, `<html>hush</html>`, "what came is no discovery document: not JSON"},
		{"a list", 200, `[` + good + `]`, "what came is no discovery document"},
		{"more", 200, good + good, "what came is no discovery document"},
		{"cut", 200, good[:40], "what came is no discovery document"},
		{"nothing", 200, ``, "what came is no discovery document"},
		{"endless", 200, `{` + strings.Repeat(" ", 1<<20) + good[1:], "the answer is longer than 1048576 bytes"},
		{"deep", 200, strings.Repeat(`[`, 1<<20), "what came is no discovery document"},
		{"a redirect", 302, good, "302 Found, a redirect, which is not followed"},
		{"not found", 404, `hush`, "404 Not Found: is that the issuer's URL"},
		{"created", 201, good, "201 Created"},
		{"down", 503, `hush`, "503 Service Unavailable"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var asked string
			p, err := oauth2adapt.Discover(t.Context(), answers(&asked, test.status, test.body, "Location", "https://j.example/?hush"), "https://i.example")
			discoveryFailed(t, p, err, "oauth2adapt: discovery: GET https://i.example/.well-known/openid-configuration: ")
			discoveryFailed(t, p, err, test.want)
			if strings.Count(asked, "GET") != 1 {
				t.Errorf("asked %s", asked)
			}
		})
	}
}

// An issuer on this machine may do without TLS, to its last endpoint, if no proxy is
// in between.
func TestDiscoverLoopback(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	mux.HandleFunc("/.well-known/openid-configuration", says(200, `{"issuer":"`+server.URL+`","token_endpoint":"`+server.URL+`/token"}`))
	mux.HandleFunc("/b/.well-known/openid-configuration", says(200, `{"issuer":"`+server.URL+`/b","token_endpoint":"http://localhost/token"}`))
	mux.HandleFunc("/c/.well-known/openid-configuration", says(302, `{"issuer":"`+server.URL+`/c","token_endpoint":"https://i.example"}`, "Location", server.URL+"/.well-known/openid-configuration"))
	p, err := oauth2adapt.Discover(t.Context(), nil, server.URL)
	if err != nil || p.Endpoint.TokenURL != server.URL+"/token" {
		t.Errorf("%v, %v", p, err)
	}
	p, err = oauth2adapt.Discover(t.Context(), nil, server.URL+"/b")
	discoveryFailed(t, p, err, "its token_endpoint is http")
	p, err = oauth2adapt.Discover(t.Context(), nil, server.URL+"/c")
	discoveryFailed(t, p, err, "a redirect, which is not followed")
	proxied := &http.Client{Transport: &http.Transport{Proxy: func(*http.Request) (*url.URL, error) { return url.Parse("http://127.0.0.1:1") }}}
	p, err = oauth2adapt.Discover(t.Context(), proxied, server.URL)
	discoveryFailed(t, p, err, "a proxy could put in other endpoints")
}

// What the client of a caller does is told in brief, and is no verdict.
func TestDiscoverClientFails(t *testing.T) {
	t.Parallel()
	for want, f := range map[string]roundTripper{
		"no way":               func(*http.Request) (*http.Response, error) { return nil, errors.New("no way") },
		"panicked in":          func(*http.Request) (*http.Response, error) { panic(newAccess) },
		"invalid: expired":     func(*http.Request) (*http.Response, error) { return nil, token.ErrExpired },
		"refused":              func(*http.Request) (*http.Response, error) { return nil, token.ErrRefused },
		"no no no":             func(*http.Request) (*http.Response, error) { return nil, errors.New(strings.Repeat("no ", 1e6)) },
		"the answer is from e": elsewhere,
		"unexpected EOF":       cutShort,
	} {
		p, err := oauth2adapt.Discover(t.Context(), &http.Client{Transport: f}, "https://i.example")
		discoveryFailed(t, p, err, want)
	}
}

// An answer without end is not read to it.
func TestDiscoverEndless(t *testing.T) {
	t.Parallel()
	body := &endless{left: 8 << 20}
	client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: body, Request: r}, nil
	})}
	p, err := oauth2adapt.Discover(t.Context(), client, "https://i.example")
	discoveryFailed(t, p, err, "the answer is longer than 1048576 bytes")
	if read := 8<<20 - body.left; read > 2<<20 || !body.closed {
		t.Errorf("%d bytes were read, closed: %t", read, body.closed)
	}
}

func elsewhere(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL = &url.URL{Scheme: "https", Host: "j.example"}
	return &http.Response{StatusCode: 200, Body: http.NoBody, Request: r}, nil
}

func cutShort(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Body: io.NopCloser(io.MultiReader(strings.NewReader("{"), failing{})), Request: r}, nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// An issuer that never answers: ctx decides, and ten seconds without one.
func TestDiscoverTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})}
		for _, limit := range []time.Duration{0, time.Minute} {
			ctx, want := context.Background(), 10*time.Second
			if limit > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, limit)
				defer cancel()
				want = limit
			}
			began := time.Now()
			p, err := oauth2adapt.Discover(ctx, client, "https://i.example")
			discoveryFailed(t, p, err, fmt.Sprint("within ", want))
			if took := time.Since(began); took != want || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("after %v: %v", took, err)
			}
		}
	})
}
