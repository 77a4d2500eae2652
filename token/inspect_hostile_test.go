package token_test

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// hostile returns tokens made to cost whoever looks at them.
func hostile() map[string]string {
	const alg = `{"alg":"RS256"}`
	const room = token.MaxSize * 3 / 4 // of what a token can encode
	repeat := strings.Repeat
	numbered := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	jwe := func(member string) string {
		return `{"ciphertext":"Y3Q","tag":"dGFn","protected":"` + b64(`{"alg":"dir","enc":"A256GCM"}`) + `",` + member + `}`
	}
	return map[string]string{
		"a million dots":            repeat(".", 1_000_000),
		"a header, a million dots":  b64(alg) + repeat(".", 1_000_000),
		"10 MB":                     repeat("a", 10<<20),
		"10 MB of dots":             repeat(".", 10<<20),
		"10 MB of headers":          repeat(b64(alg)+".", 500_000),
		"10 MB of braces":           repeat("{", 10<<20),
		"braces":                    repeat("{", token.MaxSize),
		"brackets in a brace":       `{"recipients":` + repeat("[", token.MaxSize-20),
		"white space":               repeat(" ", token.MaxSize),
		"white space and a brace":   repeat(" ", token.MaxSize-1) + "{",
		"colons":                    repeat(":", token.MaxSize),
		"long header":               b64(`{"alg":"`+repeat("x", room-100)+`"}`) + ".e30.c2ln",
		"deep header":               jws(`{"alg":`+repeat("[", room-100), `{}`),
		"deep claims":               jws(alg, repeat(`{"a":`, room/5-100)),
		"deep claims, closed":       jws(alg, repeat(`{"a":`, room/6-100)+"1"+repeat("}", room/6-100)),
		"many claims":               jws(alg, "{"+numbered(70_000, `"%d":0,`)+`"x":0}`),
		"as many claims as may be":  jws(alg, "{"+numbered(4095, `"K%d":0,`)+`"x":0}`),
		"a large audience":          jws(alg, `{"aud":[`+repeat(`"",`, room/3-100)+`""]}`),
		"an audience that may be":   jws(alg, `{"aud":[`+repeat(`"",`, 4000)+`""]}`),
		"small objects":             jws(alg, `{"a":[`+repeat(`{"b":0},`, 2000)+`0]}`),
		"alike names":               jws(alg, "{"+numbered(4000, `"`+repeat("k", 150)+`%d":0,`)+`"x":0}`),
		"escapes":                   jws(alg, `{"iss":"`+repeat(`\u0041`, room/6-100)+`"}`),
		"long date":                 jws(alg, `{"exp":`+repeat("9", room-100)+`}`),
		"date with a long fraction": jws(alg, `{"exp":1.`+repeat("9", room-100)+`}`),
		"date with a long exponent": jws(alg, `{"exp":1e`+repeat("9", room-100)+`}`),
		"date moved far":            jws(alg, `{"exp":0.`+repeat("0", room-100)+`1e`+fmt.Sprint(room)+`}`),
		"date of 0e999999999":       jws(alg, `{"exp":0e999999999}`),
		"long signature":            b64(alg) + ".e30." + repeat("A", token.MaxSize-100),
		"long ciphertext":           b64(`{"alg":"dir","enc":"x"}`) + "..." + repeat("A", token.MaxSize-100) + ".dGFn",
		"recipients":                jwe(`"recipients":[` + repeat(`{},`, 4000) + `{}]`),
		"too many recipients":       jwe(`"recipients":[` + repeat(`{},`, 300_000) + `{}]`),
		"long aad":                  jwe(`"aad":"` + repeat("A", token.MaxSize-200) + `"`),
		"aad of many members":       jwe(`"aad":"` + b64("{"+numbered(4000, `"%d":"",`)+`"exp":"2026-11-22T13:15:18Z"}`) + `"`),
		"aad with a long date":      jwe(`"aad":"` + b64(`{"exp":"2026-11-22T13:15:18.`+repeat("9", room-500)+`Z"}`) + `"`),
		"rancher name":              repeat("a", token.MaxSize-60) + ":" + repeat("b", 54),
		"rancher secret":            "token-a:" + repeat("b", token.MaxSize-60),
		"zero bytes":                repeat("\x00", token.MaxSize),
		"not UTF-8":                 repeat("\xff", token.MaxSize),
		"not UTF-8, in JSON":        `{"` + repeat("\xff", token.MaxSize-10) + `"}`,
		"a prefix of white space":   b64(repeat(" ", room-100)+alg) + ".e30.c2ln",
		"a brace and white space":   b64("{"+repeat(" ", room-100)+alg[1:]) + ".e30.c2ln",
	}
}

// No token makes Inspect panic, take long, or allocate more than a small
// multiple of what is read of it.
func TestInspectHostile(t *testing.T) { // not in parallel: it measures
	for name, text := range hostile() {
		s := token.NewSecret(text)
		var err error
		took := time.Duration(math.MaxInt64)
		got := allocated(func() {
			start := time.Now()
			_, err = token.Inspect(s)
			took = min(took, time.Since(start))
		})
		if err != nil {
			if run := echo(text[:min(len(text), 1000)], err); run != "" {
				t.Errorf("%s: the error repeats %q", name, run)
			}
		}
		most := uint64(20*min(len(text), token.MaxSize) + 8<<10)
		if got > most {
			t.Errorf("%s: %d bytes allocated for a token of %d", name, got, len(text))
		}
		// It takes about 10 ms; the rest is for the race detector on a slow machine
		// that is busy.
		if took > 10*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
	}
}

// What is too long is not even looked at.
func TestInspectTooLongAllocatesNearlyNothing(t *testing.T) {
	s := token.NewSecret(strings.Repeat("{", 10<<20))
	if got := allocated(func() { token.Inspect(s) }); got > 4<<10 {
		t.Errorf("%d bytes allocated", got)
	}
}

// allocated returns how many bytes f allocates: the least of three counts, since
// what other goroutines allocate meanwhile is counted too.
func allocated(f func()) uint64 {
	least := ^uint64(0)
	for range 3 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}

// podToken is like what a pod is given: a header of 72 bytes, claims of 540 and
// an RS256 signature.
var podToken = token.NewSecret(
	b64(`{"alg":"RS256","kid":"Zf9J0pSjWZf2m1H0B7Rj0wq3p9d0cQmYfLw3s5k8v1A"}`) + "." +
		b64(`{"aud":["https://kubernetes.default.svc.cluster.local"],"exp":1795353318,"iat":1763817318,`+
			`"iss":"https://kubernetes.default.svc.cluster.local","jti":"0b6b1d9c-5d3a-4a43-8a0c-5c7f4a1f3d55",`+
			`"kubernetes.io":{"namespace":"t1","node":{"name":"worker-3","uid":"33b2d1f7-8a3c-4f2e-9d6b-0c1e5a7b9d02"},`+
			`"pod":{"name":"app-6d4cf56db6-x7k2p","uid":"5a0f2b7e-1c9d-4e8a-b3f6-7d2c4e6a8b01"},`+
			`"serviceaccount":{"name":"app","uid":"9c1e3a5b-7d9f-4b2c-8e6a-0f1d3c5b7a90"},`+
			`"warnafter":1763820925},"nbf":1763817318,"sub":"system:serviceaccount:t1:app"}`) + "." +
		b64(strings.Repeat("s", 256)))

// A copy of the header, one of the claims, and the audience.
func TestInspectAllocations(t *testing.T) {
	if got := testing.AllocsPerRun(100, func() {
		if _, err := token.Inspect(podToken); err != nil {
			t.Fatal(err)
		}
	}); got > 3 {
		t.Errorf("%v allocations, want 3", got)
	}
}

func BenchmarkInspect(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := token.Inspect(podToken); err != nil {
			b.Fatal(err)
		}
	}
}
