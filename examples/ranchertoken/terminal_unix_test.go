//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// withoutTerminal takes the terminal that the tests may be run on away from cmd.
func withoutTerminal(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
