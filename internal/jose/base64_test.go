package jose

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ text, err string }{
		{"", ""},
		{"AA", ""},
		{"AAA", ""},
		{"AAAA", ""},
		{"-_-_", ""},
		{"A", "not base64url: its length cannot be, was it cut off?"},
		{"AAAAA", "not base64url: its length cannot be, was it cut off?"},
		{"AB", "not base64url: bits beyond the last byte are set"},
		{"AI", "not base64url: bits beyond the last byte are set"},
		{"AQ", ""},
		{"AAB", "not base64url: bits beyond the last byte are set"},
		{"AAC", "not base64url: bits beyond the last byte are set"},
		{"AAE", ""},
		{"AA==", "padded base64: base64url without padding must be"},
		{"AA+A", "standard base64: base64url must be"},
		{"AA/A", "standard base64: base64url must be"},
		{"AA\nAA", "white space in it: remove it"},
		{"AAAA\n", "white space in it: remove it"},
		{"\r\nAAAA", "white space in it: remove it"},
		{" AAAA", "white space in it: remove it"},
		{"AA\tAA", "white space in it: remove it"},
		{"AA.A", "not base64url"},
		{"AA\x00A", "not base64url"},
		{"AA\xffA", "not base64url"},
		{"ÄAA", "not base64url"},
	} {
		message := ""
		if err := Check(test.text); err != nil {
			message = err.Error()
		}
		if message != test.err {
			t.Errorf("%q: %q, want %q", test.text, message, test.err)
		}
		checkDecode(t, test.text)
	}
}

// checkDecode checks that Decode reads s if Check passes it, and that s is then
// the one spelling of what was read.
func checkDecode(t *testing.T, s string) {
	t.Helper()
	const before = "kept"
	decoded, err := Decode([]byte(before), s)
	if want := Check(s); (err == nil) != (want == nil) || err != nil && err.Error() != want.Error() {
		t.Fatalf("%q: Decode says %v and Check %v", s, err, want)
	}
	data, ok := bytes.CutPrefix(decoded, []byte(before))
	if !ok {
		t.Fatalf("%q: what was in dst became %q", s, decoded)
	}
	if err != nil {
		if len(data) > 0 {
			t.Fatalf("%q is refused and read as %q", s, data)
		}
		return
	}
	if again := string(Encode(nil, data)); again != s {
		t.Fatalf("%q is another spelling of %q", s, again)
	}
}

func TestDecodeAllBytes(t *testing.T) {
	t.Parallel()
	var all []byte
	for b := range 256 {
		all = append(all, byte(b))
	}
	for n := range 6 {
		text := string(Encode(nil, all[n:]))
		got, err := Decode(nil, text)
		if err != nil || !bytes.Equal(got, all[n:]) {
			t.Errorf("%v: %x", err, got)
		}
		if text != base64.RawURLEncoding.EncodeToString(all[n:]) {
			t.Errorf("%q", text)
		}
	}
}

// One byte changed, anywhere, and Decode and Check still agree.
func TestDecodeEachByte(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 3, 4, 8, 11, 16, 33} {
		text := []byte(strings.Repeat("A", n))
		for i := range text {
			for b := range 256 {
				text[i] = byte(b)
				checkDecode(t, string(text))
			}
			text[i] = 'A'
		}
	}
}

// What fits into dst is decoded without allocating.
func TestDecodeAllocatesNothing(t *testing.T) {
	text := strings.Repeat("QUJD", 100)
	if n := testing.AllocsPerRun(100, func() {
		var scratch [512]byte
		if _, err := Decode(scratch[:0], text); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{"", "A", "AA", "AB", "AAA", "AAB", "-_-_", "AA==", "AA+/", "AA\nAA", "AA AA", "\r\nAAAA"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) { checkDecode(t, s) })
}
