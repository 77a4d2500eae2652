package strictjson

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode"
)

// Two runes are the same to the map of names exactly if they are to
// strings.EqualFold, which is what encoding/json goes by.
func TestFoldAgreesWithEqualFold(t *testing.T) {
	t.Parallel()
	folded := map[string][]string{}
	for r := rune(0); r <= unicode.MaxRune; r++ {
		s := string(r)
		f := fold(s)
		if !strings.EqualFold(s, f) {
			t.Fatalf("%q is folded to %q, which is another letter", s, f)
		}
		if f != s {
			folded[f] = append(folded[f], s)
		}
		for c := unicode.SimpleFold(r); c != r; c = unicode.SimpleFold(c) {
			if fold(string(c)) != f {
				t.Fatalf("%q and %q are alike and fold to %q and %q", s, string(c), f, fold(string(c)))
			}
			if !mayBeTwins(s, string(c)) {
				t.Fatalf("%q and %q are alike and taken for different at a glance", s, string(c))
			}
		}
	}
	for _, f := range []string{"k", "s", "a"} {
		if len(folded[f]) == 0 {
			t.Errorf("nothing is folded to %q: names in lower case should stay as they are", f)
		}
	}
}

// 300 000 names have 45 billion pairs: comparing each with each takes longer than
// this test allows, and anything sensible a small part of it, also under the race
// detector on a machine that is busy.
func TestManyNamesAreNotQuadratic(t *testing.T) {
	t.Parallel()
	const n = 300_000
	for _, format := range []string{`,"name-%d":0`, `,"NAME-%d":0`} {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		start := time.Now()
		if err := skipAll("{"+b.String()[1:]+"}", Limits{Size: 1 << 30, Count: n}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took > time.Minute {
			t.Errorf("%d members like %s take %v", n, format, took)
		}
	}
}

// touch reads whatever comes next and keeps nothing.
func touch(r *Reader) {
	switch r.Kind() {
	case Object:
		for range r.Object() {
			touch(r)
		}
	case Array:
		for range r.Array() {
			touch(r)
		}
	case String:
		r.Text()
	default:
		r.Skip()
	}
}

// Whatever the text, no more is allocated than a small multiple of its size.
func TestAllocatesInProportion(t *testing.T) { // not in parallel: it measures
	repeat := func(s string, n int) string { return strings.TrimSuffix(strings.Repeat(s, n), ",") }
	var lower, upper, seventeen strings.Builder
	for i := range 4096 {
		fmt.Fprintf(&lower, `,"%x":0`, i)
		fmt.Fprintf(&upper, `,"%X":0`, i)
	}
	for i := range few + 1 {
		fmt.Fprintf(&seventeen, `,"%c":0`, 'a'+i)
	}
	for name, text := range map[string]string{
		"one large object":            "{" + lower.String()[1:] + "}",
		"in upper case":               "{" + upper.String()[1:] + "}",
		"objects just large enough":   "[" + repeat("{"+seventeen.String()[1:]+"},", 4096/(few+2)) + "]",
		"small objects":               "[" + repeat(`{"a":0},`, 2048) + "]",
		"empty strings":               "[" + repeat(`"",`, 4096) + "]",
		"deep":                        repeat("[", 1<<20),
		"escapes":                     `"` + repeat(`\u0041`, 1<<17) + `"`,
		"escapes for longer texts":    `"` + repeat(`\u4e16`, 1<<17) + `"`,
		"long names with escapes":     `{"` + repeat(`\u0041`, 1<<16) + `":0,"` + repeat(`\u0042`, 1<<16) + `":0}`,
		"one long string":             `"` + repeat("a", 1<<20-2) + `"`,
		"a long number":               repeat("1", 1<<20),
		"white space":                 repeat(" ", 1<<20),
		"too long, and not looked at": repeat("[", 1<<24),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r := NewReader(text, Limits{})
		touch(&r)
		r.End()
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 12*uint64(min(len(text), 1<<20))+4096 {
			t.Errorf("%s: %d bytes allocated for %d", name, got, len(text))
		}
	}
}

// The claims of a service account token, read as token.Inspect reads them.
const claims = `{"aud":["https://kubernetes.default.svc.cluster.local"],"exp":1795353318,` +
	`"iat":1763817318,"iss":"https://kubernetes.default.svc.cluster.local",` +
	`"jti":"0b6b1d9c-5d3a-4a43-8a0c-5c7f4a1f3d55","kubernetes.io":{"namespace":"t1",` +
	`"node":{"name":"worker-3","uid":"33b2d1f7-8a3c-4f2e-9d6b-0c1e5a7b9d02"},` +
	`"pod":{"name":"app-6d4cf56db6-x7k2p","uid":"5a0f2b7e-1c9d-4e8a-b3f6-7d2c4e6a8b01"},` +
	`"serviceaccount":{"name":"app","uid":"9c1e3a5b-7d9f-4b2c-8e6a-0f1d3c5b7a90"},` +
	`"warnafter":1763820925},"nbf":1763817318,"sub":"system:serviceaccount:t1:app"}`

// Reading what has no escapes allocates nothing at all.
func TestAllocatesNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() {
		r := NewReader(claims, Limits{})
		touch(&r)
		if r.End() != nil {
			t.Fatal(r.Err())
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkReader(b *testing.B) {
	b.SetBytes(int64(len(claims)))
	b.ReportAllocs()
	for b.Loop() {
		r := NewReader(claims, Limits{})
		touch(&r)
		if r.End() != nil {
			b.Fatal(r.Err())
		}
	}
}
