package kubelogin_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// needsProc skips a test that kills processes where there is no /proc to find them in.
func needsProc(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("processes are found in /proc, which only Linux has")
	}
}

// plugins returns the processes that are a kubectl-login of the user's kubectl; these
// hand their environment on.
func (w *world) plugins() (pids []int) {
	exe := filepath.Join(programs.dir, "kubectl-login")
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if target, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err != nil || target != exe {
			continue
		}
		environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if err == nil && bytes.Contains(append([]byte{0}, environ...), []byte("\x00KUBECONFIG="+w.user.Kubeconfig+"\x00")) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// pluginsOf returns those that a kubectl has run.
func (w *world) pluginsOf(kubectl int) (pids []int) {
	for _, pid := range w.plugins() {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		// Behind the name, in parentheses, come the state and the parent.
		after := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if err == nil && len(after) > 1 && string(after[1]) == strconv.Itoa(kubectl) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// killAll kills processes, and returns how many.
func killAll(pids ...int) (killed int) {
	for _, pid := range pids {
		if syscall.Kill(pid, syscall.SIGKILL) == nil {
			killed++
		}
	}
	return killed
}

// killRandom kills one of the user's kubectl-login, once after has gone by since the
// first is there. Killed returns whether it has, and ends the search.
func (w *world) killRandom(after time.Duration) (killed func() int) {
	stop, result := make(chan struct{}), make(chan int, 1)
	go func() {
		var first time.Time
		for {
			plugins := w.plugins()
			if len(plugins) > 0 && first.IsZero() {
				first = time.Now()
			}
			if len(plugins) > 0 && time.Since(first) >= after {
				if killAll(plugins[rand.IntN(len(plugins))]) == 1 {
					result <- 1
					return
				}
			}
			select {
			case <-stop:
				result <- 0
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	return func() int {
		close(stop)
		return <-result
	}
}
