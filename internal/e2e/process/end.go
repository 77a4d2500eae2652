package process

import "os"

// End sends sig to the program, which must end by it, and waits until it has.
func (p *Process) End(sig os.Signal) {
	p.cmd.Process.Signal(sig)
	<-p.done
	p.stdin.Close()
}
