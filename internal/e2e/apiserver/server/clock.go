package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"
	_ "unsafe" // for go:linkname
)

// wallOffset is the variable that the overlay adds to package time (overlay.go
// in package program). Built without the overlay it is a variable like any
// other, which setClock notices.
//
//go:linkname wallOffset time.e2eOffset
var wallOffset atomic.Int64

// setClock puts the wall clock of the whole process ahead of the machine's by
// offset, and looks whether it went.
func setClock(offset time.Duration) error {
	before := time.Now()
	moved := offset - time.Duration(wallOffset.Swap(int64(offset)))
	after := time.Now()

	// Round strips the monotonic reading, so this compares wall with wall;
	// what the machine's own clock did meanwhile is far below a second.
	if step := after.Round(0).Sub(before.Round(0)); (step - moved).Abs() > time.Second {
		return fmt.Errorf("the clock was to move by %v and moved by %v: built without the overlay; build it with package program", moved, step)
	}
	return nil
}

// obey carries out the commands that it reads, and calls end after the last.
func obey(commands io.Reader, answers io.Writer, end func()) {
	lines := bufio.NewScanner(commands)
	for lines.Scan() {
		if err := command(lines.Text()); err != nil {
			fmt.Fprintln(answers, "error:", err)
			continue
		}
		fmt.Fprintln(answers, lines.Text())
	}
	end()
}

func command(line string) error {
	verb, argument, _ := strings.Cut(line, " ")
	if verb != "clock" {
		return errors.New("the one command is: clock OFFSET")
	}
	offset, err := time.ParseDuration(argument)
	if err != nil {
		return err
	}
	return setClock(offset)
}
