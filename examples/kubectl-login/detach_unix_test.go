//go:build unix

package main

import (
	"os/exec"
	"syscall"
	"testing"
)

// TestDetach has what is detached in a process group of its own, to which no Ctrl-C
// goes that is meant for kubectl.
func TestDetach(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("sleep", "60")
	detach(cmd)
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	if group, err := syscall.Getpgid(cmd.Process.Pid); err != nil || group != cmd.Process.Pid {
		t.Errorf("process %d is in group %d (%v)", cmd.Process.Pid, group, err)
	}
}
