package main

import (
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// A screen prints lines, and on a terminal keeps a status line beneath them that
// is drawn anew ten times a second.
//
// Whoever prints never waits for the output, which may be a terminal that someone
// has stopped: lines are collected, and one goroutine writes them.
type screen struct {
	out    io.Writer
	live   bool // out can take back a line
	colour bool

	mu    sync.Mutex
	lines strings.Builder // not yet written
}

// What a terminal is told (ECMA-48).
const (
	erase      = "\r\x1b[K" // the line that the cursor is on
	noWrap     = "\x1b[?7l" // so that a line too long for the terminal is cut, and erase finds all of it
	wrap       = "\x1b[?7h"
	uncoloured = "\x1b[m"
)

// A colour is what makes a terminal use it.
type colour string

const (
	plain  colour = ""
	red    colour = "\x1b[31m"
	green  colour = "\x1b[32m"
	yellow colour = "\x1b[33m"
)

func newScreen(out io.Writer) *screen {
	live := isTerminal(out)
	return &screen{out: out, live: live, colour: live && os.Getenv("NO_COLOR") == ""}
}

// isTerminal reports whether w is a terminal that knows what it is told.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	term := os.Getenv("TERM")
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && term != "" && term != "dumb"
}

// print adds a line.
func (s *screen) print(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines.WriteString(line + "\n")
}

// paint returns text in a colour, if there are colours.
func (s *screen) paint(c colour, text string) string {
	if !s.colour || c == plain {
		return text
	}
	return string(c) + text + uncoloured
}

// start begins to show what is printed. On a terminal, status is the last line.
// The function returned ends it: all lines are there, and the status is gone.
func (s *screen) start(status func() string) (finish func()) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				s.show(status())
			case <-stop:
				s.show("")
				return
			}
		}
	}()
	return func() { close(stop); <-stopped }
}

// show writes the lines that have come and then the status, in one go.
func (s *screen) show(status string) {
	s.mu.Lock()
	lines := s.lines.String()
	s.lines.Reset()
	s.mu.Unlock()
	if s.live {
		lines = erase + lines
		if status != "" {
			lines += noWrap + status + wrap + "\r" // or a ^C that is echoed might begin a new line
		}
	}
	if lines != "" {
		io.WriteString(s.out, lines)
	}
}

// bar draws how much of a life is left: part of it, between 0 and 1.
func (s *screen) bar(width int, part float64) string {
	c := green
	switch {
	case part < 0.25:
		c = red
	case part < 0.5:
		c = yellow
	}
	full := int(part*float64(width) + 0.5)
	return "[" + s.paint(c, strings.Repeat("#", full)) + strings.Repeat(".", width-full) + "]"
}
