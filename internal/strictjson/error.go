package strictjson

import (
	"errors"
	"fmt"
	"strings"
)

// An Error says where a text was refused and why. Its message has nothing of
// the text in it.
type Error struct {
	Reason Reason
	Offset int // in bytes

	// Member is the name of the outermost object's member in which the fault
	// is; empty if it is in none. It is part of the text, and whoever wrote the
	// text chose it: print it only if it is one that you know.
	Member string
}

// Error returns the reason and the offset.
func (e *Error) Error() string { return fmt.Sprintf("%s (byte %d)", e.Reason, e.Offset) }

// Placed returns err, which a Reader made, with the name of the member it is
// in, if that is one of known: what else a text calls its members is not
// repeated.
func Placed(err error, known ...string) error {
	if e, ok := errors.AsType[*Error](err); ok {
		for _, name := range known {
			if strings.EqualFold(name, e.Member) {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return err
}

// A Reason says in words why a text was refused. Besides these there are those
// for a value of another kind than asked for, and those given to
// [Reader.Fail].
type Reason string

// The reasons that do not depend on what was asked for. The first two are those
// of encoding/json; for the others a text is refused that it would take.
const (
	NotJSON  Reason = "not JSON"
	TooShort Reason = "an end in the middle"

	Twins         Reason = "a name that occurs twice in one object, perhaps in another case"
	NotUTF8       Reason = "text that is not UTF-8"
	HalfPair      Reason = "half a surrogate pair"
	ByteOrderMark Reason = "a byte order mark"
	Trailing      Reason = "more text after the end"
	TooLong       Reason = "too long a text"
	TooDeep       Reason = "too deep a nesting"
	TooMany       Reason = "too many members"
	TooLarge      Reason = "a number larger than any float64"
)

// Fail refuses the value last read for a reason of the caller's own, as in "a
// date that does not exist". Nothing of the text may be in it.
func (r *Reader) Fail(why Reason) { r.fail(why) }

func (r *Reader) fail(why Reason) { r.failAt(r.pos, why) }

func (r *Reader) failAt(offset int, why Reason) {
	if r.err == nil {
		r.err = &Error{why, offset, r.member}
	}
}

// syntax refuses the byte at pos.
func (r *Reader) syntax() {
	if r.pos >= len(r.text) {
		r.fail(TooShort)
		return
	}
	r.fail(NotJSON)
}
