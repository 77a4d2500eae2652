package kubeconfig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Forget clears what is dead, leaves the rest and says why, and writes what was.
func TestForget(t *testing.T) {
	t.Parallel()
	good, dead := until(time.Now().Add(time.Hour)), until(time.Now().Add(-time.Hour))
	for _, test := range []struct {
		name, user, is string // YAML; is is empty if nothing changes
		cleared        []string
		left           string // in what was left
	}{
		{"expired token", "{token: " + dead + ", x: y}", `{token: "", x: y}`, []string{"token"}, ""},
		{"opaque token", "{token: abc}", `{token: ""}`, []string{"token"}, ""},
		{"good token", "{token: " + good + "}", "", nil, "The token is good until "},
		{"login", "{auth-provider: {name: oidc, config: {client-id: c, client-secret: s, id-token: " + good + ", refresh-token: r}}}", `{auth-provider: {name: oidc, config: {client-id: c, client-secret: s, id-token: "", refresh-token: ""}}}`, []string{"auth-provider.config.id-token", "auth-provider.config.refresh-token"}, ""},
		{"half a login", "{auth-provider: {name: oidc, config: {refresh-token: r, id-token: \"\"}}}", `{auth-provider: {name: oidc, config: {refresh-token: "", id-token: ""}}}`, []string{"auth-provider.config.refresh-token"}, ""},
		{"cleared before", "{token: \"\", auth-provider: {name: oidc, config: {id-token: \"\"}}}", "", nil, ""},
		{"gcp", "{auth-provider: {name: gcp, config: {access-token: a, expiry: b}}}", `{auth-provider: {name: gcp, config: {access-token: "", expiry: b}}}`, []string{"auth-provider.config.access-token"}, ""},
		{"certificate", "{client-certificate: c, client-key: k}", "", nil, "The client certificate ends by itself"},
		{"password", "{username: c, password: k}", "", nil, "The password does not expire"},
		{"token file", "{tokenFile: /nowhere/t}", "", nil, "The token file /nowhere/t belongs to what writes it"},
		{"plugin", "{exec: {command: nothing}}", "", nil, "The exec plugin nothing keeps its tokens itself"},
		{"a token and a plugin", "{token: abc, exec: {command: nothing}}", `{token: "", exec: {command: nothing}}`, []string{"token"}, "The exec plugin nothing keeps its tokens itself"},
		{"nothing", "{}", "", nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			text := "# c\ncurrent-context: c\ncontexts: [{name: c, context: {user: u}}]\nusers:\n- name: u\n  user: USER # it\n- name: v\n  user: {token: abc}\n"
			was := strings.Replace(text, "USER", test.user, 1)
			path := put(t, was)
			done, err := Files{path}.Forget(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.cleared, done.Cleared); diff != "" {
				t.Errorf("cleared (-want +got):\n%s", diff)
			}
			if left := strings.Join(done.Left, "\n"); !strings.Contains(left, test.left) || (left == "") != (test.left == "") {
				t.Errorf("left %q", left)
			}
			want := was
			if test.is != "" {
				want = strings.Replace(text, "USER", test.is, 1)
			}
			now, err := os.ReadFile(path)
			if diff := cmp.Diff(want, string(now)); diff != "" || err != nil {
				t.Errorf("the file, %v (-want +got):\n%s", err, diff)
			}
			others, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*-backup-*"))
			if err != nil {
				t.Fatal(err)
			}
			if test.is == "" {
				if done.File != "" || done.Backup != "" || len(others) != 0 {
					t.Errorf("%+v, and there is %q", done, others)
				}
				return
			}
			backup, err := os.ReadFile(done.Backup)
			if err != nil {
				t.Fatal(err)
			}
			if string(backup) != was || done.File != path || len(others) != 1 || done.Backup != others[0] {
				t.Errorf("%+v, %q has %s", done, others, backup)
			}
			info, err := os.Stat(done.Backup)
			if err != nil || info.Mode() != 0o600 {
				t.Errorf("the backup has the mode %v, %v", info.Mode(), err)
			}
			if again, err := (Files{path}).Forget(t.Context(), "u"); err != nil || again.File != "" {
				t.Errorf("again: %+v, %v", again, err)
			}
		})
	}
}

// The file that changes is the one that defines the user, and no other.
func TestForgetOfSeveral(t *testing.T) {
	t.Parallel()
	texts := []string{"users:\n- {name: v, user: {token: abc}}\n", was, was}
	var files Files
	for _, text := range texts {
		files = append(files, put(t, text))
	}
	done, err := files.Forget(t.Context(), "u")
	if err != nil || done.File != files[1] || !strings.HasPrefix(done.Backup, files[1]) {
		t.Errorf("%+v, %v", done, err)
	}
	holds(t, files[0], texts[0])
	holds(t, files[1], is)
	holds(t, files[2], texts[2])
}

// Backups of one second have names of their own.
func TestForgetBackups(t *testing.T) {
	t.Parallel()
	path := put(t, "")
	f, now := &file{path: path, text: []byte("x")}, time.Date(2026, 11, 26, 11, 0, 0, 5, time.FixedZone("", 3600))
	for _, want := range []string{"", "-2", "-3"} {
		got, err := f.backup(now, nil)
		if want = path + ".tokenlife-backup-20261126T100000Z" + want; got != want || err != nil {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
	}
}

// A token that cannot be cleared alone stays, and there is no backup of nothing.
func TestForgetUnusual(t *testing.T) {
	t.Parallel()
	path := put(t, "users:\n- {name: u, user: &a {token: abc}}\n- {name: v, user: *a}\n")
	done, err := Files{path}.Forget(t.Context(), "u")
	if err == nil || !strings.Contains(err.Error(), "users[0].user.token cannot be changed without touching what is around it") {
		t.Errorf("%+v, %v", done, err)
	}
	if names, err := os.ReadDir(filepath.Dir(path)); err != nil || len(names) != 1 {
		t.Errorf("%v, %v", names, err)
	}
}

// Where there is nothing to clear, nobody's lock is waited for.
func TestForgetNothingLocked(t *testing.T) {
	t.Parallel()
	path := put(t, is)
	if err := os.WriteFile(path+lockSuffix, nil, 0); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		if done, err := (Files{path}).Forget(t.Context(), "u"); err != nil || done.File != "" {
			t.Errorf("%+v, %v", done, err)
		}
	})
}
