// Package process runs the servers that the tests of this module start: each
// is a program that is spoken to on its standard input, a line at a time, that
// listens on 127.0.0.1 only, and that ends when the test does.
package process

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// commandTimeout is how long the answer to a line may take on a machine that is
// busy with other things.
const commandTimeout = 2 * time.Minute

// A Process is one run of a program.
type Process struct {
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	answers chan string   // lines of its standard output
	done    chan struct{} // closed when it has ended
	err     error         // how it ended; read it after done
}

// Start starts cmd. What it writes to its standard error is added to the file
// log.
func Start(cmd *exec.Cmd, log string) (*Process, error) {
	file, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	cmd.Stderr = file
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{cmd: cmd, stdin: stdin, answers: make(chan string, 16), done: make(chan struct{})}
	go func() {
		// Wait only after the last line, as it closes the pipe.
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			select {
			case p.answers <- lines.Text():
			default: // nobody asked
			}
		}
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// Command sends a line to the program and waits until it has done what the
// line says: it then answers with the line, or else with what went wrong.
func (p *Process) Command(line string) error {
	more, err := p.Ask(line)
	if err == nil && more != "" {
		return errors.New(line + more)
	}
	return err
}

// Ask is Command for a line that asks for something, which the program appends
// to the line in its answer.
func (p *Process) Ask(line string) (string, error) {
	if _, err := fmt.Fprintln(p.stdin, line); err != nil {
		return "", err
	}
	timeout := time.After(commandTimeout)
	for {
		select {
		case answer := <-p.answers:
			if more, done := strings.CutPrefix(answer, line); done {
				return more, nil
			}
			return "", errors.New(answer)
		case <-p.done:
			return "", fmt.Errorf("it has ended: %v", p.err)
		case <-timeout:
			return "", fmt.Errorf("no answer in %v", commandTimeout)
		}
	}
}

// CloseInput ends the program's standard input, which tells it that the test
// is gone.
func (p *Process) CloseInput() { p.stdin.Close() }

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err says how the program ended, once Done is closed.
func (p *Process) Err() error { return p.err }

// Kill ends the program with no chance to tidy up, and waits for it. Its
// standard input stays open until then, so that it is not told to.
func (p *Process) Kill() {
	p.cmd.Process.Kill()
	<-p.done
	p.stdin.Close()
}

// LogTail returns the last lines of the file log.
func LogTail(log string) string {
	text, err := os.ReadFile(log)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-20):], []byte("\n")))
}
