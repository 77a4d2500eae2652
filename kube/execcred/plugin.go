package execcred

import (
	"context"
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// A Plugin is a [token.Source] that runs an exec credential plugin, anew for each
// call: wrap it in refresh.New, which keeps the token, runs one plugin for many
// callers, and runs it early and after a 401. A refresh.Source has a Timeout of its
// own, half a minute unless set.
//
// What a Plugin prints must be an ExecCredential of Request.APIVersion with a token,
// in at most 1 MiB; a client certificate beside it is not used. Its errors are of type
// [*Error].
//
// Set the fields before first use. A Plugin is then safe for concurrent use. It
// prints as its Command alone.
type Plugin struct {
	// Command is the program: a name that is looked for in PATH, or an absolute path.
	// Required.
	Command string
	Args    []string

	// Env is what the plugin's environment has beside that of this process, as
	// NAME=value.
	Env []string

	// Allow lists the programs that may run, as names, which are looked for in PATH, or
	// as absolute paths: Command often comes of a kubeconfig, and that of somebody.
	// Command may be either too: they must lead to the same path. Required, unless
	// AnyCommand.
	//
	// Args and Env come of the same kubeconfig, and only what has any program load or
	// start others (LD_…, DYLD_…, PATH) is refused there: allow no shell, no interpreter
	// and no other program that does whatever it is told.
	Allow []string

	// AnyCommand lets any program run, a relative path too. It is for a Command that the
	// program itself has chosen.
	AnyCommand bool

	// Request is what the plugin is told. If it is Interactive, the plugin has the
	// standard input of this process, shows its prompts on the standard error, and is
	// ended by Ctrl-C with this process; a login may take longer than Timeout, and that
	// of a refresh.Source, unless they are raised. Otherwise it has no input, on Unix no
	// terminal either, what it writes to standard error is seen in [Error.Stderr] alone,
	// and if this process ends, it goes on.
	Request Request

	// InstallHint is for the error if the program is not there.
	InstallHint string

	// Timeout bounds a run; 0 means a minute, negative means no bound. On Unix all that
	// the plugin has started is then ended with it, unless it is Interactive; elsewhere,
	// the plugin alone.
	Timeout time.Duration
}

// Token runs the plugin. The token's ExpiresIn is what is left until the
// expirationTimestamp, by this machine's clock. Without one, IssuedAt and Expiry are
// those that the token says itself if it is a JWT, and else nothing is known.
//
// A plugin that has printed a token and ended well has done its part, also if
// something that it has started goes on and holds its output: one second later that is
// not waited for.
func (p *Plugin) Token(ctx context.Context) (token.Token, error) {
	if err := ctx.Err(); err != nil {
		return token.Token{}, p.failed(fmt.Errorf("it was not run: %w", err))
	}
	path, err := p.find()
	if err != nil {
		return token.Token{}, p.failed(err)
	}
	text, err := p.run(ctx, path)
	if err != nil {
		return token.Token{}, err
	}
	t, err := readCredential(text, p.Request.version(), time.Now())
	if err != nil {
		failed := p.failed(err)
		failed.ExitCode = 0
		return token.Token{}, failed
	}
	return t, nil
}
