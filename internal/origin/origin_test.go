package origin

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestOf(t *testing.T) {
	for _, test := range []struct{ url, want string }{
		{"https://API.example/x?y#z", "https://api.example"},
		{"HTTPS://api.example:443", "https://api.example"},
		{"http://api.example:443", "http://api.example:443"},
		{"https://[2001:DB8::1]", "https://[2001:db8::1]"},
		{"https://user:pw@api.example:8443", "https://api.example:8443"},
		{"https://\u212Aube.example", "https://\u212Aube.example"}, // KELVIN SIGN stays itself
	} {
		u, err := url.Parse(test.url)
		if err != nil {
			t.Fatal(err)
		}
		if got := Of(u).String(); got != test.want {
			t.Errorf("Of(%q) = %s, want %s", test.url, got, test.want)
		}
	}
	for _, u := range []*url.URL{nil, {}, {Scheme: "https"}, {Host: "x"}, {Scheme: "https", Host: "x", Opaque: "//evil/"}} {
		if Of(u) != (Origin{}) {
			t.Errorf("Of(%v) = %v, want none", u, Of(u))
		}
	}
}

func TestAddress(t *testing.T) {
	u, err := url.Parse("https://user:hunter2@api.example:8443/a%2Fb/c?key=hunter2#hunter2")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := Address(u), "https://api.example:8443/a%2Fb/c"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// What is not UTF-8 is not made equal.
func TestBytes(t *testing.T) {
	if Of(&url.URL{Scheme: "https", Host: "a\xfe"}) == Of(&url.URL{Scheme: "https", Host: "a\xff"}) {
		t.Error("two hosts are one")
	}
}

func TestParse(t *testing.T) {
	for _, s := range []string{"https://api.example", "https://api.example:8443", "http://127.0.0.1:80", "https://[::1]"} {
		if _, err := Parse(s); err != nil {
			t.Errorf("Parse(%q): %v", s, err)
		}
	}
	for _, s := range []string{"", "api.example", "https://", "https://:443", "https://api.example/", "https://api.example?", "https://api.example#",
		"https://u:hunter2@api.example", "ftp://api.example", "https:api.example", "https://api.example\n", "*"} {
		if o, err := Parse(s); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Parse(%q) = %v, %v", s, o, err)
		}
	}
}

func TestLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"127.0.0.1": true, "127.8.9.10": true, "[::1]": true, "[::ffff:127.0.0.1]": true,
		"localhost": false, "127.1": false, "2130706433": false, "0.0.0.0": false, "[::]": false, "[::ffff:10.0.0.1]": false, "127.0.0.1.example": false,
	} {
		if got := Of(&url.URL{Scheme: "http", Host: host}).Loopback(); got != want {
			t.Errorf("%s: %t, want %t", host, got, want)
		}
	}
}

// chain returns the last request of a chain of redirects.
func chain(t *testing.T, urls ...string) *http.Request {
	var r *http.Request
	for _, u := range urls {
		next, err := http.NewRequest("GET", u, nil)
		if err != nil {
			t.Fatal(err)
		}
		if r != nil {
			next.Response = &http.Response{Request: r}
		}
		r = next
	}
	return r
}

func TestStayed(t *testing.T) {
	const a, a2, b, plain = "https://a.example/1", "https://A.example:443/2", "https://b.example/", "http://a.example/1"
	home := Of(&url.URL{Scheme: "https", Host: "a.example"})
	for _, test := range []struct {
		urls []string
		want bool
	}{
		{[]string{a}, true}, {[]string{a, a2, a}, true},
		{[]string{b}, false}, {[]string{a, b}, false}, {[]string{b, a}, false}, {[]string{a, b, a}, false}, {[]string{a, plain, a}, false},
	} {
		if got := home.Stayed(chain(t, test.urls...), nil); got != test.want {
			t.Errorf("%v: %t, want %t", test.urls, got, test.want)
		}
	}
	lost := chain(t, a)
	lost.Response = new(http.Response)
	ring := chain(t, a)
	ring.Response = &http.Response{Request: ring}
	if home.Stayed(lost, nil) || home.Stayed(ring, nil) || home.Stayed(nil, nil) {
		t.Error("a chain without a beginning has not stayed")
	}
	opaque := chain(t, a)
	opaque.URL.Opaque = "//evil/"
	if (Origin{}).Stayed(opaque, nil) {
		t.Error("the zero Origin is no place to stay at")
	}
	if home.Stayed(chain(t, a, a2), func(r *http.Request) bool { return r.URL.Path != "/1" }) {
		t.Error("a hop that does not pass has not stayed")
	}
}

func TestNames(t *testing.T) {
	home := Of(&url.URL{Scheme: "https", Host: "a.example"})
	for host, want := range map[string]bool{"": true, "a.example": true, "A.EXAMPLE:443": true, "b.example": false, "a.example:8443": false} {
		r := chain(t, "https://a.example/")
		r.Host = host
		if got := home.Names(r); got != want {
			t.Errorf("Host %q: %t, want %t", host, got, want)
		}
	}
}
