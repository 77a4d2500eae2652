package rancher

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
)

func TestV3Set(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, method string
		header, want http.Header
	}{
		{"nothing there", "GET", nil, http.Header{"Authorization": {"Bearer token-a:b"}}},
		{"another token", "GET", http.Header{"Authorization": {"Basic x"}, "authorization": {"Bearer y"}, "AUTHORIZATION": {"z"}}, http.Header{"Authorization": {"Bearer token-a:b"}}},
		{"a session", "GET", http.Header{"Cookie": {`R_SESS=stale; a="b c"; CSRF=d`, "r_sess=stale", "e=f"}},
			http.Header{"Authorization": {"Bearer token-a:b"}, "Cookie": {`a="b c"; CSRF=d`, "e=f"}}},
		{"nothing but a session", "GET", http.Header{"Cookie": {"R_SESS=stale"}}, http.Header{"Authorization": {"Bearer token-a:b"}}},
		{"B.4 the cookie CSRF", "POST", http.Header{"Cookie": {"CSRF=0123456789abcdef0123456789abcdef"}},
			http.Header{"Authorization": {"Bearer token-a:b"}, "Cookie": {"CSRF=0123456789abcdef0123456789abcdef"}, "X-Api-Csrf": {"0123456789abcdef0123456789abcdef"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r, _ := http.NewRequest(test.method, "https://rancher.example/v3", nil)
			r.Header = test.header
			(&V3{}).Set(r, token.Token{Value: token.NewSecret("token-a:b")})
			if diff := cmp.Diff(test.want, r.Header); diff != "" {
				t.Error(diff)
			}
		})
	}
}

const nobodysStatus = `{"kind":"Status","status":"Failure","message":"User \"system:cattle:error\" cannot list","reason":"Forbidden","code":403}`

func TestV3Refused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		status int
		auth   string
		body   string
		want   bool
	}{
		{"B.7 401", 401, "false", mustAuthenticate, true},
		{"B.7 401, before 2.6", 401, "", mustAuthenticate, true},
		{"401 of what is behind Rancher", 401, "true", "", false},
		{"B.7 403 of nobody", 403, "false", "", true},
		{"B.7 403 of nobody, by the text", 403, "", nobodysStatus, true},
		{"B.7 403 of nobody, where no header says", 403, "none", nobodysStatus, true},
		{"B.7 permission", 403, "true", nobodysStatus, false},
		{"B.7 permission, by the text", 403, "", strings.ReplaceAll(nobodysStatus, "system:cattle:error", "user-abcde"), false},
		{"not a Status", 403, "", `"system:cattle:error"`, false},
		{"too far down", 403, "", strings.Repeat(" ", peeked) + nobodysStatus, false},
		{"binary", 403, "", "k8s\x00\n\x0c\n\x02v1\x12\x06Status\x12\x30User \"system:cattle:error\" cannot", true},
		{"B.7 404", 404, "true", "", false},
		{"404 of nobody", 404, "false", "", false},
		{"200", 200, "false", "", false},
		{"500", 500, "", nobodysStatus, false},
	} {
		resp := &http.Response{StatusCode: test.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(test.body))}
		if test.auth != "" {
			resp.Header.Set("X-API-Cattle-Auth", test.auth)
		}
		if got := (&V3{}).Refused(resp); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
		if body, err := io.ReadAll(resp.Body); string(body) != test.body || err != nil {
			t.Errorf("%s: the body is not as it was: %q, %v", test.name, body, err)
		}
	}
	if (&V3{}).Refused(nil) || (&V3{}).Refused(&http.Response{StatusCode: 403}) {
		t.Error("nothing was refused")
	}
}

// A proxy that wants a login of its own refuses no token.
func TestV3RefusedByProxy(t *testing.T) {
	t.Parallel()
	resp := &http.Response{StatusCode: 401, Header: http.Header{"Content-Type": {"text/html"}, "Www-Authenticate": {"Negotiate"}}, Body: http.NoBody}
	if (&V3{}).Refused(resp) {
		t.Error("refused")
	}
}

// A closer tells that it was closed.
type closer struct {
	io.Reader
	closed bool
}

func (c *closer) Close() error { c.closed = true; return nil }

// once fails the first time it is read, and has nothing to say after that.
type once struct{ err error }

func (o *once) Read([]byte) (int, error) {
	err := o.err
	o.err = io.EOF
	return 0, err
}

// A body that breaks off, and a long one, stay what they are.
func TestV3RefusedBody(t *testing.T) {
	t.Parallel()
	broke := errors.New("broke off")
	for _, size := range []int{10, peeked - 1, peeked, peeked + 1, 5 * peeked} {
		text := strings.Repeat("x", size)
		body := &closer{Reader: io.MultiReader(strings.NewReader(text), &once{broke})}
		resp := &http.Response{StatusCode: 403, Header: http.Header{}, Body: body}
		(&V3{}).Refused(resp)
		if got, err := io.ReadAll(resp.Body); string(got) != text || err != broke {
			t.Errorf("%d bytes: got %d, %v", size, len(got), err)
		}
		if resp.Body.Close(); !body.closed {
			t.Error("it was not closed")
		}
	}
}

// An endless body is not read to its end.
func TestV3RefusedEndless(t *testing.T) {
	t.Parallel()
	read := 0
	resp := &http.Response{StatusCode: 403, Header: http.Header{}, Body: io.NopCloser(readerFunc(func(p []byte) (int, error) {
		if read += len(p); read > 1<<20 {
			return 0, errors.New("that is enough")
		}
		return len(p), nil
	}))}
	if (&V3{}).Refused(resp) || read > peeked {
		t.Errorf("%d bytes were read", read)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// A Transport sends its tokens to the server and nowhere else, and goes on to
// the next when one is refused.
func TestV3Transport(t *testing.T) {
	t.Parallel()
	var seen []string
	c := &V3{Server: at("https://rancher.example", func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
		if strings.HasSuffix(seen[len(seen)-1], ":a") {
			says(403, "", nobodysStatus)(w, r)
			return
		}
		w.Write([]byte("ok"))
	})}
	src := &revolver{tokens: []string{"token-a:a", "token-b:b"}}
	client := &http.Client{Transport: c.Transport(src)}
	resp, err := client.Get("https://rancher.example/apis/ext.cattle.io/v1/tokens")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	if resp.Body.Close(); string(body) != "ok" || !slices.Equal(seen, []string{"Bearer token-a:a", "Bearer token-b:b"}) {
		t.Errorf("%s, %q", body, seen)
	}
	var elsewhere http.Header
	tr := c.Transport(src)
	tr.Base = tripFunc(func(r *http.Request) (*http.Response, error) {
		elsewhere = r.Header
		return httptest.NewRecorder().Result(), nil
	})
	if _, err := (&http.Client{Transport: tr}).Get("https://evil.example/"); err != nil || len(elsewhere["Authorization"]) > 0 {
		t.Error(elsewhere, err)
	}
}

// In clear a token goes out only if Server.Insecure says so.
func TestTransportInsecure(t *testing.T) {
	t.Parallel()
	for _, insecure := range []bool{false, true} {
		s := &Server{URL: "http://rancher.example", Insecure: insecure}
		for name, api := range map[string]API{"V2Beta": &V2Beta{Server: s}, "V3": &V3{Server: s}} {
			sent := false
			tr := api.Transport(token.Static(token.Token{Value: token.NewSecret("token-a:hunter2")}))
			tr.Base = tripFunc(func(r *http.Request) (*http.Response, error) {
				sent = true
				return httptest.NewRecorder().Result(), nil
			})
			if _, err := (&http.Client{Transport: tr}).Get(s.URL + "/v3"); sent != insecure || (err == nil) != insecure {
				t.Errorf("%s, insecure %t: sent %t, %v", name, insecure, sent, err)
			}
		}
	}
}

// Without a server no token goes anywhere.
func TestV3TransportNowhere(t *testing.T) {
	t.Parallel()
	for _, s := range []*Server{nil, {}, {URL: "https://admin:hunter2@rancher.example"}} {
		tr := (&V3{Server: s}).Transport(token.Static(token.Token{Value: token.NewSecret("token-a:hunter2")}))
		tr.Base = never(t)
		_, err := (&http.Client{Transport: tr}).Get("https://rancher.example/v3")
		if err == nil || !strings.Contains(err.Error(), "Server") || strings.Contains(err.Error(), "hunter2") {
			t.Error(err)
		}
	}
}
