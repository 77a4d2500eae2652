package execcred

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// linger is for how long the output of a plugin is still read when it has ended, or
// was killed: what it has started may hold its end of the pipe for ever.
const linger = time.Second

var (
	errTimeout = errors.New("timeout")
	errTooLong = errors.New("too long")
)

// run runs the program at path and returns what it wrote to standard output.
func (p *Plugin) run(ctx context.Context, path string) ([]byte, error) {
	request, err := p.Request.encode()
	if err != nil {
		return nil, p.failed(err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timeout := p.timeout()
	if timeout > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, timeout, errTimeout)
		defer stop()
	}
	stdout := &head{full: func() { cancel(errTooLong) }}
	stderr := &tail{}
	cmd := exec.CommandContext(ctx, path, p.Args...)
	cmd.Env = slices.Concat(os.Environ(), p.Env, []string{variable + "=" + request}) // the last of a name counts
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.WaitDelay = linger
	if p.Request.Interactive {
		// It stays in our process group: one of its own could not read a terminal, nor
		// would it be told of Ctrl-C.
		cmd.Stdin, stderr.show = os.Stdin, os.Stderr
	} else {
		ownSession(cmd)
	}
	err = cmd.Run()
	if ended := cmd.ProcessState; ended != nil && ended.Success() {
		return stdout.text, nil // whatever became of what it left behind, and of ctx
	}
	failed := p.failed(nil)
	failed.Stderr = token.NewSecret(string(stderr.text))
	if _, exited := errors.AsType[*exec.ExitError](err); exited && context.Cause(ctx) == nil {
		failed.ExitCode = cmd.ProcessState.ExitCode()
	}
	failed.Err = why(ctx, err, timeout, len(stderr.text) > 0)
	return nil, failed
}

// why says what err of a plugin that ran under ctx means.
func why(ctx context.Context, err error, timeout time.Duration, wrote bool) error {
	look := "run it by hand to see what it wants"
	if wrote {
		look = "run it by hand to see what it says, or look into Error.Stderr"
	}
	_, exited := errors.AsType[*exec.ExitError](err)
	switch over := context.Cause(ctx); {
	case over == errTooLong:
		return errors.New("standard output: longer than 1 MiB, and the plugin was ended: is it a credential plugin?")
	case over == errTimeout:
		return fmt.Errorf("it was ended after the Timeout of %v: %w; %s, or raise Timeout", timeout, ctx.Err(), look)
	case over != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("it was ended, for whoever asked for the token did not wait longer: %w; %s, or wait longer (a refresh.Source has a Timeout of its own, half a minute unless set)", ctx.Err(), look)
	case over != nil:
		return fmt.Errorf("it was ended, for whoever asked for the token did not wait longer: %w", ctx.Err())
	case exited:
		return fmt.Errorf("it failed: %w; %s", err, look)
	}
	return fmt.Errorf("it could not be run: %w; is it a program for this machine, is the interpreter there that its first line may name, and is Request no longer than its environment may be?", cause(err))
}

// cause returns what an error of the system says, without the path in it, which may be
// anything.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// timeout returns how long a run may take; 0 means as long as it likes.
func (p *Plugin) timeout() time.Duration {
	if p.Timeout == 0 {
		return time.Minute
	}
	return max(0, p.Timeout)
}

// encode returns r as it is left in the environment.
func (r Request) encode() (string, error) {
	version := r.version()
	if version != V1 && version != V1Beta1 {
		return "", fmt.Errorf("Request.APIVersion is neither %s nor %s", V1, V1Beta1)
	}
	type spec struct {
		Cluster     *Cluster `json:"cluster,omitempty"`
		Interactive bool     `json:"interactive"`
	}
	text, err := json.Marshal(struct {
		Kind       string `json:"kind"`
		APIVersion string `json:"apiVersion"`
		Spec       spec   `json:"spec"`
	}{kind, version, spec{r.Cluster, r.Interactive}})
	if err != nil {
		return "", errors.New("Request.Cluster.Config is not JSON")
	}
	return string(text), nil
}

// A head keeps what is written to it, and calls full as soon as that is longer than
// longest.
type head struct {
	text []byte
	full func()
}

func (h *head) Write(b []byte) (int, error) {
	h.text = append(h.text, b...)
	if len(h.text) > longest {
		h.full()
		return 0, errTooLong
	}
	return len(b), nil
}

// A tail keeps the last 4 KiB of what is written to it, and shows all of it if show is
// not nil.
type tail struct {
	text []byte
	show io.Writer
}

func (t *tail) Write(b []byte) (int, error) {
	if t.show != nil {
		t.show.Write(b) // and if that fails, the plugin goes on
	}
	const most = 4 << 10
	t.text = append(t.text, b[max(0, len(b)-most):]...)
	if over := len(t.text) - most; over > 0 {
		t.text = slices.Delete(t.text, 0, over)
	}
	return len(b), nil
}
