// Package strictjson reads JSON that decides something, such as the claims of a
// token: once, from front to back, and only if there is one way to read it.
//
// Parsers disagree. Of two members called "exp" one takes the first, another
// the last, and encoding/json takes "EXP" for either; half a surrogate pair
// becomes U+FFFD here and an error there. Where the program that checks a token
// and the program that uses it disagree, whoever wrote the token chooses. So a
// text with two such readings is refused, and so is one that is longer, deeper
// or has more members than its [Limits] allow.
//
//	r := strictjson.NewReader(text, strictjson.Limits{})
//	for name := range r.Object() {
//		switch name {
//		case "iss":
//			issuer = r.Text()
//		case "aud":
//			audience = r.Texts()
//		}
//	}
//	if err := r.End(); err != nil {
//		// Nothing read so far may be used.
//	}
//
// The loop reads the value of a member with one method, or leaves it to be
// checked and skipped. The first error sticks: every later read gives a zero
// value, every loop ends, and End returns it.
//
// Nothing is copied: what is read is a part of the text, unless it had escapes.
package strictjson

import (
	"iter"
	"strings"
)

// Limits bound what a Reader accepts. A zero field has a default that no
// sensible token reaches.
type Limits struct {
	Size  int // bytes in the text; 1 MiB by default
	Depth int // objects and arrays inside each other; 32 by default
	Count int // members and elements in the whole text; 4096 by default
}

// A Reader reads one JSON text. Make it with [NewReader]; do not copy it.
type Reader struct {
	text string
	pos  int // of the next byte that is no white space

	nested, depth, count int // containers open, how many may be, members still allowed

	member string // of the outermost object, where pos is
	err    *Error
}

// NewReader returns a Reader of text.
func NewReader(text string, limits Limits) Reader {
	orDefault := func(n, otherwise int) int {
		if n == 0 {
			return otherwise
		}
		return n
	}
	r := Reader{
		text:  text,
		depth: orDefault(limits.Depth, 32),
		count: orDefault(limits.Count, 4096),
	}
	switch {
	case len(text) > orDefault(limits.Size, 1<<20):
		r.fail(TooLong)
	case strings.HasPrefix(text, "\ufeff"):
		r.fail(ByteOrderMark)
	default:
		r.space()
	}
	return r
}

// Object reads an object, and yields the name of each member when its value is
// what the Reader reads next. A loop that is left early still has the rest
// checked.
func (r *Reader) Object() iter.Seq[string] {
	return func(yield func(string) bool) { r.object(yield) }
}

// object is Object for a yield that may be nil.
func (r *Reader) object(yield func(string) bool) {
	if !r.open(Object) {
		return
	}
	outermost := r.nested == 1
	var seen names
	for first := true; r.more('}', first); first = false {
		start := r.pos
		name := r.Text()
		if outermost {
			r.member = name
		}
		r.colon()
		if r.err == nil && !seen.add(name) {
			r.failAt(start, Twins)
		}
		if r.err != nil {
			return
		}
		value := r.pos
		if yield != nil && !yield(name) {
			yield = nil
		}
		if r.pos == value {
			r.Skip()
		}
	}
	if r.err != nil {
		return
	}
	if name, ok := seen.twin(); ok {
		if outermost {
			r.member = name
		}
		r.fail(Twins)
	}
	if outermost {
		r.member = ""
	}
}

// Array reads an array, and yields the index of each element when the element
// is what the Reader reads next. A loop that is left early still has the rest
// checked.
func (r *Reader) Array() iter.Seq[int] {
	return func(yield func(int) bool) { r.array(yield) }
}

// array is Array for a yield that may be nil.
func (r *Reader) array(yield func(int) bool) {
	if !r.open(Array) {
		return
	}
	for i := 0; r.more(']', i == 0); i++ {
		value := r.pos
		if yield != nil && !yield(i) {
			yield = nil
		}
		if r.pos == value {
			r.Skip()
		}
	}
}

// open steps into an object or an array.
func (r *Reader) open(k Kind) bool {
	if !r.want(k) {
		return false
	}
	if r.nested == r.depth {
		r.fail(TooDeep)
		return false
	}
	r.nested++
	r.pos++
	r.space()
	return true
}

// more steps to the next member or element, or past the closing bracket.
func (r *Reader) more(closing byte, first bool) bool {
	if r.err != nil {
		return false
	}
	if r.peek() == closing {
		r.nested--
		r.pos++
		r.space()
		return false
	}
	if !first {
		if r.peek() != ',' {
			r.syntax()
			return false
		}
		r.pos++
		r.space()
	}
	if r.count == 0 {
		r.fail(TooMany)
		return false
	}
	r.count--
	return true
}

// colon steps over what is between a name and its value.
func (r *Reader) colon() {
	if r.err != nil {
		return
	}
	if r.peek() != ':' {
		r.syntax()
		return
	}
	r.pos++
	r.space()
}

// End reports whether the text was one value and nothing else, all of it good.
// The error is an [*Error].
func (r *Reader) End() error {
	if r.err == nil && r.pos < len(r.text) {
		r.fail(Trailing)
	}
	return r.Err()
}

// Err returns the first error so far, an [*Error], or nil.
func (r *Reader) Err() error {
	if r.err == nil {
		return nil
	}
	return r.err
}
