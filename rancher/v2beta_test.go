package rancher_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/tokenlife/tokenlife/internal/pipe"
	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/token"
)

const (
	v2betaURL   = "https://rancher.example"
	v2betaJWT   = "V1dMyPArix5nN1jxiA6DdzsqdZitDJhZuBR3vZNr"
	v2betaError = `{"id":"a9a9","type":"error","links":{},"actions":{},"status":%d,"code":"%s","message":"%s","detail":null,"baseType":"error"}`
)

// A v2betaServer answers as 1.6 does, with what a test has written down for it,
// and keeps what it was asked.
type v2betaServer struct {
	answer http.HandlerFunc

	mu    sync.Mutex
	asked []v2betaAsked
}

type v2betaAsked struct {
	*http.Request
	body string
}

func (s *v2betaServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.asked = append(s.asked, v2betaAsked{r, string(body)})
	s.mu.Unlock()
	s.answer(w, r)
}

// calls returns what was asked: methods and paths.
func (s *v2betaServer) calls() (calls []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.asked {
		calls = append(calls, r.Method+" "+r.URL.RequestURI())
	}
	return calls
}

func (s *v2betaServer) client() *rancher.V2Beta {
	client := pipe.Client("test", func() string { return v2betaURL }, s)
	return &rancher.V2Beta{Server: &rancher.Server{URL: v2betaURL, HTTP: client}}
}

// v2betaSays returns an answer with a status and a JSON body.
func v2betaSays(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json;charset=UTF-8")
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// v2betaFails returns an answer that is an error of 1.6.
func v2betaFails(status int, code, message string) http.HandlerFunc {
	return v2betaSays(status, fmt.Sprintf(v2betaError, status, code, message))
}

// checkV2BetaError checks what holds for every error, whatever the server said.
func checkV2BetaError(t *testing.T, err error, secrets ...string) {
	t.Helper()
	if err == nil {
		return
	}
	if errors.Is(err, token.ErrInvalid) {
		t.Errorf("%v: it blames a token that somebody else presented", err)
	}
	if !strings.HasPrefix(err.Error(), "rancher: ") || len(err.Error()) > 1000 || strings.ContainsAny(err.Error(), "\n\r\x00\x1b") {
		t.Errorf("%q: is it one short line of package rancher?", err)
	}
	v2betaSilent(t, err, secrets...)
}

// v2betaSilent checks that a value prints no secret in any way.
func v2betaSilent(t *testing.T, v any, secrets ...string) {
	t.Helper()
	var printed bytes.Buffer
	fmt.Fprintf(&printed, "%v\n%+v\n%#v\n%s\n%q\n", v, v, v, v, v)
	slog.New(slog.NewTextHandler(&printed, nil)).Info("x", "v", v)
	slog.New(slog.NewJSONHandler(&printed, nil)).Info("x", "v", v)
	encoded, _ := json.Marshal(v)
	printed.Write(encoded)
	for _, secret := range secrets {
		if secret != "" && strings.Contains(printed.String(), secret) {
			t.Errorf("a secret is in it:\n%s", printed.String())
		}
	}
}

func TestV2BetaTransport(t *testing.T) {
	t.Parallel()
	s := &v2betaServer{answer: v2betaSays(200, `{}`)}
	c := s.client()
	c.Project = "1a5"
	client := &http.Client{Transport: c.Transport(token.Static(token.New(token.NewSecret(v2betaJWT))))}
	resp, err := client.Get(v2betaURL + "/v2-beta/projects")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	r := s.asked[0]
	if got := r.Header.Get("Cookie"); got != "token="+v2betaJWT {
		t.Errorf("cookie %q", got)
	}
	if got := r.Header.Get("X-API-Project-Id"); got != "1a5" {
		t.Errorf("project %q", got)
	}
	if r.Header.Get("X-API-No-Challenge") != "true" || r.Header.Get("Authorization") != "" {
		t.Errorf("headers %v", r.Header)
	}
}

// A refusal by Rancher has another token tried; one by a proxy does not.
func TestV2BetaTransportRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		refusal http.HandlerFunc
		status  int
		left    int
	}{
		{"Rancher", v2betaFails(401, "Unauthorized", "Unauthorized"), 200, 1},
		{"a proxy", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("WWW-Authenticate", `Basic realm="proxy"`)
			w.WriteHeader(401)
		}, 401, 2},
	} {
		s := &v2betaServer{answer: func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Cookie") != "token="+v2betaJWT {
				test.refusal(w, r)
			}
		}}
		source := &v2betaTokens{[]string{"a", v2betaJWT}}
		resp, err := (&http.Client{Transport: s.client().Transport(source)}).Get(v2betaURL)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != test.status || len(source.tokens) != test.left {
			t.Errorf("%s: %s, %d tokens left", test.name, resp.Status, len(source.tokens))
		}
	}
}

// The token goes to this server only.
func TestV2BetaTransportOrigin(t *testing.T) {
	t.Parallel()
	var sent []*http.Request
	elsewhere := roundTripper(func(r *http.Request) (*http.Response, error) {
		sent = append(sent, r)
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	})
	c := &rancher.V2Beta{Server: &rancher.Server{URL: v2betaURL + "/rancher", HTTP: &http.Client{Transport: elsewhere}}}
	client := &http.Client{Transport: c.Transport(token.Static(token.New(token.NewSecret(v2betaJWT))))}
	for _, url := range []string{"https://other.example/", "http://rancher.example/", "https://rancher.example:8443/"} {
		if _, err := client.Get(url); err != nil {
			t.Fatal(err)
		}
		if r := sent[len(sent)-1]; r.Header.Get("Cookie") != "" || r.Header.Get("Authorization") != "" {
			t.Errorf("%s was sent a token", url)
		}
	}
	if _, err := client.Get(v2betaURL + "/anything"); err != nil || sent[len(sent)-1].Header.Get("Cookie") == "" {
		t.Errorf("no token was sent where it should go: %v", err)
	}
}

// A client without a server sends no token anywhere.
func TestV2BetaTransportNowhere(t *testing.T) {
	t.Parallel()
	for _, server := range []*rancher.Server{nil, {}, {URL: "rancher.example"}, {URL: "https://rancher.example/v2-beta"}} {
		c := &rancher.V2Beta{Server: server}
		transport := c.Transport(token.Static(token.New(token.NewSecret(v2betaJWT))))
		transport.Base = roundTripper(func(*http.Request) (*http.Response, error) {
			t.Errorf("a request was made, though the server is %+v", server)
			return nil, errors.New("none")
		})
		_, err := (&http.Client{Transport: transport}).Get("https://other.example/")
		if err == nil || !strings.Contains(err.Error(), "rancher: ") || !strings.Contains(err.Error(), "Server") {
			t.Errorf("%v", err)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
