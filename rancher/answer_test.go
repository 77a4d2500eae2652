package rancher

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
)

// An error is read in each of the shapes that there are.
func TestRead(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body string
		want said
	}{
		"A.9 Cattle": {`{"id":"0d4e","type":"error","links":{},"actions":{},"status":401,"code":"Unauthorized","message":"Unauthorized","detail":null,"baseType":"error"}`,
			said{isError: true, code: "Unauthorized", message: "Unauthorized"}},
		"A.9 body without code": {`{"type":"error","status":422,"code":"MissingRequired","fieldName":"code","message":"MissingRequired"}`,
			said{isError: true, code: "MissingRequired", field: "code", message: "MissingRequired"}},
		"B.2 norman": {`{"baseType":"error","code":"NotFound","message":"m","status":404,"type":"error"}`, said{isError: true, code: "NotFound", message: "m"}},
		"B.7 auth filter": {`{"type":"error","status":"401","message":"Unauthorized 401: must authenticate"}`,
			said{isError: true, message: "Unauthorized 401: must authenticate"}},
		"B.7 Status": {`{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"m","reason":"Forbidden","code":403}`,
			said{isError: true, code: "Forbidden", message: "m"}},
		"a Status of success":       {`{"kind":"Status","status":"Success","message":"m"}`, said{}},
		"baseType only":             {`{"baseType":"error"}`, said{isError: true}},
		"members of other kinds":    {`{"type":"error","status":{"a":[1]},"code":403,"message":null,"fieldName":[],"reason":true}`, said{isError: true}},
		"a field that is not known": {`{"type":"error","fieldName":"` + hush + `"}`, said{isError: true}},
		"not an error":              {`{"type":"token","code":"Unauthorized","message":"m"}`, said{}},
		"nothing":                   {``, said{}},
		"text":                      {`Unauthorized`, said{}},
		"a list":                    {`[{"type":"error"}]`, said{}},
		"cut off":                   {`{"type":"error","code":"Unauthorized"`, said{}},
		"more behind":               {`{"type":"error"} {}`, said{}},
		"twice":                     {`{"type":"error","code":"Unauthorized","code":"Forbidden"}`, said{}},
		"twice, in other letters":   {`{"type":"error","code":"Unauthorized","Code":"Forbidden"}`, said{}},
		"too deep":                  {`{"type":"error","detail":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`, said{}},
	} {
		a := &answer{status: 401, body: test.body}
		if got := read(a); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}

// Whatever a server says, of it only known words are repeated, and encoding/json
// reads the same in it.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `[]`, `{"type":"error","status":401,"code":"Unauthorized","message":"Unauthorized","detail":null}`,
		`{"type":"error","status":"401","message":"Unauthorized 401: must authenticate"}`, `{"baseType":"error","code":"X","fieldName":"code"}`,
		`{"kind":"Status","status":"Failure","reason":"Forbidden","code":403}`, `{"type":"error","code":"a","Code":"b"}`, "{\"type\":\"error\",\"code\":\"\\ud800\"}",
		`<html>`, "\ufeff{}", `{"type":"error","code":"Unauthorized","fieldName":"` + "\u2028" + `"}`,
	} {
		f.Add(401, "application/json", seed)
	}
	f.Add(200, "text/html", "<html>")
	f.Fuzz(func(t *testing.T, status int, kind, body string) {
		a := &answer{op: "look", from: "GET https://rancher.example/v3", status: status, body: body, header: http.Header{"Content-Type": {kind}, "Retry-After": {kind}, "Date": {kind}}}
		a.isPage()
		if d := a.date(); !d.IsZero() && d.Location() != time.UTC {
			t.Errorf("Date %q is %v", kind, d)
		}
		s := read(a)
		var members map[string]any
		err := json.Unmarshal([]byte(body), &members)
		if s.isError && err != nil {
			t.Fatalf("read %+v where encoding/json says: %v", s, err)
		}
		if s.isError {
			for name, got := range map[string]string{"message": s.message, "fieldName": s.field} {
				if want, _ := members[name].(string); got != "" && got != want {
					t.Errorf("%s: %q, and encoding/json reads %q", name, got, want)
				}
			}
			if s.code != "" && s.code != members["code"] && s.code != members["reason"] {
				t.Errorf("code %q, and encoding/json reads %v", s.code, members)
			}
		}
		for _, err := range []*Error{a.failed(ErrForbidden, "do"), a.odd("seen", "do"), a.unreadable(http.ErrBodyNotAllowed)} {
			if text := err.Error(); len(text) > 500 || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%q", text)
			}
			if err.Code != "" {
				code, field, _ := strings.Cut(err.Code, " ")
				if !slices.Contains(knownCodes, code) || field != "" && field != s.field {
					t.Errorf("repeats %q", err.Code)
				}
			}
			if err.retryAfter < 0 {
				t.Errorf("to wait for %v", err.retryAfter)
			}
		}
		for _, look := range []func(*answer) (Product, bool){detectedVersion, detectedV2Beta, detectedProviders} {
			a.header.Set("X-Rancher-Version", kind)
			if p, ok := look(a); ok && len(p.Version) > 64 {
				t.Errorf("%+v", p)
			}
		}
	})
}

// Whatever a name, the request goes where it says or is not made.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{"/v3/tokens/token-7d9xk", "/v3/..", "/a%2fb", "//x", "/v3?a=b", "/v3?#", "/\x00", "/é", "/:x", ""} {
		f.Add("https://rancher.example/prefix", seed)
	}
	f.Add("https://rancher.example/a b", "/v3")
	f.Fuzz(func(t *testing.T, where, path string) {
		s := &Server{URL: where}
		u, err := s.address()
		if err != nil {
			return
		}
		r, err := s.request(t.Context(), u, call{method: "GET", path: path}, nil)
		if err != nil {
			return
		}
		want, query, _ := strings.Cut(path, "?")
		if got := r.URL.EscapedPath(); got != u.EscapedPath()+want || r.URL.RawQuery != query || r.URL.Host != u.Host || r.URL.Fragment != "" {
			t.Fatalf("%q and %q became %q", where, path, r.URL)
		}
		back, err := url.Parse(r.URL.String())
		if err != nil || back.Path != r.URL.Path || strings.Contains(back.Path, "/..") && !strings.Contains(back.Path, "/...") && strings.HasSuffix(back.Path, "/..") {
			t.Fatalf("%q and %q became %q (%v)", where, path, r.URL, err)
		}
	})
}

func TestDate(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 8, 19, 16, 0, 0, 0, time.UTC)
	if got := (&answer{header: http.Header{"Date": {"Wed, 19 Aug 2026 16:00:00 GMT"}}}).date(); !got.Equal(want) {
		t.Errorf("%v, want %v", got, want)
	}
	for _, header := range []http.Header{nil, {}, {"Date": {"today"}}, {"Date": {""}}} {
		if got := (&answer{header: header}).date(); !got.IsZero() {
			t.Errorf("%v: %v", header, got)
		}
	}
}
