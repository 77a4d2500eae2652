// Package strictjson_test reads the same texts with strictjson and with jsontext. It
// has a folder of its own so that its fuzz target builds no more than these.
package strictjson_test

import (
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/internal/strictjson"
)

// A value is one that both readers read alike: nil, a bool, a string, a number
// as it is written, a list, or members in their order.
type (
	value  any
	number string
	member struct {
		Name  string
		Value value
	}
	members []member
	list    []value
)

// readStrict reads text with strictjson.
func readStrict(text string, limits strictjson.Limits) (value, error) {
	r := strictjson.NewReader(text, limits)
	v := strictValue(&r)
	if err := r.End(); err != nil {
		return nil, err
	}
	return v, nil
}

func strictValue(r *strictjson.Reader) value {
	switch r.Kind() {
	case strictjson.Object:
		all := members{}
		for name := range r.Object() {
			all = append(all, member{name, strictValue(r)})
		}
		return all
	case strictjson.Array:
		all := list{}
		for range r.Array() {
			all = append(all, strictValue(r))
		}
		return all
	case strictjson.String:
		return r.Text()
	case strictjson.Number:
		return number(r.Number())
	case strictjson.Bool:
		return r.Bool()
	case strictjson.Null:
		r.Null()
	default:
		r.Skip()
	}
	return nil
}

// readV2 reads text with the tokenizer that is to be encoding/json/v2's, as
// strict as it gets.
func readV2(text string) (value, error) {
	d := jsontext.NewDecoder(strings.NewReader(text), jsontext.AllowDuplicateNames(false), jsontext.AllowInvalidUTF8(false))
	v, err := v2Value(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return nil, errors.New("text after the end")
	}
	return v, nil
}

func v2Value(d *jsontext.Decoder) (value, error) {
	t, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	switch t.Kind() {
	case jsontext.KindBeginObject:
		all := members{}
		for d.PeekKind() != jsontext.KindEndObject {
			name, err := d.ReadToken()
			if err != nil {
				return nil, err
			}
			text := name.String() // before the token is gone
			v, err := v2Value(d)
			if err != nil {
				return nil, err
			}
			all = append(all, member{text, v})
		}
		_, err := d.ReadToken()
		return all, err
	case jsontext.KindBeginArray:
		all := list{}
		for d.PeekKind() != jsontext.KindEndArray {
			v, err := v2Value(d)
			if err != nil {
				return nil, err
			}
			all = append(all, v)
		}
		_, err := d.ReadToken()
		return all, err
	case jsontext.KindString:
		return t.String(), nil
	case jsontext.KindNumber:
		return number(t.String()), nil
	case jsontext.KindTrue, jsontext.KindFalse:
		return t.Bool(), nil
	}
	return nil, nil
}

// stricter reports whether strictjson is known to refuse v, which jsontext
// takes, for the reason it gives: by its limits, or because of names that are
// the same in another case.
func stricter(why strictjson.Reason, text string, v value, limits strictjson.Limits) bool {
	depth, count, folded, beyond := measureValue(v)
	switch why {
	case strictjson.TooLong:
		return len(text) > limits.Size
	case strictjson.TooDeep:
		return depth > limits.Depth
	case strictjson.TooMany:
		return count > limits.Count
	case strictjson.Twins:
		return folded
	}
	return beyond // a number that no float64 holds, however it is called
}

func measureValue(v value) (depth, count int, folded, beyond bool) {
	inner := func(v value) {
		d, n, f, b := measureValue(v)
		depth, count, folded, beyond = max(depth, d), count+n+1, folded || f, beyond || b
	}
	switch v := v.(type) {
	case members:
		for i, m := range v {
			inner(m.Value)
			for _, other := range v[:i] {
				folded = folded || strings.EqualFold(m.Name, other.Name)
			}
		}
	case list:
		for _, e := range v {
			inner(e)
		}
	case number:
		f, err := strconv.ParseFloat(string(v), 64)
		return 0, 0, false, err != nil || math.IsInf(f, 0)
	default:
		return 0, 0, false, false
	}
	return depth + 1, count, folded, beyond
}

// compareReaders returns what is wrong with how strictjson reads text.
func compareReaders(text string, limits strictjson.Limits) error {
	ours, err := readStrict(text, limits)
	theirs, theirErr := readV2(text)
	switch {
	case err == nil && theirErr != nil:
		return errors.New("only strictjson takes it: " + theirErr.Error())
	case err == nil:
		if diff := cmp.Diff(theirs, ours); diff != "" {
			return errors.New("other values (-jsontext +strictjson):\n" + diff)
		}
	case theirErr == nil:
		e, ok := errors.AsType[*strictjson.Error](err)
		if !ok || !stricter(e.Reason, text, theirs, limits) {
			return errors.New("only jsontext takes it: " + err.Error())
		}
	}
	return nil
}

var strictSeeds = []string{
	``, ` `, `null`, `true`, `false`, `0`, `-0`, `-`, `01`, `1.`, `.5`, `1e5`, `1E-5`, `1e400`, `1e`, `+1`, `0x1`, `NaN`, `""`, `"a`, `'a'`,
	`[]`, `[1]`, `[1,]`, `[,1]`, `[1 2]`, `{}`, `{"a":1}`, `{"a":1,}`, `{"a"}`, `{"a":}`, `{a:1}`, `{"a":1 "b":2}`, `{"a":1}}`, `[]]`, `[}`,
	`{"a":1,"a":2}`, `{"a":1,"A":2}`, `{"a":1,"\u0061":2}`, `{"k":1,"\u212a":2}`, `{"s":1,"\u017f":2}`, `{"":1,"":2}`, `{"a":{"b":1},"b":{"a":1}}`,
	`"\u0000"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ude00"`, `"\ud83d\u0041"`, `"\ud83d\ud83d\ude00"`, `"\uD83D\uDE00"`, `"\u12g4"`, `"\u12"`, `"\x41"`, `"\/\b\f\n\r\t\"\\"`,
	"\"\x00\"", "\"\n\"", "\"\x1f\"", "\"\x7f\"", "\"\xff\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xe2\x80\xa8\"", "\"\xef\xbf\xbd\"",
	"\ufeff{}", "{}\ufeff", "\u00a0{}", "\v{}", "\f[]", "\x00", "{}\x00", "{} {}", "{}\n", "\t[\r\n]", `// x`, `/* x */1`, `[1]//`,
	`[[[[[[[[]]]]]]]]`, `[[[[[[[[[]]]]]]]]]`, `[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]`,
	`{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0,"i":0,"j":0,"l":0,"m":0,"n":0,"o":0,"p":0,"q":0,"r":0,"\u0041":0}`,
	`{"iss":"https://issuer.example","aud":["a","b"],"exp":1800000600,"x":{"y":[null,true,1.5e3,"\u00e9"]}}`,
}

var fuzzLimits = strictjson.Limits{Size: 1 << 12, Depth: 8, Count: 64}

// FuzzStrictJSON holds that what strictjson accepts, jsontext accepts too, with
// the same values, and that the reverse has its reasons.
func FuzzStrictJSON(f *testing.F) {
	for _, seed := range strictSeeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if err := compareReaders(text, fuzzLimits); err != nil {
			t.Error(err)
		}
	})
}

// TestStrictJSON tries all seeds, and all that become of them with a byte more,
// less or other.
func TestStrictJSON(t *testing.T) {
	t.Parallel()
	const bytes = "{}[]:,\"\\/ \t\n\r\v\x00\x1f\x7f\x80\xbf\xc3\xed\xff0129-+.eEuabtnflrsdDA'"
	tried := 0
	try := func(text string) {
		tried++
		if err := compareReaders(text, fuzzLimits); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, seed := range strictSeeds {
		try(seed)
		for i := range len(seed) + 1 {
			for _, c := range []byte(bytes) {
				try(seed[:i] + string([]byte{c}) + seed[i:])
				if i < len(seed) {
					try(seed[:i] + string([]byte{c}) + seed[i+1:])
				}
			}
			if i < len(seed) {
				try(seed[:i] + seed[i+1:])
			}
		}
	}
	t.Logf("%d texts", tried)
}
