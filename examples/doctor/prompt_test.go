package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/tokenlife/tokenlife/token"
)

// What somebody types or pastes, in pieces as a terminal sends it.
func TestTyped(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 30_000)
	for name, test := range map[string]struct {
		keys []string
		want string
		err  string
	}{
		"typed":               {[]string{"a", "b", "c", "\r"}, "abc", ""},
		"pasted":              {[]string{long[:4096], long[4096:], "\r"}, long, ""},
		"with the end":        {[]string{"abc\n"}, "abc", ""},
		"with both ends":      {[]string{"abc\r\n"}, "abc", ""},
		"broken over lines":   {[]string{"abc\rdef\r"}, "abc\ndef", ""},
		"broken, in pieces":   {[]string{"abc\r", "def", "\r"}, "abc\ndef", ""},
		"a bracketed paste":   {[]string{pasteBegins + "abc" + pasteEnds, "\r"}, "abc", ""},
		"mended":              {[]string{"abx", "\x7fc", "\r"}, "abc", ""},
		"nothing to mend":     {[]string{"\x7f\x7fa\r"}, "a", ""},
		"begun anew":          {[]string{"xyz\x15abc\r"}, "abc", ""},
		"ended by Ctrl-D":     {[]string{"abc\x04"}, "abc", ""},
		"nothing":             {[]string{"\r"}, "", errNoToken.Error()},
		"nothing, by Ctrl-D":  {[]string{"\x04"}, "", errNoToken.Error()},
		"Ctrl-C":              {[]string{"abc", "\x03"}, "", "interrupted"},
		"the terminal closes": {[]string{"abc"}, "abc", ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			keys := make(chan []byte, len(test.keys))
			for _, k := range test.keys {
				keys <- []byte(k)
			}
			if name == "the terminal closes" {
				close(keys)
			}
			got, err := typed(t.Context(), keys)
			if got != test.want || (err == nil) != (test.err == "") || err != nil && err.Error() != test.err {
				t.Errorf("%s: %d bytes, %v", name, len(got), err)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := typed(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	// More than any token is read, and not kept.
	endless := make(chan []byte, 600)
	for range cap(endless) {
		endless <- []byte(long)
	}
	close(endless)
	if got, err := typed(t.Context(), endless); len(got) != token.MaxSize+1 || err != nil {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// A token from a file or a pipe: all there is, but for the line break at its end.
func TestRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"abc": "abc", "abc\n": "abc", "abc\r\n": "abc", "abc\n\n": "abc\n", "a b\nc": "a b\nc", "": "", "\n": ""} {
		got, err := read(t.Context(), "the standard input", opened(strings.NewReader(text)))
		if got.Reveal() != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", text, got.Reveal(), err)
		}
	}
	if got, err := read(t.Context(), "it", opened(zeros{})); err != nil || len(got.Reveal()) != token.MaxSize+3 {
		t.Errorf("%d bytes, %v", len(got.Reveal()), err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	silent, w := io.Pipe()
	defer w.Close()
	if _, err := read(ctx, "it", opened(silent)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	dir := t.TempDir()
	for _, path := range []string{filepath.Join(dir, "missing"), dir} {
		if _, err := readFile(t.Context(), "-token-file", path); err == nil || !strings.Contains(err.Error(), "-token-file") {
			t.Errorf("%v", err)
		}
	}
	path := filepath.Join(dir, "token")
	if err := os.WriteFile(path, []byte("abc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := readFile(t.Context(), "-token-file", path); err != nil || got.Reveal() != "abc" {
		t.Error(err)
	}
}

// zeros is a file without an end.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'a'
	}
	return len(b), nil
}

// opened is what is open already.
func opened(r io.Reader) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(r), nil }
}
