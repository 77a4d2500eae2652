package rancher

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/tokenlife/tokenlife/token"
)

// asBrowser is a server before which something makes all requests a browser's.
type asBrowser struct {
	mu       sync.Mutex
	status   int  // 403 for 1.6, 422 for 2.x
	strict   bool // norman refuses a request without the cookie, Cattle and steve let it through
	value    string
	requests []string
}

func (b *asBrowser) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c, err := r.Cookie("CSRF")
	b.requests = append(b.requests, fmt.Sprintf("%s %v %s", r.Method, err == nil, r.Header.Get("X-API-CSRF")))
	bad := err == nil && r.Method != "GET" && c.Value != r.Header.Get("X-API-CSRF")
	if err != nil {
		http.SetCookie(w, &http.Cookie{Name: "CSRF", Value: b.value, Path: "/"})
		bad = b.strict && r.Method != "GET"
	}
	if bad {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(b.status)
		fmt.Fprintf(w, `{"type":"error","status":%d,"code":"InvalidCSRFToken","message":"Invalid CSRF token"}`, b.status)
	}
}

func TestCSRF(t *testing.T) {
	t.Parallel()
	for name, b := range map[string]*asBrowser{
		"A.10": {status: 403, value: "0A1B2C3D4E"}, "A.10 strict": {status: 403, strict: true, value: "0A1B2C3D4E"}, "B.4 steve": {status: 422, value: "0123456789abcdef0123456789abcdef"},
		"B.4 norman": {status: 422, strict: true, value: "0123456789abcdef0123456789abcdef"},
	} {
		s := at("https://rancher.example", b.ServeHTTP)
		for _, method := range []string{"POST", "GET", "DELETE"} {
			a, err := s.do(t.Context(), call{op: "try", method: method, path: "/v3/things"})
			if err != nil || a.status != 200 {
				t.Errorf("%s: %s: %v", name, method, err)
			}
		}
		want := "POST false , GET true , DELETE true " + b.value
		if b.strict {
			want = "POST false , POST true " + b.value + ", GET true , DELETE true " + b.value
		}
		if got := strings.Join(b.requests, ", "); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// One that cannot be satisfied is asked twice at most.
func TestCSRFNever(t *testing.T) {
	t.Parallel()
	n := 0
	s := at("https://rancher.example", func(w http.ResponseWriter, r *http.Request) {
		n++
		http.SetCookie(w, &http.Cookie{Name: "CSRF", Value: fmt.Sprint(n)})
		w.WriteHeader(422)
		fmt.Fprint(w, `{"type":"error","code":"InvalidCSRFToken"}`)
	})
	if a, err := s.do(t.Context(), call{op: "try", method: "POST", path: "/v3"}); err != nil || a.status != 422 || n != 2 {
		t.Errorf("%v after %d requests", err, n)
	}
	// One that refuses for another reason is asked once,
	n = 0
	s = at("https://rancher.example", func(w http.ResponseWriter, r *http.Request) {
		n++
		http.SetCookie(w, &http.Cookie{Name: "CSRF", Value: "0a1b"})
		w.WriteHeader(422)
		fmt.Fprint(w, `{"type":"error","code":"InvalidBodyContent"}`)
	})
	if a, err := s.do(t.Context(), call{op: "try", method: "POST", path: "/v3"}); err != nil || a.status != 422 || n != 1 {
		t.Errorf("%v after %d requests", err, n)
	}
	// and so is one that sets no other cookie.
	n = 0
	s = at("https://rancher.example", func(w http.ResponseWriter, r *http.Request) {
		n++
		w.WriteHeader(403)
		fmt.Fprint(w, `{"type":"error","code":"InvalidCSRFToken"}`)
	})
	if a, err := s.do(t.Context(), call{op: "try", method: "POST", path: "/v3"}); err != nil || a.status != 403 || n != 1 {
		t.Errorf("%v after %d requests", err, n)
	}
}

func TestCSRFLearn(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		set  []string
		want string
	}{
		{"set", []string{"CSRF=0a1b; Path=/"}, "0a1b"},
		{"set twice", []string{"CSRF=0a1b", "CSRF=0a1c"}, "0a1c"},
		{"others", []string{"token=x", "csrf=y", "R_SESS=z"}, "before"},
		{"ended", []string{"CSRF=0a1b; Max-Age=-1; Expires=Wed, 10 Feb 1982 23:00:00 GMT"}, ""},
		{"emptied", []string{"CSRF=; Path=/"}, ""},
		{"too long", []string{"CSRF=" + strings.Repeat("a", longestCSRF+1)}, "before"},
		{"as long as may be", []string{"CSRF=" + strings.Repeat("a", longestCSRF)}, strings.Repeat("a", longestCSRF)},
		{"with a line in it", []string{"CSRF=a\r\nX: y"}, "before"},
	} {
		s := &Server{csrf: token.NewSecret("before")}
		s.learn(http.Header{"Set-Cookie": test.set})
		if got := s.cookie().Reveal(); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// Only the server itself sets it: not one that a Transport went to instead.
func TestCSRFFromElsewhere(t *testing.T) {
	t.Parallel()
	s := &Server{URL: "https://rancher.example", HTTP: &http.Client{Transport: elsewhereTrip{}}}
	if _, err := s.do(t.Context(), call{op: "try", method: "GET", path: "/v3"}); err == nil || !s.cookie().IsZero() {
		t.Errorf("%v, and learnt %q", err, s.cookie().Reveal())
	}
}

type elsewhereTrip struct{}

func (elsewhereTrip) RoundTrip(r *http.Request) (*http.Response, error) {
	other, err := http.NewRequestWithContext(r.Context(), "GET", "https://elsewhere.example/", nil)
	return &http.Response{StatusCode: 200, Body: http.NoBody, Request: other, Header: http.Header{"Set-Cookie": {"CSRF=0a1b"}}}, err
}

// What one server has set goes to no other, and in no request that a Transport
// sends elsewhere.
func TestCSRFToNobodyElse(t *testing.T) {
	t.Parallel()
	b := &asBrowser{status: 422, value: "0123456789abcdef0123456789abcdef"}
	one := at("https://rancher.example", b.ServeHTTP)
	other := at("https://other.example", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Cookie") != "" || r.Header.Get("X-API-CSRF") != "" {
			t.Errorf("sent: Cookie: %s, X-API-CSRF: %s", r.Header.Get("Cookie"), r.Header.Get("X-API-CSRF"))
		}
	})
	for range 2 {
		for _, s := range []*Server{one, other} {
			if _, err := s.do(t.Context(), call{op: "try", method: "POST", path: "/v3/things"}); err != nil {
				t.Error(err)
			}
		}
	}
	if one.cookie().IsZero() {
		t.Error("nothing was learnt")
	}
	src := token.Static(token.New(token.NewSecret("token-7d9xk:hunter2hunter2")))
	for name, api := range map[string]API{"V2Beta": &V2Beta{Server: one}, "V3": &V3{Server: one}} {
		for where, want := range map[string]string{"https://rancher.example/v3": "0a1b", "https://elsewhere.example/v3": ""} {
			tr, got := api.Transport(src), "nothing"
			tr.Base = tripFunc(func(r *http.Request) (*http.Response, error) {
				got = r.Header.Get("X-API-CSRF")
				return httptest.NewRecorder().Result(), nil
			})
			r, _ := http.NewRequestWithContext(t.Context(), "POST", where, nil)
			r.AddCookie(&http.Cookie{Name: "CSRF", Value: "0a1b"}) // a caller's own
			if _, err := tr.RoundTrip(r); err != nil || got != want {
				t.Errorf("%s: to %s went X-API-CSRF: %s, %v", name, where, got, err)
			}
		}
	}
}
