// Package origin tells where a request goes and whether its chain of redirects
// has stayed there. Whatever sends a credential, or believes an answer, decides
// by it.
package origin

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// An Origin is where a request goes (RFC 6454), spelt in one way so that ==
// compares: lower case, the port always given. The zero Origin is that of a URL
// which does not say where it goes, and stands for no place.
type Origin struct{ scheme, host, port string }

// Of returns where a request for u goes. An opaque URL gives the zero Origin:
// its text goes on the request line as it is, where it can name another host
// than the one that is dialed.
func Of(u *url.URL) Origin {
	if u == nil || u.Scheme == "" || u.Host == "" || u.Opaque != "" {
		return Origin{}
	}
	o := Origin{scheme: lower(u.Scheme), host: lower(u.Hostname()), port: u.Port()}
	if o.port == "" {
		o.port = defaultPort[o.scheme]
	}
	return o
}

var defaultPort = map[string]string{"http": "80", "https": "443"}

// Parse reads "scheme://host[:port]", where scheme is http or https. Its error
// does not quote s, which may hold a password, and is for the caller to
// complete.
func Parse(s string) (Origin, error) {
	u, err := url.Parse(s)
	if err != nil || u.User != nil || u.Path != "" || u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#") ||
		u.Hostname() == "" || defaultPort[u.Scheme] == "" {
		return Origin{}, errors.New(`not of the form scheme://host[:port], such as "https://api.example" or "https://api.example:8443"`)
	}
	return Of(u), nil
}

// String returns o without the port that goes without saying.
func (o Origin) String() string {
	host := o.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if o.port != defaultPort[o.scheme] {
		host = net.JoinHostPort(o.host, o.port)
	}
	return o.scheme + "://" + host
}

// Address returns u as errors show it, without what may be a secret in it: the
// user and the query.
func Address(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}

// Encrypted reports whether the way to o is https.
func (o Origin) Encrypted() bool { return o.scheme == "https" }

// Plain reports whether the way to o is http.
func (o Origin) Plain() bool { return o.scheme == "http" }

// Loopback reports whether o is on this machine, by a literal address: a name
// such as localhost may be anyone's.
func (o Origin) Loopback() bool {
	addr, err := netip.ParseAddr(o.host)
	return err == nil && addr.Unmap().IsLoopback()
}

// Names reports whether r goes to o by its Host header too. Servers that have
// several names choose between them by that header, and so do proxies asked for
// a plain HTTP URL, whatever host the URL names.
func (o Origin) Names(r *http.Request) bool {
	if r.Host == "" || r.Host == r.URL.Host {
		return true
	}
	return Of(&url.URL{Scheme: r.URL.Scheme, Host: r.Host}) == o
}

// maxHops is the longest chain of redirects that is followed back. Clients
// follow ten; a longer one is a request that was made its own predecessor.
const maxHops = 100

// Stayed reports whether r and every request before it in its chain of
// redirects is for o, and, if there is a function also, passes that.
func (o Origin) Stayed(r *http.Request, also func(*http.Request) bool) bool {
	for range maxHops {
		if r == nil {
			return false // where it has been nobody knows
		}
		if o == (Origin{}) || Of(r.URL) != o || also != nil && !also(r) {
			return false
		}
		if r.Response == nil {
			return true
		}
		r = r.Response.Request
	}
	return false
}

// lower folds the case of ASCII letters only, byte by byte: Unicode has letters
// outside ASCII whose lower case is within, and what is not UTF-8 must stay as
// different as it is.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
