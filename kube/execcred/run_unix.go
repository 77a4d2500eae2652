//go:build unix

package execcred

import (
	"os/exec"
	"syscall"
)

// ownSession puts cmd into a session of its own, and so into a process group of its
// own, with which whatever it has started is ended as well. A session has no terminal
// to begin with: one that asked there would else be stopped until the Timeout, for the
// terminal is that of our group.
func ownSession(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error {
		return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
}
