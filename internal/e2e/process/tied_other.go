//go:build !linux

package process

import (
	"os/exec"
	"syscall"
)

// StartTied is Start for a program that does not look at its standard input.
// Only on Linux is it sent sig when this process is killed.
func StartTied(cmd *exec.Cmd, log string, _ syscall.Signal) (*Process, error) {
	return Start(cmd, log)
}
