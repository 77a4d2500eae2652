package refresh_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/storetest"
	"github.com/tokenlife/tokenlife/token"
)

const formType = "application/x-www-form-urlencoded"

// post returns the request for a form.
func post(form url.Values) *http.Request {
	r := httptest.NewRequest("POST", "/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", formType)
	return r
}

// asks returns the form that asks for a new pair.
func asks(p refresh.Pair, more ...string) url.Values {
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {p.Refresh.Value.Reveal()}, "client_id": {"cli"}}
	for i := 0; i < len(more); i += 2 {
		form[more[i]] = append(form[more[i]], more[i+1])
	}
	return form
}

// An answerGot is the answer to a request.
type answerGot struct {
	status int
	header http.Header
	raw    string
	body   map[string]any
}

// serve returns the answer of h, which no cache may keep.
func serve(t testing.TB, h http.HandlerFunc, r *http.Request) answerGot {
	t.Helper()
	w := httptest.NewRecorder()
	h(w, r)
	got := answerGot{status: w.Code, header: w.Header(), raw: w.Body.String()}
	if got.header.Get("Cache-Control") != "no-store" || got.header.Get("Pragma") != "no-cache" {
		t.Errorf("headers %v", got.header)
	}
	if got.raw == "" {
		return got
	}
	if kind := got.header.Get("Content-Type"); kind != "application/json" {
		t.Errorf("Content-Type %q", kind)
	}
	if err := json.Unmarshal([]byte(got.raw), &got.body); err != nil {
		t.Errorf("%q: %v", got.raw, err)
	}
	return got
}

// is fails the test unless the answer is this error.
func (got answerGot) is(t testing.TB, status int, code, description string) {
	t.Helper()
	if got.status != status || got.body["error"] != code || !strings.Contains(got.raw, description) || len(got.body) != 2 {
		t.Errorf("%d %s; want %d %s with %q", got.status, got.raw, status, code, description)
	}
	for _, c := range got.body["error_description"].(string) { // RFC 6749, section 5.2
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			t.Errorf("%q in a description", c)
		}
	}
}

func TestEndpointToken(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	e := &refresh.Endpoint{Issuer: &d.Issuer}
	first := d.begin(mira)
	got := serve(t, e.Token, post(asks(first)))
	second, _ := got.body["refresh_token"].(string)
	access, _ := got.body["access_token"].(string)
	want := map[string]any{"access_token": "access-2", "token_type": "Bearer", "expires_in": 3600.0, "scope": "read write", "refresh_token": second}
	if diff := cmp.Diff(want, got.body); diff != "" || got.status != 200 || second == "" || access == "" || second == first.Refresh.Value.Reveal() {
		t.Errorf("%d (-want +got):\n%s", got.status, diff)
	}
	// Less is asked for, and said to be granted.
	form := asks(refresh.Pair{Refresh: token.New(token.NewSecret(second))}, "scope", "read", "resource", "https://api.example")
	if got = serve(t, e.Token, post(form)); got.body["scope"] != "read" {
		t.Errorf("%d %s", got.status, got.raw)
	}
	// The grant is as it was.
	third := refresh.Pair{Refresh: token.New(token.NewSecret(got.body["refresh_token"].(string)))}
	if got = serve(t, e.Token, post(asks(third))); got.body["scope"] != "read write" {
		t.Errorf("%d %s", got.status, got.raw)
	}
}

// A type of its own, and whole seconds, of which the last may have begun.
func TestEndpointTokenType(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	e := &refresh.Endpoint{Issuer: &d.Issuer}
	g := mira
	g.Scope = ""
	p := d.begin(g)
	d.Mint = func(context.Context, refresh.Grant) (token.Token, error) {
		return token.Token{Value: token.NewSecret("a<b>&\"c"), Type: "DPoP", ExpiresIn: 5*time.Minute - 1}, nil
	}
	got := serve(t, e.Token, post(asks(p)))
	want := map[string]any{"access_token": "a<b>&\"c", "token_type": "DPoP", "expires_in": 299.0, "refresh_token": got.body["refresh_token"]}
	if diff := cmp.Diff(want, got.body); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What is refused, and how.
func TestEndpointRefusals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		e := &refresh.Endpoint{Issuer: &d.Issuer}
		p := d.begin(mira)
		serve(t, e.Token, post(asks(p, "scope", "admin"))).is(t, 400, "invalid_grant", "not good for this client and this request")
		form := asks(p)
		form.Set("client_id", "other")
		serve(t, e.Token, post(form)).is(t, 400, "invalid_grant", "not good for this client and this request")
		serve(t, e.Revoke, post(url.Values{"token": form["refresh_token"], "client_id": {"other"}})).is(t, 400, "invalid_grant", "not good for this client")
		form = asks(p)
		form.Set("refresh_token", "forged")
		serve(t, e.Token, post(form)).is(t, 400, "invalid_grant", "not one of this server")
		form.Set("refresh_token", strings.Repeat("A", 106))
		serve(t, e.Token, post(form)).is(t, 400, "invalid_grant", "not one of this server")
		d.kinds()

		last := d.next(d.next(p))
		serve(t, e.Token, post(asks(p))).is(t, 400, "invalid_grant", `"the refresh token was used before"`)
		d.told(refresh.AuditReuse)
		serve(t, e.Token, post(asks(last))).is(t, 400, "invalid_grant", "revoked or is unknown")

		p = d.begin(mira)
		time.Sleep(24 * time.Hour)
		serve(t, e.Token, post(asks(p))).is(t, 400, "invalid_grant", "expired")
		time.Sleep(time.Hour)
		serve(t, e.Token, post(asks(p))).is(t, 400, "invalid_grant", "revoked or is unknown")
	})
}

// When nothing can be told, the client learns that and when to come back, and
// no more.
func TestEndpointUnavailable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		e := &refresh.Endpoint{Issuer: &d.Issuer}
		p := d.begin(mira)
		d.faulty.Script = func(storetest.Call) storetest.Fault { return storetest.Fail }
		unavailable := func(h http.HandlerFunc, form url.Values, after string) {
			t.Helper()
			got := serve(t, h, post(form))
			got.is(t, 503, "temporarily_unavailable", "try again")
			if got.header.Get("Retry-After") != after || strings.Contains(got.raw, "storetest") {
				t.Errorf("%v %s", got.header, got.raw)
			}
			d.told(refresh.AuditFailed)
		}
		unavailable(e.Token, asks(p), "1")
		unavailable(e.Revoke, url.Values{"token": {p.Refresh.Value.Reveal()}, "client_id": {"cli"}}, "1")
		d.faulty.Script = nil
		d.Mint = func(context.Context, refresh.Grant) (token.Token, error) {
			return token.Token{}, &refresh.ExchangeError{Wait: 1500 * time.Millisecond}
		}
		unavailable(e.Token, asks(p), "2")
		d.Mint = nil
		unavailable(e.Token, asks(p), "1")
		unavailable(e.Revoke, url.Values{"token": {p.Refresh.Value.Reveal()}, "client_id": {"cli"}}, "1")
	})
}

// When nobody knows whether the refresh token was spent, the code says that.
func TestEndpointUncertain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		e := &refresh.Endpoint{Issuer: &d.Issuer}
		p := d.begin(mira)
		away := false
		d.faulty.Script = func(c storetest.Call) storetest.Fault {
			if away = away || c.Swap; away {
				return storetest.Fail
			}
			return storetest.None
		}
		got := serve(t, e.Token, post(asks(p)))
		got.is(t, 503, "server_error", "try again")
		if got.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		d.told(refresh.AuditFailed)
	})
}

// Requests that are none, which take the Store no call and the client no token.
func TestEndpointBadRequests(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	e := &refresh.Endpoint{Issuer: &d.Issuer}
	p := d.begin(mira)
	change := func(edit func(url.Values)) *http.Request {
		form := asks(p, "token", p.Refresh.Value.Reveal())
		edit(form)
		return post(form)
	}
	raw := func(method, kind, body string) *http.Request {
		r := httptest.NewRequest(method, "/token", strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		return r
	}
	good := asks(p, "token", p.Refresh.Value.Reveal()).Encode()
	for _, test := range []struct {
		name       string
		request    func() *http.Request
		status     int
		code, text string
		notRevoke  bool // only there
	}{
		{"GET", func() *http.Request { return raw("GET", formType, "") }, 405, "invalid_request", "POST", false},
		{"PUT", func() *http.Request { return raw("PUT", formType, good) }, 405, "invalid_request", "POST", false},
		{"JSON", func() *http.Request { return raw("POST", "application/json", "{}") }, 400, "invalid_request", "Content-Type", false},
		{"no type", func() *http.Request { return raw("POST", "", good) }, 400, "invalid_request", "Content-Type", false},
		{"odd type", func() *http.Request { return raw("POST", formType+"; charset", good) }, 400, "invalid_request", "Content-Type", false},
		{"multipart", func() *http.Request { return raw("POST", "multipart/form-data; boundary=x", good) }, 400, "invalid_request", "Content-Type", false},
		{"64 KiB and a byte", func() *http.Request { return raw("POST", formType, good+"&x="+strings.Repeat("x", 64<<10-len(good)-2)) }, 413, "invalid_request", "too long", false},
		{"not a form", func() *http.Request { return raw("POST", formType, good+"&%zz=1") }, 400, "invalid_request", "not a form", false},
		{"semicolons", func() *http.Request { return raw("POST", formType, good+";x=1") }, 400, "invalid_request", "not a form", false},
		{"twice", func() *http.Request { return raw("POST", formType, good+"&client_id=cli") }, 400, "invalid_request", "more than once", false},
		{"something else twice", func() *http.Request { return raw("POST", formType, good+"&x=1&x=2") }, 400, "invalid_request", "more than once", false},
		{"in the URL", func() *http.Request {
			r := raw("POST", formType, "")
			r.URL.RawQuery = good
			return r
		}, 400, "invalid_request", "grant_type", true},
		{"no grant_type", func() *http.Request { return change(func(f url.Values) { f.Del("grant_type") }) }, 400, "invalid_request", "grant_type", true},
		{"empty grant_type", func() *http.Request { return change(func(f url.Values) { f.Set("grant_type", "") }) }, 400, "invalid_request", "grant_type", true},
		{"another grant", func() *http.Request { return change(func(f url.Values) { f.Set("grant_type", "password") }) }, 400, "unsupported_grant_type", "", true},
		{"no token", func() *http.Request {
			return change(func(f url.Values) { f.Del("refresh_token"); f.Del("token") })
		}, 400, "invalid_request", "token is missing", false},
		{"empty token", func() *http.Request {
			return change(func(f url.Values) { f.Set("refresh_token", ""); f.Set("token", "") })
		}, 400, "invalid_request", "token is missing", false},
		{"no client", func() *http.Request { return change(func(f url.Values) { f.Del("client_id") }) }, 401, "invalid_client", "client_id", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := d.calls(func() {
				got := serve(t, e.Token, test.request())
				got.is(t, test.status, test.code, test.text)
				if allow := got.header.Get("Allow"); (allow == "POST") != (test.status == 405) {
					t.Errorf("Allow: %q", allow)
				}
				if got.header.Get("WWW-Authenticate") != "" {
					t.Error("a challenge that nobody asked for")
				}
				if !test.notRevoke {
					serve(t, e.Revoke, test.request()).is(t, test.status, test.code, test.text)
				}
			}); got != [2]int{} {
				t.Errorf("%v gets and swaps", got)
			}
		})
	}
	// As long as can be.
	if got := serve(t, e.Token, raw("POST", formType+"; charset=utf-8", good+"&x="+strings.Repeat("x", 64<<10-len(good)-3))); got.status != 200 {
		t.Errorf("%d %s", got.status, got.raw)
	}
	new := &refresh.Endpoint{}
	serve(t, new.Token, post(asks(p))).is(t, 500, "server_error", "Issuer")
	serve(t, new.Revoke, post(asks(p))).is(t, 500, "server_error", "Issuer")
}

// A body of which there is no end is not read to its end.
func TestEndpointEndlessBody(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	e := &refresh.Endpoint{Issuer: &d.Issuer}
	read := 0
	r := httptest.NewRequest("POST", "/token", readerFunc(func(b []byte) (int, error) {
		if read += len(b); read > 1<<20 {
			return 0, errors.New("too far")
		}
		for i := range b {
			b[i] = 'x'
		}
		return len(b), nil
	}))
	r.Header.Set("Content-Type", formType)
	serve(t, e.Token, r).is(t, 413, "invalid_request", "too long")
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// A handler of more grants has parsed the form.
func TestEndpointParsedForm(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	e := &refresh.Endpoint{Issuer: &d.Issuer}
	r := post(asks(d.begin(mira)))
	if r.FormValue("grant_type") != "refresh_token" {
		t.Fatal("not there")
	}
	if got := serve(t, e.Token, r); got.status != 200 {
		t.Errorf("%d %s", got.status, got.raw)
	}
}

// later is an error that says when to come back.
type later struct{ error }

func (later) RetryAfter() time.Duration { return 7 * time.Second }

// Who asks is who Client says, and not who the form says.
func TestEndpointClient(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	g := mira
	g.Confirm = "jkt"
	p := d.begin(g)
	var id, confirm string
	var err error
	e := &refresh.Endpoint{Issuer: &d.Issuer, Client: func(r *http.Request) (string, string, error) {
		if r.PostForm.Get("refresh_token") == "" && r.PostForm.Get("token") == "" {
			t.Error("no form")
		}
		return id, confirm, err
	}}
	form := asks(p, "token", p.Refresh.Value.Reveal())
	form.Del("client_id")
	for _, h := range []http.HandlerFunc{e.Token, e.Revoke} {
		id, confirm, err = "", "", errors.New("canary: no such client")
		serve(t, h, post(form)).is(t, 401, "invalid_client", "did not authenticate")
		for header, want := range map[string]string{
			"": "", "Basic Y2xpOng=": `Basic realm="token"`, "DPoP x": `DPoP realm="token"`, "\"; x": `Basic realm="token"`, strings.Repeat("B", 21): `Basic realm="token"`,
		} {
			r := post(form)
			if header != "" {
				r.Header.Set("Authorization", header)
			}
			got := serve(t, h, r)
			got.is(t, 401, "invalid_client", "did not authenticate")
			if challenge := got.header.Get("WWW-Authenticate"); challenge != want {
				t.Errorf("%q: challenge %q", header, challenge)
			}
		}
		d.told()
		err = later{err}
		got := serve(t, h, post(form))
		got.is(t, 503, "temporarily_unavailable", "try again")
		if got.header.Get("Retry-After") != "7" || strings.Contains(got.raw, "canary") {
			t.Errorf("%v %s", got.header, got.raw)
		}
		d.told(refresh.AuditFailed)
		err = nil // and no id
		serve(t, h, post(form)).is(t, 503, "temporarily_unavailable", "try again")
		d.told(refresh.AuditFailed)
		id = "cli"
		named := asks(p, "token", p.Refresh.Value.Reveal())
		named.Set("client_id", "other")
		serve(t, h, post(named)).is(t, 400, "invalid_request", "client_id")
	}
	serve(t, e.Token, post(form)).is(t, 400, "invalid_grant", "") // no key
	confirm = "jkt"
	got := serve(t, e.Token, post(form))
	if got.status != 200 {
		t.Errorf("%d %s", got.status, got.raw)
	}
	if got := serve(t, e.Revoke, post(form)); got.status != 200 || got.raw != "" {
		t.Errorf("%d %s", got.status, got.raw)
	}
	d.kinds()
	e.Client = func(*http.Request) (string, string, error) { panic("canary") }
	serve(t, e.Token, post(form)).is(t, 503, "temporarily_unavailable", "try again")
	d.told(refresh.AuditFailed)

	// Without a Client, nobody's secret is taken for checked.
	e.Client = nil
	r := post(asks(p))
	r.SetBasicAuth("cli", "secret")
	got = serve(t, e.Token, r)
	got.is(t, 401, "invalid_client", "public")
	if got.header.Get("WWW-Authenticate") != `Basic realm="token"` {
		t.Errorf("%v", got.header)
	}
}

func TestEndpointRevoke(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	e := &refresh.Endpoint{Issuer: &d.Issuer}
	p := d.begin(mira)
	for _, text := range []string{"an access token", p.Access.Value.Reveal(), p.Refresh.Value.Reveal(), p.Refresh.Value.Reveal()} {
		got := serve(t, e.Revoke, post(url.Values{"token": {text}, "client_id": {"cli"}, "token_type_hint": {"access_token"}}))
		if got.status != 200 || got.raw != "" {
			t.Errorf("%d %s", got.status, got.raw)
		}
	}
	d.refuses(p, token.ErrRevoked)
	d.told()
}

// Whatever is posted, there is an answer, of which nothing is repeated, and no
// pair but for the token that is good.
func FuzzEndpoint(f *testing.F) {
	d := newDesk(f)
	e := &refresh.Endpoint{Issuer: &d.Issuer}
	g := mira
	g.Confirm, g.NoRotation = "", false
	p := d.begin(g)
	good := asks(p).Encode()
	f.Add("POST", formType, "", good)
	f.Add("POST", formType+"; charset=utf-8", "Basic Y2xpOg==", good+"&scope=read")
	f.Add("GET", "", "Bearer x", "")
	f.Add("POST", formType, "", "grant_type=refresh_token&refresh_token=canary&client_id=cli")
	f.Add("POST", formType, "", "token=canary&client_id=cli&&&;;%")
	f.Add("POST", "multipart/form-data; boundary=x", "x", "--x\r\n\r\n--x--")
	f.Fuzz(func(t *testing.T, method, kind, authorization, body string) {
		for _, h := range []http.HandlerFunc{e.Token, e.Revoke} {
			r := httptest.NewRequest("POST", "/", io.NopCloser(strings.NewReader(body)))
			r.Method = method
			r.Header.Set("Content-Type", kind)
			r.Header.Set("Authorization", authorization)
			got := serve(t, h, r)
			switch {
			case got.status == 200 && got.raw != "" && !strings.Contains(body, p.Refresh.Value.Reveal()):
				t.Errorf("a pair for %q", body)
			case strings.Contains(got.raw, "canary"), len(got.raw) > 1000:
				t.Errorf("%d %s", got.status, got.raw)
			}
		}
	})
}
