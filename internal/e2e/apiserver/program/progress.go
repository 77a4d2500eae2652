package program

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// A buildLog reads what go build -v says: it counts the packages and the
// modules, says from time to time how many there are, and passes on the rest,
// which is what went wrong.
type buildLog struct {
	out   io.Writer
	of    Program
	start time.Time
	stop  chan struct{}
	done  chan struct{}

	mu       sync.Mutex
	partial  []byte // of a line
	modules  int
	packages int
	last     string
}

// report starts to write progress to out at every interval, until Close.
func report(out io.Writer, of Program, interval time.Duration) *buildLog {
	l := &buildLog{out: out, of: of, start: time.Now(), stop: make(chan struct{}), done: make(chan struct{})}
	fmt.Fprintf(out, "building %s %s, once; with cold caches this takes minutes\n", of, Version)
	go func() {
		defer close(l.done)
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-l.stop:
				return
			case <-ticker.C:
				l.mu.Lock()
				fmt.Fprintf(l.out, "building %s: %v, %d modules fetched, %d packages compiled\n",
					l.of, time.Since(l.start).Round(time.Second), l.modules, l.packages)
				l.mu.Unlock()
			}
		}
	}()
	return l
}

// Close ends the reports.
func (l *buildLog) Close() {
	close(l.stop)
	<-l.done
}

// Write takes the next piece of the go command's standard error.
func (l *buildLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.partial = append(l.partial, p...)
	for {
		line, rest, ok := bytes.Cut(l.partial, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		l.line(string(line))
		l.partial = rest
	}
}

func (l *buildLog) line(line string) {
	switch {
	case strings.HasPrefix(line, "go: downloading "):
		l.modules++
	case line != "" && !strings.ContainsAny(line, " \t"):
		l.packages++ // go build -v names a package, and nothing else, a line
	default:
		fmt.Fprintln(l.out, line)
		l.last = line
	}
}

// Last returns the last line that was neither a package nor a module.
func (l *buildLog) Last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.TrimSpace(l.last)
}
