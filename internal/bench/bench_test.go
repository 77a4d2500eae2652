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
	lines, measures := strings.Count(out.String(), "\n"), 0
	for _, g := range groups {
		measures += len(g.measures)
	}
	if lines < measures {
		t.Errorf("%d lines for %d measures:\n%s", lines, measures, &out)
	}
}
