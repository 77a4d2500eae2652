package kubeconfig

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// errGone is matched by the error for a user that the files do not define, or one
// that has no auth-provider (any more).
var errGone = errors.New("not there")

// Files are the paths of kubeconfig files, which kubectl reads as one: what several
// of them define is as the first has it, and of those that are not there one at least
// must be. None at all means Default().
//
// They are read anew by each call. A file that is no kubeconfig is an error, which
// names the line and the field and repeats no value.
type Files []string

// Default returns the files that kubectl reads: those of the environment variable
// KUBECONFIG, or else .kube/config in the home directory.
func Default() Files {
	if list := os.Getenv("KUBECONFIG"); list != "" {
		return filepath.SplitList(list)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return nil
	}
	return Files{filepath.Join(home, ".kube", "config")}
}

// Inspect returns the users that the files define, in their order, and last those
// that are only in a context.
func (f Files) Inspect() ([]User, error) {
	all, err := f.load(false)
	if err != nil {
		return nil, err
	}
	users := make([]User, 0, len(all.users.order))
	for _, e := range all.users.order {
		users = append(users, all.inspect(e))
	}
	for _, name := range all.undefined {
		users = append(users, all.nobody(name))
	}
	return users, nil
}

// User returns one that the files define; the empty name is for the user of the
// current context.
func (f Files) User(name string) (User, error) {
	all, e, err := f.find(name)
	if err != nil {
		return User{}, err
	}
	return all.inspect(*e), nil
}

// find returns what the files define, and a user of it. What they define it also returns
// if there is no such user.
func (f Files) find(name string) (*config, *userEntry, error) { return f.findUnder(false, name) }

// findUnder is find. locked says that the caller has the lock of one of the files.
func (f Files) findUnder(locked bool, name string) (*config, *userEntry, error) {
	all, err := f.load(locked)
	if err != nil {
		return nil, nil, err
	}
	if name == "" {
		if name, err = all.currentUser(); err != nil {
			return nil, nil, err
		}
	}
	e := all.users.get(name)
	if e == nil && slices.Contains(all.undefined, name) {
		return all, nil, fmt.Errorf("kubeconfig: the user %.64q is %w in %s, though a context is for it: define it with kubectl config set-credentials %s", name, errGone, all.paths(), argument(name))
	}
	if e == nil {
		return all, nil, fmt.Errorf("kubeconfig: the user %.64q is %w in %s%s", name, errGone, all.paths(), all.names())
	}
	return all, e, nil
}

// load reads the files. locked says that the caller has the lock of one of them.
func (f Files) load(locked bool) (*config, error) {
	if len(f) == 0 {
		f = Default()
	}
	if len(f) == 0 {
		return nil, errors.New("kubeconfig: there is no home directory to look for .kube/config in: set KUBECONFIG, or name the files")
	}
	all := &config{}
	var absent, seen []string
	for _, path := range f {
		if path == "" {
			continue
		}
		real, err := realPath(path)
		if err == nil && slices.Contains(seen, real) { // by another name, it would define all twice
			continue
		}
		seen = append(seen, real)
		one, err := readFile(path, locked)
		switch {
		case missing(err):
			absent = append(absent, path)
		case err != nil:
			return nil, err
		default:
			all.add(one)
		}
	}
	switch {
	case len(all.files) > 0:
	case len(absent) == 0:
		return nil, errors.New("kubeconfig: the list of files names none: is KUBECONFIG what it should be?")
	default:
		return nil, fmt.Errorf("kubeconfig: there is no %s: is KUBECONFIG, or the home directory, what it should be?", cut(strings.Join(absent, ", nor "), 400))
	}
	all.join()
	return all, nil
}
