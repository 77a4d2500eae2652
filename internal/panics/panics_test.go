package panics

import (
	"errors"
	"strings"
	"testing"
)

// caught returns the error for what f panics with.
func caught(f func()) (err error) {
	defer func() { err = Error("Source.Base", recover()) }()
	f()
	return nil
}

func TestError(t *testing.T) {
	t.Parallel()
	const secret = "correct horse battery staple"
	var table map[string]int
	for name, test := range map[string]struct {
		f    func()
		want string // what follows the place
	}{
		"text":          {func() { panic(secret) }, "with a string"},
		"error":         {func() { panic(errors.New(secret)) }, "with a *errors.errorString"},
		"runtime error": {func() { table["a"] = 1 }, "assignment to entry in nil map"},
		"nil":           {func() { panic(nil) }, "panic called with nil argument"},
	} {
		err := caught(test.f).Error()
		if !strings.HasPrefix(err, "Source.Base panicked in github.com/tokenlife/tokenlife/internal/panics.TestError.func") ||
			!strings.Contains(err, " (panics_test.go:") || !strings.Contains(err, "): "+test.want) && !strings.HasSuffix(err, "), "+test.want) {
			t.Errorf("%s: %s", name, err)
		}
		if strings.Contains(err, secret) {
			t.Errorf("%s: what it panicked with is in the error", name)
		}
	}
}

func TestCall(t *testing.T) {
	t.Parallel()
	failed := errors.New("failed")
	if err := Call("Base", func() error { return failed }); err != failed {
		t.Error(err)
	}
	if err := Call("Base", func() error { return nil }); err != nil {
		t.Error(err)
	}
	err := Call("Base", func() error { panic("hush") })
	if err == nil || !strings.HasPrefix(err.Error(), "Base panicked in ") || strings.Contains(err.Error(), "hush") {
		t.Error(err)
	}
	if err = Call("Base", func() error { panic(nil) }); err == nil {
		t.Error("no error for panic(nil)")
	}
}
