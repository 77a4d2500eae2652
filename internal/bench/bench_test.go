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
	for try := 1; ; try++ {
		out.Reset()
		err := run(&report{w: &out, quick: true}, regexp.MustCompile(""))
		if err == nil {
			break
		}
		// What is counted of calls and allocations may be one more if this process was
		// stopped for long at an unlucky moment.
		if try == 3 {
			t.Fatalf("%v\n%s", err, &out)
		}
		t.Logf("try %d: %v\n%s", try, err, &out)
	}
	lines, measures := strings.Count(out.String(), "\n"), 0
	for _, g := range groups {
		measures += len(g.measures)
	}
	if lines < measures {
		t.Errorf("%d lines for %d measures:\n%s", lines, measures, &out)
	}
}
