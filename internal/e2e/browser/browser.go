package browser

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/internal/e2e/browser/program"
	provider "github.com/tokenlife/tokenlife/internal/e2e/oidcprovider/program"
	"github.com/tokenlife/tokenlife/internal/e2e/process"
)

// A Browser is a running Chromium, for any number of tests at the same time.
type Browser struct {
	mu      sync.Mutex // of process: it is asked one thing at a time
	process *process.Process
	shots   string // the folder of screenshots
}

// Start starts a browser without a window, which ends when the test does, also if
// it is killed.
//
// Where Chromium or its driver has not been installed, Start skips the test; with
// the environment variable CI set it fails it.
func Start(tb testing.TB) *Browser {
	tb.Helper()
	chromium, errChromium := findChromium()
	dir, errDriver := program.Driver.Find()
	runtime, errNode := provider.Find()
	if err := errors.Join(errChromium, errDriver, errNode); errors.Is(err, fs.ErrNotExist) && os.Getenv("CI") == "" {
		tb.Skip(err)
	} else if err != nil {
		tb.Fatal(err)
	}

	// Chromium keeps its profiles in what it takes for the system's folder of
	// temporary files, and a name of a socket there must be short.
	temp, err := os.MkdirTemp("", "browser-")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { os.RemoveAll(temp) })
	log := filepath.Join(temp, "driver.log")
	b := &Browser{shots: screenshotFolder(tb)}
	// The driver gives the browser half a minute to start, which a machine that is busy
	// with other things may not keep to.
	for try := 1; ; try++ {
		cmd := exec.Command(runtime.Node, filepath.Join(dir, "driver.js"), chromium)
		cmd.Env = append(os.Environ(), "TMPDIR="+temp)
		if b.process, err = process.Start(cmd, log); err != nil {
			tb.Fatalf("starting the browser: %v", err)
		}
		_, err := b.ask()
		if err == nil {
			break
		}
		b.process.Kill()
		if try == 3 {
			tb.Fatalf("starting the browser: %v; the end of its log:\n%s", err, process.LogTail(log))
		}
	}
	p := b.process
	tb.Cleanup(func() {
		p.CloseInput()
		select {
		case <-p.Done():
			if err := p.Err(); err != nil {
				tb.Errorf("the browser's driver ended with %v; the end of its log:\n%s", err, process.LogTail(log))
			}
		case <-time.After(time.Minute):
			p.Kill() // the browser sees that it is gone, and ends
			tb.Error("the browser still ran a minute after it was to end")
		}
	})
	return b
}

// findChromium returns the path of the system's Chromium. If there is none the
// error matches [fs.ErrNotExist] and says how to get it.
func findChromium() (string, error) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		return "", fmt.Errorf("no Chromium is installed (%w): run apt-get install chromium", fs.ErrNotExist)
	}
	return path, nil
}

// A command is what the driver is asked to do, and with what.
type command map[string]any

// ask has the driver carry out commands at the same time, and returns what came of
// each.
func (b *Browser) ask(commands ...command) ([]json.RawMessage, error) {
	line, err := json.Marshal(append([]command{}, commands...))
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	text, err := b.process.Ask(string(line))
	b.mu.Unlock()
	if err != nil {
		return nil, err
	}
	var answers []struct {
		Value  json.RawMessage
		Failed *string
	}
	if err := json.Unmarshal([]byte(text), &answers); err != nil {
		return nil, err
	}
	values := make([]json.RawMessage, len(answers))
	for i, a := range answers {
		if a.Failed != nil {
			return nil, fmt.Errorf("%v: %s", commands[i]["do"], *a.Failed)
		}
		values[i] = a.Value
	}
	return values, nil
}

// do carries out one command, and returns what came of it.
func do[V any](tb testing.TB, b *Browser, c command) V {
	tb.Helper()
	values, err := b.ask(c)
	var v V
	if err == nil && values[0] != nil {
		err = json.Unmarshal(values[0], &v)
	}
	if err != nil {
		tb.Fatalf("the browser: %v", err)
	}
	return v
}
