package strictjson

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// peek returns the next byte, or 0, which no JSON has outside a string, at the
// end.
func (r *Reader) peek() byte {
	if r.pos >= len(r.text) {
		return 0
	}
	return r.text[r.pos]
}

// space steps over white space.
func (r *Reader) space() {
	for r.pos < len(r.text) {
		switch r.text[r.pos] {
		case ' ', '\t', '\r', '\n':
			r.pos++
		default:
			return
		}
	}
}

// plain are the bytes that need no second look inside a string.
var plain = func() (p [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		p[c] = c != '"' && c != '\\'
	}
	return p
}()

// scanString checks a string and returns what is between its quotes, and
// whether that has escapes in it.
func (r *Reader) scanString() (body string, escaped bool) {
	start := r.pos + 1
	ascii := true
	for i := start; i < len(r.text); i++ {
		c := r.text[i]
		if plain[c] {
			continue
		}
		switch {
		case c == '"':
			body = r.text[start:i]
			if !ascii && !utf8.ValidString(body) {
				r.failAt(start, NotUTF8)
				return "", false
			}
			r.pos = i + 1
			r.space()
			return body, escaped
		case c == '\\':
			escaped = true
			n, why := escape(r.text[i:])
			if why != "" {
				r.failAt(i, why)
				return "", false
			}
			i += n - 1
		case c >= utf8.RuneSelf:
			ascii = false
		default: // a control character
			r.failAt(i, NotJSON)
			return "", false
		}
	}
	r.failAt(len(r.text), TooShort)
	return "", false
}

// escape returns the length of the escape sequence that s begins with; a
// surrogate pair is one.
func escape(s string) (n int, why Reason) {
	if len(s) < 2 {
		return 0, TooShort
	}
	switch s[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, ""
	case 'u':
	default:
		return 0, NotJSON
	}
	c, why := unit(s)
	if why != "" || !utf16.IsSurrogate(c) {
		return 6, why
	}
	// After half a pair anything but the other half is refused, and that the
	// rest of s is no JSON is found later, or never matters.
	low, why := unit(s[6:])
	if why != "" || utf16.DecodeRune(c, low) == utf8.RuneError {
		return 0, HalfPair
	}
	return 12, ""
}

// unit returns the UTF-16 code unit of the \uXXXX that s begins with.
func unit(s string) (c rune, why Reason) {
	if len(s) < 6 {
		return 0, TooShort
	}
	if s[0] != '\\' || s[1] != 'u' {
		return 0, NotJSON
	}
	for i := 2; i < 6; i++ {
		switch d := rune(s[i]); {
		case '0' <= d && d <= '9':
			c = c<<4 | (d - '0')
		case 'a' <= d && d <= 'f':
			c = c<<4 | (d - 'a' + 10)
		case 'A' <= d && d <= 'F':
			c = c<<4 | (d - 'A' + 10)
		default:
			return 0, NotJSON
		}
	}
	return c, ""
}

// unescape returns what s, checked by scanString, stands for.
func unescape(s string) string {
	b := make([]byte, 0, len(s))
	for {
		i := strings.IndexByte(s, '\\')
		if i < 0 {
			return string(append(b, s...))
		}
		b = append(b, s[:i]...)
		s = s[i:]
		n := 2
		switch c := s[1]; c {
		case 'b':
			b = append(b, '\b')
		case 'f':
			b = append(b, '\f')
		case 'n':
			b = append(b, '\n')
		case 'r':
			b = append(b, '\r')
		case 't':
			b = append(b, '\t')
		case 'u':
			n = 6
			char, _ := unit(s)
			if utf16.IsSurrogate(char) {
				n = 12
				low, _ := unit(s[6:])
				char = utf16.DecodeRune(char, low)
			}
			b = utf8.AppendRune(b, char)
		default:
			b = append(b, c)
		}
		s = s[n:]
	}
}

// scanNumber checks a number by the grammar of RFC 8259, section 6, and returns
// it. One that is too large for a float64 is refused: it is an error to some
// readers, infinite to others, and what it says to the rest.
func (r *Reader) scanNumber() string {
	start := r.pos
	if r.peek() == '-' {
		r.pos++
	}
	if r.peek() == '0' { // stands alone
		r.pos++
	} else {
		r.digits()
	}
	if r.peek() == '.' {
		r.pos++
		r.digits()
	}
	if c := r.peek(); c == 'e' || c == 'E' {
		r.pos++
		if c := r.peek(); c == '+' || c == '-' {
			r.pos++
		}
		r.digits()
	}
	if r.err != nil {
		return ""
	}
	number := r.text[start:r.pos]
	if len(number) > 308 || strings.ContainsAny(number, "eE") { // 10^308 has more digits
		if _, err := strconv.ParseFloat(number, 64); err != nil {
			r.failAt(start, TooLarge)
			return ""
		}
	}
	r.space()
	return number
}

// digits steps over one digit or more.
func (r *Reader) digits() {
	if !isDigit(r.peek()) {
		r.syntax()
		return
	}
	for isDigit(r.peek()) {
		r.pos++
	}
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
