package refresh_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/storetest"
	"github.com/tokenlife/tokenlife/token"
)

func TestDir(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	storetest.Run(t, func(t *testing.T) refresh.Store { return &refresh.Dir{Path: dir} })
}

func TestDirProcesses(t *testing.T) {
	storetest.Processes(t,
		func(t *testing.T) string { return t.TempDir() },
		func(_ *testing.T, place string) refresh.Store { return &refresh.Dir{Path: place} })
}

// swap fails the test unless the Swap is made.
func swap(t *testing.T, s refresh.Store, key, old, new string, expires time.Time) {
	t.Helper()
	value := func(s string) []byte {
		if s == "" {
			return nil
		}
		return []byte(s)
	}
	if ok, err := s.Swap(t.Context(), key, value(old), value(new), expires); !ok || err != nil {
		t.Fatalf("Swap(%.40q, %.40q, %.40q) = %t, %v", key, old, new, ok, err)
	}
}

// holds fails the test unless key holds want; "" is absent.
func holds(t *testing.T, s refresh.Store, key, want string) {
	t.Helper()
	if got, err := s.Get(t.Context(), key); string(got) != want || (got == nil) != (want == "") || err != nil {
		t.Errorf("Get(%.40q) = %.40q, %v, want %.40q", key, got, err, want)
	}
}

// names returns what is in the folder, with "KEY" for the hash of key.
func names(t *testing.T, path, key string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, strings.ReplaceAll(e.Name(), refresh.FileName(key), "KEY"))
	}
	return all
}

func TestDirNeedsAPath(t *testing.T) {
	t.Parallel()
	var d refresh.Dir
	_, err := d.Get(t.Context(), "k")
	if err == nil || !strings.Contains(err.Error(), "Dir.Path") {
		t.Errorf("Get: %v", err)
	}
	if _, err := d.Swap(t.Context(), "k", nil, []byte("v"), time.Time{}); err == nil || !strings.Contains(err.Error(), "Dir.Path") {
		t.Errorf("Swap: %v", err)
	}
	if _, err := d.Lock(t.Context(), "k"); err == nil || !strings.Contains(err.Error(), "Dir.Path") {
		t.Errorf("Lock: %v", err)
	}
}

// Nothing is made before it is needed, and what is made is for its owner only.
func TestDirMakesFolder(t *testing.T) {
	t.Parallel()
	above := t.TempDir()
	path := filepath.Join(above, "a", "b")
	d := &refresh.Dir{Path: path}
	holds(t, d, "k", "")
	if got := names(t, above, ""); len(got) != 0 {
		t.Errorf("after Get there is %q", got)
	}
	swap(t, d, "k", "", "v", time.Time{})
	unlock, err := d.Lock(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	if diff := cmp.Diff([]string{"KEY", "KEY.held", "lock"}, names(t, path, "k")); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if runtime.GOOS == "windows" {
		return
	}
	for _, p := range []string{filepath.Dir(path), path, filepath.Join(path, "lock"), filepath.Join(path, refresh.FileName("k")), filepath.Join(path, refresh.FileName("k")+".held")} {
		info, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", p, info.Mode())
		}
	}
}

// Somebody who tidies up loses what they delete, and no more.
func TestDirFolderDeleted(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "d")
	d := &refresh.Dir{Path: path}
	swap(t, d, "k", "", "v", time.Time{})
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	holds(t, d, "k", "")
	swap(t, d, "k", "", "w", time.Time{})
	holds(t, d, "k", "w")
}

// Links are followed when the Dir is first used. Whoever changes them later does
// not split the Store in two.
func TestDirFollowsLinksOnce(t *testing.T) {
	t.Parallel()
	above := t.TempDir()
	first, second, link := filepath.Join(above, "1"), filepath.Join(above, "2"), filepath.Join(above, "link")
	for _, p := range []string{first, second} {
		if err := os.Mkdir(p, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(first, link); err != nil {
		t.Skip(err)
	}
	d := &refresh.Dir{Path: filepath.Join(link, "d")}
	swap(t, d, "k", "", "v", time.Time{})
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(second, link); err != nil {
		t.Fatal(err)
	}
	swap(t, d, "k", "v", "w", time.Time{})
	holds(t, d, "k", "w")
	holds(t, &refresh.Dir{Path: filepath.Join(first, "d")}, "k", "w")
}

// A relative path is one of the working directory at first use.
func TestDirRelative(t *testing.T) {
	t.Chdir(t.TempDir())
	d := &refresh.Dir{Path: "d"}
	swap(t, d, "k", "", "v", time.Time{})
	t.Chdir(t.TempDir())
	holds(t, d, "k", "v")
}

// Somebody who stops while they have the lock keeps others waiting no longer
// than these like, and readers not at all.
func TestDirSwapWaits(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d := &refresh.Dir{Path: path}
	swap(t, d, "k", "", "v", time.Time{})
	lock := filepath.Join(path, "lock")
	f, err := os.OpenFile(lock, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if locked, err := refresh.LockAt(f, lock); !locked || err != nil {
		t.Fatal(locked, err)
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if ok, err := d.Swap(ctx, "k", []byte("v"), []byte("w"), time.Time{}); ok || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), lock) {
			t.Errorf("Swap = %t, %v", ok, err)
		}
	})
	if runtime.GOOS != "windows" {
		holds(t, d, "k", "v")
	}
	f.Close()
	swap(t, d, "k", "v", "w", time.Time{})
}

// The lock of a file that is not there any more excludes nobody.
func TestDirLockDeleted(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	open := func() *os.File {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	f := open()
	if err := os.Remove(path); err != nil {
		t.Skip(err)
	}
	if locked, err := refresh.LockAt(f, path); locked || err != nil {
		t.Errorf("deleted: %t, %v", locked, err)
	}
	if locked, err := refresh.LockAt(open(), path); !locked || err != nil {
		t.Errorf("made anew: %t, %v", locked, err)
	}
}

// What is in the folder and no value is an error that names the file, for Get
// and for Swap, and stays as it is.
func TestDirDamaged(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d := &refresh.Dir{Path: path}
	swap(t, d, "other", "", "value", time.Now().Add(time.Hour))
	swap(t, d, "k", "", "value", time.Now().Add(time.Hour))
	name := filepath.Join(path, refresh.FileName("k"))
	good, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.ReadFile(filepath.Join(path, refresh.FileName("other")))
	if err != nil {
		t.Fatal(err)
	}
	bad := map[string]string{
		"empty":             "",
		"of another key":    string(other),
		"foreign":           "{}\n",
		"foreign, one line": strings.Repeat("x", 1<<20),
		"longer":            string(good) + "\n",
		"much longer":       string(good) + strings.Repeat("x", 64<<10),
		"newer":             strings.Replace(string(good), "tokenlife/1 ", "tokenlife/2 ", 1),
		"older":             strings.Replace(string(good), "tokenlife/1 ", "tokenlife/01 ", 1),
		"NUL":               strings.Repeat("\x00", len(good)), // as after a power cut
	}
	for i := range good {
		bad["cut at "+string(rune('0'+i))] = string(good[:i])
		bad["changed at "+string(rune('0'+i))] = string(good[:i]) + string(good[i]^1) + string(good[i+1:])
	}
	for what, file := range bad {
		if err := os.WriteFile(name, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		v, err := d.Get(t.Context(), "k")
		ok, swapErr := d.Swap(t.Context(), "k", nil, []byte("new"), time.Time{})
		if v != nil || ok {
			t.Errorf("%s: Get = %q, Swap = %t", what, v, ok)
		}
		for _, err := range []error{err, swapErr} {
			if err == nil || errors.Is(err, token.ErrInvalid) || !strings.Contains(err.Error(), name) || len(err.Error()) > len(name)+200 {
				t.Errorf("%s: %v", what, err)
			}
			if newer := err != nil && strings.Contains(err.Error(), "version 2"); newer != (what == "newer") && !strings.HasPrefix(what, "changed") {
				t.Errorf("%s: %v", what, err)
			}
		}
		if still, err := os.ReadFile(name); err != nil || string(still) != file {
			t.Errorf("%s: the file has changed, %v", what, err)
		}
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(name, 0o700); err != nil {
		t.Fatal(err)
	}
	if v, err := d.Get(t.Context(), "k"); v != nil || err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("a folder: %q, %v", v, err)
	}
	holds(t, d, "other", "value")
}

// Expired values, and files that a killed process had not finished, are swept by
// the writes of others. All else stays.
func TestDirSweeps(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d := &refresh.Dir{Path: path}
	past := time.Now().Add(-time.Hour)
	file := func(name string) string {
		p := filepath.Join(path, name)
		if err := os.WriteFile(p, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, p := range []string{file(refresh.FileName("a") + ".123.tmp"), file("notes.tmp"), file(strings.Repeat("n", 64))} {
		if err := os.Chtimes(p, past, past); err != nil {
			t.Fatal(err)
		}
	}
	recent := file(refresh.FileName("b") + ".123.tmp")
	touch := func() { // it stays one of just now, however slow the disk is
		if now := time.Now(); os.Chtimes(recent, now, now) != nil {
			t.Fatal("the temporary file of just now is gone")
		}
	}
	swap(t, d, "lives", "", "v", time.Now().Add(time.Hour))
	swap(t, d, "stays", "", "v", time.Time{})
	for i := range 300 {
		touch()
		swap(t, d, "k"+string(rune(i)), "", "v", past)
	}
	if n := len(names(t, path, "")); n > 100 {
		t.Errorf("%d files are left of 300 that had expired", n)
	}
	for i := range 300 { // until all has been looked at
		old, new := "v", "w"
		if i%2 == 1 {
			old, new = new, old
		}
		touch()
		swap(t, d, "stays", old, new, time.Time{})
	}
	left := strings.NewReplacer(
		refresh.FileName("a"), "a", refresh.FileName("b"), "b", refresh.FileName("lives"), "lives", refresh.FileName("stays"), "stays", strings.Repeat("n", 64), "foreign",
	).Replace(strings.Join(names(t, path, ""), "\n"))
	got := make(map[string]bool)
	for _, name := range strings.Split(left, "\n") {
		got[name] = true
	}
	want := map[string]bool{"b.123.tmp": true, "notes.tmp": true, "foreign": true, "lock": true, "lives": true, "stays": true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// A process that runs for a moment and writes once sweeps too.
func TestDirSweepsAtFirst(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	for i := range 20 {
		swap(t, &refresh.Dir{Path: path}, "k"+string(rune('a'+i)), "", "v", time.Now().Add(-time.Hour))
	}
	if got := names(t, path, ""); len(got) > 2 {
		t.Errorf("there is %q", got)
	}
}

// What lies behind many files that stay is found too.
func TestDirSweepsAll(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	for i := range 600 {
		if err := os.WriteFile(filepath.Join(path, strings.Repeat("n", 64)+string(rune('0'+i))), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var past []string
	for i := range 8 {
		past = append(past, "k"+string(rune('a'+i)))
		swap(t, &refresh.Dir{Path: path}, past[i], "", "v", time.Now().Add(-time.Hour))
	}
	for range 60 { // of which each finds each with a chance of 2 in 5
		d := &refresh.Dir{Path: path}
		swap(t, d, "k", "", "v", time.Time{})
		swap(t, d, "k", "v", "", time.Time{})
	}
	for _, key := range past {
		if _, err := os.Stat(filepath.Join(path, refresh.FileName(key))); err == nil {
			t.Errorf("%s is still there", key)
		}
	}
}
