package apiserver

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"k8s.io/client-go/rest"
)

// How long things may take on a machine that is busy with other things.
const (
	readyTimeout   = 2 * time.Minute
	commandTimeout = 10 * time.Second
)

// A process is one run of the program in folder server.
type process struct {
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	answers chan string   // lines of its standard output
	done    chan struct{} // closed when it has ended
	err     error         // how it ended; read it after done
}

func startProcess(binary, dir string, args []string) (*process, error) {
	log, err := os.OpenFile(logFile(dir), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(binary, args...)
	cmd.Stderr = log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting kube-apiserver: %w", err)
	}
	p := &process{cmd: cmd, stdin: stdin, answers: make(chan string, 16), done: make(chan struct{})}
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

// command sends a line to the program and waits until it has done what the
// line says.
func (p *process) command(line string) error {
	if _, err := fmt.Fprintln(p.stdin, line); err != nil {
		return err
	}
	timeout := time.After(commandTimeout)
	for {
		select {
		case answer := <-p.answers:
			if answer == line {
				return nil
			}
			return errors.New(answer)
		case <-p.done:
			return fmt.Errorf("it has ended: %v", p.err)
		case <-timeout:
			return fmt.Errorf("no answer in %v", commandTimeout)
		}
	}
}

// kill ends the program with no chance to tidy up, and waits for it. Its
// standard input stays open until then: the end of that would make it remove
// its data.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.done
	p.stdin.Close()
}

// awaitReady waits until the server says that it is ready, or has ended: a
// flag it does not like makes it exit at once.
func (s *Server) awaitReady(p *process) error {
	config := s.Admin()
	config.Timeout = 5 * time.Second
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return err
	}
	timeout := time.After(readyTimeout)
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		if isReady(client, s.URL) {
			return nil
		}
		select {
		case <-poll.C:
		case <-p.done:
			return fmt.Errorf("kube-apiserver ended before it was ready (%v); the end of its log:\n%s", p.err, s.logTail())
		case <-timeout:
			return fmt.Errorf("kube-apiserver was not ready in %v; the end of its log:\n%s", readyTimeout, s.logTail())
		}
	}
}

func isReady(client *http.Client, url string) bool {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url+"/readyz", nil)
	if err != nil {
		return false
	}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func logFile(dir string) string { return filepath.Join(dir, "server.log") }

// logTail returns the last lines of the log.
func (s *Server) logTail() string {
	text, err := os.ReadFile(logFile(s.dir))
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-20):], []byte("\n")))
}
