package kubeconfig

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// An authProvider is the auth-provider of a user as it stands in its file.
type authProvider struct {
	User   string            // its name; for the empty name, that of the current context, if there is one
	File   string            // the file that defines it, as Files names it
	Real   string            // the same file: its absolute path, without symbolic links
	Name   string            // such as "oidc"; empty if the user has no auth-provider
	Config map[string]string // a copy; nil if the user has no auth-provider
}

// provider returns the auth-provider of a user, read without a lock. Like User, it is
// an error if there is no such user; it is none if that has no auth-provider. With an
// error comes the name, as far as it is known.
func (f Files) provider(user string) (authProvider, error) {
	all, e, err := f.find(user)
	if err != nil {
		if user == "" && all != nil {
			user, _ = all.currentUser()
		}
		return authProvider{User: user}, err
	}
	p := authProvider{User: e.name, File: e.file.path}
	if p.Real, err = realPath(e.file.path); err != nil {
		return p, err
	}
	if e.provider != nil {
		p.Name, p.Config = e.provider.name, maps.Clone(e.provider.config)
	}
	return p, nil
}

// update changes the config of a user's auth-provider in the file that defines it.
//
// It takes kubectl's lock on that file, for which it waits a few seconds at most, reads
// the file afresh and calls change with a copy of the config as it is then. What change
// returns is what the keys in it are to be: keys that it leaves out stay as they are,
// and a key is cleared by an empty value. Nothing is written if change returns nil, or
// nothing that differs, or an error, which update returns as it is. change must be
// quick: kubectl fails while the lock is held.
//
// It returns the file, as Files names it, and is an error if the user, or its
// auth-provider, is not there (any more): errors.Is(err, errGone).
func (f Files) update(ctx context.Context, user string, change func(config map[string]string) (map[string]string, error)) (file string, err error) {
	return changer{files: f}.change(ctx, user, func(e *userEntry) ([]setting, error) {
		if e.provider == nil {
			return nil, fmt.Errorf("kubeconfig: the auth-provider of the user %.64q is %w in %s", e.name, errGone, e.file.path)
		}
		want, err := change(maps.Clone(e.provider.config))
		if err != nil {
			return nil, err
		}
		var settings []setting
		for _, key := range slices.Sorted(maps.Keys(want)) {
			if want[key] != e.provider.config[key] {
				settings = append(settings, setting{"auth-provider.config." + key, want[key]})
			}
		}
		return settings, nil
	}, nil)
}

// A setting is a field of a user, and what it is to be.
type setting struct{ field, text string }

// A changer changes files under their locks.
type changer struct {
	files Files
	hook  hook
}

// change changes the fields of a user. It asks want what they are to be, under the lock,
// and if that is anything, calls before just before it writes, unless that is nil. It
// returns the file.
func (c changer) change(ctx context.Context, user string, want func(*userEntry) ([]setting, error), before func(*file) error) (path string, err error) {
	_, e, err := c.files.find(user)
	if err != nil {
		return "", err
	}
	path = e.file.path
	unlock, err := lock(ctx, path)
	if err != nil {
		return path, err
	}
	defer unlock()
	if _, e, err = c.files.findUnder(true, e.name); err != nil {
		return path, err
	}
	if e.file.path != path {
		return path, fmt.Errorf("kubeconfig: the user %.64q is %w in %s, but in %s since a moment ago; try again", e.name, errGone, path, e.file.path)
	}
	settings, err := want(e)
	if err != nil || len(settings) == 0 {
		return path, err
	}
	name, old, changed := e.name, e.file, e.file
	for _, s := range settings {
		if changed, err = changed.set(changed.user(name), s.field, s.text); err != nil {
			return path, err
		}
	}
	if before != nil {
		if err := before(old); err != nil {
			return path, err
		}
	}
	return path, old.write(changed.text, c.hook)
}
