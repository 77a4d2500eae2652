package strictjson

import "strings"

// A Kind is a kind of JSON value.
type Kind int

// The kinds of values. Invalid is what is no value.
const (
	Invalid Kind = iota
	Object
	Array
	String
	Number
	Bool
	Null
)

// String returns k with its article.
func (k Kind) String() string {
	switch k {
	case Object:
		return "an object"
	case Array:
		return "an array"
	case String:
		return "a string"
	case Number:
		return "a number"
	case Bool:
		return "true or false"
	case Null:
		return "null"
	}
	return "no value"
}

// Kind returns the kind of the value that comes next, going by its first byte,
// and reads nothing.
func (r *Reader) Kind() Kind {
	if r.err != nil {
		return Invalid
	}
	switch c := r.peek(); c {
	case '{':
		return Object
	case '[':
		return Array
	case '"':
		return String
	case 't', 'f':
		return Bool
	case 'n':
		return Null
	default:
		if c == '-' || isDigit(c) {
			return Number
		}
		return Invalid
	}
}

// want reports whether the next value is of kind k, and fails if it is not.
func (r *Reader) want(k Kind) bool {
	switch got := r.Kind(); {
	case r.err != nil:
		return false
	case got == k:
		return true
	case got == Invalid:
		r.syntax()
	default:
		r.fail(Reason(got.String() + " where " + k.String() + " must be"))
	}
	return false
}

// Text reads a string.
func (r *Reader) Text() string {
	if !r.want(String) {
		return ""
	}
	body, escaped := r.scanString()
	if escaped && r.err == nil {
		return unescape(body)
	}
	return body
}

// Texts reads an array of strings. It is not nil, even if empty.
func (r *Reader) Texts() []string {
	texts := []string{}
	for range r.Array() {
		texts = append(texts, r.Text())
	}
	if r.err != nil {
		return nil
	}
	return texts
}

// Number reads a number and returns it as it is written. What it is worth, and
// whether it fits, is for the caller to say.
func (r *Reader) Number() string {
	if !r.want(Number) {
		return ""
	}
	return r.scanNumber()
}

// Bool reads true or false.
func (r *Reader) Bool() bool {
	if !r.want(Bool) {
		return false
	}
	if r.peek() == 't' {
		r.literal("true")
		return r.err == nil
	}
	r.literal("false")
	return false
}

// Null reads null.
func (r *Reader) Null() {
	if r.want(Null) {
		r.literal("null")
	}
}

func (r *Reader) literal(word string) {
	if !strings.HasPrefix(r.text[r.pos:], word) {
		r.fail(NotJSON)
		return
	}
	r.pos += len(word)
	r.space()
}

// Skip checks a value of any kind and steps over it.
func (r *Reader) Skip() {
	switch r.Kind() {
	case Object:
		r.object(nil)
	case Array:
		r.array(nil)
	case String:
		r.scanString()
	case Number:
		r.scanNumber()
	case Bool:
		r.Bool()
	case Null:
		r.Null()
	default:
		r.syntax()
	}
}

// Raw checks a value of any kind and returns it as it is written.
func (r *Reader) Raw() string {
	start := r.pos
	r.Skip()
	if r.err != nil {
		return ""
	}
	return strings.TrimRight(r.text[start:r.pos], " \t\r\n")
}
