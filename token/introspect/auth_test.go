package introspect_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/introspect"
)

// What a request looks like, with each way to authenticate.
func TestRequests(t *testing.T) {
	t.Parallel()
	const odd = "a:b c+é%&=" + canary
	for _, test := range []struct {
		name          string
		auth          introspect.Auth
		authorization string
		form          url.Values // besides the token and its hint
	}{
		{"Basic", introspect.Basic("orders:api", token.NewSecret(odd)),
			"Basic " + base64.StdEncoding.EncodeToString([]byte("orders%3Aapi:a%3Ab+c%2B%C3%A9%25%26%3D"+canary)), nil},
		{"Post", introspect.Post("orders:api", token.NewSecret(odd)), "",
			url.Values{"client_id": {"orders:api"}, "client_secret": {odd}}},
		{"Bearer", introspect.Bearer(token.Static(token.New(token.NewSecret("own")))), "Bearer own", nil},
		{"ClientID", introspect.ClientID("orders"), "", url.Values{"client_id": {"orders"}}},
		{"InsecureNone", introspect.InsecureNone(), "", nil},
		{"AuthFunc", introspect.AuthFunc(func(_ context.Context, header http.Header, form url.Values) error {
			if form.Has("token") {
				t.Error("the Auth got the token")
			}
			header.Set("DPoP", "proof")
			form.Set("client_assertion", "signed")
			// What is asked is not the Auth's to say.
			header.Set("Accept", "text/html")
			header.Set("Content-Type", "text/plain")
			header["accept"] = []string{"text/html"}
			header["content-type"] = []string{"text/plain"}
			header["CONTENT-TYPE"] = []string{"text/plain"}
			header["content-length"] = []string{"0"}
			form.Add("token", "another")
			form.Add("token_type_hint", "another")
			return nil
		}), "", url.Values{"client_assertion": {"signed"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			i := &issuer{handler: says(200, `{"active":true}`)}
			v, r := i.verifier(t), i.revoker(t)
			v.Auth, r.Auth = test.auth, test.auth
			for _, hint := range []string{"", "access_token"} {
				v.Hint = hint
				if _, err := v.Verify(t.Context(), secret); err != nil {
					t.Error(err)
				}
				if err := r.Revoke(t.Context(), secret, hint); err != nil {
					t.Error(err)
				}
			}
			all := i.got()
			if len(all) != 4 {
				t.Fatalf("%d requests", len(all))
			}
			for n, got := range all {
				want := url.Values{"token": {presented}}
				for k, v := range test.form {
					want[k] = v
				}
				if n >= 2 {
					want.Set("token_type_hint", "access_token")
				}
				if diff := cmp.Diff(want, got.form); diff != "" {
					t.Errorf("form (-want +got):\n%s", diff)
				}
				if got.method != "POST" || got.path != []string{"/introspect", "/revoke"}[n%2] {
					t.Errorf("%s %s", got.method, got.path)
				}
				if test.name == "AuthFunc" && got.header.Get("DPoP") != "proof" {
					t.Errorf("what the Auth added is gone: %v", got.header)
				}
				for key, want := range map[string]string{
					"Authorization": test.authorization, "Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded",
				} {
					if h := strings.Join(got.header.Values(key), ","); h != want {
						t.Errorf("%s: %q, want %q", key, h, want)
					}
				}
			}
		})
	}
}

// rotating supplies one token after the other.
type rotating struct {
	tokens      []string
	invalidated []string
}

func (s *rotating) Token(context.Context) (token.Token, error) {
	return token.New(token.NewSecret(s.tokens[0])), nil
}

func (s *rotating) Invalidate(t token.Token) {
	s.invalidated = append(s.invalidated, t.Value.Reveal())
	s.tokens = s.tokens[1:]
}

// Of this service's own tokens, one that is refused is replaced, once.
func TestBearerRefused(t *testing.T) {
	t.Parallel()
	i := &issuer{handler: func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer good" {
			says(200, `{"active":true}`)(w, r)
			return
		}
		says(401, `{"error":"invalid_token"}`)(w, r)
	}}
	src := &rotating{tokens: []string{"old", "good"}}
	v := i.verifier(t)
	v.Auth = introspect.Bearer(src)
	if _, err := v.Verify(t.Context(), secret); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"old"}, src.invalidated); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for n, got := range i.got() {
		if diff := cmp.Diff(url.Values{"token": {presented}}, got.form); diff != "" {
			t.Errorf("request %d (-want +got):\n%s", n, diff)
		}
	}

	src = &rotating{tokens: []string{"old", "older", "good"}}
	v.Auth = introspect.Bearer(src)
	before := len(i.got())
	_, err := v.Verify(t.Context(), secret)
	if !errors.Is(err, token.ErrRefused) || errors.Is(err, token.ErrInvalid) {
		t.Errorf("twice refused: %v", err)
	}
	if n := len(i.got()) - before; n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
}

// Whatever keeps this service from authenticating is no fault of the token, even
// if it says that of a token.
func TestAuthFails(t *testing.T) {
	t.Parallel()
	i := &issuer{handler: says(200, `{"active":true}`)}
	for cause, refused := range map[error]bool{errors.New("no key"): false, token.ErrExpired: true, token.ErrRefused: true} {
		for name, auth := range map[string]introspect.Auth{
			"AuthFunc": introspect.AuthFunc(func(context.Context, http.Header, url.Values) error { return fmt.Errorf("signing: %w", cause) }),
			"Bearer":   introspect.Bearer(token.SourceFunc(func(context.Context) (token.Token, error) { return token.Token{}, cause })),
		} {
			v := i.verifier(t)
			v.Auth = auth
			_, err := v.Verify(t.Context(), secret)
			if err == nil || errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrRefused) != refused {
				t.Errorf("%s, %v: %v", name, cause, err)
			}
		}
	}
	v := i.verifier(t)
	v.URL = "https://issuer.example/introspect"
	for _, text := range []string{"dialing", strings.Repeat("long ", 1000)} {
		for _, kind := range []error{token.ErrSignature, token.ErrRefused} {
			v.Client.Transport = roundTripper(func(*http.Request) (*http.Response, error) { return nil, fmt.Errorf("%s: %w", text, kind) })
			_, err := v.Verify(t.Context(), secret)
			if !errors.Is(err, token.ErrRefused) || errors.Is(err, token.ErrInvalid) {
				t.Errorf("a transport that says %v: %v", kind, err)
			}
			checkError(t, err)
		}
	}
	if n := len(i.got()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// A nil AuthFunc called by others, as by an Auth around it, does not panic.
func TestNilAuthFunc(t *testing.T) {
	t.Parallel()
	if err := introspect.AuthFunc(nil).Authenticate(t.Context(), http.Header{}, url.Values{}); err == nil {
		t.Error("no error")
	}
	v := &introspect.Verifier{URL: base, AnyAudience: true, Auth: struct{ introspect.Auth }{introspect.Basic("", secret)}}
	if _, err := v.Verify(t.Context(), secret); err == nil || err.Error() != "introspect: Verifier.Auth gave no credential: Basic was given no client ID" {
		t.Errorf("%v", err)
	}
}

// None of what authenticates prints.
func TestAuthPrints(t *testing.T) {
	t.Parallel()
	s := token.NewSecret(canary)
	for _, auth := range []introspect.Auth{
		introspect.Basic("id", s), introspect.Post("id", s), introspect.Bearer(token.Static(token.New(s))),
	} {
		v := &introspect.Verifier{URL: base, Auth: auth}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			if text := fmt.Sprintf(verb, v) + fmt.Sprintf(verb, *v); strings.Contains(text, canary) {
				t.Errorf("%s: %s", verb, text)
			}
		}
	}
}
