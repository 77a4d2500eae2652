package program

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// The server is built with a package time of its own, so that one number
// moves every wall clock reading in it: iat, exp, expirationTimestamp,
// creationTimestamp and the Date header stay in step with each other, which no
// patch to a single package achieves, and package time has no hook for.
//
// Only the wall reading moves. The monotonic one is left alone, so timers,
// timeouts and measured durations in the server do not notice.
//
// time.go is taken from the toolchain that builds, not kept as a copy, so that
// a new Go release changes nothing here as long as time.Now still reads its
// clock on the line below.
const (
	nowBefore = "\tsec, nsec, mono := runtimeNow()\n"
	nowAfter  = nowBefore + "\tsec, nsec = e2eShift(sec, nsec)\n"

	// clockFile is added to package time. The variable is reached by the
	// server's main package through go:linkname.
	clockFile = `package time

import (
	"sync/atomic"
	_ "unsafe" // for go:linkname
)

// e2eOffset is what Now adds to the wall clock, in nanoseconds.
//
//go:linkname e2eOffset
var e2eOffset atomic.Int64

func e2eShift(sec int64, nsec int32) (int64, int32) {
	offset := e2eOffset.Load()
	sec += offset / 1e9
	nanos := int64(nsec) + offset%1e9
	if nanos < 0 {
		return sec - 1, int32(nanos + 1e9)
	}
	if nanos >= 1e9 {
		return sec + 1, int32(nanos - 1e9)
	}
	return sec, int32(nanos)
}
`
)

// writeOverlay writes into dir the files that move the clock, and returns the
// name of the file that go build -overlay wants.
func writeOverlay(dir, goroot string) (string, error) {
	name := filepath.Join(goroot, "src", "time", "time.go")
	source, err := os.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("reading package time of the building toolchain: %w", err)
	}
	shifted, err := shiftNow(string(source))
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}

	timeFile := filepath.Join(dir, "time.go")
	addedFile := filepath.Join(dir, "e2e_clock.go")
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{
		name: timeFile,
		filepath.Join(goroot, "src", "time", "e2e_clock.go"): addedFile,
	}})
	if err != nil {
		return "", err
	}
	overlayFile := filepath.Join(dir, "overlay.json")
	for file, text := range map[string]string{
		timeFile:    shifted,
		addedFile:   clockFile,
		overlayFile: string(overlay),
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	return overlayFile, nil
}

// shiftNow returns the source of package time's time.go with Now moved by
// e2eShift.
func shiftNow(source string) (string, error) {
	if n := strings.Count(source, nowBefore); n != 1 {
		return "", fmt.Errorf("the line %q of time.Now occurs %d times, want 1: this Go release reads its clock in another way; bring overlay.go up to date with it", strings.TrimSpace(nowBefore), n)
	}
	return strings.Replace(source, nowBefore, nowAfter, 1), nil
}
