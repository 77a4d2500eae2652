package session

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/tokenlife/tokenlife/token"
)

// errNoCookie is why there is no session in most requests that have none.
var errNoCookie = fmt.Errorf("%w: no cookie", ErrNoSession)

// carried has the cookies of one Manager in a request, by their numbers.
type carried [maxCookies]struct {
	value string
	times int // that there is one
}

// carriedBy finds the cookies of the Manager called name in r.
func carriedBy(r *http.Request, name string) (c carried) {
	for _, line := range r.Header["Cookie"] {
		for line != "" {
			var pair string
			pair, line, _ = strings.Cut(line, ";")
			cookie, value, _ := strings.Cut(strings.Trim(pair, " \t"), "=")
			if i, ours := cookieNumber(cookie, name); ours {
				c[i].value = value
				c[i].times++
			}
		}
	}
	return c
}

// readCookies returns what is sealed in the cookies of the Manager called name,
// and the place that it must be sealed for: that tells whether the cookies belong
// together. Until then only their sizes and the shape of their beginnings count.
func readCookies(r *http.Request, name string) (text, place string, err error) {
	c := carriedBy(r, name)
	if c == (carried{}) {
		return "", "", errNoCookie
	}
	first, err := c.value(0)
	if err != nil {
		return "", "", err
	}
	if strings.HasPrefix(first, "ey") { // {", which every JWE begins with
		return first, "1", nil
	}
	digits, rest, _ := strings.Cut(first, ".")
	set, _, found := strings.Cut(rest, ".")
	if !found || len(set) != setSize || len(digits) != 1 || digits[0] < '2' || digits[0] > '0'+maxCookies {
		return "", "", fmt.Errorf("%w: the cookie does not begin as one of several does, nor as the only one", token.ErrMalformed)
	}
	count := int(digits[0] - '0')
	var b strings.Builder
	b.Grow(count * len(first))
	for i := range count {
		value, err := c.value(i)
		if err != nil {
			return "", "", err
		}
		if i == 0 {
			value = rest
		}
		chunk, ours := strings.CutPrefix(value, rest[:setSize+1])
		if !ours {
			return "", "", fmt.Errorf("%w: cookie %d of %d is of another set", token.ErrMalformed, i+1, count)
		}
		b.WriteString(chunk)
	}
	return b.String(), first[:len("3.")+setSize], nil
}

// value returns the value of cookie i.
func (c *carried) value(i int) (string, error) {
	switch found := c[i]; {
	case found.times == 0:
		return "", fmt.Errorf("%w: cookie %d is missing", token.ErrMalformed, i+1)
	case found.times > 1:
		return "", fmt.Errorf("%w: cookie %d is there %d times", token.ErrMalformed, i+1, found.times)
	case len(found.value) > maxLine:
		return "", fmt.Errorf("%w: cookie %d has %d bytes, more than are ever set", token.ErrMalformed, i+1, len(found.value))
	default:
		return found.value, nil
	}
}
