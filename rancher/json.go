package rancher

import (
	"math"
	"strconv"
	"time"

	"github.com/tokenlife/tokenlife/internal/strictjson"
)

// text reads a string, and skips whatever else there is in its place.
func text(r *strictjson.Reader) string {
	if r.Kind() == strictjson.String {
		return r.Text()
	}
	r.Skip()
	return ""
}

// texts reads a list of texts; null is none.
func texts(r *strictjson.Reader) []string {
	if r.Kind() == strictjson.Null {
		return nil
	}
	return r.Texts()
}

// member reads an object, and returns the text of one of its members.
func member(r *strictjson.Reader, name string) (s string) {
	if !isObject(r) {
		return ""
	}
	for m := range r.Object() {
		if m == name {
			s = text(r)
		}
	}
	return s
}

// whole reads a whole number, also one that is written as a string. Anything
// else is not one.
func whole(r *strictjson.Reader) (int64, bool) {
	var s string
	switch r.Kind() {
	case strictjson.Number:
		s = r.Number()
	case strictjson.String:
		s = r.Text()
	default:
		r.Skip()
		return 0, false
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) >= 1<<63 {
		return 0, false
	}
	return int64(f), true
}

// boolean reads true or false; anything else, such as null, is what it is otherwise.
func boolean(r *strictjson.Reader, otherwise bool) bool {
	if r.Kind() == strictjson.Bool {
		return r.Bool()
	}
	r.Skip()
	return otherwise
}

// instant reads a time in the form of RFC 3339; what is none is zero.
func instant(r *strictjson.Reader) time.Time {
	t, err := time.Parse(time.RFC3339, text(r))
	if err != nil || t.Year() < 1970 || t.Year() > 9999 {
		return time.Time{}
	}
	return t.UTC()
}

// isObject and isArray report whether one comes next, and skip whatever else
// does, such as null.
func isObject(r *strictjson.Reader) bool { return isKind(r, strictjson.Object) }
func isArray(r *strictjson.Reader) bool  { return isKind(r, strictjson.Array) }

func isKind(r *strictjson.Reader, k strictjson.Kind) bool {
	if r.Kind() == k {
		return true
	}
	r.Skip()
	return false
}

// milliseconds returns n of them, or the longest Duration.
func milliseconds(n int64) time.Duration { return times(n, time.Millisecond) }

// seconds returns n of them, or the longest Duration.
func seconds(n int64) time.Duration { return times(n, time.Second) }

func times(n int64, unit time.Duration) time.Duration {
	if n > math.MaxInt64/int64(unit) {
		return math.MaxInt64
	}
	return time.Duration(n) * unit
}
