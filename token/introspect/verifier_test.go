package introspect_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/introspect"
)

// now is when the tests of answers take place.
var now = time.Unix(1_800_000_000, 0).UTC()

func TestAnswers(t *testing.T) {
	t.Parallel()
	strict := func(v *introspect.Verifier) { v.AnyAudience, v.Audience = false, []string{"orders", "stock"} }
	issued := func(v *introspect.Verifier) { v.Issuer = "https://issuer.example" }
	binding := func(v *introspect.Verifier) { v.AnyBinding = true }
	exact := func(v *introspect.Verifier) { v.Leeway = -1 }
	const other = "token: invalid: not an access token, says its issuer: present one that is"
	const bound = "token: invalid: bound to a key of its holder, which nobody has checked: check it and set Verifier.AnyBinding, or use tokens that are not bound"
	const audience = `token: invalid: wrong audience: the token is for none of ["orders" "stock"]: ask its issuer for one that is`
	for _, test := range []struct {
		body string
		with func(*introspect.Verifier)
		want error  // nil: approved
		text string // of the error, if it matters
	}{
		{body: `{"active":true}`},
		{body: `{"active":true,"token_type":"Bearer"}`},
		{body: `{"active":true,"token_type":"bEARER","token_use":"access_token","typ":"Bearer"}`},
		{body: `{"active":true,"token_type":"access_token","typ":7}`},
		{body: `{"active":true,"token_type":"urn:ietf:params:oauth:token-type:access_token","token_use":"access"}`},
		{body: `{"active":true,"token_type":null,"token_use":null,"typ":null,"cnf":null,"sub":null,"aud":null,"exp":null}`},

		{body: `{"active":false}`, want: token.ErrRevoked, text: "token: invalid: revoked or unknown to its issuer: its issuer does not call it active"},
		{body: `{"active":false,"exp":1,"aud":"x","token_type":"refresh_token","cnf":{}}`, want: token.ErrRevoked},

		// What it is for.
		{body: `{"active":true,"token_type":"refresh_token"}`, want: token.ErrInvalid, text: other},
		{body: `{"active":true,"token_type":"N_A"}`, want: token.ErrInvalid, text: other},
		{body: `{"active":true,"token_type":""}`, want: token.ErrInvalid, text: other},
		{body: `{"active":true,"token_type":"Bearer","token_use":"refresh_token"}`, want: token.ErrInvalid, text: other},
		{body: `{"active":true,"token_use":"id"}`, want: token.ErrInvalid, text: other},
		{body: `{"active":true,"typ":"Refresh"}`, want: token.ErrInvalid, text: other},
		{body: `{"active":true,"typ":"Offline"}`, want: token.ErrInvalid, text: other},
		{body: `{"active":true,"typ":"ID"}`, want: token.ErrInvalid, text: other},
		{body: `{"active":true,"token_type":"refresh_token","cnf":{"jkt":"x"}}`, with: binding, want: token.ErrInvalid, text: other},

		// Bound to a key.
		{body: `{"active":true,"token_type":"DPoP"}`, want: token.ErrInvalid, text: bound},
		{body: `{"active":true,"token_type":"Bearer","cnf":{"x5t#S256":"x"}}`, want: token.ErrInvalid, text: bound},
		{body: `{"active":true,"cnf":{}}`, want: token.ErrInvalid, text: bound},
		{body: `{"active":true,"cnf":"x"}`, want: token.ErrInvalid, text: bound},
		{body: `{"active":true,"token_type":"pop"}`, want: token.ErrInvalid, text: bound},
		{body: `{"active":true,"token_type":"DPoP","cnf":{"jkt":"x"}}`, with: binding},

		// Dates, to the second and the leeway of 30 s.
		{body: `{"active":true,"exp":1799999971}`},
		{body: `{"active":true,"exp":1799999970}`, want: token.ErrExpired,
			text: "token: invalid: expired: exp was 2027-01-15T07:59:30Z, 30s before 2027-01-15T08:00:00Z here, beyond the leeway of 30s: get a new token"},
		{body: `{"active":true,"exp":1800000001}`, with: exact},
		{body: `{"active":true,"exp":1800000000}`, with: exact, want: token.ErrExpired},
		{body: `{"active":true,"exp":0}`, want: token.ErrExpired},
		{body: `{"active":true,"nbf":1800000030}`},
		{body: `{"active":true,"nbf":1800000031}`, want: token.ErrNotYetValid},
		{body: `{"active":true,"nbf":1800000000}`, with: exact},
		{body: `{"active":true,"nbf":1800000001}`, with: exact, want: token.ErrNotYetValid},

		// Issuer and audience.
		{body: `{"active":true,"iss":"https://issuer.example"}`, with: issued},
		{body: `{"active":true,"iss":"https://issuer.example/"}`, with: issued, want: token.ErrIssuer, text: `token: invalid: wrong issuer: not from "https://issuer.example"`},
		{body: `{"active":true}`, with: issued, want: token.ErrIssuer},
		{body: `{"active":true,"iss":"anyone"}`},
		{body: `{"active":true,"aud":"orders"}`, with: strict},
		{body: `{"active":true,"aud":["x","stock"]}`, with: strict},
		{body: `{"active":true,"aud":["x"]}`, with: strict, want: token.ErrAudience, text: audience},
		{body: `{"active":true,"aud":[]}`, with: strict, want: token.ErrAudience, text: audience},
		{body: `{"active":true,"aud":null}`, with: strict, want: token.ErrAudience, text: audience},
		{body: `{"active":true}`, with: strict, want: token.ErrAudience, text: audience},
		{body: `{"active":true,"client_id":"orders"}`, with: strict, want: token.ErrAudience},
	} {
		i := &issuer{handler: says(200, test.body)}
		v := i.verifier(t)
		v.Now = func() time.Time { return now }
		if test.with != nil {
			test.with(v)
		}
		claims, err := v.Verify(t.Context(), secret)
		if !errors.Is(err, test.want) || test.text != "" && err.Error() != test.text {
			t.Errorf("%s: %v", test.body, err)
		}
		if diff := cmp.Diff(token.Claims{}, claims, cmp.AllowUnexported(token.Claims{})); test.want != nil && diff != "" {
			t.Errorf("%s: claims beside an error:\n%s", test.body, diff)
		}
		checkError(t, err)
	}
}

func TestClaims(t *testing.T) {
	t.Parallel()
	i := &issuer{handler: says(200, `{"active":true,"client_id":"shop","username":"Alice","scope":"read write","token_type":"Bearer",
		"exp":1800003600,"iat":1800000000,"nbf":1800000000,"sub":"alice","aud":["orders"],"iss":"https://issuer.example","jti":"id-1",
		"extra":null,"a\"b":{"c":[1,null]}}`)}
	v := i.verifier(t)
	v.Now = func() time.Time { return now }
	claims, err := v.Verify(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	want := token.Claims{
		Issuer: "https://issuer.example", Subject: "alice", Audience: []string{"orders"}, ID: "id-1",
		IssuedAt: now, NotBefore: now, Expiry: now.Add(time.Hour),
	}
	if diff := cmp.Diff(want, claims, cmpopts.IgnoreUnexported(token.Claims{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	var all map[string]any
	if err := claims.Decode(&all); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{
		"active": true, "client_id": "shop", "username": "Alice", "scope": "read write", "token_type": "Bearer",
		"exp": 1800003600.0, "iat": 1800000000.0, "nbf": 1800000000.0, "sub": "alice", "aud": []any{"orders"},
		"iss": "https://issuer.example", "jti": "id-1", `a"b`: map[string]any{"c": []any{1.0, nil}},
	}, all); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if !claims.HasScope("read write") || claims.HasScope("admin") {
		t.Errorf("scopes %q", claims.Scopes())
	}
}

// An answer that cannot be read says nothing of the token.
func TestNoAnswers(t *testing.T) {
	t.Parallel()
	const unreadable = "introspect: the answer of http://127.0.0.1:8080 cannot be read: "
	typed := func(contentType, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Content-Type"] = []string{contentType}
			fmt.Fprint(w, body)
		}
	}
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		want    string
	}{
		{"nothing", says(200, ""), unreadable + "an end in the middle (byte 0)"},
		{"an array", says(200, `[{"active":true}]`), unreadable + "an array where an object must be (byte 0)"},
		{"not said", says(200, `{}`), unreadable + "active: missing"},
		{"null", says(200, `{"active":null}`), unreadable + "active: missing"},
		{"another case", says(200, `{"Active":true}`), unreadable + "active: missing"},
		{"further in", says(200, `{"a":{"active":true}}`), unreadable + "active: missing"},
		{"a string", says(200, `{"active":"true"}`), unreadable + "active: a string where true or false must be (byte 10)"},
		{"a number", says(200, `{"active":1}`), unreadable + "active: a number where true or false must be (byte 10)"},
		{"twice", says(200, `{"active":false,"active":true}`), unreadable + "active: a name that occurs twice in one object, perhaps in another case (byte 16)"},
		{"twice, in another case", says(200, `{"active":false,"ACTIVE":true}`), unreadable + "active: a name that occurs twice in one object, perhaps in another case (byte 16)"},
		{"twice, inactive and null", says(200, `{"active":false,"active":null}`), unreadable + "active: a name that occurs twice in one object, perhaps in another case (byte 16)"},
		{"more behind it", says(200, `{"active":true}{}`), unreadable + "more text after the end (byte 15)"},
		{"a date in words", says(200, `{"active":true,"exp":"soon"}`), unreadable + "claims: exp: a string where a number must be (byte 21)"},
		{"no audience", says(200, `{"active":true,"aud":{"`+canary+`":1}}`), unreadable + "claims: aud: neither a string nor an array of strings (byte 21)"},
		{"odd token_type", says(200, `{"active":true,"token_type":["Bearer"]}`), unreadable + "token_type: an array where a string must be (byte 28)"},
		{"odd token_use", says(200, `{"active":true,"token_use":1}`), unreadable + "token_use: a number where a string must be (byte 27)"},
		{"odd member", says(200, `{"active":true,"`+canary+`":x}`), unreadable + "not JSON (byte 29)"},

		{"HTML", typed("text/html", `{"active":true}`), unreadable + "it is not application/json"},
		{"no type", typed("", `{"active":true}`), unreadable + "it does not say that it is JSON"},
		{"something like JSON", typed("application/jsonx", `{"active":true}`), unreadable + "it is not application/json"},
		{"signed", typed("application/token-introspection+jwt", "eyJ.e30.x"), unreadable + "it is a signed one (RFC 9701), which is not supported: have the server answer in JSON"},

		{"too long", says(200, `{"active":true,"a":"`+strings.Repeat("x", 1<<20)+`"}`), "introspect: the answer of http://127.0.0.1:8080 is longer than 1048576 bytes: is Verifier.URL the endpoint's?"},
		{"broken off", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, `{"active":true}`)
		}, "introspect: the answer of http://127.0.0.1:8080 broke off: unexpected EOF"},
		{"no HTTP", func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				fmt.Fprint(conn, strings.Repeat("x", 10_000)+"\r\n\r\n")
				conn.Close()
			}
		}, ""},
		{"hung up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "introspect: no answer from http://127.0.0.1:8080: EOF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			i := &issuer{handler: test.handler}
			claims, err := i.verifier(t).Verify(t.Context(), secret)
			if err == nil || errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrRefused) || claims.Subject != "" {
				t.Errorf("%v", err)
			}
			if test.want != "" && fmt.Sprint(err) != test.want {
				t.Errorf(" got %v\nwant %v", err, test.want)
			}
			checkError(t, err)
		})
	}
}

// endless is a body that goes on for longer than anybody wants to read.
type endless struct{ read int }

func (b *endless) Read(p []byte) (int, error) {
	if b.read += len(p); b.read > 100<<20 {
		return 0, errors.New("read on and on")
	}
	return len(p), nil
}

func (b *endless) Close() error { return nil }

// faulty is a body that breaks off with an error which blames a token.
type faulty struct{}

func (faulty) Read([]byte) (int, error) { return 0, token.ErrSignature }
func (faulty) Close() error             { return nil }

func TestBodies(t *testing.T) {
	t.Parallel()
	verify := func(body io.ReadCloser) error {
		v := &introspect.Verifier{URL: "https://issuer.example/introspect", Auth: basic, AnyAudience: true}
		v.Client = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: body, Request: r}, nil
		})}
		_, err := v.Verify(t.Context(), secret)
		return err
	}
	b := new(endless)
	if err := verify(b); err == nil || !strings.Contains(err.Error(), "longer than 1048576 bytes") || b.read > 4<<20 {
		t.Errorf("%d bytes read: %v", b.read, err)
	}
	if err := verify(faulty{}); !errors.Is(err, token.ErrRefused) || errors.Is(err, token.ErrInvalid) {
		t.Errorf("a body that blames a token: %v", err)
	}
}

// An answer of exactly as much as is read is read.
func TestLongestAnswer(t *testing.T) {
	t.Parallel()
	const before, after = `{"active":true,"a":"`, `"}`
	body := before + strings.Repeat("x", 1<<20-len(before)-len(after)) + after
	i := &issuer{handler: says(200, body)}
	if _, err := i.verifier(t).Verify(t.Context(), secret); err != nil {
		t.Error(err)
	}
}

// What cannot be a token is not sent to anyone.
func TestNotPresented(t *testing.T) {
	t.Parallel()
	i := &issuer{handler: says(200, `{"active":true}`)}
	v, r := i.verifier(t), i.revoker(t)
	for _, text := range []string{
		"", " ", "a b", "a\tb", "a\r\nb", "a\x00b", "a\x7fb", "é", "\xff", strings.Repeat("x", introspect.MaxSize+1),
	} {
		if _, err := v.Verify(t.Context(), token.NewSecret(text)); !errors.Is(err, token.ErrMalformed) {
			t.Errorf("%.20q: %v, want ErrMalformed", text, err)
		}
		if err := r.Revoke(t.Context(), token.NewSecret(text), ""); err == nil || errors.Is(err, token.ErrInvalid) {
			t.Errorf("revoking %.20q: %v, want an error that blames no presented token", text, err)
		}
	}
	if n := len(i.got()); n != 0 {
		t.Errorf("%d requests", n)
	}
	for _, text := range []string{"!", `"\,~`, "a=b&token=c+%20", strings.Repeat("x", introspect.MaxSize)} {
		if _, err := v.Verify(t.Context(), token.NewSecret(text)); err != nil {
			t.Errorf("%.20q: %v", text, err)
		}
		if all := i.got(); all[len(all)-1].form.Get("token") != text || len(all[len(all)-1].form) != 1 {
			t.Errorf("%.20q came as %.100q", text, all[len(all)-1].form)
		}
	}
}

// A Verifier that lacks something says so, and blames no token.
func TestIncomplete(t *testing.T) {
	t.Parallel()
	i := &issuer{handler: says(200, `{"active":true}`)}
	complete := func() *introspect.Verifier { return i.verifier(t) }
	for name, test := range map[string]struct {
		change func(*introspect.Verifier)
		want   string
	}{
		"URL":      {func(v *introspect.Verifier) { v.URL = "" }, "introspect: Verifier.URL is empty: set it to the address of the endpoint"},
		"Auth":     {func(v *introspect.Verifier) { v.Auth = nil }, "introspect: Verifier.Auth is nil: set it to how this service proves who it is"},
		"Audience": {func(v *introspect.Verifier) { v.AnyAudience = false }, "introspect: Verifier.Audience is empty: set it to the names of this service, or set AnyAudience"},
		"both":     {func(v *introspect.Verifier) { v.Audience = []string{"orders"} }, "introspect: Verifier has both Audience and AnyAudience: set one of them"},
		"scheme":   {func(v *introspect.Verifier) { v.URL = "ftp://127.0.0.1/" }, "introspect: Verifier.URL is neither https nor http"},
		"host":     {func(v *introspect.Verifier) { v.URL = "https:///introspect" }, "introspect: Verifier.URL is not of the form https://host[:port]/path, without user or fragment"},
		"relative": {func(v *introspect.Verifier) { v.URL = "/introspect" }, "introspect: Verifier.URL is not of the form https://host[:port]/path, without user or fragment"},
		"opaque":   {func(v *introspect.Verifier) { v.URL = "https:issuer.example" }, "introspect: Verifier.URL is not of the form https://host[:port]/path, without user or fragment"},
		"password": {func(v *introspect.Verifier) { v.URL = "https://u:" + canary + "@issuer.example/" }, "introspect: Verifier.URL is not of the form https://host[:port]/path, without user or fragment"},
		"fragment": {func(v *introspect.Verifier) { v.URL = base + "/introspect#" }, "introspect: Verifier.URL is not of the form https://host[:port]/path, without user or fragment"},
		"unparsed": {func(v *introspect.Verifier) { v.URL = "https://\x7f" + canary }, "introspect: Verifier.URL is not of the form https://host[:port]/path, without user or fragment"},
		"plain": {func(v *introspect.Verifier) { v.URL = "http://issuer.example/introspect" },
			"introspect: no token was sent to http://issuer.example, where others could read it: use https, or a loopback address such as 127.0.0.1 over an http.Transport without a proxy, or set Verifier.Insecure"},
		"a name for loopback": {func(v *introspect.Verifier) { v.URL = "http://localhost/introspect" },
			"introspect: no token was sent to http://localhost, where others could read it: use https, or a loopback address such as 127.0.0.1 over an http.Transport without a proxy, or set Verifier.Insecure"},
		"a proxy": {func(v *introspect.Verifier) {
			v.Client.Transport.(*http.Transport).Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy.example"})
		}, "introspect: no token was sent to http://127.0.0.1:8080, where others could read it: use https, or a loopback address such as 127.0.0.1 over an http.Transport without a proxy, or set Verifier.Insecure"},
		"perhaps a proxy": {func(v *introspect.Verifier) {
			v.Client.Transport = roundTripper(v.Client.Transport.RoundTrip)
		}, "introspect: no token was sent to http://127.0.0.1:8080, where others could read it: use https, or a loopback address such as 127.0.0.1 over an http.Transport without a proxy, or set Verifier.Insecure"},
		"client ID":  {func(v *introspect.Verifier) { v.Auth = introspect.Basic("", secret) }, "introspect: Verifier.Auth gave no credential: Basic was given no client ID"},
		"secret":     {func(v *introspect.Verifier) { v.Auth = introspect.Post("a", token.Secret{}) }, "introspect: Verifier.Auth gave no credential: Post was given no secret"},
		"Source":     {func(v *introspect.Verifier) { v.Auth = introspect.Bearer(nil) }, "introspect: Verifier.Auth gave no credential: Bearer was given no Source"},
		"the client": {func(v *introspect.Verifier) { v.Auth = introspect.ClientID("") }, "introspect: Verifier.Auth gave no credential: ClientID was given no client ID"},
	} {
		v := complete()
		test.change(v)
		_, err := v.Verify(t.Context(), secret)
		if err == nil || errors.Is(err, token.ErrInvalid) || err.Error() != test.want {
			t.Errorf("%s:\n got %v\nwant %v", name, err, test.want)
		}
		checkError(t, err)
	}
	if _, err := new(introspect.Verifier).Verify(t.Context(), token.NewSecret("not\na token")); err == nil || errors.Is(err, token.ErrInvalid) {
		t.Errorf("the zero Verifier blames the token: %v", err)
	}
	if err := new(introspect.Revoker).Revoke(t.Context(), secret, ""); err == nil || err.Error() != "introspect: Revoker.URL is empty: set it to the address of the endpoint" {
		t.Errorf("the zero Revoker: %v", err)
	}
	if n := len(i.got()); n != 0 {
		t.Errorf("%d requests", n)
	}
	insecure := complete()
	insecure.URL, insecure.Insecure = "http://issuer.example/introspect", true
	if _, err := insecure.Verify(t.Context(), secret); err != nil {
		t.Errorf("Insecure: %v", err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Each call has its bound, and the caller's own.
func TestTimeout(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		timeout  time.Duration
		patience time.Duration // of the caller
		body     bool          // the answer begins at once
		want     time.Duration
	}{
		{"default", 0, time.Hour, false, 10 * time.Second},
		{"default, in the body", 0, time.Hour, true, 10 * time.Second},
		{"set", 3 * time.Second, time.Hour, false, 3 * time.Second},
		{"none", -1, time.Hour, false, time.Hour},
		{"the caller's", 0, time.Second, false, time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				i := &issuer{handler: func(w http.ResponseWriter, r *http.Request) {
					if test.body {
						w.Header().Set("Content-Type", "application/json")
						fmt.Fprint(w, `{"active":`)
						w.(http.Flusher).Flush()
					}
					<-r.Context().Done()
				}}
				v := i.verifier(t)
				v.Timeout = test.timeout
				ctx, cancel := context.WithTimeout(t.Context(), test.patience)
				defer cancel()
				start := time.Now()
				_, err := v.Verify(ctx, secret)
				if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, token.ErrInvalid) || took != test.want {
					t.Errorf("%v after %v, want %v", err, took, test.want)
				}
				checkError(t, err)
			})
		})
	}
}

// With a cache around it, a revocation is seen after the TTL, and a service whose
// own credential is refused says 503 and asks again.
func TestCached(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		handler := says(200, `{"active":true}`)
		i := &issuer{handler: func(w http.ResponseWriter, r *http.Request) { handler(w, r) }}
		c := &token.VerifierCache{Verifier: i.verifier(t)}
		verify := func() error {
			_, err := c.Verify(t.Context(), secret)
			return err
		}
		for range 5 {
			if err := verify(); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(i.got()); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
		handler = says(200, `{"active":false}`)
		time.Sleep(10*time.Second - time.Nanosecond)
		if err := verify(); err != nil {
			t.Errorf("before the TTL: %v", err)
		}
		time.Sleep(time.Nanosecond)
		if err := verify(); !errors.Is(err, token.ErrRevoked) {
			t.Errorf("after the TTL: %v", err)
		}

		handler = says(401, `{"error":"invalid_client"}`)
		time.Sleep(2 * time.Second)
		before := len(i.got())
		for range 3 {
			if err := verify(); !errors.Is(err, token.ErrRefused) || errors.Is(err, token.ErrInvalid) {
				t.Errorf("our own credential: %v", err)
			}
		}
		if n := len(i.got()) - before; n != 3 {
			t.Errorf("%d requests, want one a call", n)
		}
		handler = says(200, `{"active":true}`)
		if err := verify(); err != nil {
			t.Errorf("when it is accepted again: %v", err)
		}

		// An approval ends with the token.
		handler = says(200, fmt.Sprintf(`{"active":true,"exp":%d}`, time.Now().Add(12*time.Second).Unix()))
		time.Sleep(10 * time.Second)
		verify()
		before = len(i.got())
		time.Sleep(2 * time.Second)
		verify()
		if n := len(i.got()) - before; n != 1 {
			t.Errorf("%d requests after the token expired, want 1", n)
		}
	})
}
