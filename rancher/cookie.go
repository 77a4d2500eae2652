package rancher

import (
	"net/http"
	"strings"
)

// dropCookie takes the cookies of a name off a request, in any case: 1.6 takes the
// first there is.
func dropCookie(r *http.Request, name string) {
	for key, lines := range r.Header {
		if !strings.EqualFold(key, "cookie") {
			continue
		}
		var kept []string
		for _, line := range lines {
			var pairs []string
			for pair := range strings.SplitSeq(line, ";") {
				pair = strings.TrimSpace(pair)
				other, _, _ := strings.Cut(pair, "=")
				if pair != "" && !strings.EqualFold(strings.TrimSpace(other), name) {
					pairs = append(pairs, pair)
				}
			}
			if len(pairs) > 0 {
				kept = append(kept, strings.Join(pairs, "; "))
			}
		}
		delete(r.Header, key)
		if len(kept) > 0 {
			r.Header[key] = kept
		}
	}
}
