package kubeconfig

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A lock that stays is never broken, and the error says which file it is, since when,
// and what to do. One that is there for long is not waited for, and only one that is
// there for longer than a change takes is to be deleted.
func TestLockStays(t *testing.T) {
	t.Parallel()
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // in a bubble
	for _, test := range []struct {
		linked bool
		old    time.Duration
		took   time.Duration
		want   string // FILE and LOCK are their paths
	}{
		{false, 3 * time.Hour, 0, "FILE is not changed: it is locked by the file LOCK, since 1999-12-31T21:00:00Z (3 hours ago), and a change takes a moment only: whoever made that file was most likely killed; if nothing is changing it now, delete LOCK"},
		{true, 3 * time.Hour, 0, "FILE is not changed: it is locked by the file LOCK, since 1999-12-31T21:00:00Z (3 hours ago), "},
		{false, lockLeft - 6*time.Second, lockWait, "(59 seconds ago), and a change takes a moment only: whoever made that file was most likely killed; if nothing is changing it now, delete LOCK"},
		{true, 4 * time.Second, lockWait, "(10 seconds ago), "},
		{false, -3 * time.Second, lockWait, "FILE is not changed: somebody else is changing it, who has the lock LOCK; try again"},
		{false, -3 * time.Hour, lockWait, "since 2000-01-01T03:00:00Z (in 2 hours), and a change takes a moment only: whoever made that file was most likely killed; if nothing is changing it now, delete LOCK"},
	} {
		path := put(t, was)
		locked := path + lockSuffix
		if test.linked { // the lock of the target, which one has that knows no link
			link := filepath.Join(t.TempDir(), "link")
			if err := os.Symlink(path, link); err != nil {
				t.Skip(err)
			}
			path = link
		}
		if err := os.WriteFile(locked, nil, 0); err != nil {
			t.Fatal(err)
		}
		made := now.Add(-test.old)
		if err := os.Chtimes(locked, made, made); err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(t *testing.T) {
			_, err := Files{path}.Forget(t.Context(), "u")
			if took := time.Since(now); took < test.took || took > test.took+2*settling {
				t.Errorf("it took %v", took)
			}
			want := strings.NewReplacer("FILE", path, "LOCK", locked).Replace(test.want)
			if err == nil || !strings.HasPrefix(err.Error(), "kubeconfig: "+path) || !strings.Contains(err.Error(), want) {
				t.Errorf("%v\nwant %s", err, want)
			}
		})
		holds(t, path, was)
		if _, err := os.Stat(locked); err != nil {
			t.Errorf("the lock is gone: %v", err)
		}
		if test.linked {
			if diff := cmp.Diff([]string{"link"}, around(t, path)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		}
	}
}

// Who has no time to wait for a lock is told of it all the same.
func TestLockNoTime(t *testing.T) {
	t.Parallel()
	path := put(t, was)
	if err := os.WriteFile(path+lockSuffix, nil, 0); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err := Files{path}.update(ctx, "u", func(map[string]string) (map[string]string, error) { return nil, nil })
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != time.Second || !strings.Contains(err.Error(), "delete "+path+lockSuffix) {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

// A lock that goes away is waited for.
func TestLockGoes(t *testing.T) {
	t.Parallel()
	path := put(t, was)
	if err := os.WriteFile(path+lockSuffix, nil, 0); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		time.AfterFunc(3*time.Second, func() { os.Remove(path + lockSuffix) })
		began := time.Now()
		if _, err := (Files{path}).Forget(t.Context(), "u"); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took < 3*time.Second || took > 3*time.Second+2*lockRetry {
			t.Errorf("it took %v", took)
		}
	})
	holds(t, path, is)
}

// A folder that has two paths has one lock.
func TestLockNames(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a/b", "c"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(at("a/b/config"), []byte(was), 0o600); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"d": "a/b", "c/link": "../a/b/config"} {
		if err := os.Symlink(to, at(link)); err != nil {
			t.Skip(err)
		}
	}
	for path, want := range map[string][]string{
		"a/b/config": {at("a/b/config.lock")},
		"d/config":   {at("a/b/config.lock")},
		"c/link":     {at("c/link.lock"), at("a/b/config.lock")},
	} {
		got, err := lockNames(at(path))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", path, err, diff)
		}
	}
}

// While the lock is held, kubectl's names for it are there; afterwards none is,
// whatever has happened, and what was to be changed is asked for under it.
func TestUpdateLocks(t *testing.T) {
	t.Parallel()
	path := put(t, "users:\n- {name: u, user: {auth-provider: {name: oidc, config: {a: b, c: d}}}}\n")
	failed := errors.New("no")
	for _, test := range []struct {
		name string
		to   map[string]string
		err  error
		want string
	}{
		{"nothing", nil, nil, "a: b, c: d"},
		{"the same", map[string]string{"a": "b", "new": ""}, nil, "a: b, c: d"},
		{"an error", map[string]string{"a": "x"}, failed, "a: b, c: d"},
		{"one, and a new one", map[string]string{"a": "x", "new": "y"}, nil, `"new": "y", a: "x", c: d`},
		{"a clear one", map[string]string{"new": ""}, nil, `"new": "", a: "x", c: d`},
	} {
		before, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		file, err := Files{path}.update(t.Context(), "u", func(config map[string]string) (map[string]string, error) {
			if _, err := os.Stat(path + lockSuffix); err != nil {
				t.Errorf("%s: no lock: %v", test.name, err)
			}
			if config["c"] != "d" {
				t.Errorf("%s: %v", test.name, config)
			}
			config["c"] = "changed" // which is a copy
			return test.to, test.err
		})
		if file != path || err != test.err {
			t.Errorf("%s: %s, %v", test.name, file, err)
		}
		holds(t, path, "users:\n- {name: u, user: {auth-provider: {name: oidc, config: {"+test.want+"}}}}\n")
		after, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if same := os.SameFile(before, after); same != strings.HasPrefix(test.want, "a: b") {
			t.Errorf("%s: it is the same file: %t", test.name, same)
		}
		if diff := cmp.Diff([]string{"config"}, around(t, path)); diff != "" {
			t.Errorf("%s: files (-want +got):\n%s", test.name, diff)
		}
	}
}

// What is not there, or not any more, is told apart from all else.
func TestUpdateGone(t *testing.T) {
	t.Parallel()
	path := put(t, "users:\n- {name: u, user: {token: abc}}\n")
	never := func(map[string]string) (map[string]string, error) {
		t.Error("it asked for a change")
		return nil, nil
	}
	for _, user := range []string{"u", "v"} {
		if _, err := (Files{path}).update(t.Context(), user, never); !errors.Is(err, errGone) {
			t.Errorf("%s: %v", user, err)
		}
	}
	// The user goes while the lock is waited for; or is defined by another file then.
	first, second := put(t, "users: []\n"), put(t, "users:\n- {name: u, user: {auth-provider: {config: {a: b}}}}\n")
	for _, change := range []func(){
		func() {
			os.WriteFile(first, []byte("users:\n- {name: u, user: {auth-provider: {config: {a: b}}}}\n"), 0o600)
		},
		func() {
			os.WriteFile(first, []byte("users: []\n"), 0o600)
			os.WriteFile(second, []byte("users: []\n"), 0o600)
		},
	} {
		if err := os.WriteFile(second+lockSuffix, nil, 0); err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(t *testing.T) {
			time.AfterFunc(time.Second, func() {
				change()
				os.Remove(second + lockSuffix)
			})
			if _, err := (Files{first, second}).update(t.Context(), "u", never); !errors.Is(err, errGone) {
				t.Errorf("%v", err)
			}
		})
		os.WriteFile(first, []byte("users: []\n"), 0o600)
	}
}

// Many at once change what they have read, and none loses what another has written.
func TestUpdateAtOnce(t *testing.T) {
	t.Parallel()
	path := put(t, "users:\n- name: u\n  user:\n    auth-provider:\n      config: {n: '0'}\n")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 5 {
				add := func() error {
					_, err := Files{path}.update(t.Context(), "u", func(config map[string]string) (map[string]string, error) {
						n, err := strconv.Atoi(config["n"])
						config["n"] = strconv.Itoa(n + 1)
						return config, err
					})
					return err
				}
				err := add()
				for err != nil && strings.HasSuffix(err.Error(), "; try again") { // on a busy machine
					err = add()
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	holds(t, path, "users:\n- name: u\n  user:\n    auth-provider:\n      config: {n: \"40\"}\n")
}

// A file that kubectl is writing is read when it has: it empties it first.
func TestReadWaits(t *testing.T) {
	t.Parallel()
	path := put(t, "")
	// Inside a bubble it is long ago, and so must be the lock.
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	lock := func(at time.Time) {
		if err := os.WriteFile(path+lockSuffix, nil, 0); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path+lockSuffix, at, at); err != nil {
			t.Fatal(err)
		}
	}
	lock(now)
	synctest.Test(t, func(t *testing.T) {
		time.AfterFunc(100*time.Millisecond, func() {
			os.WriteFile(path, []byte(was), 0o600)
			os.Remove(path + lockSuffix)
		})
		if users, err := (Files{path}).Inspect(); err != nil || len(users) != 1 {
			t.Errorf("%v, %v", users, err)
		}
	})
	// One that stays is not waited for for long, and one that is old not at all.
	for at, want := range map[time.Time]time.Duration{now: settling, now.Add(-lockWait): 0} {
		os.Remove(path + lockSuffix)
		lock(at)
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			if _, err := (Files{path}).Inspect(); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took < want || took > want+settling/10 {
				t.Errorf("it took %v, want %v", took, want)
			}
		})
	}
	// What was there before the lock is not all there is.
	os.Remove(path + lockSuffix)
	provider, err := Files{path}.provider("u")
	if err != nil || provider.User != "u" || provider.Name != "" || provider.Config != nil || provider.File != path {
		t.Errorf("%+v, %v", provider, err)
	}
}
