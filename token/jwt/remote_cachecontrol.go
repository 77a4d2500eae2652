package jwt

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// What an issuer says of how long its set is good is believed within these
// bounds: less would be a burden to it, more would leave a withdrawn key in use.
const (
	minLife = time.Minute
	maxLife = 24 * time.Hour
)

// lifetime returns how long an answer with the header h is good (RFC 9111,
// sections 4.2 and 5.2.2), and otherwise if it does not say.
func lifetime(h http.Header, otherwise time.Duration) time.Duration {
	age, said := time.Duration(0), false
	for name, value := range directives(strings.Join(h.Values("Cache-Control"), ",")) {
		switch name {
		case "no-store", "no-cache":
			return minLife
		case "max-age":
			// What is no number is stale (section 4.2.1), and of two the
			// cautious one counts.
			seconds, _ := deltaSeconds(value)
			if !said || seconds < age {
				age, said = seconds, true
			}
		}
	}
	if !said {
		return otherwise
	}
	// How long a cache has had it already (section 5.1).
	if passed, ok := deltaSeconds(h.Get("Age")); ok {
		age -= passed
	}
	return min(max(age, minLife), maxLife)
}

// directives yields the directives of a Cache-Control header, names in lower
// case and values without quotes.
func directives(text string) func(yield func(name, value string) bool) {
	return func(yield func(name, value string) bool) {
		for text != "" {
			var item string
			item, text = cutItem(text)
			name, value, _ := strings.Cut(item, "=")
			name = strings.ToLower(strings.TrimSpace(name))
			value = strings.Trim(strings.TrimSpace(value), `"`)
			if name != "" && !yield(name, value) {
				return
			}
		}
	}
}

// cutItem cuts text at the first comma that is not within quotes.
func cutItem(text string) (item, rest string) {
	inside := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			inside = !inside
		case c == '\\' && inside:
			i++
		case c == ',' && !inside:
			return text[:i], text[i+1:]
		}
	}
	return text, ""
}

// deltaSeconds reads a number of seconds (section 1.2.2). What is more than 31
// bits can hold counts as what they can.
func deltaSeconds(s string) (time.Duration, bool) {
	if strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, _ := strconv.ParseUint(s, 10, 31)
	return time.Duration(n) * time.Second, true
}
