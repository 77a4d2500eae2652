package execcred

import (
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// find returns the path of the program to run, once it is clear that it may.
func (p *Plugin) find() (string, error) {
	command := p.Command
	switch {
	case command == "":
		return "", errors.New("no Command: set it to the program to run")
	case len(p.Allow) > 0 && p.AnyCommand:
		return "", errors.New("both Allow and AnyCommand are set: set one of them")
	case len(p.Allow) == 0 && !p.AnyCommand:
		return "", errors.New("it may not run, for Allow is empty: put it there if whoever named it is to be trusted")
	}
	for i, entry := range p.Allow {
		if !isName(entry) && !filepath.IsAbs(entry) {
			return "", fmt.Errorf("entry %d of Allow is neither a name nor an absolute path", i)
		}
	}
	if err := p.checkEnv(); err != nil {
		return "", err
	}
	if !isName(command) {
		if !filepath.IsAbs(command) && !p.AnyCommand {
			return "", errors.New("its Command is relative to whatever folder this process is in: make it a name or an absolute path")
		}
		var err error
		if command, err = filepath.Abs(command); err != nil {
			return "", fmt.Errorf("its Command is relative to a folder that cannot be found: %w", err)
		}
	}
	path, err := exec.LookPath(command)
	switch {
	case err != nil && !p.AnyCommand && !slices.Contains(p.Allow, command), err == nil && !p.allows(path):
		return "", errors.New("it may not run, for it is none of those in Allow: add it if whoever named it is to be trusted")
	case errors.Is(err, exec.ErrDot):
		return "", errors.New("PATH has it in the current folder only, which may be anybody's: make Command an absolute path")
	case err != nil:
		return "", p.notFound(err)
	}
	return path, nil
}

// allows reports whether the program at path is one of those in Allow. A name there
// stands for the program that PATH has by that name, as it does to client-go.
func (p *Plugin) allows(path string) bool {
	return p.AnyCommand || slices.ContainsFunc(p.Allow, func(entry string) bool {
		if filepath.IsAbs(entry) {
			entry = filepath.Clean(entry)
		}
		allowed, err := exec.LookPath(entry)
		return err == nil && samePath(allowed, path)
	})
}

// checkEnv reports what is wrong with Env, by its index: the values may be secret.
func (p *Plugin) checkEnv() error {
	for i, entry := range p.Env {
		name, _, ok := strings.Cut(entry, "=")
		switch {
		case !ok || name == "":
			return fmt.Errorf("entry %d of Env is not of the form NAME=value", i)
		case strings.Contains(entry, "\x00"):
			return fmt.Errorf("entry %d of Env has a zero byte in it", i)
		case !p.AnyCommand && (strings.HasPrefix(name, "LD_") || strings.HasPrefix(name, "DYLD_") || strings.EqualFold(name, "PATH")):
			// With one of these, an allowed program loads any library, or starts any other.
			return fmt.Errorf("entry %d of Env says what else is loaded or run (LD_…, DYLD_…, PATH), and Allow says nothing of that: set it in the environment of this process, or AnyCommand in place of Allow", i)
		}
	}
	return nil
}

// notFound returns the error for a program that is not there, or none, as err says.
func (p *Plugin) notFound(err error) error {
	if e, ok := errors.AsType[*exec.Error](err); ok {
		err = e.Err // without the name, of which there is enough
	}
	hint := "install it, make it executable, or correct Command or PATH"
	if p.InstallHint != "" {
		hint += "; whoever named it says: " + brief(p.InstallHint, 500)
	}
	what := "there is no such program"
	if errors.Is(err, fs.ErrPermission) {
		what = "it is no program that may be run"
	}
	return fmt.Errorf("%s: %w; %s", what, cause(err), hint)
}

// isName reports whether s is the name of a program, and no path.
func isName(s string) bool {
	return s != "." && s != ".." && filepath.Base(s) == s && !filepath.IsAbs(s)
}

func samePath(a, b string) bool {
	if runtime.GOOS == "windows" {
		return strings.EqualFold(a, b)
	}
	return a == b
}
