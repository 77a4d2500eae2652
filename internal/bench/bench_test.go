package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

// A quick run of everything breaks nowhere and has a figure of ours on each
// line.
func TestQuick(t *testing.T) {
	var out bytes.Buffer
	if err := run(&report{w: &out, quick: true}, regexp.MustCompile("")); err != nil {
		t.Errorf("%v\n%s", err, &out)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) < len(measures) {
		t.Errorf("%d lines for %d measures:\n%s", len(lines), len(measures), &out)
	}
}
