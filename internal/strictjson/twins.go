package strictjson

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// few is how many names are compared with each other one by one.
const few = 16

// names are those of one object, of which no two may be alike: encoding/json
// would store the members of both in the same field.
//
// Nearly every object has few of them, which are looked through each time. Those
// beyond are sorted when the object ends, so that no text makes comparing them
// quadratic.
type names struct {
	list [few]string
	n    int
	more []string // folded
}

// add reports whether name is unlike those before it, as far as that is known
// already.
func (s *names) add(name string) bool {
	if s.n == few {
		s.more = append(s.more, fold(name))
		return true
	}
	for _, other := range s.list[:s.n] {
		if mayBeTwins(name, other) && strings.EqualFold(name, other) {
			return false
		}
	}
	s.list[s.n] = name
	s.n++
	return true
}

// mayBeTwins reports false for most pairs of different names: ASCII letters that
// fold to each other differ in one bit.
func mayBeTwins(a, b string) bool {
	const other = 'a' - 'A'
	return a == "" || b == "" || (a[0]|b[0]) >= utf8.RuneSelf || a[0]|other == b[0]|other
}

// twin returns a name, folded, that occurs twice without add having said so.
func (s *names) twin() (name string, ok bool) {
	if s.more == nil {
		return "", false
	}
	for _, name := range s.list {
		s.more = append(s.more, fold(name))
	}
	slices.Sort(s.more)
	for i, name := range s.more[1:] {
		if name == s.more[i] {
			return name, true
		}
	}
	return "", false
}

// fold returns the same string for all names that strings.EqualFold finds
// equal. A name of lower-case ASCII is returned as it is.
func fold(name string) string {
	return strings.Map(foldRune, name)
}

func foldRune(r rune) rune {
	if 'a' <= r && r <= 'z' {
		return r
	}
	// The least of those that fold to each other; but if that is an ASCII
	// letter, then the lower-case one.
	least := r
	for c := unicode.SimpleFold(r); c != r; c = unicode.SimpleFold(c) {
		least = min(least, c)
	}
	if least < utf8.RuneSelf {
		least = unicode.ToLower(least)
	}
	return least
}
