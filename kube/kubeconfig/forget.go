package kubeconfig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Forgotten is what Forget has done.
type Forgotten struct {
	File    string   // that was changed; empty if there was nothing to clear
	Backup  string   // what File was before
	Cleared []string // the fields that were, such as "auth-provider.config.id-token"
	Left    []string // what was not, each in a sentence that says why and what to do
}

// Forget clears the dead credentials of a user, in the file that defines it, after
// writing a backup of that beside it. It runs no command and asks nobody.
//
// What it clears is a token that has expired, or does not say when it does, and the
// tokens of an auth-provider, good or not: that is logging out there. A token that is
// good by its own account is left, as are passwords, certificates, token files and
// plugins; Forgotten says so. Nothing is revoked. The backup, which only its owner can
// read, has what was cleared: delete it once it is not needed. There is none if the file
// could not be changed. The Dir of an [OIDC] has the tokens too, but no OIDC hands them
// out as long as the backup is not put back.
//
// A field is cleared by an empty text in its place, which is to kubectl as if it were
// not there. All else in the file stays as it is written. The file is locked as kubectl
// locks it, for which kubectl does not wait.
func (f Files) Forget(ctx context.Context, user string) (Forgotten, error) {
	return changer{files: f}.forget(ctx, user)
}

func (c changer) forget(ctx context.Context, user string) (Forgotten, error) {
	var done Forgotten
	clear := func(e *userEntry) ([]setting, error) {
		done.Cleared, done.Left = e.dead(time.Now())
		var settings []setting
		for _, field := range done.Cleared {
			settings = append(settings, setting{field, ""})
		}
		return settings, nil
	}
	// Whoever may not write there is told what there is nevertheless, if nothing is to
	// be cleared.
	if _, e, err := c.files.find(user); err != nil {
		return Forgotten{}, err
	} else if settings, _ := clear(e); len(settings) == 0 {
		return done, nil
	}
	path, err := c.change(ctx, user, clear, func(old *file) (err error) {
		done.Backup, err = old.backup(time.Now(), c.hook)
		return err
	})
	if err != nil {
		// A backup of what has not changed is only another copy of its secrets.
		if done.Backup != "" && (errors.Is(err, errUnsynced) || os.Remove(done.Backup) != nil) {
			err = fmt.Errorf("%w (%s is what it was)", err, done.Backup)
		}
		return Forgotten{}, err
	}
	if done.Backup != "" {
		done.File = path
	}
	return done, nil
}

// dead returns the fields that Forget clears, and why it leaves the others.
func (e *userEntry) dead(now time.Time) (fields, left []string) {
	leave := func(format string, args ...any) { left = append(left, fmt.Sprintf(format, args...)) }
	if e.token != "" {
		switch end := expiry(e.token); {
		case now.Before(end):
			leave("The token is good until %s: have it revoked by whoever issued it, if it must not be", stamp(end))
		default:
			fields = append(fields, "token")
		}
	}
	if e.provider != nil {
		for _, key := range tokenKeys {
			if e.provider.config[key] != "" {
				fields = append(fields, "auth-provider.config."+key)
			}
		}
	}
	if e.tokenFile != "" {
		leave("The token file %s belongs to what writes it: stop that, and delete the file", show(e.tokenFile))
	}
	if e.username != "" || e.password != "" {
		leave("The password does not expire: remove it with kubectl config unset")
	}
	if e.certFile != "" || len(e.certData) > 0 {
		leave("The client certificate ends by itself, and there is no logging out: remove it with kubectl config unset")
	}
	if e.exec != nil {
		leave("The exec plugin %s keeps its tokens itself: log out as its documentation says", show(e.exec.command))
	}
	return fields, left
}

// backup writes what is in f to another file beside it, and returns the path of that.
func (f *file) backup(now time.Time, h hook) (string, error) {
	path := f.path + ".tokenlife-backup-" + now.UTC().Format("20060102T150405Z")
	name, err := path, error(nil)
	for i := 2; i < 100; i++ {
		if err = create(name, f.text, nil, h); !exists(err) {
			break
		}
		name = path + "-" + strconv.Itoa(i)
	}
	if err == nil {
		err = h.do("sync folder", func() error { return syncFolder(filepath.Dir(name)) })
	}
	if err != nil {
		if !exists(err) {
			os.Remove(name)
		}
		return "", fmt.Errorf("kubeconfig: %s is not changed, since no backup can be written beside it: %w", f.path, err)
	}
	return name, nil
}
