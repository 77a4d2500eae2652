//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// detach has cmd outlive a Ctrl-C that is meant for kubectl.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
