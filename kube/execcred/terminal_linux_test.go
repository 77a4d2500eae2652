package execcred_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/tokenlife/tokenlife/kube/execcred"
)

func init() {
	roles["asks the terminal"] = func() int {
		terminal, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
		if err != nil {
			fmt.Fprint(os.Stderr, err)
			return 7
		}
		io.ReadAll(terminal)
		return 8
	}
	roles["runs what asks the terminal"] = func() int {
		p := plugin("asks the terminal")
		p.Timeout = time.Minute
		_, err := p.Token(context.Background())
		if e, ok := errors.AsType[*execcred.Error](err); ok && e.ExitCode == 7 {
			return 0
		}
		fmt.Fprint(os.Stderr, err)
		return 1
	}
}

// A plugin that is not interactive has no terminal to ask at: it fails at once,
// and is not stopped in the background until its Timeout.
func TestPluginHasNoTerminal(t *testing.T) {
	t.Parallel()
	cmd := again("runs what asks the terminal")
	cmd.Stdin = newTerminal(t)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true} // it is at the terminal
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, said)
	}
}

// newTerminal returns a terminal that nobody sits at.
func newTerminal(t *testing.T) *os.File {
	t.Helper()
	multiplexer, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { multiplexer.Close() })
	var locked, number int32
	for request, value := range map[uintptr]*int32{syscall.TIOCSPTLCK: &locked, syscall.TIOCGPTN: &number} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, multiplexer.Fd(), request, uintptr(unsafe.Pointer(value))); errno != 0 {
			t.Fatal(errno)
		}
	}
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	return terminal
}
