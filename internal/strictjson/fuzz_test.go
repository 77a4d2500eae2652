package strictjson

import (
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// What encoding/json accepts is accepted, with the same values, unless one of
// the listed reasons holds; and nothing else is.
func FuzzReader(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `[1,2.5e-3,-0]`, `{"a":{"b":[true,false,null]}}`,
		`{"exp":1,"EXP":2}`, `{"k":1,"K":2}`, `"\ud83d\ude00"`, `"\ud83d"`, "\"\xff\"",
		"\ufeff{}", `{} `, `{}x`, `[[[[[[[[]]]]]]]]`, `{"a":1,}`, `[1,,2]`, `"\u0000"`, `1E400`,
		`{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0,"i":0,"j":0,"l":0,"m":0,"n":0,"o":0,"p":0,"q":0,"r":0,"\u0041":0}`,
	} {
		f.Add(seed)
	}
	limits := Limits{Size: 1 << 12, Depth: 8, Count: 64}
	f.Fuzz(func(t *testing.T, text string) {
		value, err := readAll(text, limits)
		if skipped := skipAll(text, limits); (err == nil) != (skipped == nil) {
			t.Fatalf("read: %v, skipped: %v", err, skipped)
		}
		if err != nil {
			if json.Valid([]byte(text)) {
				var e *Error
				if !errors.As(err, &e) || !holds(e.Reason, text, limits) {
					t.Fatalf("%v: it does not hold", err)
				}
			}
			return
		}
		for _, reason := range []Reason{Twins, NotUTF8, HalfPair, ByteOrderMark, TooLong, TooDeep, TooMany, TooLarge} {
			if holds(reason, text, limits) {
				t.Fatalf("accepted, with %s", reason)
			}
		}
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		var want any
		if err := d.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Token(); err != io.EOF {
			t.Fatalf("text after the end: %v", err)
		}
		if diff := cmp.Diff(want, value); diff != "" {
			t.Fatalf("(-encoding/json +strictjson):\n%s", diff)
		}
	})
}

// holds reports whether text, which is JSON to encoding/json, should be refused
// for reason. It is as plain as can be.
func holds(reason Reason, text string, limits Limits) bool {
	switch reason {
	case TooLong:
		return len(text) > limits.Size
	case NotUTF8:
		return !utf8.ValidString(text)
	case HalfPair:
		return hasHalfPair(text)
	case TooLarge:
		var value any // in which numbers are float64
		return json.Unmarshal([]byte(text), &value) != nil
	case Twins, TooDeep, TooMany:
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		count := 0
		twins, depth := measure(d, &count)
		return reason == Twins && twins || reason == TooDeep && depth > limits.Depth || reason == TooMany && count > limits.Count
	}
	return false
}

// hasHalfPair goes by the backslashes: outside strings JSON has none.
func hasHalfPair(text string) bool {
	unit := func(i int) uint64 {
		if i+6 > len(text) || text[i:i+2] != `\u` {
			return 0
		}
		c, _ := strconv.ParseUint(text[i+2:i+6], 16, 16)
		return c
	}
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		switch c := unit(i) & 0xfc00; {
		case c == 0xd800 && unit(i+6)&0xfc00 == 0xdc00:
			i += 11
		case c == 0xd800 || c == 0xdc00:
			return true
		default:
			i++ // the backslash may be followed by another, or by a quote
		}
	}
	return false
}

// measure reads a value, adds its members and elements to count, and returns
// how deep it is and whether an object in it has twins.
func measure(d *json.Decoder, count *int) (twins bool, depth int) {
	token, _ := d.Token()
	open, ok := token.(json.Delim)
	if !ok {
		return false, 0
	}
	var names []string
	for d.More() {
		*count++
		if open == '{' {
			token, _ := d.Token()
			name, _ := token.(string)
			for _, other := range names {
				twins = twins || strings.EqualFold(name, other)
			}
			names = append(names, name)
		}
		t, n := measure(d, count)
		twins, depth = twins || t, max(depth, n)
	}
	d.Token()
	return twins, depth + 1
}
