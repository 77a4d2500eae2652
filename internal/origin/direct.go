package origin

import "net/http"

// Direct reports whether base is known to send r without a proxy, which would
// get it in the clear if it is not encrypted. Known are an [http.Transport] and
// wrappers with a method WrappedRoundTripper() http.RoundTripper.
func Direct(base http.RoundTripper, r *http.Request) bool {
	for range 100 { // a wrapper may return itself
		switch b := base.(type) {
		case *http.Transport:
			if b.Proxy == nil {
				return true
			}
			proxy, err := b.Proxy(r)
			return proxy == nil && err == nil
		case interface{ WrappedRoundTripper() http.RoundTripper }:
			base = b.WrappedRoundTripper()
		default:
			return false
		}
	}
	return false
}
