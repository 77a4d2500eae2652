package refresh

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Whatever is in a file, decodeFile does not panic, and takes for a value only
// what encodeFile has written.
func FuzzDirFile(f *testing.F) {
	for _, e := range []entry{{value: []byte("v")}, {[]byte("\n"), time.UnixMilli(-1)}, {[]byte("v"), time.UnixMilli(1 << 62)}, {value: make([]byte, maxValue+1)}} {
		f.Add(encodeFile(fileName("k"), e))
	}
	for _, file := range []string{"", "tokenlife/", "tokenlife/1", "tokenlife/1 - \n", "tokenlife/1 0 00\nv", "tokenlife/99999999999999999999 - 0\nv"} {
		f.Add([]byte(file))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		checkFile(t, file)
		// With the right sum, too, or it is all that is looked at.
		line, value, _ := bytes.Cut(file, []byte{'\n'})
		if i := bytes.LastIndexByte(line, ' '); i >= 0 {
			before := string(line[:i+1])
			sum := sha256.Sum256([]byte(before + fileName("k") + string(value)))
			checkFile(t, fmt.Appendf(nil, "%s%x\n%s", before, sum, value))
		}
	})
}

func checkFile(t *testing.T, file []byte) {
	e, err := decodeFile(fileName("k"), file)
	if err != nil {
		if e.value != nil || len(err.Error()) > 200 {
			t.Errorf("%q, %v", e.value, err)
		}
		return
	}
	if again := encodeFile(fileName("k"), e); len(e.value) == 0 || len(e.value) > maxValue || !bytes.Equal(again, file) {
		t.Errorf("%q was taken for %q, which is %q", file, e.value, again)
	}
}

var updateDir = flag.Bool("update-dir", false, "write testdata/dir-v1, which must not change once it is released")

// What version 1 wrote once is read for ever.
func TestDirGolden(t *testing.T) {
	for name, e := range map[string]entry{
		"dir-v1":         {value: []byte("value\n\x00\xff")},
		"dir-v1-expires": {[]byte("value"), time.UnixMilli(4102444800123)},
	} {
		path := filepath.Join("testdata", name)
		file := encodeFile(fileName("pair/github\x00\xff"), e)
		if *updateDir {
			if err := os.WriteFile(path, file, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		golden, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(golden), string(file)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		got, err := decodeFile(fileName("pair/github\x00\xff"), golden)
		if err != nil || string(got.value) != string(e.value) || !got.expires.Equal(e.expires) {
			t.Errorf("%s: %q, %v, %v", name, got.value, got.expires, err)
		}
	}
	if got, want := fileName("k"), "8254c329a92850f6d539dd376f4816ee2764517da5e0235514af433164480d7a"; got != want {
		t.Errorf("a key is in %s, and was in %s", got, want)
	}
}
