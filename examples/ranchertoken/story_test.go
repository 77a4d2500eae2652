package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// The first step that is not as it must be ends a story, and is its error.
func TestStory(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := &story{name: "1.6", ctx: t.Context(), out: &out}
	wrong := errors.New("the answer\nis no")
	s.step("first", func() (string, error) { return "two\nlines", nil })
	s.step("second", func() (string, error) { return "", wrong })
	s.step("third", func() (string, error) { t.Error("it goes on"); return "", nil })
	if !errors.Is(s.err, wrong) || s.steps != 2 {
		t.Errorf("%v after %d steps", s.err, s.steps)
	}
	var lines []string
	for line := range strings.Lines(out.String()) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	if got := strings.Join(lines, "\n"); got != "1.6 first two\n1.6 lines\n1.6 second WRONG: the answer is no" {
		t.Errorf("it tells\n%s", got)
	}
}
