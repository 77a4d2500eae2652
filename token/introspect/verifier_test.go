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
	const noAudience = "token: invalid: wrong audience: the server's answer has no aud: have it say whom tokens are for, or set Verifier.AnyAudience"
	audience := func(aud string) string {
		return `token: invalid: wrong audience: the token's aud is [` + aud + `], none of ["orders" "stock"]: ask its issuer for one that is`
	}
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
		{body: `{"active":true,"iss":"https://issuer.example/"}`, with: issued, want: token.ErrIssuer, text: `token: invalid: wrong issuer: "https://issuer.example/", not "https://issuer.example"`},
		{body: `{"active":true,"iss":"é` + strings.Repeat("y", 200) + `"}`, with: issued, want: token.ErrIssuer,
			text: `token: invalid: wrong issuer: "\u00e9` + strings.Repeat("y", 99) + `", not "https://issuer.example"`},
		{body: `{"active":true}`, with: issued, want: token.ErrIssuer,
			text: "token: invalid: wrong issuer: the server's answer has no iss: have it say who issued the token, or leave Verifier.Issuer empty"},
		{body: `{"active":true,"iss":"anyone"}`},
		{body: `{"active":true,"aud":"orders"}`, with: strict},
		{body: `{"active":true,"aud":["x","stock"]}`, with: strict},
		{body: `{"active":true,"aud":["x"]}`, with: strict, want: token.ErrAudience, text: audience(`"x"`)},
		{body: `{"active":true,"aud":["x","é` + strings.Repeat("y", 200) + `","z","` + canary + `"]}`, with: strict, want: token.ErrAudience,
			text: audience(`"x" "\u00e9` + strings.Repeat("y", 99) + `" "z"`)},
		{body: `{"active":true,"aud":[]}`, with: strict, want: token.ErrAudience, text: noAudience},
		{body: `{"active":true,"aud":null}`, with: strict, want: token.ErrAudience, text: noAudience},
		{body: `{"active":true}`, with: strict, want: token.ErrAudience, text: noAudience},
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
	const unreadable = "introspect: the answer of http://127.0.0.1:8080/introspect cannot be read: "
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

		{"too long", says(200, `{"active":true,"a":"`+strings.Repeat("x", 1<<20)+`"}`), "introspect: the answer of http://127.0.0.1:8080/introspect is longer than 1048576 bytes: is Verifier.URL the endpoint's?"},
		{"broken off", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, `{"active":true}`)
		}, "introspect: no whole answer from http://127.0.0.1:8080/introspect: unexpected EOF"},
		{"no HTTP", func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				fmt.Fprint(conn, strings.Repeat("x", 10_000)+"\r\n\r\n")
				conn.Close()
			}
		}, ""},
		{"hung up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "introspect: no answer from http://127.0.0.1:8080/introspect: EOF"},
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
		"AuthFunc": {func(v *introspect.Verifier) { v.Auth = introspect.AuthFunc(nil) },
			"introspect: Verifier.Auth is a nil AuthFunc: set it to how this service proves who it is"},
		"empty name": {func(v *introspect.Verifier) { v.AnyAudience, v.Audience = false, []string{"orders", ""} },
			"introspect: Verifier.Audience has an empty name: set it to the names of this service"},
		"both":     {func(v *introspect.Verifier) { v.Audience = []string{"orders"} }, "introspect: Verifier has both Audience and AnyAudience: set one of them"},
		"scheme":   {func(v *introspect.Verifier) { v.URL = "ftp://127.0.0.1/" }, "introspect: Verifier.URL is neither https nor http"},
		"host":     {func(v *introspect.Verifier) { v.URL = "https:///introspect" }, "introspect: Verifier.URL is not of the form https://host[:port]/path, without user or fragment"},
		"relative": {func(v *introspect.Verifier) { v.URL = "/introspect" }, "introspect: Verifier.URL is not of the form https://host[:port]/path, without user or fragment"},
		"opaque":   {func(v *introspect.Verifier) { v.URL = "https:issuer.example" }, "introspect: Verifier.URL is not of the form https://host[:port]/path, without user or fragment"},
		"password": {func(v *introspect.Verifier) { v.URL = "https://u:" + canary + "@issuer.example/" }, "introspect: Verifier.URL is not of the form https://host[:port]/path, without user or fragment"},
		"fragment": {func(v *introspect.Verifier) { v.URL = base + "/introspect#" }, "introspect: Verifier.URL is not of the form https://host[:port]/path, without user or fragment"},
		"unparsed": {func(v *introspect.Verifier) { v.URL = "https://\x7f" + canary }, "introspect: Verifier.URL is not of the form https://host[:port]/path, without user or fragment"},
		"plain": {func(v *introspect.Verifier) { v.URL = "http://issuer.example/introspect" },
			"introspect: no token was sent to http://issuer.example/introspect, where others could read it: use https, or a loopback address such as 127.0.0.1 over an http.Transport without a proxy, or set Verifier.Insecure"},
		"a name for loopback": {func(v *introspect.Verifier) { v.URL = "http://localhost/introspect?key=" + canary },
			"introspect: no token was sent to http://localhost/introspect, where others could read it: use https, or a loopback address such as 127.0.0.1 over an http.Transport without a proxy, or set Verifier.Insecure"},
		"a proxy": {func(v *introspect.Verifier) {
			v.Client.Transport.(*http.Transport).Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy.example"})
		}, "introspect: no token was sent to http://127.0.0.1:8080/introspect, where others could read it: use https, or a loopback address such as 127.0.0.1 over an http.Transport without a proxy, or set Verifier.Insecure"},
		"perhaps a proxy": {func(v *introspect.Verifier) {
			v.Client.Transport = roundTripper(v.Client.Transport.RoundTrip)
		}, "introspect: no token was sent to http://127.0.0.1:8080/introspect, where others could read it: use https, or a loopback address such as 127.0.0.1 over an http.Transport without a proxy, or set Verifier.Insecure"},
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
		if err := v.Check(); fmt.Sprint(err) != test.want {
			t.Errorf("%s:\nCheck says %v\nwant       %v", name, err, test.want)
		}
		if strings.Contains(test.want, "Audience") {
			continue
		}
		r := &introspect.Revoker{URL: v.URL, Auth: v.Auth, Client: v.Client}
		want := strings.ReplaceAll(test.want, "Verifier", "Revoker")
		if err := r.Check(); fmt.Sprint(err) != want {
			t.Errorf("%s:\nthe Revoker's Check says %v\nwant                     %v", name, err, want)
		}
	}
	if err := errors.Join(complete().Check(), i.revoker(t).Check()); err != nil {
		t.Errorf("Check of what is complete: %v", err)
	}
	var none *introspect.Verifier
	_, err := none.Verify(t.Context(), secret)
	for _, err := range []error{err, none.Check()} {
		if fmt.Sprint(err) != "introspect: the Verifier is nil" {
			t.Errorf("a nil Verifier: %v", err)
		}
	}
	var nobody *introspect.Revoker
	for _, err := range []error{nobody.Revoke(t.Context(), secret, ""), nobody.Check()} {
		if fmt.Sprint(err) != "introspect: the Revoker is nil" {
			t.Errorf("a nil Revoker: %v", err)
		}
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

// Each call has its bound, and the caller's own, and its error says which it was.
func TestTimeout(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		timeout  time.Duration
		patience time.Duration // of the caller
		slow     string        // what is
		want     time.Duration
		text     string
	}{
		{"default", 0, time.Hour, "answer", 10 * time.Second, "no answer from " + where + "/introspect within 10s (Verifier.Timeout)"},
		{"default, in the body", 0, time.Hour, "body", 10 * time.Second, "no whole answer from " + where + "/introspect within 10s (Verifier.Timeout)"},
		{"default, in the Auth", 0, time.Hour, "Auth", 10 * time.Second, "Verifier.Auth gave no credential within 10s (Verifier.Timeout)"},
		{"default, in the Source", 0, time.Hour, "Source", 10 * time.Second,
			"no answer from " + where + "/introspect within 10s (Verifier.Timeout): token: no token for POST " + where + ": the vault is slow: context deadline exceeded"},
		{"set", 3 * time.Second, time.Hour, "answer", 3 * time.Second, "no answer from " + where + "/introspect within 3s (Verifier.Timeout)"},
		{"none", -1, time.Hour, "answer", time.Hour, "no answer from " + where + "/introspect within 1h0m0s (the caller's deadline)"},
		{"the caller's", 0, time.Second, "answer", time.Second, "no answer from " + where + "/introspect within 1s (the caller's deadline)"},
		{"the caller's, in the body", 0, time.Second, "body", time.Second, "no whole answer from " + where + "/introspect within 1s (the caller's deadline)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				i := &issuer{handler: func(w http.ResponseWriter, r *http.Request) {
					if test.slow == "body" {
						w.Header().Set("Content-Type", "application/json")
						fmt.Fprint(w, `{"active":`)
						w.(http.Flusher).Flush()
					}
					<-r.Context().Done()
				}}
				v := i.verifier(t)
				v.Timeout = test.timeout
				switch test.slow {
				case "Auth":
					v.Auth = introspect.AuthFunc(func(ctx context.Context, _ http.Header, _ url.Values) error {
						<-ctx.Done()
						return ctx.Err()
					})
				case "Source":
					v.Auth = introspect.Bearer(token.SourceFunc(func(ctx context.Context) (token.Token, error) {
						<-ctx.Done()
						return token.Token{}, fmt.Errorf("the vault is slow: %w", ctx.Err())
					}))
				}
				ctx, cancel := context.WithTimeout(t.Context(), test.patience)
				defer cancel()
				start := time.Now()
				_, err := v.Verify(ctx, secret)
				if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, token.ErrInvalid) || took != test.want {
					t.Errorf("%v after %v, want %v", err, took, test.want)
				}
				if want := "introspect: " + test.text; fmt.Sprint(err) != want {
					t.Errorf(" got %v\nwant %s", err, want)
				}
				checkError(t, err)
			})
		})
	}
}

// A caller that has gone is no timeout, and one that had no time is.
func TestGone(t *testing.T) {
	t.Parallel()
	i := &issuer{handler: says(200, `{"active":true}`)}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := i.verifier(t).Verify(ctx, secret); !errors.Is(err, context.Canceled) || err.Error() != "introspect: no answer from "+where+"/introspect: context canceled" {
		t.Errorf("%v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), -1)
	defer cancel()
	if _, err := i.verifier(t).Verify(ctx, secret); !errors.Is(err, context.DeadlineExceeded) || !strings.HasSuffix(err.Error(), " (the caller's deadline)") {
		t.Errorf("%v", err)
	}
}

// The Client's own Timeout is neither, and an Auth that had no time, and blames a
// token for it, does not pass for a verdict.
func TestOtherTimeouts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{handler: func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }}
		v := i.verifier(t)
		v.Client.Timeout = time.Second
		if _, err := v.Verify(t.Context(), secret); !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), " within ") {
			t.Errorf("%v", err)
		}
		v.Auth = introspect.AuthFunc(func(ctx context.Context, _ http.Header, _ url.Values) error {
			<-ctx.Done()
			return fmt.Errorf("%w: %w", token.ErrExpired, ctx.Err())
		})
		if _, err := v.Verify(t.Context(), secret); !errors.Is(err, token.ErrRefused) || errors.Is(err, token.ErrInvalid) {
			t.Errorf("%v", err)
		}
	})
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

// The URL of a proxy, which may have a password, is in the error of one that is none.
func TestProxyThatIsNoURL(t *testing.T) {
	t.Parallel()
	v := (&issuer{handler: says(200, `{"active":true}`)}).verifier(t)
	v.URL = "https://issuer.example/introspect"
	v.Client = &http.Client{Transport: &http.Transport{Proxy: func(*http.Request) (*url.URL, error) {
		return nil, &url.Error{Op: "parse", URL: "http://me:" + canary + "%zz@proxy.example", Err: url.EscapeError("%zz")}
	}}}
	_, err := v.Verify(t.Context(), secret)
	if err == nil || !strings.Contains(err.Error(), "invalid URL escape") {
		t.Errorf("got %v", err)
	}
	checkError(t, err)
}
