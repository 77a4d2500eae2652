package origin

import "net/http"

// Direct reports whether base is known to send r without a proxy, which would
// get it in the clear if it is not encrypted.
func Direct(base http.RoundTripper, r *http.Request) bool {
	t := transportOf(base)
	if t == nil {
		return false
	}
	if t.Proxy == nil {
		return true
	}
	proxy, err := t.Proxy(r)
	return proxy == nil && err == nil
}

// transportOf returns the [http.Transport] that base is, or that is known to be in it:
// that of wrappers with a method WrappedRoundTripper() http.RoundTripper. Nil means that
// none is known.
func transportOf(base http.RoundTripper) *http.Transport {
	for range 100 { // a wrapper may return itself
		switch b := base.(type) {
		case *http.Transport:
			return b
		case interface{ WrappedRoundTripper() http.RoundTripper }:
			base = b.WrappedRoundTripper()
		default:
			return nil
		}
	}
	return nil
}
