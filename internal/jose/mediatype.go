package jose

import "strings"

// SameType reports whether two media types, as typ and cty have them, are the
// same: in whatever case, with or without "application/" (RFC 7515, sections
// 4.1.9 and 4.1.10).
func SameType(a, b string) bool {
	a, b = shortType(a), shortType(b)
	// Of the same length, so that no letter beyond ASCII passes for one in it.
	return len(a) == len(b) && strings.EqualFold(a, b)
}

func shortType(t string) string {
	const application = "application/"
	if len(t) > len(application) && strings.EqualFold(t[:len(application)], application) {
		return t[len(application):]
	}
	return t
}
