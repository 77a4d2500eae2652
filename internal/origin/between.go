package origin

import (
	"net/http"
	"net/url"
)

// Unproved says why somebody on the way to u can have answered in its place, where base
// carried the request; empty if nobody can, as far as is known.
func Unproved(base http.RoundTripper, u *url.URL) (why string) {
	if to := Of(u); !to.Encrypted() {
		if to.Loopback() {
			return ""
		}
		return "perhaps anybody on the way: it is http"
	}
	quietly(func() {
		t := transportOf(base)
		if t == nil || t.TLSClientConfig == nil {
			return
		}
		if c := t.TLSClientConfig; c.InsecureSkipVerify && c.VerifyConnection == nil && c.VerifyPeerCertificate == nil {
			why = "perhaps anybody on the way: nothing verifies the server's certificate (InsecureSkipVerify)"
		}
	})
	return why
}

// ProxyPassword returns the password that a proxy gets on the way to u, and may repeat
// when it refuses; empty if none is known.
func ProxyPassword(base http.RoundTripper, u *url.URL) (password string) {
	quietly(func() {
		t := transportOf(base)
		if t == nil || t.Proxy == nil {
			return
		}
		proxy, err := t.Proxy(&http.Request{Method: http.MethodGet, URL: u, Header: http.Header{}})
		if err == nil && proxy != nil {
			password, _ = proxy.User.Password()
		}
	})
	return password
}

// quietly calls f, which calls what others have put around a Transport. What panics
// there has done so in requests already, where it was told.
func quietly(f func()) {
	defer func() { _ = recover() }()
	f()
}
