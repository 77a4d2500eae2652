package token_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
)

func TestSecretByReflection(t *testing.T) {
	t.Parallel()
	for name, v := range specimens() {
		walk(reflect.ValueOf(v), map[visit]bool{}, func(s string) {
			if leaks(s) {
				t.Errorf("%s: reflection reads %q", name, s)
			}
		})
		var b strings.Builder
		dump(&b, reflect.ValueOf(v), 12)
		if leaks(b.String()) {
			t.Errorf("%s: %s", name, b.String())
		}
	}
	// That the walk would have found it.
	found := false
	walk(reflect.ValueOf(struct{ p **struct{ s []any } }{new(&struct{ s []any }{[]any{map[string]string{"a": canary}}})}), map[visit]bool{}, func(s string) { found = found || leaks(s) })
	if !found {
		t.Error("the walk does not even find a string")
	}
}

type visit struct {
	p uintptr
	t reflect.Type
}

// walk calls see with every string and []byte reachable from v, whether by
// exported fields or not.
func walk(v reflect.Value, seen map[visit]bool, see func(string)) {
	switch v.Kind() {
	case reflect.String:
		see(v.String())
	case reflect.Pointer, reflect.Interface:
		if v.Kind() == reflect.Pointer {
			key := visit{v.Pointer(), v.Type()}
			if seen[key] {
				return
			}
			seen[key] = true
		}
		if !v.IsNil() {
			walk(v.Elem(), seen, see)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			walk(v.Field(i), seen, see)
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			var b []byte
			for i := range v.Len() {
				b = append(b, byte(v.Index(i).Uint()))
			}
			see(string(b))
			return
		}
		for i := range v.Len() {
			walk(v.Index(i), seen, see)
		}
	case reflect.Map:
		for i := v.MapRange(); i.Next(); {
			walk(i.Key(), seen, see)
			walk(i.Value(), seen, see)
		}
	}
}

// dump prints v as debuggers do that call no methods and follow every pointer.
func dump(w io.Writer, v reflect.Value, depth int) {
	if depth == 0 || !v.IsValid() {
		return
	}
	fmt.Fprintf(w, "(%v) ", v.Type())
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			dump(w, v.Elem(), depth-1)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fmt.Fprintf(w, "%s: ", v.Type().Field(i).Name)
			dump(w, v.Field(i), depth-1)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			dump(w, v.Index(i), depth-1)
		}
	case reflect.Map:
		for i := v.MapRange(); i.Next(); {
			dump(w, i.Key(), depth-1)
			dump(w, i.Value(), depth-1)
		}
	case reflect.String:
		fmt.Fprintf(w, "%q\n", v.String())
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		fmt.Fprintf(w, "%#x\n", v.Pointer())
	default:
		fmt.Fprintf(w, "%v\n", v)
	}
}

func TestSecretByCmp(t *testing.T) {
	t.Parallel()
	all := cmp.Exporter(func(reflect.Type) bool { return true })
	other := token.NewSecret("another")
	for name, v := range specimens() {
		for what, w := range map[string]any{"nothing": nil, "a string": canary[:3], "another": other} {
			if out := cmp.Diff(v, w, all); leaks(out) {
				t.Errorf("%s and %s: %s", name, what, out)
			}
		}
	}
	type pair struct {
		s token.Secret
		t []token.Token
		m map[string]*token.Secret
	}
	s := token.NewSecret(canary)
	a := pair{s, []token.Token{{Value: s}}, map[string]*token.Secret{"a": &s}}
	b := pair{other, []token.Token{{Value: other}}, map[string]*token.Secret{"a": &other}}
	if out := cmp.Diff(a, b, all); out == "" || leaks(out) {
		t.Error(out)
	}
	// Equal secrets are equal to cmp, which knows of Equal.
	same := token.NewSecret(canary)
	if out := cmp.Diff(a, pair{same, []token.Token{{Value: same}}, map[string]*token.Secret{"a": &same}}, all); out != "" {
		t.Error(out)
	}
}

// The text of a panic is printed by the runtime, by rules of its own.
func TestSecretInPanics(t *testing.T) {
	t.Parallel()
	const variable = "TOKENLIFE_TEST_PANIC"
	if which := os.Getenv(variable); which != "" {
		panic(specimens()[which])
	}
	for _, which := range []string{"Secret", "*Secret", "Token", "Record", "unexported fields", "error", "embedded", "a type of its own"} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestSecretInPanics$")
		cmd.Env = append(os.Environ(), variable+"="+which, "GOTRACEBACK=all")
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "panic: ") {
			t.Errorf("%s: no panic: %v, %s", which, err, out)
		}
		if leaks(string(out)) {
			t.Errorf("%s: %s", which, out)
		}
		if v := specimens()[which]; leaks(fmt.Sprint(v)) {
			t.Errorf("%s: %v", which, v)
		}
	}
}

// The compiler refuses to compare secrets, since it would do so in a time that
// depends on what they have in common.
func TestSecretsDoNotCompare(t *testing.T) {
	t.Parallel()
	for _, v := range []any{token.Secret{}, token.Token{}, token.Record{}} {
		if typ := reflect.TypeOf(v); typ.Comparable() {
			t.Errorf("%v is comparable", typ)
		}
	}
	for source, fails := range map[string]bool{
		`func f(a, b Secret) bool { return a.Equal(b) }`: false,
		`func f(a, b Secret) bool { return a == b }`:     true,
		`func f(a, b Secret) bool { return a != b }`:     true,
		`func f(a Secret) bool { return a == Secret{} }`: true,
		`var _ map[Secret]int`:                           true,
		`func f(a Secret) { switch a { case a: } }`:      true,
	} {
		fset := gotoken.NewFileSet()
		secret, err := parser.ParseFile(fset, "secret.go", nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		use, err := parser.ParseFile(fset, "use.go", "package token\n"+source, 0)
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		conf := types.Config{Error: func(err error) {
			// secret.go lacks its imports, which does not matter here.
			if e := err.(types.Error); fset.File(e.Pos).Name() == "use.go" {
				found = append(found, e.Msg)
			}
		}}
		conf.Check("token", fset, []*ast.File{secret, use}, nil)
		if (len(found) > 0) != fails {
			t.Errorf("%s: errors %q, want some: %v", source, found, fails)
		}
	}
}
