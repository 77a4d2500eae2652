package process

import (
	"os/exec"
	"runtime"
	"syscall"
)

// StartTied is Start for a program that does not look at its standard input:
// the kernel sends it sig when this process ends, however it does.
func StartTied(cmd *exec.Cmd, log string, sig syscall.Signal) (*Process, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = sig
	type result struct {
		p   *Process
		err error
	}
	started := make(chan result)
	go func() {
		// To the kernel the parent is the thread that started the program.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		p, err := Start(cmd, log)
		started <- result{p, err}
		if err == nil {
			<-p.Done()
		}
	}()
	r := <-started
	return r.p, r.err
}
