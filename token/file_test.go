package token_test

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFile(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text, want string
		err              string
	}{
		{name: "plain", text: "abc", want: "abc"},
		{name: "line break", text: "abc\n", want: "abc"},
		{name: "white space", text: " \t\r\nabc\r\n\r\n", want: "abc"},
		{name: "longest", text: strings.Repeat("x", token.MaxSize), want: strings.Repeat("x", token.MaxSize)},
		{name: "JSON", text: `{"protected": "e30"}`, want: `{"protected": "e30"}`},

		{name: "empty", text: "", err: "is empty"},
		{name: "blank", text: " \n\n", err: "is empty"},
		{name: "two lines", text: "secret\nsecret2", err: "more than one line"},
		{name: "lone carriage return", text: "secret\rsecret2", err: "more than one line"},
		{name: "NUL", text: "secret\x00", err: "ASCII"},
		{name: "byte order mark", text: "\ufeffsecret", err: "ASCII"},
		{name: "UTF-16", text: "\xff\xfes\x00e\x00", err: "ASCII"},
		{name: "not UTF-8", text: "secret\xff", err: "ASCII"},
		{name: "too long", text: strings.Repeat("x", token.MaxSize+1), err: "longer than a token can be"},
	}
	for _, test := range tests {
		path := filepath.Join(t.TempDir(), "token")
		writeFile(t, path, test.text)
		got, err := token.File(path).Token(t.Context())
		if test.err == "" {
			if err != nil || got.Value.Reveal() != test.want {
				t.Errorf("%s: %.20q, %v; want %.20q", test.name, got.Value.Reveal(), err, test.want)
			}
			if got.RefreshIn <= 0 || got.RefreshIn > time.Minute || got.ExpiresIn != 0 {
				t.Errorf("%s: RefreshIn %v, ExpiresIn %v; want a look within a minute, and no word of what is left", test.name, got.RefreshIn, got.ExpiresIn)
			}
			continue
		}
		if err == nil || !got.IsZero() || !strings.HasPrefix(err.Error(), "token: ") || !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: %q, %v; want an error with %q", test.name, got.Value.Reveal(), err, test.err)
		} else if !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error %q must name the file, and nothing in it", test.name, err)
		}
		if errors.Is(err, token.ErrInvalid) {
			t.Errorf("%s: the error blames a presented token", test.name)
		}
	}
}

// Kubernetes swaps a link to a folder, so the path must be followed each time.
func TestFileReadsEveryTime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	src := token.File(filepath.Join(dir, "..data", "token"))
	for _, version := range []string{"one", "two"} {
		if err := os.Mkdir(filepath.Join(dir, version), 0o700); err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(dir, version, "token"), version)
		os.Remove(filepath.Join(dir, "..data"))
		if err := os.Symlink(version, filepath.Join(dir, "..data")); err != nil {
			t.Skip("no symbolic links here: ", err)
		}
		if got, err := src.Token(t.Context()); err != nil || got.Value.Reveal() != version {
			t.Errorf("%q, %v; want %q", got.Value.Reveal(), err, version)
		}
	}
}

func TestFileMissing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token")
	_, err := token.File(path).Token(t.Context())
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("missing: %v", err)
	}
	if _, err := token.File("").Token(t.Context()); err == nil || !strings.Contains(err.Error(), "no path") {
		t.Errorf("no path: %v", err)
	}
	if _, err := token.File(t.TempDir()).Token(t.Context()); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("folder: %v", err)
	}
}

func TestFileCancelled(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token")
	writeFile(t, path, "abc")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := token.File(path).Token(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestStatic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		forever := token.Static(bearer("a"))
		minute := token.Static(token.Token{Value: token.NewSecret("a"), ExpiresIn: time.Minute})
		for _, test := range []struct {
			wait time.Duration
			left time.Duration // zero: expired
		}{
			{0, time.Minute},
			{20 * time.Second, 40 * time.Second},
			{40*time.Second - 1, 1},
			{1, 0},
			{time.Hour, 0},
		} {
			time.Sleep(test.wait)
			got, err := minute.Token(t.Context())
			if got.ExpiresIn != test.left || (err != nil) != (test.left == 0) {
				t.Errorf("after %v more: %v left, %v; want %v", test.wait, got.ExpiresIn, err, test.left)
			}
			if err != nil && !got.IsZero() {
				t.Error("a token and an error")
			}
			if got, err := forever.Token(t.Context()); err != nil || got.Value.Reveal() != "a" || got.ExpiresIn != 0 {
				t.Errorf("without ExpiresIn: %v, %v", got, err)
			}
		}
	})
}

func TestStaticErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, tok := range []token.Token{
			{},
			{Value: token.NewSecret("a"), ExpiresIn: -1},
			{Value: token.NewSecret("a"), ExpiresIn: math.MinInt64}, // from which nothing can be subtracted
		} {
			src := token.Static(tok)
			time.Sleep(time.Second)
			got, err := src.Token(t.Context())
			if err == nil || !got.IsZero() || errors.Is(err, token.ErrInvalid) {
				t.Errorf("ExpiresIn %v: %v, %v; want an error", tok.ExpiresIn, got, err)
			}
		}
	})
}

func TestStaticIsNoInvalidator(t *testing.T) {
	t.Parallel()
	if _, ok := token.Static(bearer("a")).(token.Invalidator); ok {
		t.Error("a token that is the only one there is can be given up")
	}
}
