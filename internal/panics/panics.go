// Package panics turns a panic in somebody else's code into an error that says
// where it was and repeats no secret.
package panics

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
)

// Error returns the error for a panic in what is called name, such as
// "Source.Base". It must be called while the panic unwinds, by the deferred
// function that recovered value. Of the value it has the text only where that
// cannot hold a secret.
func Error(name string, value any) error {
	text := fmt.Sprintf("%s panicked in %s", name, site())
	if e, ok := value.(runtime.Error); ok {
		return errors.New(text + ": " + e.Error())
	}
	return fmt.Errorf("%s, with a %T", text, value)
}

// Call calls f, which is somebody else's code called name, and returns a panic in
// it as an error. It does not return from a runtime.Goexit.
func Call(name string, f func() error) (err error) {
	returned := false
	defer func() {
		if !returned {
			err = Error(name, recover())
		}
	}()
	err = f()
	returned = true
	return err
}

// site returns the function and line that panicked.
func site() string {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs)])
	panicking := false
	for {
		f, more := frames.Next()
		switch {
		case f.Function == "runtime.gopanic":
			panicking = true
		case panicking && !strings.HasPrefix(f.Function, "runtime."):
			return fmt.Sprintf("%s (%s:%d)", f.Function, f.File[strings.LastIndexByte(f.File, '/')+1:], f.Line)
		}
		if !more {
			return "an unknown place"
		}
	}
}
