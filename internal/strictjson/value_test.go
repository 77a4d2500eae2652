package strictjson

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTexts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text string
		want []string
		err  Reason
	}{
		{`["a","b\n","\u0063"]`, []string{"a", "b\n", "c"}, ""},
		{`[]`, []string{}, ""},
		{`["a",1]`, nil, "a number where a string must be"},
		{`["a",null]`, nil, "null where a string must be"},
		{`"a"`, nil, "a string where an array must be"},
		{`["a"`, nil, TooShort},
	} {
		r := NewReader(test.text, Limits{})
		got := r.Texts()
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", test.text, diff)
		}
		var reason Reason
		if err := r.End(); err != nil {
			reason = err.(*Error).Reason
		}
		if reason != test.err {
			t.Errorf("%s: error %q, want %q", test.text, reason, test.err)
		}
	}
}

func TestKindsDoNotMix(t *testing.T) {
	t.Parallel()
	values := map[Kind]string{
		Object: `{}`, Array: `[]`, String: `"1"`, Number: `1`, Bool: `true`, Null: `null`,
	}
	reads := map[Kind]func(*Reader){
		Object: func(r *Reader) {
			for range r.Object() {
			}
		},
		Array: func(r *Reader) {
			for range r.Array() {
			}
		},
		String: func(r *Reader) { r.Text() },
		Number: func(r *Reader) { r.Number() },
		Bool:   func(r *Reader) { r.Bool() },
		Null:   func(r *Reader) { r.Null() },
	}
	for is, text := range values {
		for wanted, read := range reads {
			r := NewReader(text, Limits{})
			if got := r.Kind(); got != is {
				t.Errorf("%s is %v, want %v", text, got, is)
			}
			read(&r)
			want := Reason(is.String() + " where " + wanted.String() + " must be")
			switch err := r.End(); {
			case is == wanted && err != nil:
				t.Errorf("%s: %v", text, err)
			case is != wanted && (err == nil || err.(*Error).Reason != want):
				t.Errorf("%s: error %v, want %s", text, err, want)
			}
		}
	}
}

func TestRaw(t *testing.T) {
	t.Parallel()
	r := NewReader(`{"a": [ 1 , "x" ] , "b":"\u0041 " }`, Limits{})
	got := map[string]string{}
	for name := range r.Object() {
		got[name] = r.Raw()
	}
	if err := r.End(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"a": `[ 1 , "x" ]`, "b": `"\u0041 "`}, got); diff != "" {
		t.Error(diff)
	}
}

func TestBool(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"true": true, "false": false, "trux": false, "falsy": false} {
		r := NewReader(text, Limits{})
		if got := r.Bool(); got != want {
			t.Errorf("%s is read as %v", text, got)
		}
		if err := r.End(); (err == nil) != (text == "true" || text == "false") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
