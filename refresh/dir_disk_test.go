//go:build linux || darwin

package refresh_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/refresh"
)

// recorded returns a Dir, and what it did to the disk in the order in which it
// did it. do is called first and may fail.
func recorded(path string, do func(step string) error) (*refresh.Dir, *[]string) {
	d, steps := &refresh.Dir{Path: path}, new([]string)
	step := func(what string) error {
		*steps = append(*steps, what)
		return do(what)
	}
	name := func(p string) string {
		p, _ = filepath.Rel(filepath.Dir(path), p)
		p = strings.ReplaceAll(p, refresh.FileName("k"), "KEY")
		if strings.HasSuffix(p, ".tmp") {
			p = p[:strings.Index(p, ".")] + ".TEMP"
		}
		return p
	}
	refresh.SetDisk(d,
		func(f *os.File) error {
			if err := step("sync " + name(f.Name())); err != nil {
				return err
			}
			return f.Sync()
		},
		func(from, to string) error {
			if err := step("rename " + name(from) + " " + name(to)); err != nil {
				return err
			}
			return os.Rename(from, to)
		})
	return d, steps
}

func nothing(string) error { return nil }

// A value is on the disk before it has its name, and has it for good before Swap
// returns; so a power cut leaves the old value or the new one.
func TestDirOrder(t *testing.T) {
	t.Parallel()
	above := t.TempDir()
	d, steps := recorded(filepath.Join(above, "a", "d"), nothing)
	swap(t, d, "k", "", "v", time.Time{})
	swap(t, d, "k", "v", "w", time.Time{})
	swap(t, d, "k", "w", "", time.Time{})
	if diff := cmp.Diff([]string{
		"sync ..", "sync .", // the folders that were made
		"sync d/KEY.TEMP", "rename d/KEY.TEMP d/KEY", "sync d",
		"sync d/KEY.TEMP", "rename d/KEY.TEMP d/KEY", "sync d",
		"sync d",
	}, *steps); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A Swap that could not do all of it is an error. What it began is not there, or
// is as good as done.
func TestDirDiskFails(t *testing.T) {
	t.Parallel()
	for step, want := range map[string]string{"sync d/KEY.TEMP": "v", "rename d/KEY.TEMP d/KEY": "v", "sync d": "w"} {
		path := filepath.Join(t.TempDir(), "d")
		full := false
		d, _ := recorded(path, func(s string) error {
			if full && s == step {
				return syscall.ENOSPC
			}
			return nil
		})
		swap(t, d, "k", "", "v", time.Time{})
		full = true
		if ok, err := d.Swap(t.Context(), "k", []byte("v"), []byte("w"), time.Time{}); ok || !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("%s: Swap = %t, %v", step, ok, err)
		}
		holds(t, d, "k", want)
		if diff := cmp.Diff([]string{"KEY", "lock"}, names(t, path, "k")); diff != "" {
			t.Errorf("%s: files (-want +got):\n%s", step, diff)
		}
	}
}

// Whoever is killed between two steps leaves the old value or the new one, and
// a lock that others can have.
func TestDirKilled(t *testing.T) {
	t.Parallel()
	const where, when = "DIR_KILLED_PATH", "DIR_KILLED_STEP"
	if path := os.Getenv(where); path != "" {
		d, _ := recorded(path, func(s string) error {
			if s == os.Getenv(when) {
				syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {}
			}
			return nil
		})
		d.Swap(t.Context(), "k", []byte("v"), []byte("w"), time.Time{})
		return
	}
	for step, want := range map[string]string{"sync d/KEY.TEMP": "v", "rename d/KEY.TEMP d/KEY": "v", "sync d": "w"} {
		path := filepath.Join(t.TempDir(), "d")
		d := &refresh.Dir{Path: path}
		swap(t, d, "k", "", "v", time.Time{})
		cmd := exec.Command(os.Args[0], "-test.run=^TestDirKilled$")
		cmd.Env = append(os.Environ(), where+"="+path, when+"="+step)
		if out, err := cmd.CombinedOutput(); err == nil || err.Error() != "signal: killed" {
			t.Fatalf("%s: %v, %s", step, err, out)
		}
		holds(t, d, "k", want)
		swap(t, d, "k", want, "x", time.Time{})

		// What it left behind goes, but not at once.
		left := names(t, path, "k")
		long := time.Now().Add(-time.Hour)
		for _, name := range left {
			if strings.HasSuffix(name, ".tmp") {
				if err := os.Chtimes(filepath.Join(path, strings.Replace(name, "KEY", refresh.FileName("k"), 1)), long, long); err != nil {
					t.Fatal(err)
				}
			}
		}
		if files := 2; want == "v" && len(left) != files+1 || want == "w" && len(left) != files {
			t.Errorf("%s: it left %q", step, left)
		}
		swap(t, &refresh.Dir{Path: path}, "k", "x", "y", time.Time{})
		if diff := cmp.Diff([]string{"KEY", "lock"}, names(t, path, "k")); diff != "" {
			t.Errorf("%s: files (-want +got):\n%s", step, diff)
		}
	}
}

// Of a file that is too long no more is read than a value can have.
func TestDirReadsNoMore(t *testing.T) { // alone, since it counts
	path := t.TempDir()
	d := &refresh.Dir{Path: path}
	swap(t, d, "k", "", "v", time.Time{})
	if err := os.Truncate(filepath.Join(path, refresh.FileName("k")), 256<<20); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if v, err := d.Get(t.Context(), "k"); v != nil || err == nil {
		t.Errorf("Get = %d bytes, %v", len(v), err)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 16<<20 {
		t.Errorf("it took %d bytes", n)
	}
}

// A lock is given up also if a child has its file open, which is so for a moment
// whenever one is started.
func TestDirUnlockDespiteChild(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d := &refresh.Dir{Path: path}
	unlock, err := d.Lock(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil || len(links) == 0 {
		t.Skip("no /proc here")
	}
	held := filepath.Join(path, refresh.FileName("k")+".held")
	var found string
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && target == held {
			fd, err := strconv.Atoi(filepath.Base(link))
			if err != nil {
				t.Fatal(err)
			}
			again, err := syscall.Dup(fd)
			if err != nil {
				t.Fatal(err)
			}
			defer syscall.Close(again)
			found = link
			break
		}
	}
	if found == "" {
		t.Fatal("nothing has the file of the lock open")
	}
	unlock()
	if target, err := os.Readlink(found); err == nil && target == held {
		t.Error("the file of the lock is still open")
	}
	unlock, err = d.Lock(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}

// A folder that somebody else can write to, or put another in the place of, is
// refused before anything is read or written there.
func TestDirRefusesFolder(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name          string
		above, folder os.FileMode
		owner         int
		want          string // in the error; "" for none
	}{
		{name: "private", above: 0o755, folder: 0o700},
		{name: "readable", above: 0o755, folder: 0o755},
		{name: "writable for the group", above: 0o755, folder: 0o770, want: "chmod go-w"},
		{name: "writable for all", above: 0o755, folder: 0o702, want: "chmod go-w"},
		{name: "writable for all, sticky", above: 0o755, folder: 0o777 | os.ModeSticky, want: "chmod go-w"},
		{name: "below what all can write", above: 0o757, folder: 0o700, want: "in its place"},
		{name: "below what all can write, sticky", above: 0o777 | os.ModeSticky, folder: 0o700},
		{name: "of another", above: 0o755, folder: 0o700, owner: 12345, want: "belongs to the user with number 12345"},
	} {
		t.Run(test.name, func(t *testing.T) {
			above := filepath.Join(t.TempDir(), "above")
			path := filepath.Join(above, "between", "d")
			if err := os.MkdirAll(path, 0o700); err != nil {
				t.Fatal(err)
			}
			for p, mode := range map[string]os.FileMode{above: test.above, path: test.folder} {
				if err := os.Chmod(p, mode); err != nil {
					t.Fatal(err)
				}
			}
			if test.owner != 0 {
				if err := os.Chown(path, test.owner, -1); err != nil {
					t.Skip("only root can give a folder away: ", err)
				}
			}
			d := &refresh.Dir{Path: path}
			_, getErr := d.Get(t.Context(), "k")
			_, swapErr := d.Swap(t.Context(), "k", nil, []byte("v"), time.Time{})
			unlock, lockErr := d.Lock(t.Context(), "k")
			if lockErr == nil {
				unlock()
			}
			for _, err := range []error{getErr, swapErr, lockErr} {
				if test.want == "" {
					if err != nil {
						t.Error(err)
					}
				} else if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
					t.Errorf("%v, want %q", err, test.want)
				}
			}
			if got := names(t, path, "k"); test.want != "" && len(got) != 0 {
				t.Errorf("there is %q", got)
			}
		})
	}
}

// A folder that turns up in the place of the one that was looked at is looked at
// too.
func TestDirLooksAgain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "d")
	d := &refresh.Dir{Path: path}
	swap(t, d, "k", "", "v", time.Time{})
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Get(t.Context(), "k"); err == nil || !strings.Contains(err.Error(), "chmod go-w") {
		t.Errorf("Get: %v", err)
	}
}

// A folder that was fine at first is refused once others can write to it. It may
// also be another by then: one that is made after another was deleted can have
// its number in the file system.
func TestDirFolderOpened(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "d")
	d := &refresh.Dir{Path: path}
	swap(t, d, "k", "", "v", time.Time{})
	if err := os.Chmod(path, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Get(t.Context(), "k"); err == nil || !strings.Contains(err.Error(), "chmod go-w") {
		t.Errorf("Get: %v", err)
	}
	if ok, err := d.Swap(t.Context(), "k", []byte("v"), []byte("w"), time.Time{}); ok || err == nil || !strings.Contains(err.Error(), "chmod go-w") {
		t.Errorf("Swap = %t, %v", ok, err)
	}
	if err := os.Chmod(path, 0o700); err != nil {
		t.Fatal(err)
	}
	holds(t, d, "k", "v")
}
