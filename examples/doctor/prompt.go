package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/tokenlife/tokenlife/token"
)

// errNoToken is what there is where there is nothing.
var errNoToken = errors.New("there is no token: nothing was given")

// readToken reads a token from a file, from a pipe, or from a person.
func (o options) readToken(ctx context.Context, stdin *os.File, stderr io.Writer) (token.Secret, error) {
	switch {
	case o.tokenFile != "":
		return readFile(ctx, "-token-file", o.tokenFile)
	case stdin == nil:
		return token.Secret{}, errNoToken
	case term.IsTerminal(int(stdin.Fd())):
		return prompt(ctx, stdin, stderr)
	}
	return read(ctx, "the standard input", func() (io.ReadCloser, error) { return stdin, nil })
}

// readFile reads a token from a file. Flag is what named it.
func readFile(ctx context.Context, flag, path string) (token.Secret, error) {
	return read(ctx, flag+" "+path, func() (io.ReadCloser, error) { return os.Open(path) })
}

// read reads a token that is all there is, but for the line break at its end. It
// may be a pipe that nobody writes to, or has opened yet, which ctx ends.
func read(ctx context.Context, from string, open func() (io.ReadCloser, error)) (token.Secret, error) {
	type all struct {
		text []byte
		err  error
	}
	done := make(chan all, 1)
	go func() {
		f, err := open()
		if err != nil {
			done <- all{nil, err}
			return
		}
		defer f.Close()
		text, err := io.ReadAll(io.LimitReader(f, token.MaxSize+3))
		done <- all{text, err}
	}()
	select {
	case <-ctx.Done():
		return token.Secret{}, ctx.Err()
	case a := <-done:
		text := strings.TrimSuffix(strings.TrimSuffix(string(a.text), "\n"), "\r")
		switch {
		case a.err != nil:
			return token.Secret{}, fmt.Errorf("%s cannot be read: %w", from, a.err)
		case text == "":
			return token.Secret{}, fmt.Errorf("%s: %w", from, errNoToken)
		}
		return token.NewSecret(text), nil
	}
}

// prompt asks a person for a token, which does not show. A terminal that minds its
// lines hands over 4 kB of each and no more, and many tokens are longer: so it is
// told not to.
func prompt(ctx context.Context, tty *os.File, stderr io.Writer) (token.Secret, error) {
	before, err := term.MakeRaw(int(tty.Fd()))
	if err != nil {
		return token.Secret{}, fmt.Errorf("this terminal would show the token (%w): say -token-file", err)
	}
	defer func() {
		_ = term.Restore(int(tty.Fd()), before)
		fmt.Fprintln(stderr)
	}()
	fmt.Fprint(stderr, "Paste the token, and press Enter; it does not show: ") // as of now
	keys := make(chan []byte)
	go func() {
		defer close(keys)
		for {
			b := make([]byte, 4096)
			n, err := tty.Read(b)
			if n > 0 {
				keys <- b[:n]
			}
			if err != nil {
				return
			}
		}
	}()
	text, err := typed(ctx, keys)
	go func() {
		for range keys { // what still comes is no command for a shell
		}
	}()
	return token.NewSecret(text), err
}

// What a terminal in raw mode sends for keys, and some put around what is pasted.
const (
	ctrlC, ctrlD, ctrlU    = 0x03, 0x04, 0x15
	backspace, rubout      = 0x08, 0x7f
	pasteBegins, pasteEnds = "\x1b[200~", "\x1b[201~"
)

// lull is how long nothing comes after the end of a line that is the last of a paste.
const lull = 100 * time.Millisecond

// typed reads a line as a terminal in raw mode sends it. A token that somebody has
// pasted with line breaks in it comes back with them, so that they can be told.
func typed(ctx context.Context, keys <-chan []byte) (string, error) {
	var line []byte
	var over <-chan time.Time
	for more := true; more; {
		var pressed []byte
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-over:
			more = false
		case pressed, more = <-keys:
		}
		for _, c := range pressed {
			switch c {
			case ctrlC:
				return "", errors.New("interrupted")
			case ctrlU:
				line = nil
			case backspace, rubout:
				line = line[:max(0, len(line)-1)]
			case '\r', '\n', ctrlD:
				c, over = '\n', time.After(lull)
				fallthrough
			default:
				if len(line) <= token.MaxSize {
					line = append(line, c)
				}
			}
		}
	}
	text := strings.TrimRight(strings.NewReplacer(pasteBegins, "", pasteEnds, "").Replace(string(line)), "\n")
	if text == "" {
		return "", errNoToken
	}
	return text, nil
}
