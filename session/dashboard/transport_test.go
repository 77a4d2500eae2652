package dashboard

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
)

func base64url(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// A session goes into its header, and a bearer token into Authorization; of other
// credentials, which could win over it, none is left.
func TestSet(t *testing.T) {
	t.Parallel()
	session := token.Token{Value: token.NewSecret(`{"a":"b"}`), Type: "jweToken"}
	bearer := token.Token{Value: token.NewSecret("bearer-1")}
	for _, test := range []struct {
		name   string
		tok    token.Token
		before http.Header
		want   http.Header
	}{
		{"a session", session, http.Header{}, http.Header{"Jwetoken": {`{"a":"b"}`}}},
		{"a session, without headers", session, nil, http.Header{"Jwetoken": {`{"a":"b"}`}}},
		{"a session, over others", session, http.Header{"authorization": {"Bearer x"}, "Authorization": {"Basic x"}, "jweToken": {"x"}, "Jwetoken": {"x"}, "X-Other": {"x"}},
			http.Header{"Jwetoken": {`{"a":"b"}`}, "X-Other": {"x"}}},
		{"a bearer token", bearer, http.Header{}, http.Header{"Authorization": {"Bearer bearer-1"}}},
		{"a bearer token, over others", bearer, http.Header{"JWETOKEN": {"x"}}, http.Header{"Authorization": {"Bearer bearer-1"}}},
		{"a bearer token that says so", token.Token{Value: token.NewSecret("bearer-1"), Type: "Bearer"}, http.Header{"Jwetoken": {"x"}}, http.Header{"Authorization": {"Bearer bearer-1"}}},
		{"none", token.Token{}, http.Header{"Authorization": {"Bearer x"}}, http.Header{}},
	} {
		r := &http.Request{Header: test.before}
		Set(r, test.tok)
		if diff := cmp.Diff(test.want, r.Header); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	page := http.Header{"Content-Type": {"text/html; charset=utf-8"}, "Www-Authenticate": {"Basic"}}
	for _, test := range []struct {
		status int
		header http.Header
		body   string
		want   bool
	}{
		{401, nil, "MSG_LOGIN_UNAUTHORIZED_ERROR\n", true},
		{401, nil, "MSG_TOKEN_EXPIRED_ERROR\n", true},
		{401, nil, "MSG_ENCRYPTION_KEY_CHANGED\n", true},
		{401, nil, "Unauthorized\n", true}, // the API server, of the credential inside
		{401, http.Header{"Www-Authenticate": {"Bearer"}}, "Unauthorized\n", true},
		{401, nil, "", true},
		{401, nil, `{"ErrStatus":{"metadata":{},"status":"Failure","message":"MSG_LOGIN_UNAUTHORIZED_ERROR","reason":"Unauthorized","code":401}}`, true}, // 7.x
		{401, nil, "<html>", true},
		{401, page, "<html>", false},
		{401, page, "a page", false},
		{401, http.Header{"Www-Authenticate": {"Basic"}}, "<html>", false},
		{401, http.Header{"Www-Authenticate": {"Basic"}}, "\ufeff <html>", false},
		{401, http.Header{"Www-Authenticate": {"Basic"}, "Content-Type": {"Text/HTML"}}, "a page", false},
		{401, page, "", true},
		{401, nil, "CSRF validation failed\n", false},
		{401, nil, `{"ErrStatus":{"message":"MSG_CSRF_VALIDATION_ERROR"}}`, false},
		{401, nil, `"MSG_DASHBOARD_EXCLUSIVE_RESOURCE_ERROR"` + "\n", false},
		{401, nil, `"MSG_DASHBOARD_EXCLUSIVE_RESOURCE_ERROR"x`, true},
		{500, nil, "square/go-jose: error in cryptographic primitive\n", true},
		{500, nil, "square/go-jose: compact JWE format must have five parts\n", true},
		{500, nil, "go-jose/go-jose: error in cryptographic primitive", true},
		{500, nil, "Token validation error. Could not unmarshal AAD.\n", true},
		{500, nil, "it said square/go-jose: error in cryptographic primitive", false},
		{500, nil, "MSG_TOKEN_EXPIRED_ERROR", false},
		{500, nil, "", false},
		{403, nil, "MSG_TOKEN_EXPIRED_ERROR", false},
		{200, nil, "MSG_TOKEN_EXPIRED_ERROR", false},
		{503, nil, "square/go-jose: error in cryptographic primitive", false},
	} {
		h := test.header
		if h == nil {
			h = http.Header{}
		}
		resp := &http.Response{StatusCode: test.status, Header: h, Body: io.NopCloser(strings.NewReader(test.body))}
		if got := Refused(resp); got != test.want {
			t.Errorf("%d %q: %t", test.status, test.body, got)
		}
		if text, err := io.ReadAll(resp.Body); string(text) != test.body || err != nil {
			t.Errorf("%d %q: the body is now %q, %v", test.status, test.body, text, err)
		}
	}
	if Refused(nil) || !Refused(&http.Response{StatusCode: 401}) {
		t.Error("a response without a body")
	}
}

// A body is put back as it was: its length, its error, its Close; and no more is
// read than is needed.
func TestRefusedPutsTheBodyBack(t *testing.T) {
	t.Parallel()
	long := "Token validation error" + strings.Repeat("x", 1<<20)
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		body io.Reader
		text string
		err  error
	}{
		"long":            {strings.NewReader(long), long, nil},
		"byte by byte":    {iotest.OneByteReader(strings.NewReader(long)), long, nil},
		"end with a read": {iotest.DataErrReader(strings.NewReader(long)), long, nil},
		"broken at once":  {iotest.ErrReader(broken), "", broken},
		"broken early":    {&once{io.MultiReader(strings.NewReader("Token"), iotest.ErrReader(broken)), nil}, "Token", broken},
		"broken late":     {io.MultiReader(strings.NewReader(long), iotest.ErrReader(broken)), long, broken},
		"as long as read": {strings.NewReader(long[:longestRefusal]), long[:longestRefusal], nil},
	} {
		b := &counted{Reader: test.body}
		resp := &http.Response{StatusCode: 500, Header: http.Header{}, Body: b}
		got := Refused(resp)
		if b.n > 4<<10 {
			t.Errorf("%s: %d bytes were read", name, b.n)
		}
		if got != strings.HasPrefix(test.text, "Token validation error") {
			t.Errorf("%s: %t", name, got)
		}
		text, err := io.ReadAll(resp.Body)
		if string(text) != test.text || err != test.err {
			t.Errorf("%s: %d bytes, %v", name, len(text), err)
		}
		if n, err := resp.Body.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("%s: after the end there is %d, %v", name, n, err)
		}
		if resp.Body.Close(); b.closed != 1 {
			t.Errorf("%s: closed %d times", name, b.closed)
		}
	}
	for _, status := range []int{200, 403, 404, 502, 503} {
		b := &counted{Reader: strings.NewReader(long)}
		resp := &http.Response{StatusCode: status, Body: b}
		if Refused(resp); b.n != 0 || resp.Body != b {
			t.Errorf("%d: %d bytes were read", status, b.n)
		}
	}
}

// counted is a body that counts what is done with it.
type counted struct {
	io.Reader
	n, closed int
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += n
	return n, err
}

func (c *counted) Close() error { c.closed++; return nil }

// once is a reader that gives its error once, and then goes on.
type once struct {
	r   io.Reader
	err error
}

func (o *once) Read(p []byte) (int, error) {
	if o.err != nil {
		return copy(p, "more"), nil
	}
	n, err := o.r.Read(p)
	o.err = err
	return n, err
}

// Whatever the answer, Refused does not panic, and leaves it as it was.
func FuzzRefused(f *testing.F) {
	for _, seed := range []string{
		"MSG_TOKEN_EXPIRED_ERROR\n", "square/go-jose: error in cryptographic primitive\n", `"MSG_DASHBOARD_EXCLUSIVE_RESOURCE_ERROR"`,
		`{"ErrStatus":{"message":"MSG_CSRF_VALIDATION_ERROR"}}`, "CSRF validation failed", "<html>", `{"ErrStatus":`, "", strings.Repeat("[", 5000),
	} {
		f.Add(401, seed, "text/plain", false)
		f.Add(500, seed, "text/html", true)
	}
	f.Fuzz(func(t *testing.T, status int, body, kind string, ends bool) {
		b := &counted{Reader: strings.NewReader(body)}
		if ends {
			b.Reader = iotest.DataErrReader(b.Reader)
		}
		resp := &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {kind}}, Body: b}
		refused := Refused(resp)
		if b.n > longestRefusal || refused && status != 401 && status != 500 {
			t.Fatalf("%t, having read %d bytes", refused, b.n)
		}
		if text, err := io.ReadAll(resp.Body); string(text) != body || err != nil {
			t.Fatalf("%q, %v", text, err)
		}
	})
}
