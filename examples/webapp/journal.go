package main

import (
	"slices"
	"strings"
	"sync"
)

// A journal keeps the last lines that were logged, for a page to show. Each
// Write is one line, as a handler of slog makes them.
type journal struct {
	mu    sync.Mutex
	lines []string
}

const journalLines = 50

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.lines) == journalLines {
		j.lines = slices.Delete(j.lines, 0, 1)
	}
	j.lines = append(j.lines, strings.TrimSpace(string(line)))
	return len(line), nil
}

// last returns the lines, the newest first.
func (j *journal) last() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	lines := slices.Clone(j.lines)
	slices.Reverse(lines)
	return lines
}
