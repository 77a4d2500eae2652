package kubeconfig

import (
	"context"
	"errors"
	"math/rand/v2"
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
)

const (
	was = "users:\n- {name: u, user: {token: abc}}\n"
	is  = "users:\n- {name: u, user: {token: \"\"}}\n"
)

// around returns the names of what is in the folder of a file. The time in that of a
// backup is left out.
func around(t *testing.T, path string) (names []string) {
	t.Helper()
	all, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		name := e.Name()
		if i := strings.Index(name, "-backup-"); i >= 0 {
			name = name[:i] + "-backup"
		}
		names = append(names, name)
	}
	return names
}

func holds(t *testing.T, path, want string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s has %q, %v, want %q", path, got, err, want)
	}
}

// steps are those of a Forget, in their order.
var steps = []string{
	"create", "write", "sync", "sync folder", // of the backup
	"create", "write", "sync", "rename", "sync folder",
}

// What is on the disk has its name only once it is all there, and the backup is there
// before.
func TestWriteOrder(t *testing.T) {
	t.Parallel()
	path := put(t, was)
	var got []string
	if _, err := (changer{files: Files{path}, hook: func(s string) error { got = append(got, s); return nil }}).forget(t.Context(), "u"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(steps, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Whichever step fails, as on a full disk, the file is as it was, and no lock, no half of
// a file and no backup stays. A backup does if the file has changed nevertheless.
func TestWriteFails(t *testing.T) {
	t.Parallel()
	for i, step := range steps {
		path := put(t, was)
		n := 0
		done, err := changer{files: Files{path}, hook: func(s string) error {
			if n++; n == i+1 {
				return syscall.ENOSPC
			}
			return nil
		}}.forget(t.Context(), "u")
		if !errors.Is(err, syscall.ENOSPC) || done.File != "" {
			t.Fatalf("%d %s: %+v, %v", i, step, done, err)
		}
		want, text, says := []string{"config"}, was, " is not changed"
		if i >= 4 {
			says = " cannot be changed"
		}
		if i == len(steps)-1 { // it is done
			want, text, says = append(want, "config.tokenlife-backup"), is, " is changed, but a power cut may undo that: "
			if !strings.HasSuffix(err.Error(), " is what it was)") {
				t.Errorf("%v, without the backup", err)
			}
		}
		if !strings.HasPrefix(err.Error(), "kubeconfig: "+path+says) {
			t.Errorf("%d %s: %v", i, step, err)
		}
		holds(t, path, text)
		if diff := cmp.Diff(want, around(t, path)); diff != "" {
			t.Errorf("%d %s: files (-want +got):\n%s", i, step, diff)
		}
	}
}

// Whenever a process is killed, the file is the old one or the new one. The lock stays,
// as kubectl's would, and once it is deleted all goes on.
func TestWriteKilled(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals there")
	}
	t.Parallel()
	const where, when = "KUBECONFIG_KILLED_PATH", "KUBECONFIG_KILLED_STEP"
	if path := os.Getenv(where); path != "" {
		n := 0
		changer{files: Files{path}, hook: func(string) error {
			if n++; n == len(os.Getenv(when)) {
				p, _ := os.FindProcess(os.Getpid())
				p.Kill()
				select {}
			}
			return nil
		}}.forget(t.Context(), "u")
		return
	}
	for i, step := range steps {
		path := put(t, was)
		cmd := exec.Command(os.Args[0], "-test.run=^TestWriteKilled$")
		cmd.Env = append(os.Environ(), where+"="+path, when+"="+strings.Repeat("x", i+1))
		if out, err := cmd.CombinedOutput(); err == nil || err.Error() != "signal: killed" {
			t.Fatalf("%d %s: %v, %s", i, step, err, out)
		}
		if i == len(steps)-1 {
			holds(t, path, is)
			continue
		}
		holds(t, path, was)
		if err := os.Remove(path + lockSuffix); err != nil {
			t.Errorf("%d %s: %v", i, step, err)
		}
		if _, err := (Files{path}).Forget(t.Context(), "u"); err != nil {
			t.Errorf("%d %s: %v", i, step, err)
		}
		holds(t, path, is)
		for _, name := range around(t, path) {
			if strings.HasSuffix(name, tempSuffix) || strings.HasSuffix(name, lockSuffix) {
				t.Errorf("%d %s: there is %s", i, step, name)
			}
		}
	}
}

// The same at any time, and not only between two steps.
func TestWriteKilledAtRandom(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals there")
	}
	t.Parallel()
	const where = "KUBECONFIG_RANDOM_PATH"
	const text = "users:\n- {name: u, user: {auth-provider: {config: {n: \"VALUE\"}}}}\n"
	if path := os.Getenv(where); path != "" {
		for ctx := context.Background(); ; {
			if _, err := (Files{path}).update(ctx, "u", func(config map[string]string) (map[string]string, error) {
				n, err := strconv.Atoi(config["n"])
				return map[string]string{"n": strconv.Itoa(n + 1)}, err
			}); err != nil {
				os.Stdout.WriteString(err.Error())
				return
			}
		}
	}
	path := put(t, strings.Replace(text, "VALUE", "100000", 1))
	last := 100000
	for range 10 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestWriteKilledAtRandom$")
		cmd.Env = append(os.Environ(), where+"="+path)
		var out strings.Builder
		cmd.Stdout = &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// It is killed some time after it has written so many times.
		writes := rand.IntN(5)
		for began := time.Now(); time.Since(began) < time.Minute; {
			p, err := Files{path}.provider("u")
			if n, _ := strconv.Atoi(p.Config["n"]); err == nil && n > last+writes {
				break
			}
		}
		cmd.Process.Kill()
		cmd.Wait()
		if out.Len() > 0 {
			t.Fatal(out.String())
		}
		if err := os.Remove(path + lockSuffix); err != nil && !missing(err) {
			t.Fatal(err)
		}
		p, err := Files{path}.provider("u")
		if err != nil {
			t.Fatal(err)
		}
		n, err := strconv.Atoi(p.Config["n"])
		if err != nil || n <= last {
			t.Errorf("it has %q after %d, %v", p.Config["n"], last, err)
		}
		last = n
		holds(t, path, strings.Replace(text, "VALUE", p.Config["n"], 1))
	}
}

// A symbolic link stays one, its target is what changes, and the mode stays.
func TestWriteLink(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no links and modes there")
	}
	t.Parallel()
	for _, mode := range []os.FileMode{0o600, 0o640, 0o400, 0o644} {
		target := put(t, was)
		if err := os.Chmod(target, mode); err != nil {
			t.Fatal(err)
		}
		link := filepath.Join(t.TempDir(), "link")
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
		done, err := Files{link}.Forget(t.Context(), "u")
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Dir(done.Backup) != filepath.Dir(link) || done.File != link {
			t.Errorf("%+v", done)
		}
		if to, err := os.Readlink(link); err != nil || to != target {
			t.Errorf("the link leads to %s, %v", to, err)
		}
		holds(t, target, is)
		if info, err := os.Stat(target); err != nil || info.Mode() != mode {
			t.Errorf("the mode is %v, %v, want %v", info.Mode(), err, mode)
		}
		if diff := cmp.Diff([]string{"config"}, around(t, target)); diff != "" {
			t.Errorf("files (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"link", "link.tokenlife-backup"}, around(t, link)); diff != "" {
			t.Errorf("files (-want +got):\n%s", diff)
		}
	}
}

// What cannot be replaced as a whole is left.
func TestWriteRefuses(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no modes there")
	}
	t.Parallel()
	t.Run("a hard link", func(t *testing.T) {
		path := put(t, was)
		if err := os.Link(path, path+".other"); err != nil {
			t.Fatal(err)
		}
		_, err := Files{path}.Forget(t.Context(), "u")
		if err == nil || !strings.Contains(err.Error(), "hard link") {
			t.Errorf("%v", err)
		}
		holds(t, path, was)
		if diff := cmp.Diff([]string{"config", "config.other"}, around(t, path)); diff != "" {
			t.Errorf("files (-want +got):\n%s", diff)
		}
	})
	t.Run("a folder that cannot be written to", func(t *testing.T) {
		if os.Geteuid() == 0 {
			t.Skip("root may write there")
		}
		path := put(t, was)
		if err := os.Chmod(filepath.Dir(path), 0o500); err != nil {
			t.Fatal(err)
		}
		defer os.Chmod(filepath.Dir(path), 0o700)
		_, err := Files{path}.Forget(t.Context(), "u")
		if !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), "the lock of "+path+" cannot be taken") {
			t.Errorf("%v", err)
		}
		holds(t, path, was)
	})
	t.Run("a lock that cannot be made", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), strings.Repeat("x", 252))
		if err := os.WriteFile(path, []byte(was), 0o600); err != nil {
			t.Skip(err)
		}
		_, err := Files{path}.Forget(t.Context(), "u")
		if !errors.Is(err, syscall.ENAMETOOLONG) || !strings.Contains(err.Error(), "the lock of "+path+" cannot be taken") {
			t.Errorf("%v", err)
		}
		holds(t, path, was)
	})
	t.Run("changed by an editor", func(t *testing.T) {
		path := put(t, was)
		_, err := changer{files: Files{path}, hook: func(string) error {
			return os.WriteFile(path, []byte("# mine\n"), 0o600)
		}}.forget(t.Context(), "u")
		if err == nil || !strings.Contains(err.Error(), "somebody else has changed it just now") {
			t.Errorf("%v", err)
		}
		holds(t, path, "# mine\n")
		if diff := cmp.Diff([]string{"config"}, around(t, path)); diff != "" {
			t.Errorf("files (-want +got):\n%s", diff)
		}
	})
	t.Run("a link in the place of the new file", func(t *testing.T) {
		path := put(t, was)
		victim := put(t, "mine")
		_, err := changer{files: Files{path}, hook: func(s string) error {
			os.Symlink(victim, path+tempSuffix)
			return nil
		}}.forget(t.Context(), "u")
		if !errors.Is(err, os.ErrExist) {
			t.Errorf("%v", err)
		}
		holds(t, path, was)
		holds(t, victim, "mine")
	})
}
