package strictjson

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// read reads the value r is at into the types that encoding/json uses.
func read(r *Reader) any {
	switch r.Kind() {
	case Object:
		m := map[string]any{}
		for name := range r.Object() {
			m[name] = read(r)
		}
		return m
	case Array:
		a := []any{}
		for range r.Array() {
			a = append(a, read(r))
		}
		return a
	case String:
		return r.Text()
	case Number:
		return json.Number(r.Number())
	case Bool:
		return r.Bool()
	default:
		r.Null()
		return nil
	}
}

func readAll(text string, limits Limits) (any, error) {
	r := NewReader(text, limits)
	v := read(&r)
	return v, r.End()
}

func skipAll(text string, limits Limits) error {
	r := NewReader(text, limits)
	r.Skip()
	return r.End()
}

func TestReads(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{}`, `[]`, `""`, `0`, `true`, `false`, `null`,
		" \t\r\n{ \"a\" : [ 1 , 2 ] , \"b\" : { } }\n",
		`{"":1}`, `{"":1,"a":2}`, `{"a":1,"":2}`,
		`{"a":{"a":{"a":1}},"b":{"a":1}}`, // the same name in different objects
		`[{"a":1},{"a":2}]`,
		`-0`, `-1.5`, `10`, `0.25`, `1e9`, `1E+9`, `12.5e-3`, `123456789012345678901234567890`,
		`"\"\\\/\b\f\n\r\t"`,
		`"\u0041\u00e9\u4e16\uD83D\uDE00\u0000"`,
		`"a\u0041b\nc"`,
		`"é世😀` + "\u2028\x7f" + `"`,
		`"\ufffd�"`,
		`{"\u0061":1,"b":2}`,
		`["\ud7ff","\ue000"]`, // next to the surrogates
	} {
		want := decode(t, text)
		got, err := readAll(text, Limits{})
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-encoding/json +strictjson):\n%s", text, diff)
		}
		if err := skipAll(text, Limits{}); err != nil {
			t.Errorf("skipping %s: %v", text, err)
		}
	}
}

// decode is what encoding/json makes of text.
func decode(t *testing.T, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	many := func(n int, format string) string {
		var members []string
		for i := range n {
			members = append(members, fmt.Sprintf(format, i))
		}
		return strings.Join(members, ",")
	}
	for _, test := range []struct {
		text   string
		reason Reason
		offset int
	}{
		{``, TooShort, 0},
		{`  `, TooShort, 2},
		{`{`, TooShort, 1},
		{`{"a"`, TooShort, 4},
		{`{"a":`, TooShort, 5},
		{`{"a":1`, TooShort, 6},
		{`[1`, TooShort, 2},
		{`"a`, TooShort, 2},
		{`"\u00`, TooShort, 1},
		{`-`, TooShort, 1},
		{`1.`, TooShort, 2},
		{`1e`, TooShort, 2},

		{"\x00", NotJSON, 0},
		{`tru`, NotJSON, 0},
		{`nul`, NotJSON, 0},
		{`True`, NotJSON, 0},
		{`NaN`, NotJSON, 0},
		{`+1`, NotJSON, 0},
		{`.5`, NotJSON, 0},
		{`-a`, NotJSON, 1},
		{`1.e5`, NotJSON, 2},
		{`{a:1}`, NotJSON, 1},
		{`{'a':1}`, NotJSON, 1},
		{`{"a":1,}`, NotJSON, 7},
		{`{,}`, NotJSON, 1},
		{`{"a" 1}`, NotJSON, 5},
		{`{"a":1 "b":2}`, NotJSON, 7},
		{`[1,]`, NotJSON, 3},
		{`[,1]`, NotJSON, 1},
		{`[1 2]`, NotJSON, 3},
		{`[1}`, NotJSON, 2},
		{`[01]`, NotJSON, 2},
		{"\"a\nb\"", NotJSON, 2},
		{"\"a\x00b\"", NotJSON, 2},
		{`"\x41"`, NotJSON, 1},
		{`"\u00g0"`, NotJSON, 1},
		{"\u00a0{}", NotJSON, 0}, // white space, but none of JSON's

		{`{"a":1,"a":1}`, Twins, 7},
		{`{"exp":1,"EXP":2}`, Twins, 9},
		{`{"exp":1,"\u0065xp":2}`, Twins, 9},
		{`{"kid":1,"` + "\u212a" + `id":2}`, Twins, 9}, // Kelvin sign
		{`{"iss":1,"i` + "\u017f" + `s":2}`, Twins, 9}, // long s
		{`{"iss":1,"is\u017F":2}`, Twins, 9},
		{`{"é":1,"É":2}`, Twins, 8},
		{`{"σ":1,"ς":2}`, Twins, 8},
		{`{"":1,"":2}`, Twins, 6},
		{`[[{"x":{"y":1,"Y":2}}]]`, Twins, 14}, // however deep
		// Beyond few, it is the end of the object that brings it to light.
		{`{` + many(few, `"n%02d":0`) + `,"N00":0}`, Twins, 1 + (few+1)*8},
		{`{` + many(few-1, `"n%02d":0`) + `,"N00":0}`, Twins, 1 + (few-1)*8},
		{`{` + many(few+1, `"n%02d":0`) + `,"N16":0}`, Twins, 1 + (few+2)*8},
		{`{` + many(few+9, `"K%02d":0`) + `,"` + "\u212a" + `24":0}`, Twins, 1 + (few+10)*8 + 2},

		{"\"a\xff\"", NotUTF8, 1},
		{"\"\xc0\xaf\"", NotUTF8, 1},         // overlong
		{"\"\xed\xa0\x80\"", NotUTF8, 1},     // an encoded surrogate
		{"\"\xf4\x90\x80\x80\"", NotUTF8, 1}, // beyond U+10FFFF
		{"{\"\xff\":1}", NotUTF8, 2},

		{`"\ud800"`, HalfPair, 1},
		{`"\udc00"`, HalfPair, 1},
		{`"a\ud800\u0041"`, HalfPair, 2},
		{`"\ud800\ud800"`, HalfPair, 1},
		{`"\udc00\ud800"`, HalfPair, 1},
		{`"\ud800xxxxxx"`, HalfPair, 1},
		{`{"\ud800":1}`, HalfPair, 2},

		{"\ufeff{}", ByteOrderMark, 0},
		{`{} {}`, Trailing, 3},
		{`{}x`, Trailing, 2},
		{`1 1`, Trailing, 2},
		{`truex`, Trailing, 4},
		{"{}\x00", Trailing, 2},

		{strings.Repeat("[", 33), TooDeep, 32},
		{strings.Repeat(`{"a":`, 33), TooDeep, 32 * 5},
		{`[1e308,1e309]`, TooLarge, 7},
		{`[-1.8E+308]`, TooLarge, 1},
		{`1` + strings.Repeat("0", 309), TooLarge, 0},
		{`[` + many(4097, "%d") + `]`, TooMany, 19371},
		{`{` + many(4097, `"%d":0`) + `}`, TooMany, 35755},
		{strings.Repeat(" ", 1<<20+1), TooLong, 0},
	} {
		name := test.text
		if len(name) > 40 {
			name = name[:40] + "…"
		}
		_, err := readAll(test.text, Limits{})
		want := &Error{Reason: test.reason, Offset: test.offset}
		var got *Error
		if !errors.As(err, &got) || got.Reason != want.Reason || got.Offset != want.Offset {
			t.Errorf("%q: error %v, want %v", name, err, want)
		}
		skipped := skipAll(test.text, Limits{})
		if !errors.As(skipped, &got) || got.Reason != want.Reason || got.Offset != want.Offset {
			t.Errorf("skipping %q: error %v, want %v", name, skipped, want)
		}
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text   string
		limits Limits
		want   Reason
	}{
		{`[[1]]`, Limits{Depth: 2}, ""},
		{`[[1]]`, Limits{Depth: 1}, TooDeep},
		{`[[],[],[]]`, Limits{Depth: 2}, ""}, // side by side is not deeper
		{`1`, Limits{Depth: 1}, ""},
		{`{"a":[1,2]}`, Limits{Count: 3}, ""},
		{`{"a":[1,2]}`, Limits{Count: 2}, TooMany},
		{`{"a":1}`, Limits{Size: 7}, ""},
		{`{"a":1}`, Limits{Size: 6}, TooLong},
	} {
		var got Reason
		if err := skipAll(test.text, test.limits); err != nil {
			got = err.(*Error).Reason
		}
		if got != test.want {
			t.Errorf("%s with %+v: refused for %q, want %q", test.text, test.limits, got, test.want)
		}
	}
}

// What a loop does not read is checked all the same.
func TestLoopsReadToTheEnd(t *testing.T) {
	t.Parallel()
	const text = `{"a":[{"x":1},2,3],"b":{"c":"d"},"e":[[true]]}`
	for _, test := range []struct {
		name string
		read func(r *Reader)
	}{
		{"nothing read", func(r *Reader) {
			for range r.Object() {
			}
		}},
		{"left at once", func(r *Reader) {
			for range r.Object() {
				break
			}
		}},
		{"left after a value", func(r *Reader) {
			for range r.Object() {
				r.Skip()
				break
			}
		}},
		{"left from inside", func(r *Reader) {
		members:
			for range r.Object() {
				for range r.Array() {
					for range r.Object() {
						break members
					}
				}
			}
		}},
		{"returned from inside", func(r *Reader) {
			for range r.Object() {
				for range r.Array() {
					return
				}
			}
		}},
	} {
		r := NewReader(text, Limits{})
		test.read(&r)
		if err := r.End(); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		// The fault is in what no loop reads.
		r = NewReader(strings.Replace(text, "true", "tru", 1), Limits{})
		test.read(&r)
		if err := r.End(); err == nil {
			t.Errorf("%s: a fault in the rest went unseen", test.name)
		}
	}
}

func TestErrorsStick(t *testing.T) {
	t.Parallel()
	r := NewReader(`{"a":"text","b":2,"c":[1]}`, Limits{})
	loops := 0
	for range r.Object() {
		loops++
		if n := r.Number(); n != "" { // a is no number
			t.Errorf("Number() = %q after a mismatch", n)
		}
		for range r.Array() {
			t.Error("an array was found in a string")
		}
		for range r.Object() {
			t.Error("an object was found in a string")
		}
		if r.Kind() != Invalid || r.Text() != "" || r.Raw() != "" || r.Bool() || r.Texts() != nil {
			t.Error("something was read after an error")
		}
		r.Skip()
		r.Null()
		r.Fail("another reason")
	}
	if loops != 1 {
		t.Errorf("the loop ran %d times, want once", loops)
	}
	want := &Error{Reason: "a string where a number must be", Offset: 5, Member: "a"}
	if diff := cmp.Diff(error(want), r.End()); diff != "" {
		t.Error(diff)
	}
	if got := want.Error(); got != "a string where a number must be (byte 5)" {
		t.Error(got)
	}
}

func TestErrorNamesTheOutermostMember(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"a":1,"b":{"c":{"d":x}}}`:       "b",
		`{"a":1,"b":[{"c":1},{"c":1,x}]}`: "b",
		`{"a":1,"A":2}`:                   "A",
		`{"a":1,"b":{"c":1,"C":1},"d":2}`: "b",
		`{"a":1}x`:                        "",
		`[{"a":x}]`:                       "",
		`{x`:                              "",
		`{"a":1,"b":2,`:                   "b",
		`{"a":{"b":1},"c" 1}`:             "c",
		`{"a":0,"b":1,"c":2,"d":3,"e":4,"f":5,"g":6,"h":7,"i":8,"j":9,"k":10,` +
			`"l":11,"m":12,"n":13,"o":14,"p":15,"q":16,"B":17,"r":18}`: "b",
		`{"a":{"b":1,"c":[1,{"d":1}]},"e"`: "e",
	} {
		err := skipAll(text, Limits{})
		if got, ok := errors.AsType[*Error](err); !ok || got.Member != want {
			t.Errorf("%s: error %#v, want one in %q", text, err, want)
		}
	}
}

func TestFail(t *testing.T) {
	t.Parallel()
	r := NewReader(`{"a":"x","b":2}`, Limits{})
	for name := range r.Object() {
		if name == "a" && r.Text() == "x" {
			r.Fail("an x")
		} else {
			t.Errorf("%s was read after Fail", name)
		}
	}
	want := &Error{Reason: "an x", Offset: 8, Member: "a"}
	if diff := cmp.Diff(error(want), r.End()); diff != "" {
		t.Error(diff)
	}
}
