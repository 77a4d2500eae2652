package seal_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// line is the key made of one byte as a file has it.
func line(b byte) string {
	return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, 32)) + "\n"
}

// writeKeys replaces the file at path as one does that is in use.
func writeKeys(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func TestFile(t *testing.T) {
	t.Parallel()
	a, b := line('a'), line('b')
	for _, test := range []struct{ name, text, keys, err string }{
		{name: "one", text: a, keys: "a"},
		{name: "no line break", text: strings.TrimSpace(a), keys: "a"},
		{name: "two", text: a + b, keys: "ab"},
		{name: "blank lines", text: "\n" + a + "\n  \n" + b + "\n\n", keys: "ab"},
		{name: "comments", text: "# new\n" + a + "  # old\n" + strings.TrimSpace(b) + " # of May\n#", keys: "ab"},
		{name: "white space", text: " \t" + strings.TrimSpace(a) + " \r\n", keys: "a"},
		{name: "16", text: strings.Repeat(a, 15) + b, keys: "aaaaaaaaaaaaaaab"},
		{name: "64 KiB", text: a + strings.Repeat("#", 64<<10-len(a)), keys: "a"},

		{name: "empty", err: "there is no key"},
		{name: "comments alone", text: "#" + a, err: "there is no key"},
		{name: "one byte more", text: a + strings.Repeat("#", 64<<10-len(a)+1), err: "longer than 65536 bytes"},
		{name: "17", text: strings.Repeat(a, 17), err: "line 17 has one key more"},
		{name: "31 bytes", text: a + "\n" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("a", 31))), err: "line 3 is not 32 bytes"},
		{name: "33 bytes", text: base64.StdEncoding.EncodeToString([]byte(strings.Repeat("a", 33))), err: "line 1 is not 32 bytes"},
		{name: "cut off", text: a + b[:20], err: "line 2 is not 32 bytes"},
		{name: "two on a line", text: strings.TrimSpace(a) + " " + b, err: "line 1 is not 32 bytes"},
		{name: "hex", text: strings.Repeat("61", 32), err: "line 1 is not 32 bytes"},
		{name: "base64url", text: strings.ReplaceAll(line(0xff), "/", "_"), err: "line 1 is not 32 bytes"},
		{name: "not padded", text: strings.TrimSuffix(a, "=\n"), err: "line 1 is not 32 bytes"},
		{name: "stray bits", text: strings.Replace(a, "E=", "F=", 1), err: "line 1 is not 32 bytes"},
		{name: "carriage return within", text: a[:20] + "\r" + a[20:], err: "line 1 is not 32 bytes"},
		{name: "byte order mark", text: "\ufeff" + a, err: "line 1 is not 32 bytes"},
		{name: "bytes", text: strings.Repeat("\x00\xff", 16), err: "line 1 is not 32 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "keys")
			writeKeys(t, path, test.text)
			got, err := seal.File(path)(t.Context())
			var keys string
			for _, k := range got {
				keys += k.Reveal()[:1]
				if len(k.Reveal()) != 32 {
					t.Errorf("a key of %d bytes", len(k.Reveal()))
				}
			}
			if keys != test.keys || (err == nil) != (test.err == "") {
				t.Errorf("keys %q, %v; want %q", keys, err, test.keys)
			}
			if err == nil {
				return
			}
			if !strings.Contains(err.Error(), test.err) || !strings.Contains(err.Error(), path) || errors.Is(err, token.ErrInvalid) {
				t.Errorf("%v; want %s", err, test.err)
			}
			if text := strings.TrimSpace(test.text); len(text) >= 10 && strings.Contains(err.Error(), text[:10]) {
				t.Errorf("what is in the file is in the error: %v", err)
			}
		})
	}
}

// A file that is not one of keys is not read whole.
func TestFileThatIsLong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	writeKeys(t, path, line('a'))
	const long = 64 << 20
	if err := os.Truncate(path, long); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := seal.File(path)(t.Context())
	runtime.ReadMemStats(&after)
	if read := after.TotalAlloc - before.TotalAlloc; err == nil || read > long/4 {
		t.Errorf("%v, after %d bytes", err, read)
	}
}

func TestFileThatCannotBeRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := seal.File(filepath.Join(dir, "none"))(t.Context()); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "none") || !strings.Contains(err.Error(), "openssl rand -base64 32") {
		t.Error(err)
	}
	if _, err := seal.File(dir)(t.Context()); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := seal.File(dir)(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// Whatever the file holds, it is keys or an error that shows nothing of it.
func FuzzFile(f *testing.F) {
	f.Add(line('a') + "# old\n\n" + line('b'))
	f.Add("# none\n")
	f.Add(line('a')[:43])
	f.Add(strings.Repeat(line('a'), 17))
	path := filepath.Join(f.TempDir(), "keys")
	f.Fuzz(func(t *testing.T, text string) {
		writeKeys(t, path, text)
		keys, err := seal.File(path)(t.Context())
		if (err == nil) != (1 <= len(keys) && len(keys) <= 16) || err != nil && len(err.Error()) > len(path)+100 {
			t.Errorf("%d keys, %v", len(keys), err)
		}
		for _, k := range keys {
			if encoded := base64.StdEncoding.EncodeToString([]byte(k.Reveal())); len(k.Reveal()) != 32 || !strings.Contains(text, encoded) {
				t.Errorf("a key of %d bytes that is not there", len(k.Reveal()))
			}
		}
	})
}
