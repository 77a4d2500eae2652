package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/tokenlife/tokenlife/token"
)

// longestLine is more than any password or token is long.
const longestLine = 64 << 10

// readSecret reads a secret from the first line of a file.
func readSecret(flag, path string) (token.Secret, error) {
	f, err := os.Open(path)
	if err != nil {
		return token.Secret{}, fmt.Errorf("%s: %w", flag, err)
	}
	defer f.Close()
	line, err := bufio.NewReader(io.LimitReader(f, longestLine)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return token.Secret{}, fmt.Errorf("%s: %w", flag, err)
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return token.Secret{}, fmt.Errorf("%s %s: the first line is empty", flag, path)
	}
	return token.NewSecret(line), nil
}

// ask asks a person for a line on the terminal, which does not show what is typed
// if it is a secret.
func ask(ctx context.Context, what, flag string, secret bool) (string, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return "", fmt.Errorf("there is no terminal to ask for the %s: say %s", what, flag)
	}
	defer tty.Close()
	if secret {
		if err := stty(tty, "-echo"); err != nil {
			return "", fmt.Errorf("this terminal would show the %s (%w): say %s", what, err, flag)
		}
		defer func() {
			_ = stty(tty, "echo")
			fmt.Fprintln(tty)
		}()
	}
	fmt.Fprintf(tty, "%s: ", what)
	type read struct {
		line string
		err  error
	}
	answer := make(chan read, 1)
	go func() {
		line, err := bufio.NewReader(io.LimitReader(tty, longestLine)).ReadString('\n')
		answer <- read{strings.TrimRight(line, "\r\n"), err}
	}()
	select {
	case r := <-answer:
		if r.line == "" && (r.err == nil || errors.Is(r.err, io.EOF)) {
			r.err = fmt.Errorf("no %s was given", what)
		}
		return r.line, r.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// stty changes how a terminal behaves.
func stty(tty *os.File, how string) error {
	cmd := exec.Command("stty", how)
	cmd.Stdin = tty
	return cmd.Run()
}
