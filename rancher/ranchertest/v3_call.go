package ranchertest

import (
	"net/http"
	"strings"
)

// A v3Call is a request that is being answered.
type v3Call struct {
	*http.Request
	body    []byte
	bodyErr error // it is too long, or ended early

	token *v3Token // that it came with, if it is good
	user  *v3User  // whose token it is

	vars   map[string]string // the parts of the path that a route has names for
	header http.Header       // is added to whatever is answered
}

// set adds a header field to the answer.
func (c *v3Call) set(key, value string) {
	if c.header == nil {
		c.header = http.Header{}
	}
	c.header.Add(key, value)
}

// action is what is to be done to a resource, other than what the method says.
func (c *v3Call) action() string {
	if c.Method != http.MethodPost {
		return ""
	}
	return c.URL.Query().Get("action")
}

// below reports whether the request's path is one of the prefixes, or below one.
func (c *v3Call) below(prefixes ...string) bool {
	for _, p := range prefixes {
		if c.URL.Path == p || strings.HasPrefix(c.URL.Path, p+"/") {
			return true
		}
	}
	return false
}

// isBrowser reports whether Rancher takes the client for a browser, and one that
// wants a page if page is set.
func (c *v3Call) isBrowser(page bool) bool {
	return strings.Contains(strings.ToLower(c.UserAgent()), "mozilla") &&
		(!page || strings.Contains(strings.ToLower(c.Header.Get("Accept")), "text/html"))
}
