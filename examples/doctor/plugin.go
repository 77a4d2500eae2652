package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	"github.com/tokenlife/tokenlife/kube/execcred"
	"github.com/tokenlife/tokenlife/kube/kubeconfig"
	"github.com/tokenlife/tokenlife/token"
)

// runPlugin runs the plugin of a user, and gives u the token that it prints, or returns
// that it prints none. If the plugin is not there, which is for kubeconfig to say,
// nothing is run. The error is that -run does not name it.
func (o options) runPlugin(ctx context.Context, u *kubeconfig.User, stdin *os.File) (token.Diagnosis, error) {
	if u.Kind != kubeconfig.Exec {
		return token.Diagnosis{}, fmt.Errorf("-run is for a plugin, and the user %.60q has none (%s)", u.Name, u.Kind)
	}
	allowed := o.run
	if filepath.Base(allowed) != allowed {
		var err error
		if allowed, err = filepath.Abs(allowed); err != nil {
			return token.Diagnosis{}, fmt.Errorf("-run: %w", err)
		}
	}
	path, err := exec.LookPath(u.Exec.Command)
	if err != nil {
		return token.Diagnosis{}, nil
	}
	if named, err := exec.LookPath(allowed); err != nil || named != path {
		return token.Diagnosis{}, fmt.Errorf("the plugin of the user %.60q is %.300q, and -run does not name it: nothing was run", u.Name, u.Exec.Command)
	}
	u.Exec.Allow = []string{allowed}
	if stdin != nil && term.IsTerminal(int(stdin.Fd())) { // somebody is there to log in, or to press Ctrl-C
		u.Exec.Request.Interactive, u.Exec.Timeout = true, -1
	}
	t, err := u.Exec.Token(ctx)
	if err == nil {
		u.Token, u.Expiry = t, t.Expiry
		return token.Diagnosis{}, nil
	}
	f := token.Finding{Cause: "the plugin brings no token",
		Remedy: "run it by hand, as the kubeconfig has it, to see what it says itself, which may have secrets in it and is not shown here"}
	if failed, ok := errors.AsType[*execcred.Error](err); ok {
		f.Certain = failed.ExitCode > 0 // otherwise kubectl may make something of what it printed, such as a certificate
		err = failed.Err
	}
	what, _, _ := strings.Cut(err.Error(), "; ") // the rest is for programs that use execcred
	f.Evidence = []token.Evidence{{What: "the plugin " + u.Exec.Command, Value: what}}
	return token.Diagnosis{Findings: []token.Finding{f}}, nil
}
