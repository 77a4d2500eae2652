package skew

import (
	"net/http"
	"strings"
	"testing"
)

// Where an answer must come from.
func TestTransportOrigins(t *testing.T) {
	t.Parallel()
	// chain returns a request for the last URL, redirected from the others.
	chain := func(t *testing.T, urls ...string) *http.Request {
		var r *http.Request
		for _, u := range urls {
			next := get(t, u)
			if r != nil {
				next.Response = &http.Response{StatusCode: 302, Request: r}
			}
			r = next
		}
		return r
	}
	for _, tt := range []struct {
		name   string
		pin    string
		urls   []string // asked, one redirected to the next
		from   []string // answered, if elsewhere; empty: the base does not say
		learns bool
	}{
		{"https", "", []string{"https://a.example/"}, nil, true},
		{"http", "", []string{"http://a.example/"}, nil, false},
		{"http, loopback", "", []string{"http://127.0.0.1:8080/"}, nil, true},
		{"http, other loopback", "", []string{"http://127.8.8.8/"}, nil, true},
		{"http, IPv6 loopback", "", []string{"http://[::1]:8080/"}, nil, true},
		{"http, mapped loopback", "", []string{"http://[::ffff:127.0.0.1]/"}, nil, true},
		{"http, a name for loopback", "", []string{"http://localhost/"}, nil, false},
		{"http, a name that looks like it", "", []string{"http://127.0.0.1.a.example/"}, nil, false},
		{"http, private address", "", []string{"http://10.0.0.1/"}, nil, false},
		{"other scheme", "", []string{"ftp://127.0.0.1/"}, nil, false},
		{"redirected within", "", []string{"https://a.example/", "https://a.example/b", "https://A.example:443/c"}, nil, true},
		{"redirected away", "", []string{"https://a.example/", "https://b.example/"}, nil, false},
		{"redirected away and back", "", []string{"https://a.example/", "https://b.example/", "https://a.example/"}, nil, false},
		{"redirected to another port", "", []string{"https://a.example/", "https://a.example:8443/"}, nil, false},
		{"redirected to http", "", []string{"https://127.0.0.1/", "http://127.0.0.1/"}, nil, false},
		{"redirected from http", "", []string{"http://a.example/", "https://a.example/"}, nil, false},
		{"base does not say who answered", "", []string{"https://a.example/", "https://a.example/b"}, []string{}, true},
		{"base does not say who answered, redirected", "", []string{"https://a.example/", "https://b.example/"}, []string{}, false},
		{"base does not say who answered, redirected and back", "", []string{"https://a.example/", "https://b.example/", "https://a.example/"}, []string{}, false},
		{"answered from elsewhere", "", []string{"https://a.example/"}, []string{"https://b.example/"}, false},
		{"answered after a detour", "", []string{"https://a.example/"}, []string{"https://b.example/", "https://a.example/"}, false},
		{"answered after redirects within", "", []string{"https://a.example/"}, []string{"https://a.example/", "https://a.example/b"}, true},

		{"pinned", "https://a.example", []string{"https://a.example/x"}, nil, true},
		{"pinned, port", "https://a.example:443", []string{"https://a.example/x"}, nil, true},
		{"pinned, case", "HTTPS://A.example", []string{"https://a.example/x"}, nil, true},
		{"pinned, loopback", "http://127.0.0.1:80", []string{"http://127.0.0.1/x"}, nil, true},
		{"pinned, other host", "https://a.example", []string{"https://b.example/"}, nil, false},
		{"pinned, other port", "https://a.example:8443", []string{"https://a.example/"}, nil, false},
		{"pinned, other scheme", "https://127.0.0.1", []string{"http://127.0.0.1/"}, nil, false},
		{"pinned, a longer name", "https://a.example", []string{"https://a.example.evil.example/"}, nil, false},
		{"pinned, a user in the URL", "https://a.example", []string{"https://a.example@evil.example/"}, nil, false},
		{"pinned, redirected to it", "https://a.example", []string{"https://b.example/", "https://a.example/"}, nil, false},
		{"pinned, redirected from it", "https://a.example", []string{"https://a.example/", "https://b.example/"}, nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := Clock{Origin: tt.pin}
			ignored := ignoredBy(&c)
			rt := c.Transport(roundTrip(func(r *http.Request) (*http.Response, error) {
				if tt.from != nil {
					r = chain(t, tt.from...)
				}
				return answer(r, 200, nil), nil
			}))
			if _, err := rt.RoundTrip(chain(t, tt.urls...)); err != nil {
				t.Fatal(err)
			}
			if learned := c.Estimate().Samples == 1; learned != tt.learns {
				t.Errorf("learned: %t, want %t", learned, tt.learns)
			}
			if len(*ignored) != 0 {
				t.Errorf("reported %v", *ignored)
			}
		})
	}
}

// An Origin that is none must not mean any.
func TestTransportBadOrigin(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ origin, want string }{
		{"a.example", "scheme://host[:port]"},
		{"a.example:443", "scheme://host[:port]"},
		{"https://", "nothing is observed"},
		{"https://u:hunter2@a.example", "scheme://host[:port]"},
		{"https://a.example/", "scheme://host[:port]"},
		{"https://a.example/path", "scheme://host[:port]"},
		{"https://a.example?q", "scheme://host[:port]"},
		{"https://a.example#f", "scheme://host[:port]"},
		{"https://a.example\x00hunter2", "scheme://host[:port]"},
		{"http://a.example", "neither https nor a literal loopback address"},
		{"http://localhost:8080", "neither https nor a literal loopback address"},
	} {
		c := Clock{Origin: tt.origin}
		ignored := ignoredBy(&c)
		rt := c.Transport(roundTrip(func(r *http.Request) (*http.Response, error) { return answer(r, 200, nil), nil }))
		if _, err := rt.RoundTrip(get(t, "https://a.example/")); err != nil {
			t.Fatal(err)
		}
		if got := c.Estimate().Samples; got != 0 {
			t.Errorf("Origin %q: observed", tt.origin)
		}
		if len(*ignored) != 1 || !strings.Contains((*ignored)[0].err.Error(), tt.want) || strings.Contains((*ignored)[0].err.Error(), "hunter2") {
			t.Errorf("Origin %q: reported %v, want one error with %q", tt.origin, *ignored, tt.want)
		}
	}
}
